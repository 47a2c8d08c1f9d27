"""Values as people read them on the page, on paper and in print: an unknown one is a dash, never 0."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from loa.times import MINUTE, local
from loa.words import say
from scheduler.exports.csv_file import MEGABYTE
from scheduler.exports.tables import Column, Kind

UNKNOWN = "–"


def showers(columns: Iterable[Column], zone: ZoneInfo) -> list[Callable[[Any], str]]:
    """How each column's values are written."""
    return [shower(each, zone) for each in columns]


def shower(column: Column, zone: ZoneInfo) -> Callable[[Any], str]:
    """How that column's values are written."""
    make = _MAKERS.get(column.kind, _text)
    if column.kind is Kind.MOMENT:
        return lambda value: UNKNOWN if value is None else f"{local(value, zone):%d/%m/%Y %H:%M:%S}"
    return lambda value: UNKNOWN if value is None else make(value)


def number(value: float, places: int = 0) -> str:
    """1.234,5 as it is written in Vietnamese; 1,234.5 where a page is read in English."""
    if isinstance(value, int) and not places and -1000 < value < 1000:
        return str(value)  # most of a report, and the same in every language
    whole, _, part = f"{value:,.{places}f}".partition(".")
    said = functools.reduce(_thousands, whole.split(","))
    return say("%(whole)s,%(part)s", whole=said, part=part) if part else said


def _thousands(left: str, right: str) -> str:
    return say("%(left)s.%(right)s", left=left, right=right)


def minutes(ms: int) -> str:
    return number(ms / MINUTE, 1)


def rate(value: float) -> str:
    """Per cent, rounded down to a tenth: what is not whole is never shown as 100 %."""
    return say("%(number)s %%", number=number(int(value * 1000 + 1e-9) / 10, 1))


def _text(value: object) -> str:
    # What was said keeps its other language.
    return value if isinstance(value, str) else str(value)


def _megabytes(size: int) -> str:
    return number(size / MEGABYTE, 1)


def _day(day: date) -> str:
    return f"{day:%d/%m/%Y}"


_MAKERS: dict[Kind, Callable[[Any], str]] = {
    Kind.INTEGER: number,
    Kind.MINUTES: minutes,
    Kind.RATE: rate,
    Kind.MEGABYTES: _megabytes,
    Kind.DAY: _day,
}
