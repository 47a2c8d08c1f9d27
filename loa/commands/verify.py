"""``loa verify``: check a bundle of evidence. The work is the stand-alone verifier's (verifier/loa_verify.py)."""

from __future__ import annotations

import argparse
from pathlib import Path

from loa.commands import common
from loa.errors import ConfigError
from scheduler.evidence import bundles
from verifier import loa_verify


def arguments(parser: argparse.ArgumentParser) -> None:
    common.add_config(parser)
    parser.add_argument("file", type=Path, metavar="TỆP", help="gói chứng cứ .zip")
    parser.add_argument(
        "--key", action="append", default=[], metavar="DẤU_VÂN_TAY",
        help="dấu vân tay khoá của đài; không nói thì lấy khoá của đài trên máy này, nếu có",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="in kết quả dạng JSON")


def run(parsed: argparse.Namespace) -> int:
    return loa_verify.run(str(parsed.file), parsed.key or _own(parsed), parsed.json)


def _own(parsed: argparse.Namespace) -> list[str]:
    """Fingerprints of this station's keys; none where there is no station."""
    try:
        config = common.load(parsed)
    except ConfigError:
        if parsed.config is not None:
            raise
        return []
    return [loa_verify.fingerprint(key.x) for key in bundles.station_keys(config)]
