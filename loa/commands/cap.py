"""``loa cap``: bring a CAP 1.2 message, from a file or an https address, to wait for people."""

from __future__ import annotations

import argparse
from pathlib import Path

import sqlalchemy as sa

from content.voices import wire
from loa import times
from loa.commands import common
from loa.database import Database
from loa.errors import LoaError
from loa.staff import Staff
from scheduler import cap, cap_messages

LIMITS = wire.Limits(connect=10.0, silence=15.0, whole=60.0, most_bytes=cap.MOST_BYTES)


def arguments(parser: argparse.ArgumentParser) -> None:
    common.add_config(parser)
    parser.add_argument(
        "source", metavar="TỆP|ĐỊA_CHỈ", help="tệp XML, hoặc địa chỉ https://… của tin CAP 1.2"
    )
    parser.add_argument(
        "--as", dest="login", required=True, metavar="TÊN_ĐĂNG_NHẬP",
        help="cán bộ đứng tên nhận tin; tin không tự phát mà chờ người duyệt",
    )  # fmt: skip


def run(parsed: argparse.Namespace) -> int:
    config = common.load(parsed)
    database = Database(config.database_url)
    database.demand_current()
    data = _read(parsed.source)
    with database.write() as session:
        known = sa.select(Staff).where(Staff.login == parsed.login.strip().lower(), Staff.active)
        person = session.scalars(known).first()
        if person is None:
            raise LoaError(
                f"Không có cán bộ “{parsed.login}”. Hãy xem tên đăng nhập ở trang Cán bộ."
            )
        row = cap_messages.take_in(session, person, data, times.now(), config.zone)
        print(f"{row.identifier}: {row.outcome}")
        if row.alert_id is not None:
            print(f"/khan-cap/{row.alert_id}")
    return 0


def _read(source: str) -> bytes:
    if "://" in source:
        return _fetch(source)
    try:
        with Path(source).open("rb") as file:
            return file.read(cap.MOST_BYTES + 1)
    except OSError as error:
        raise LoaError(f"Không đọc được tệp {source}: {error.strerror}.") from error


def _fetch(address: str) -> bytes:
    """What lies at an https address: no redirect is followed, and not more is taken than a message may be."""
    if not address.startswith("https://"):
        raise LoaError(f"Chỉ lấy tin CAP qua https; “{address[:80]}” không phải địa chỉ https.")
    try:
        with wire.Line(LIMITS) as line:
            answer = line.get(address)
    except wire.Untrusted as error:
        raise LoaError(f"Không tin được chứng chỉ của {address[:80]}. Không nhận tin.") from error
    except wire.TooMuch as error:
        raise LoaError(
            f"Tin ở {address[:80]} dài quá {cap.MOST_BYTES // 1000} kB. Không nhận tin."
        ) from error
    except (wire.NoAnswer, TimeoutError) as error:
        raise LoaError(f"{address[:80]} không trả lời. Hãy kiểm tra mạng rồi thử lại.") from error
    if answer.status != 200:
        raise LoaError(f"{address[:80]} trả lời mã {answer.status}, không phải tin CAP.")
    return answer.body
