"""``loa report``: the figures of a period, or the broadcast log of a span of days, as a file."""

from __future__ import annotations

import argparse
import sys
from contextlib import nullcontext
from datetime import date, datetime
from pathlib import Path

from sqlalchemy.orm import Session

from loa import times
from loa.commands import common
from loa.config import Config
from loa.database import Database
from loa.errors import LoaError
from scheduler.exports import csv_file, files
from scheduler.exports.tables import Document
from scheduler.reporting import bulletin_codes, papers, periods
from scheduler.reporting.papers import About
from scheduler.reporting.periods import Period
from scheduler.reports import LogFilter
from scheduler.retention import reading

FORMATS = tuple(files.KINDS)


def arguments(parser: argparse.ArgumentParser) -> None:
    common.add_config(parser)
    parser.add_argument(
        "--period",
        metavar="KỲ",
        help="báo cáo số liệu của kỳ: 2026, 2026-11, 2026-H1 (nộp trước 01/6), 2026-H2 (nộp trước 01/12)",
    )
    parser.add_argument(
        "--log", action="store_true", help="nhật ký phát của kỳ thay cho báo cáo số liệu"
    )
    parser.add_argument(
        "--codes",
        choices=(bulletin_codes.CODES,),
        metavar=bulletin_codes.CODES,
        help=f"nhật ký phát theo tên trường và mã của nhật ký bản tin ({bulletin_codes.DRAFT})",
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
    about = About(config.station.name, config.zone, times.now())
    database = Database(config.database_url)
    database.demand_current()
    since, until = period.before().bounds(config.zone)[0], period.bounds(config.zone)[1]
    with (
        database.read() as here,
        reading.whole(here, config, since, until) as session,
    ):
        made = _made(session, parsed, kind, period, about)
        try:
            rows = _write(made, kind, parsed, config)
        except OSError as error:
            raise LoaError(f"Không ghi được tệp {parsed.output}: {error.strerror}.") from error
    if str(parsed.output) != "-":
        print(f"{parsed.output}: {rows} dòng." if rows is not None else f"{parsed.output}: xong.")
    return 0


def _made(
    session: Session, parsed: argparse.Namespace, kind: str, period: Period, about: About
) -> Document:
    if not _is_log(parsed):
        return papers.of_period(session, period, about).document
    codes = parsed.codes is not None
    if codes and kind == "docx":
        raise LoaError("Nhật ký bản tin theo mã chỉ có ở dạng csv, json hoặc xlsx.")
    since, until = period.bounds(about.zone)
    wanted = LogFilter(since=since, until=until)
    return papers.of_log(session, wanted, period, about, codes=codes, notes=kind != "csv")


def _is_log(parsed: argparse.Namespace) -> bool:
    return parsed.log or parsed.codes is not None or not parsed.period


def _period(parsed: argparse.Namespace) -> Period:
    if parsed.period and not (parsed.since or parsed.until):
        return periods.parse(parsed.period)
    if parsed.period or not (parsed.since and parsed.until):
        raise LoaError(
            "Hãy cho --period (báo cáo số liệu; nhật ký phát khi có --log), hoặc cả --from và --to (nhật ký phát)."
        )
    return periods.span(parsed.since, parsed.until)


def _write(made: Document, kind: str, parsed: argparse.Namespace, config: Config) -> int | None:
    """Write the file; the number of rows where it is one table of CSV."""
    path, zone, bom = parsed.output, config.zone, not parsed.no_bom
    to_screen = str(path) == "-"
    if kind in ("xlsx", "docx") and to_screen:
        raise LoaError(f"Định dạng {kind} cần một tên tệp ở -o.")
    if kind == "csv" and _is_log(parsed):
        # Rows alone, for programs: each says itself what is not confirmed.
        encoding = "utf-8-sig" if bom else "utf-8"
        with (
            nullcontext(sys.stdout)
            if to_screen
            else path.open("w", encoding=encoding, newline="") as out
        ):
            return csv_file.write(made.tables[0], out, zone)
    if to_screen:
        files.write_text(made, kind, sys.stdout, zone)
    else:
        files.write(made, kind, path, zone, bom=bom)
    return None


def day(text: str) -> date:
    for form in ("%Y-%m-%d", "%d/%m/%Y"):
        try:
            return datetime.strptime(text, form).date()  # noqa: DTZ007 - a calendar day has no zone
        except ValueError:
            continue
    raise argparse.ArgumentTypeError(f"“{text}” không phải ngày dạng 2026-11-21 hoặc 21/11/2026")
