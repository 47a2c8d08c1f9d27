"""Caps: how loud a receiver may be at most while a broadcast sounds, by the regulation in force at its time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import time
from functools import cached_property
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from devices.areas import Area
from loa.times import DAY, MINUTE, Instant, local
from scheduler import regulation, rulebook
from scheduler.rulebook import Rulebook

DAY_MINUTES = DAY // MINUTE


class Caps:
    """Read once, asked for many receivers."""

    def __init__(self, session: Session, timezone: str) -> None:
        self._session, self._zone = session, ZoneInfo(timezone)
        self._versions = regulation.versions(session)
        self._known: dict[tuple[Instant, int, int], int | None] = {}

    def at(self, start: Instant, ms: int, area_id: int) -> int | None:
        """The strictest cap, in per cent, of all the minutes in [start, start + ms); None where there is none."""
        key = (start, ms, area_id)
        if key not in self._known:
            self._known[key] = self._find(*key)
        return self._known[key]

    def _find(self, start: Instant, ms: int, area_id: int) -> int | None:
        version = regulation.in_force(self._versions, start)
        if version is None or not version.rules.caps:
            return None
        line = self._line(area_id)
        clocks = _clocks(version.rules, local(start, self._zone).time(), ms)
        found = (rulebook.cap_at(version.rules, clock, line) for clock in clocks)
        return min((each for each in found if each is not None), default=None)

    def _line(self, area_id: int) -> set[int]:
        """The area and all above it."""
        found: set[int] = set()
        at: int | None = area_id
        while at is not None:
            found.add(at)
            at = self._parents.get(at)
        return found

    @cached_property
    def _parents(self) -> dict[int, int | None]:
        rows = self._session.execute(sa.select(Area.id, Area.parent_id))
        return {row.id: row.parent_id for row in rows}


def _clocks(rules: Rulebook, start: time, ms: int) -> Iterator[time]:
    """The wall clock at the start, and wherever a cap begins before the end."""
    yield start
    first = start.hour * 60 + start.minute
    for cap in rules.caps:
        begins = rulebook.read_clock(cap.since)
        later = (begins.hour * 60 + begins.minute - first) % DAY_MINUTES
        if later * MINUTE - start.second * 1_000 < ms:
            yield begins
