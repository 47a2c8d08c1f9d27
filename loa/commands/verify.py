"""``loa verify``: check a bundle of evidence. The work is the stand-alone verifier's (verifier/loa_verify.py)."""

from __future__ import annotations

import argparse
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from devices.signing import PublicKey
from loa.commands import common
from loa.config import Config
from loa.database import Database
from loa.errors import ConfigError, LoaError
from scheduler.evidence import station_keys
from verifier import loa_verify


def arguments(parser: argparse.ArgumentParser) -> None:
    common.add_config(parser)
    parser.add_argument("file", type=Path, metavar="TỆP", help="gói chứng cứ .zip")
    parser.add_argument(
        "--key", action="append", default=[], metavar="DẤU_VÂN_TAY",
        help="dấu vân tay khoá hoặc khoá gốc của đài; không nói thì lấy khoá của đài trên máy này, nếu có",
    )  # fmt: skip
    parser.add_argument(
        "--checkpoint", action="append", default=[], metavar="TỆP",
        help="tệp dấu mốc mà đài đã gửi ra ngoài, để biết nhật ký có bị viết lại từ đó không",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="in kết quả dạng JSON")


def run(parsed: argparse.Namespace) -> int:
    anchors = parsed.key or _own(parsed)
    return loa_verify.run(str(parsed.file), anchors, parsed.json, parsed.checkpoint)


def _own(parsed: argparse.Namespace) -> list[str]:
    """Fingerprints of this station's keys; none where there is no station."""
    try:
        config = common.load(parsed)
    except ConfigError:
        if parsed.config is not None:
            raise
        return []
    return [loa_verify.fingerprint(key.x) for key in _keys(config)]


def _keys(config: Config) -> list[PublicKey]:
    """As many as files and database tell: a bundle of long ago is signed by a key that no file knows any more."""
    files = station_keys.of(config)
    if not files:
        return []  # no station here, so its database is not made, either
    database = Database(config.database_url)
    try:
        database.demand_current()
        with database.read() as session:
            return station_keys.of(config, session)
    except (LoaError, SQLAlchemyError):
        return files
    finally:
        database.close()
