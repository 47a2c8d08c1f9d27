"""``loa rollup``: other stations' bundles of evidence, counted together: a province over its communes."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import sqlalchemy as sa

from loa import times
from loa.commands import common
from loa.config import Config
from loa.database import Database
from loa.errors import LoaError
from loa.staff import Staff
from loa.times import local
from scheduler.exports import files
from scheduler.reporting import periods
from scheduler.rollup import document, figures, importing, reading


def arguments(parser: argparse.ArgumentParser) -> None:
    acts = parser.add_subparsers(
        dest="act", required=True, metavar="VIỆC", parser_class=type(parser)
    )
    take = acts.add_parser("import", help="nhận gói chứng cứ (loa evidence) của các xã")
    common.add_config(take)
    take.add_argument("files", type=Path, nargs="+", metavar="TỆP", help="gói .zip")
    take.add_argument(
        "--as",
        dest="login",
        required=True,
        metavar="TÊN_ĐĂNG_NHẬP",
        help="quản trị đứng tên nhận gói",
    )
    take.add_argument(
        "--name", default="", metavar="TÊN", help="tên đài ở đây, khi hai xã trùng tên"
    )
    take.add_argument(
        "--key",
        default="",
        metavar="DẤU_VÂN_TAY",
        help="xác nhận khoá mới của xã, ít nhất 8 chữ số đầu",
    )
    make = acts.add_parser("report", help="báo cáo tổng hợp của một kỳ ra tệp")
    common.add_config(make)
    make.add_argument(
        "--period", required=True, metavar="KỲ", help="2026, 2026-11, 2026-H1 hoặc 2026-H2"
    )
    make.add_argument(
        "-o",
        "--output",
        type=Path,
        required=True,
        metavar="TỆP",
        help="tệp .docx, .xlsx, .csv hoặc .json",
    )


def run(parsed: argparse.Namespace) -> int:
    config = common.load(parsed)
    database = Database(config.database_url)
    database.demand_current()
    return (
        _import(parsed, database) if parsed.act == "import" else _report(parsed, config, database)
    )


def _import(parsed: argparse.Namespace, database: Database) -> int:
    """Each by itself: one that is refused keeps no other out."""
    if (parsed.name or parsed.key) and len(parsed.files) > 1:
        raise LoaError("--name và --key chỉ dùng với một gói. Hãy nhập từng gói một.")
    with database.read() as session:
        known = sa.select(Staff).where(Staff.login == parsed.login.strip().lower(), Staff.active)
        person = session.scalars(known).first()
    if person is None:
        raise LoaError(f"Không có cán bộ “{parsed.login}”. Hãy xem tên đăng nhập ở trang Cán bộ.")
    refused = 0
    for path in parsed.files:
        try:
            bundle = reading.read(path)
            with database.write() as session:
                outcome = importing.take_in(
                    session,
                    bundle,
                    path.name,
                    person,
                    times.now(),
                    name=parsed.name,
                    key=parsed.key,
                )
        except LoaError as error:
            refused += 1
            print(f"{path}: {error.sentence}", file=sys.stderr)
        else:
            print(f"{path}: {' '.join(outcome.sentences)}")
    return 1 if refused else 0


def _report(parsed: argparse.Namespace, config: Config, database: Database) -> int:
    period, kind, now = periods.parse(parsed.period), parsed.output.suffix[1:], times.now()
    if kind not in files.KINDS:
        raise LoaError(
            f"Không rõ định dạng của {parsed.output}. Hãy dùng .docx, .xlsx, .csv hoặc .json."
        )
    with database.read() as session:
        found = figures.of_period(session, period, config.zone, now)
    made = document.of_period(
        found, station=config.station.name, made_on=local(now, config.zone).date()
    )
    try:
        files.write(made, kind, parsed.output, config.zone)
    except OSError as error:
        raise LoaError(f"Không ghi được tệp {parsed.output}: {error.strerror}.") from error
    print(f"{parsed.output}: {' '.join(made.sentences[:2])}")
    return 0
