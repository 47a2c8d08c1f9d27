"""Values of a workbook's columns, as the library that writes it wants them; an unknown one is None."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from loa.times import DAY, MINUTE, SECOND, Instant, local
from scheduler.exports.csv_cells import MEGABYTE
from scheduler.exports.tables import Column, Kind

EPOCH = 25_569
"""1 January 1970 as a spreadsheet counts days."""
QUARTER = 15 * MINUTE
Values = Callable[[Sequence[Any]], Iterable[Any]]
_TEXTS = frozenset((str, type(None)))


def of_column(column: Column, zone: ZoneInfo) -> Values:
    """The values of that column → what the library is given."""
    match column.kind:
        case Kind.TEXT:
            return _texts
        case Kind.MINUTES:
            return lambda values: _divided(values, MINUTE)
        case Kind.MEGABYTES:
            return lambda values: _divided(values, MEGABYTE)
        case Kind.MOMENT:
            return _moments(zone)
        case _:
            return lambda values: values


def _texts(values: Sequence[Any]) -> Iterable[str | None]:
    if set(map(type, values)) <= _TEXTS:
        return values
    return (value if type(value) in _TEXTS else str(value) for value in values)


def _divided(values: Iterable[Any], by: int) -> Iterator[float | None]:
    return (None if value is None else value / by for value in values)


def _moments(zone: ZoneInfo) -> Values:
    """Days since 1900 by the station's clock, as people read it: a spreadsheet knows no zones."""
    offsets = _Offsets(zone)

    def make(values: Iterable[Any]) -> Iterator[float | None]:
        for value in values:
            yield None if value is None else EPOCH + (value + offsets[value // QUARTER]) / DAY

    return make


class _Offsets(dict[int, int]):
    """Quarter of an hour since 1970 → milliseconds the station's clock is ahead of UTC: no zone changes within one."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone

    def __missing__(self, quarter: int) -> int:
        ahead = local(Instant(quarter * QUARTER), self._zone).utcoffset()
        found = self[quarter] = 0 if ahead is None else int(ahead.total_seconds()) * SECOND
        return found
