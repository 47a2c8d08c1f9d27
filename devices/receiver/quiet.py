"""Quiet hours, judged by the receiver itself: a signed plan alone does not make noise at night."""

from __future__ import annotations

from collections.abc import Iterable
from zoneinfo import ZoneInfo

from loa import times
from loa.times import DAY, MINUTE, Instant


def touches(start: Instant, ms: int, hours: Iterable[tuple[str, str]], zone: ZoneInfo) -> bool:
    """True when any part of the sound [start, start + ms) falls in one of the ``hours``.

    A range includes its first minute and not its last, passes midnight when it ends before it
    begins, and is the whole day when both are the same.
    """
    ranges = [(_minutes(first), _minutes(last)) for first, last in hours]
    if not ranges:
        return False
    if ms >= DAY:
        return True
    # Zones move by whole minutes, and at whole minutes, so a minute is quiet or it is not:
    # asking each one needs no arithmetic over gaps and folds.
    minute = Instant(start - start % MINUTE)
    while minute < start + max(ms, 1):
        wall = times.local(minute, zone)
        if any(_within(wall.hour * 60 + wall.minute, *one) for one in ranges):
            return True
        minute = times.after(minute, MINUTE)
    return False


def _within(minute: int, first: int, last: int) -> bool:
    if first < last:
        return first <= minute < last
    return minute >= first or minute < last


def _minutes(clock: str) -> int:
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)
