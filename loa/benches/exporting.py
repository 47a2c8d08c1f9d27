"""One export in a process of its own, so that its memory can be told; and the least others do for the same rows.

``python -m loa.benches.exporting KIND URL SINCE OUT`` prints what it took as JSON.
"""

from __future__ import annotations

import importlib
import json
import re
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape
from zoneinfo import ZoneInfo

import msgspec
import sqlalchemy as sa
from rustpy_xlsxwriter import FastExcel, Format
from sqlalchemy.orm import Session

from loa.database import Database
from loa.times import Instant
from scheduler.exports import csv_file, xlsx_file
from scheduler.exports.tables import Document, Kind, Table
from scheduler.reporting import log
from scheduler.reports import LogFilter

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
FOREVER = Instant(10**14)
AT_ONCE = 5_000
NUMBERS = (Kind.MOMENT, Kind.INTEGER, Kind.CODE)


class Export(msgspec.Struct):
    """What one export took."""

    rows: int
    seconds: float
    cpu_seconds: float
    megabytes: float
    """Resident at its highest, Python and all that was loaded included; 0 where /proc is missing."""
    begun_megabytes: float
    """The same before the first row."""


def csv(session: Session, wanted: LogFilter, out: Path) -> int:
    """The product's."""
    table = Table("log", "Nhật ký phát", log.COLUMNS, log.rows(session, wanted))
    with out.open("w", encoding="utf-8-sig", newline="") as text:
        return csv_file.write(table, text, ZONE)


def csv_bare(session: Session, wanted: LogFilter, out: Path) -> int:
    """Every value as it is: no words, no clock, no quotation marks."""
    written = 0
    with out.open("w", encoding="utf-8", newline="") as text:
        for row in _cursor(session, wanted):
            text.write(",".join(["" if each is None else str(each) for each in row]) + "\r\n")
            written += 1
    return written


def csv_polars(session: Session, wanted: LogFilter, out: Path) -> int:
    """The same text by polars, whose times and quotation marks are as ours; codes stay codes."""
    polars: Any = importlib.import_module("polars")  # where somebody put it: no part of Loa

    schema = {
        f"c{n}": polars.Int64 if shown.column.kind in NUMBERS else polars.String
        for n, shown in enumerate(log.SHOWN)
    }
    moments = (f"c{n}" for n, shown in enumerate(log.SHOWN) if shown.column.kind is Kind.MOMENT)
    clock = [
        polars.col(name)
        .cast(polars.Datetime("ms", "UTC"))
        .dt.convert_time_zone(ZONE.key)
        .dt.strftime("%d/%m/%Y %H:%M:%S%.3f")
        for name in moments
    ]
    drill = [shown.column.key for shown in log.SHOWN].index("drill")
    written, rows = 0, _cursor(session, wanted)
    with out.open("wb") as file:
        while some := [row for row, _ in zip(rows, range(AT_ONCE), strict=False)]:
            plain = [(*row[:drill], str(row[drill]), *row[drill + 1 :]) for row in some]
            frame = polars.DataFrame(plain, schema=schema, orient="row")
            frame.with_columns(clock).write_csv(file, include_header=False)
            written += len(some)
    return written


def xlsx(session: Session, wanted: LogFilter, out: Path) -> int:
    """The product's."""
    written = 0

    def counted() -> Iterator[tuple[Any, ...]]:
        nonlocal written
        for row in log.rows(session, wanted):
            written += 1
            yield row

    day = date(2026, 11, 30)
    table = Table("log", "Nhật ký phát", log.COLUMNS, counted())
    xlsx_file.write(Document("Nhật ký phát", "", "", day, day, day, tables=[table]), out, ZONE)
    return written


def xlsx_bare(session: Session, wanted: LogFilter, out: Path) -> int:
    """The library alone, with the rows of the cursor: times are numbers without a clock."""
    titles, written = [column.title for column in log.COLUMNS], 0

    def rows() -> Iterator[dict[str, Any]]:
        nonlocal written
        for row in _cursor(session, wanted):
            written += 1
            yield dict(zip(titles, row, strict=True))

    formats = {
        column.title: Format().set_num_format(xlsx_file.FORMATS[column.kind])
        for column in log.COLUMNS
        if column.kind in xlsx_file.FORMATS
    }
    book = FastExcel(str(out), output_format="xlsx")
    book.sheet("log", rows(), column_formats=formats).save()
    return written


def xlsx_xml(session: Session, wanted: LogFilter, out: Path) -> int:
    """The sheet's XML written by hand into a ZIP: no program would open it, nothing can be less."""
    written = 0
    with (
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as book,
        book.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as sheet,
    ):
        for row in _cursor(session, wanted):
            cells = "".join([_cell(value) for value in row])
            sheet.write(f"<row>{cells}</row>".encode())
            written += 1
    return written


def _cell(value: Any) -> str:
    if value is None:
        return "<c/>"
    if isinstance(value, int):
        return f"<c><v>{value}</v></c>"
    return f'<c t="inlineStr"><is><t>{escape(value)}</t></is></c>'


def _cursor(session: Session, wanted: LogFilter) -> Iterator[tuple[Any, ...]]:
    """The rows of the log's own query as the driver gives them."""
    query = log.in_order(log.matching(sa.select(*(shown.value for shown in log.SHOWN)), wanted))
    connection = session.connection()
    text = str(query.compile(connection, compile_kwargs={"literal_binds": True}))
    driver = connection.connection.driver_connection
    if driver is None:
        raise ValueError("no connection")
    # By name, PostgreSQL keeps the rows that are not fetched yet.
    named = {} if connection.dialect.name == "sqlite" else {"name": "bench"}
    cursor = driver.cursor(**named)
    cursor.execute(text)
    while some := cursor.fetchmany(AT_ONCE):
        yield from some
    cursor.close()


KINDS: dict[str, Callable[[Session, LogFilter, Path], int]] = {
    "csv": csv, "csv-bare": csv_bare, "csv-polars": csv_polars,
    "xlsx": xlsx, "xlsx-bare": xlsx_bare, "xlsx-xml": xlsx_xml,
}  # fmt: skip


def _megabytes() -> float:
    # Not of getrusage: that counts what this process was before it became a program of its own.
    with suppress(OSError):
        found = re.search(
            r"^VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(), re.MULTILINE
        )
        return int(found[1]) * 1024 / 1e6 if found else 0.0
    return 0.0


def main(kind: str, url: str, since: str, out: str) -> None:
    """Write the file once and say what it took."""
    database = Database(url)
    begun_megabytes = _megabytes()
    with database.read() as session:
        begun, cpu = time.perf_counter(), time.process_time()
        rows = KINDS[kind](session, LogFilter(since=Instant(int(since)), until=FOREVER), Path(out))
        took = Export(
            rows, time.perf_counter() - begun, time.process_time() - cpu, _megabytes(), begun_megabytes
        )  # fmt: skip
    database.close()
    print(json.dumps(msgspec.to_builtins(took)))


if __name__ == "__main__":
    main(*sys.argv[1:])
