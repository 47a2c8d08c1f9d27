"""Cells of a CSV file, a column at a time: what comes again and again in a million rows is written once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import date
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from loa.times import MINUTE, Instant, local
from scheduler.exports.tables import Column, Kind

MEGABYTE = 1_000_000
FORMULA = frozenset("=+-@\t\r\n＝＋－＠")
"""A cell that begins so, blanks left out, is taken for a formula by some spreadsheet."""
_AFTER_A_BREAK = re.compile(r"([;\t\r\n] *)(?=[=+\-@＝＋－＠])")
"""Where the semicolon parts cells, as in a spreadsheet set to Vietnamese, the rest of a text is a cell."""
_QUOTED = re.compile(r'[",\r\n]')
MOST_KNOWN = 20_000
"""Values of a column that are kept as they were written."""
Cells = Callable[[Iterable[Any]], Iterable[str]]
"""The values of a column → its cells, ready to be joined by commas."""


class Known(dict[Any, str]):
    """Value → cell, made when it is first asked for; an unknown value is an empty cell."""

    def __init__(self, make: Callable[[Any], object]) -> None:
        self._make = make
        self[None] = ""

    def __missing__(self, value: Any) -> str:
        if len(self) > MOST_KNOWN:
            self.clear()
            self[None] = ""
        made = self[value] = quoted(str(self._make(value)))
        return made


def of_column(column: Column, zone: ZoneInfo) -> Cells:
    """How the values of that column are written."""
    if column.kind is Kind.MOMENT:
        return _moments(zone)
    known = Known(_MAKERS.get(column.kind, text)).__getitem__
    return lambda values: map(known, values)


def text(value: object) -> str:
    """Text that no spreadsheet takes for a formula."""
    found = _AFTER_A_BREAK.sub(r"\1'", str(value))
    return f"'{found}" if found.lstrip(" ")[:1] in FORMULA else found


def quoted(cell: str) -> str:
    """In quotation marks where it must be."""
    return '"' + cell.replace('"', '""') + '"' if _QUOTED.search(cell) else cell


def _moments(zone: ZoneInfo) -> Cells:
    """Instants to the millisecond: the minute from what is known, the rest from a list of them all."""
    minutes, rests = Known(lambda n: f"{local(Instant(n * MINUTE), zone):%d/%m/%Y %H:%M}"), _rests()

    def make(values: Iterable[Any]) -> list[str]:
        return [
            "" if value is None else minutes[value // MINUTE] + rests[value % MINUTE]
            for value in values
        ]

    return make


@cache
def _rests() -> tuple[str, ...]:
    return tuple(f":{ms // 1000:02d}.{ms % 1000:03d}" for ms in range(MINUTE))


def _day(day: date) -> str:
    return f"{day:%d/%m/%Y}"


_MAKERS: dict[Kind, Callable[[Any], object]] = {
    Kind.MINUTES: lambda ms: round(ms / MINUTE, 2),
    Kind.MEGABYTES: lambda size: round(size / MEGABYTE, 2),
    Kind.RATE: lambda rate: round(rate, 4),
    Kind.DAY: _day,
    Kind.INTEGER: int,
    Kind.CODE: int,
}
