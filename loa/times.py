"""Instants are integer milliseconds UTC everywhere: in the database, on the wire and in arguments.

Local time exists in two places only: where a person types or reads it, and in the regulation.
"""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta, tzinfo
from datetime import time as wall
from typing import NewType
from zoneinfo import ZoneInfo

Instant = NewType("Instant", int)
"""Milliseconds since 1970-01-01T00:00Z."""

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


def now() -> Instant:
    """The present instant by this machine's clock."""
    return Instant(time.time_ns() // 1_000_000)


def after(instant: Instant, milliseconds: int) -> Instant:
    """The instant that many milliseconds later (earlier when negative)."""
    return Instant(instant + milliseconds)


def local(instant: Instant, zone: tzinfo) -> datetime:
    """The wall clock of ``zone`` at ``instant``, exact to the millisecond."""
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=instant)).astimezone(zone)


def instant(moment: datetime) -> Instant:
    """The instant of an aware ``moment``."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment!r} has no zone")
    return Instant((moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1))


def at(day: date, clock: wall, zone: ZoneInfo) -> Instant | None:
    """The instant of a wall clock on a day; None where a zone's spring gap skips that time."""
    moment = datetime.combine(day, clock, tzinfo=zone)
    found = instant(moment)
    return found if local(found, zone).replace(tzinfo=None) == moment.replace(tzinfo=None) else None
