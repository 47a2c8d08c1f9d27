"""Tables as a workbook: the only file that knows rustpy_xlsxwriter.

Text is written as text, so that no title can become a formula. The only formulas are the totals, and each carries
its value: not every program computes a workbook when it opens it.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any
from zoneinfo import ZoneInfo

from rustpy_xlsxwriter import FastExcel, Format

from scheduler.exports import xlsx_cells
from scheduler.exports.csv_file import NOTHING
from scheduler.exports.tables import Column, Document, Kind, Table

FORMATS = {
    Kind.MINUTES: "#,##0.0",
    Kind.RATE: "0.0%",
    Kind.MEGABYTES: "#,##0.0",
    Kind.MOMENT: "dd/mm/yyyy hh:mm:ss.000",
    Kind.DAY: "dd/mm/yyyy",
    Kind.INTEGER: "#,##0",
    Kind.CODE: "0",
}
WIDTHS = {Kind.TEXT: 24.0, Kind.MOMENT: 23.0}
HEAD = 3
"""Rows above the heading: the report's title, the table's, and an empty one."""
AT_ONCE = 1_000
"""Rows that are made ready in one step."""
CHUNK = 1 << 20
TAIL = 1 << 16
_EMPTY = re.compile(rb'<c r="([A-Z]+)\d+"([^>]*?) t="str"><f>([^<]*)</f><v></v></c>')
_NOT_IN_NAMES = re.compile(r"[\[\]:*?/\\']")


class Sums:
    """What the totals of one table come to, added up while its rows go by."""

    def __init__(self, table: Table, zone: ZoneInfo) -> None:
        self.table = table
        self._given = iter(table.rows)
        self._first = list(islice(self._given, 1))
        self._makers = [xlsx_cells.of_column(column, zone) for column in table.columns]
        self.totals = [0.0 if column.is_summed else None for column in table.columns]

    @property
    def is_empty(self) -> bool:
        return not self._first

    @property
    def has_totals(self) -> bool:
        return not self.is_empty and any(column.is_summed for column in self.table.columns)

    def rows(self) -> Iterator[dict[str, Any]]:
        """Rows as the library wants them."""
        titles = [column.title for column in self.table.columns]
        if self.is_empty:
            # The library knows the columns from the rows alone.
            yield dict.fromkeys(titles) | {titles[0]: NOTHING}
        summed = [n for n, column in enumerate(self.table.columns) if column.is_summed]
        rows = chain(self._first, self._given)
        while some := list(islice(rows, AT_ONCE)):
            given = zip(self._makers, zip(*some, strict=True), strict=True)
            columns = [make(values) for make, values in given]
            for n in summed:
                columns[n] = values = list(columns[n])
                known = (value for value in values if value is not None)
                self.totals[n] = (self.totals[n] or 0.0) + sum(known)
            for row in zip(*columns, strict=True):
                yield dict(zip(titles, row, strict=True))


def write(document: Document, path: Path, zone: ZoneInfo) -> None:
    """One sheet per table; numbers and times are numbers and times, an unknown value is an empty cell."""
    raw = path.with_suffix(".part")
    book = FastExcel(str(raw), output_format="xlsx")
    sums = [Sums(table, zone) for table in (*document.tables, *_notes(document))]
    for each in sums:
        _sheet(book, document, each)
    try:
        book.save()
        if any(each.has_totals for each in sums):
            with path.open("wb") as out:
                _with_values(raw, out, sums)
        else:
            raw.replace(path)
    finally:
        raw.unlink(missing_ok=True)


def _notes(document: Document) -> list[Table]:
    """What the report says besides its tables, as a sheet of its own."""
    said = [*document.sentences, *document.footnotes]
    lines = [(line,) for line in said]
    return [Table("notes", "Ghi chú", (Column("note", "Ghi chú"),), lines)] if said else []


def _sheet(book: FastExcel, document: Document, sums: Sums) -> None:
    table = sums.table
    columns = table.columns
    last = len(columns) - 1
    name = _sheet_name(table.title)
    heads = [
        (
            0,
            0,
            0,
            last,
            f"{document.title} – {document.period} – {document.station}",
            Format().set_bold(),
        )
    ]
    heads.append((1, 0, 1, last, f"{table.title}. {table.note}".strip(), Format()))
    totals = {} if sums.is_empty else {c.title: "sum" for c in columns if c.is_summed}
    book.freeze(row=HEAD + 1, sheet=name).sheet(
        name,
        sums.rows(),
        header_row=HEAD,
        header_format=Format().set_bold(),
        merge_ranges=heads if last else [],
        column_formats={
            column.title: Format().set_num_format(FORMATS[column.kind])
            for column in columns
            if column.kind in FORMATS
        },
        column_widths={column.title: WIDTHS.get(column.kind, 14.0) for column in columns},
        autofilter=not totals,
        totals_row=totals or None,
        totals_label="Cộng" if totals else None,
        totals_format=Format().set_bold() if totals else None,
    )


def _sheet_name(title: str) -> str:
    return _NOT_IN_NAMES.sub(" ", title)[:31].strip()


def _with_values(raw: Path, out: IO[bytes], sums: list[Sums]) -> None:
    """Copy the workbook, giving each total its value; a sheet of any length passes in small pieces."""
    with (
        zipfile.ZipFile(raw) as source,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=4) as made,
    ):
        for entry in source.infolist():
            number = re.fullmatch(r"xl/worksheets/sheet(\d+)\.xml", entry.filename)
            with source.open(entry) as read, made.open(entry.filename, "w") as write:
                _copy(read, write, sums[int(number[1]) - 1] if number else None)


def _copy(read: IO[bytes], write: IO[bytes], sums: Sums | None) -> None:
    held = b""
    while piece := read.read(CHUNK):
        held += piece
        if len(held) > TAIL:
            write.write(held[:-TAIL])
            held = held[-TAIL:]
    write.write(held if sums is None else _filled(held, sums.totals))


def _filled(tail: bytes, totals: list[float | None]) -> bytes:
    """The end of a sheet, where its totals are."""

    def fill(found: re.Match[bytes]) -> bytes:
        place = 0
        for letter in found[1]:
            place = place * 26 + letter - 64
        value = totals[place - 1]
        return b'<c r="%b%d"%b><f>%b</f><v>%b</v></c>' % (
            found[1], _row(found[0]), found[2], found[3], f"{value or 0:.15g}".encode(),
        )  # fmt: skip

    return _EMPTY.sub(fill, tail)


def _row(cell: bytes) -> int:
    found = re.search(rb'r="[A-Z]+(\d+)"', cell)
    return int(found[1]) if found else 0
