"""Tables as CSV, line by line."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any, TextIO
from zoneinfo import ZoneInfo

from loa.times import MINUTE, Instant, local
from scheduler.exports.tables import Column, Kind, Table

MEGABYTE = 1_000_000
FORMULA = frozenset("=+-@\t\r＝＋－＠")
"""A cell that begins so is taken for a formula by some spreadsheet."""


def write(table: Table, out: TextIO, zone: ZoneInfo) -> int:
    """The heading and the rows; returns how many rows. No text can become a formula."""
    writer = csv.writer(out)
    writer.writerow([column.title for column in table.columns])
    written = 0
    writers = [_cell(column, zone) for column in table.columns]

    def lines() -> Iterator[list[Any]]:
        nonlocal written
        for row in table.rows:
            written += 1
            yield [
                None if value is None else make(value)
                for make, value in zip(writers, row, strict=True)
            ]

    writer.writerows(lines())
    return written


def write_all(tables: list[Table], out: TextIO, zone: ZoneInfo) -> None:
    """Several tables below each other, each under its title."""
    for number, table in enumerate(tables):
        if number:
            out.write("\r\n")
        csv.writer(out).writerow([text(table.title)])
        write(table, out, zone)


def text(value: object) -> str:
    """Text that no spreadsheet takes for a formula."""
    found = str(value)
    return f"'{found}" if found[:1] in FORMULA else found


def _cell(column: Column, zone: ZoneInfo) -> Callable[[Any], object]:
    match column.kind:
        case Kind.MOMENT:
            return moments(zone)
        case Kind.MINUTES:
            return lambda ms: round(ms / MINUTE, 2)
        case Kind.MEGABYTES:
            return lambda size: round(size / MEGABYTE, 2)
        case Kind.RATE:
            return lambda rate: round(rate, 4)
        case Kind.DAY:
            return _day
        case Kind.INTEGER:
            return int
        case _:
            return text


def _day(day: date) -> str:
    return f"{day:%d/%m/%Y}"


def moments(zone: ZoneInfo) -> Callable[[Instant], str]:
    """Instants as text to the millisecond; quick where many fall into the same minutes."""
    known: dict[int, tuple[int, str]] = {}

    def make(instant: Instant) -> str:
        minute = instant // MINUTE
        if minute not in known:
            if len(known) > 10_000:
                known.clear()
            known[minute] = (
                minute * MINUTE,
                f"{local(Instant(minute * MINUTE), zone):%d/%m/%Y %H:%M}",
            )
        begun, words = known[minute]
        ms = instant - begun
        return f"{words}:{ms // 1000:02d}.{ms % 1000:03d}"

    return make
