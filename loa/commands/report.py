"""``loa report``: the broadcast log of a span of days, one row per delivery."""

from __future__ import annotations

import argparse
import sys
from datetime import date, datetime
from pathlib import Path

from loa.commands import common
from loa.database import Database
from loa.errors import LoaError
from scheduler import reports
from scheduler.reports import LogFilter


def arguments(parser: argparse.ArgumentParser) -> None:
    common.add_config(parser)
    parser.add_argument(
        "--from",
        dest="since",
        type=day,
        required=True,
        metavar="NGÀY",
        help="ngày đầu, vd 2026-11-01",
    )
    parser.add_argument(
        "--to",
        dest="until",
        type=day,
        required=True,
        metavar="NGÀY",
        help="ngày cuối, tính cả ngày này",
    )
    parser.add_argument(
        "--format", choices=("csv",), default="csv", help="định dạng (mặc định csv)"
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        required=True,
        metavar="TỆP",
        help="tệp kết quả; “-” để in ra màn hình",
    )


def run(parsed: argparse.Namespace) -> int:
    config = common.load(parsed)
    since, until = reports.whole_days(parsed.since, parsed.until, config.zone)
    database = Database(config.database_url)
    database.demand_current()
    with database.read() as session:
        rows = reports.log_rows(session, LogFilter(since=since, until=until))
        if str(parsed.output) == "-":
            reports.write_csv(rows, sys.stdout, config.zone)
            return 0
        try:
            # utf-8-sig: without the mark, Excel takes Vietnamese for another encoding
            with parsed.output.open("w", encoding="utf-8-sig", newline="") as out:
                written = reports.write_csv(rows, out, config.zone)
        except OSError as error:
            raise LoaError(f"Không ghi được tệp {parsed.output}: {error.strerror}.") from error
    print(f"{parsed.output}: {written} dòng.")
    return 0


def day(text: str) -> date:
    for form in ("%Y-%m-%d", "%d/%m/%Y"):
        try:
            return datetime.strptime(text, form).date()  # noqa: DTZ007 - a calendar day has no zone
        except ValueError:
            continue
    raise argparse.ArgumentTypeError(f"“{text}” không phải ngày dạng 2026-11-21 hoặc 21/11/2026")
