"""``loa report``: the figures of a period, or the broadcast log of a span of days, as a file."""

from __future__ import annotations

import argparse
import io
import sys
from contextlib import nullcontext
from datetime import date, datetime
from pathlib import Path
from typing import TextIO

from sqlalchemy.orm import Session

from loa import times
from loa.commands import common
from loa.config import Config
from loa.database import Database
from loa.errors import LoaError
from loa.times import local
from scheduler.exports import csv_file, docx_file, json_file, xlsx_file
from scheduler.exports.tables import Document, Table
from scheduler.reporting import document, figures, fleet, log, periods
from scheduler.reporting.periods import Period
from scheduler.reports import LogFilter

FORMATS = ("csv", "json", "xlsx", "docx")


def arguments(parser: argparse.ArgumentParser) -> None:
    common.add_config(parser)
    parser.add_argument(
        "--period",
        metavar="KỲ",
        help="báo cáo số liệu của kỳ: 2026, 2026-11, 2026-H1 (nộp trước 01/6), 2026-H2 (nộp trước 01/12)",
    )
    for option, name, words in (
        ("--from", "since", "nhật ký phát: ngày đầu, vd 2026-11-01"),
        ("--to", "until", "nhật ký phát: ngày cuối, tính cả ngày này"),
    ):
        parser.add_argument(option, dest=name, type=day, metavar="NGÀY", help=words)
    parser.add_argument(
        "--format", choices=FORMATS, help="định dạng (mặc định theo tên tệp, không có thì csv)"
    )
    parser.add_argument(
        "--no-bom", action="store_true", help="csv không có dấu BOM ở đầu (Excel cần dấu này)"
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        required=True,
        metavar="TỆP",
        help="tệp kết quả; “-” để in ra màn hình (csv, json)",
    )


def run(parsed: argparse.Namespace) -> int:
    config = common.load(parsed)
    kind = parsed.format or parsed.output.suffix[1:]
    kind = kind if kind in FORMATS else "csv"
    period = _period(parsed)
    database = Database(config.database_url)
    database.demand_current()
    with database.read() as session:
        made = _report(session, config, period) if parsed.period else _log(session, config, period)
        try:
            rows = _write(made, kind, parsed.output, config, bom=not parsed.no_bom)
        except OSError as error:
            raise LoaError(f"Không ghi được tệp {parsed.output}: {error.strerror}.") from error
    if str(parsed.output) != "-":
        print(f"{parsed.output}: {rows} dòng." if rows is not None else f"{parsed.output}: xong.")
    return 0


def _period(parsed: argparse.Namespace) -> Period:
    if parsed.period and not (parsed.since or parsed.until):
        return periods.parse(parsed.period)
    if parsed.period or not (parsed.since and parsed.until):
        raise LoaError("Hãy cho --period (báo cáo số liệu), hoặc cả --from và --to (nhật ký phát).")
    return periods.span(parsed.since, parsed.until)


def _report(session: Session, config: Config, period: Period) -> Document:
    now = times.now()
    found = figures.of_period(session, period, config.zone)
    before = figures.total(session, period.before(), config.zone)
    made = document.of_period(
        found, before, title="Kết quả phát thanh của đài truyền thanh", station=config.station.name,
        made_on=local(now, config.zone).date(),
    )  # fmt: skip
    each = fleet.of_period(session, period, config.zone, now)
    made.tables.append(document.of_receivers(each))
    return made


def _log(session: Session, config: Config, period: Period) -> Document:
    since, until = period.bounds(config.zone)
    rows = log.rows(session, LogFilter(since=since, until=until))
    made_on = local(times.now(), config.zone).date()
    return Document(
        "Nhật ký phát", period.name, config.station.name, made_on, period.first, period.last,
        tables=[Table("log", "Nhật ký phát", log.COLUMNS, rows)],
    )  # fmt: skip


def _write(made: Document, kind: str, path: Path, config: Config, *, bom: bool) -> int | None:
    """Write the file; the number of rows where it is one table of CSV."""
    if kind in ("xlsx", "docx"):
        if str(path) == "-":
            raise LoaError(f"Định dạng {kind} cần một tên tệp ở -o.")
        _binary(made, kind, path, config)
        return None
    # utf-8-sig: without the mark, Excel takes Vietnamese for another encoding
    encoding = "utf-8-sig" if bom and kind == "csv" else "utf-8"
    to_screen = str(path) == "-"
    with (
        nullcontext(sys.stdout)
        if to_screen
        else path.open("w", encoding=encoding, newline="") as out
    ):
        return _text(made, kind, out, config)


def _text(made: Document, kind: str, out: TextIO, config: Config) -> int | None:
    if kind == "json":
        json_file.write(made, out)
        return None
    if len(made.tables) == 1:
        return csv_file.write(made.tables[0], out, config.zone)
    csv_file.write_all(made.tables, out, config.zone)
    return None


def _binary(made: Document, kind: str, path: Path, config: Config) -> None:
    if kind == "xlsx":
        xlsx_file.write(made, path, config.zone)
        return
    paper = io.BytesIO()
    docx_file.write(made, paper, config.zone)
    path.write_bytes(paper.getvalue())


def day(text: str) -> date:
    for form in ("%Y-%m-%d", "%d/%m/%Y"):
        try:
            return datetime.strptime(text, form).date()  # noqa: DTZ007 - a calendar day has no zone
        except ValueError:
            continue
    raise argparse.ArgumentTypeError(f"“{text}” không phải ngày dạng 2026-11-21 hoặc 21/11/2026")
