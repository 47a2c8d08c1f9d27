"""Tables as CSV, line by line."""

from __future__ import annotations

import csv
from itertools import islice
from typing import TextIO
from zoneinfo import ZoneInfo

from scheduler.exports import csv_cells
from scheduler.exports.csv_cells import MEGABYTE, text
from scheduler.exports.tables import Document, Table

__all__ = ["MEGABYTE", "NOTHING", "text", "write", "write_all", "write_document"]
NOTHING = "Không có trong kỳ."
AT_ONCE = 2_000
"""Rows that are written in one step."""


def write(table: Table, out: TextIO, zone: ZoneInfo) -> int:
    """The heading and the rows; returns how many rows. No text can become a formula."""
    csv.writer(out).writerow([column.title for column in table.columns])
    columns = [csv_cells.of_column(column, zone) for column in table.columns]
    rows, written = iter(table.rows), 0
    while some := list(islice(rows, AT_ONCE)):
        cells = (
            make(values) for make, values in zip(columns, zip(*some, strict=True), strict=True)
        )
        out.write("\r\n".join(map(",".join, zip(*cells, strict=True))) + "\r\n")
        written += len(some)
    return written


def write_all(tables: list[Table], out: TextIO, zone: ZoneInfo) -> None:
    """Several tables below each other, each under its title."""
    for number, table in enumerate(tables):
        if number:
            out.write("\r\n")
        csv.writer(out).writerow([text(table.title)])
        if write(table, out, zone) == 0:
            csv.writer(out).writerow([NOTHING])
        if table.note:
            csv.writer(out).writerow([text(table.note)])


def write_document(document: Document, out: TextIO, zone: ZoneInfo) -> None:
    """A report: its head, its tables and its footnotes below each other, each part after an empty line."""
    writer = csv.writer(out)
    head = (document.title, f"Kỳ báo cáo: {document.period}", document.station)
    writer.writerows([text(line)] for line in (*head, *document.sentences))
    out.write("\r\n")
    write_all(document.tables, out, zone)
    if document.footnotes:
        out.write("\r\n")
        writer.writerows([text(line)] for line in ("Ghi chú", *document.footnotes))
