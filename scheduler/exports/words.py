"""Values as people read them on the page, on paper and in print: an unknown one is a dash, never 0."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from loa.times import MINUTE, local
from scheduler.exports.csv_file import MEGABYTE
from scheduler.exports.tables import Column, Kind

UNKNOWN = "–"


def shower(column: Column, zone: ZoneInfo) -> Callable[[Any], str]:
    """How that column's values are written."""
    make = _MAKERS.get(column.kind, str)
    if column.kind is Kind.MOMENT:
        return lambda value: UNKNOWN if value is None else f"{local(value, zone):%d/%m/%Y %H:%M:%S}"
    return lambda value: UNKNOWN if value is None else make(value)


def number(value: float, places: int = 0) -> str:
    """1.234,5 as it is written in Vietnamese."""
    return f"{value:,.{places}f}".translate(str.maketrans(",.", ".,"))


def minutes(ms: int) -> str:
    return number(ms / MINUTE, 1)


def rate(value: float) -> str:
    """Per cent, rounded down to a tenth: what is not whole is never shown as 100 %."""
    return f"{number(int(value * 1000 + 1e-9) / 10, 1)} %"


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
