"""What several commands share."""

from __future__ import annotations

import argparse
from pathlib import Path

from loa import config
from loa.config import Config


def add_config(parser: argparse.ArgumentParser) -> None:
    """The option every command of the station has."""
    parser.add_argument(
        "--config",
        type=Path,
        metavar="TỆP",
        help="tệp cấu hình (mặc định: config.toml ở thư mục hiện tại)",
    )


def load(parsed: argparse.Namespace) -> Config:
    """The configuration the command was called with."""
    return config.load(parsed.config)
