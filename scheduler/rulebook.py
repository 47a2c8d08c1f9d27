"""Rulebook: what one version of the station's regulation says, and how it is read. Pure: no database.

A session lies within one day. All clocks are "HH:MM" by the wall clock of the station's zone.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time
from functools import cache
from typing import Literal

import msgspec

from content.bulletins import Priority
from loa.errors import ScheduleError
from loa.words import say

Answer = Literal["allow", "reason", "refuse"]
"""To what a rule does not foresee: let through, let through with an officer's reason (logged), or refuse."""
Plays = Literal["all", "priority", "emergency"]


class Slot(msgspec.Struct, frozen=True, kw_only=True):
    """A session of the day (khung giờ phát)."""

    key: str
    """Stays when the session is renamed or moved."""
    name: str
    start: str
    """HH:MM."""
    minutes: int
    """At most."""
    weekdays: tuple[int, ...] = (0, 1, 2, 3, 4, 5, 6)
    """0 is Monday."""
    area_ids: tuple[int, ...] = ()
    """Where; empty is everywhere."""
    kinds: tuple[str, ...] = ()
    """Kinds of day on which it is held; empty is all that do not say otherwise."""

    @property
    def since(self) -> int:
        """Its first minute, counted from midnight."""
        return minute_of(self.start)

    @property
    def until(self) -> int:
        """The minute after its last, counted from midnight."""
        return self.since + self.minutes

    def holds(self, clock: time) -> bool:
        """Whether a sound may begin in it at that time."""
        return self.since <= clock.hour * 60 + clock.minute < self.until

    def is_for(self, area_line: Iterable[int]) -> bool:
        """Whether it is held where a receiver stands: ``area_line`` is its area and all above."""
        return not self.area_ids or not set(self.area_ids).isdisjoint(area_line)

    def __str__(self) -> str:
        return say(
            "“%(name)s” (%(start)s, %(minutes)s phút)",
            name=self.name,
            start=self.start,
            minutes=self.minutes,
        )


class Cap(msgspec.Struct, frozen=True, kw_only=True):
    """Not louder than ``most`` per cent, in these hours, there."""

    since: str
    until: str
    most: int
    area_ids: tuple[int, ...] = ()

    def holds(self, clock: time) -> bool:
        """Whether it is in force at that time; hours that end before they begin pass midnight."""
        since, until = minute_of(self.since), minute_of(self.until)
        minute = clock.hour * 60 + clock.minute
        return since <= minute < until if since < until else minute >= since or minute < until


class DayKind(msgspec.Struct, frozen=True, kw_only=True):
    """A named template of a day."""

    key: str
    """normal, weekend, holiday, mourning, or the station's own."""
    name: str
    plays: Plays = "all"
    """What may sound at all: everything, priority and emergency, or emergency alone."""
    sessions: bool = True
    """False: no session is held, but for those that name this kind."""

    def lets(self, priority: Priority) -> bool:
        """Whether a bulletin of that priority may sound on such a day."""
        if priority is Priority.EMERGENCY:
            return True
        return self.plays == "all" or (self.plays == "priority" and priority is Priority.PRIORITY)


USUAL_KINDS = (
    DayKind(key="normal", name=str(say("Ngày thường"))),
    DayKind(key="weekend", name=str(say("Cuối tuần"))),
    DayKind(key="holiday", name=str(say("Ngày lễ"))),
    DayKind(key="mourning", name=str(say("Quốc tang")), plays="priority"),
)
"""The calendar itself knows the first three. Their names may be changed, so they are plain text, recalled by a page."""


class Rulebook(msgspec.Struct, frozen=True, kw_only=True):
    """All but the quiet hours, which every receiver keeps too."""

    slots: tuple[Slot, ...] = ()
    kinds: tuple[DayKind, ...] = USUAL_KINDS
    most_sessions: int | None = None
    """Per day, at any one receiver."""
    most_minutes: int | None = None
    """Per day, at any one receiver, of normal and priority together."""
    caps: tuple[Cap, ...] = ()
    outside: Answer = "allow"
    """A normal broadcast outside all sessions."""
    too_long: Answer = "reason"
    """What goes beyond the minutes of its session or day."""
    alone_minutes: int = 0
    """An emergency may sound on one officer's word for so long, until a second agrees; 0: never."""


@cache
def minute_of(clock: str) -> int:
    """ "17:05" as minutes from midnight. Raises ScheduleError."""
    at = read_clock(clock)
    return at.hour * 60 + at.minute


@cache
def read_clock(text: str, field: str | None = None) -> time:
    """ "17:05" as a time. Raises ScheduleError naming ``field``."""
    try:
        return datetime.strptime(text.strip(), "%H:%M").time()  # noqa: DTZ007 - a wall clock has no zone
    except ValueError as error:
        raise ScheduleError(
            say("Giờ “%(text)s” phải có dạng giờ:phút, ví dụ 05:30.", text=text), field=field
        ) from error


# -- questions ------------------------------------------------------------------------------------


def kind_of(rulebook: Rulebook, key: str) -> DayKind:
    """That kind of day; one this version does not know lets everything sound."""
    for kind in (*rulebook.kinds, *USUAL_KINDS):
        if kind.key == key:
            return kind
    return DayKind(key=key, name=key)


def slots_on(rulebook: Rulebook, day: date, kind_key: str) -> list[Slot]:
    """The sessions held on a day of that kind, in order of time."""
    usual = kind_of(rulebook, kind_key).sessions
    held = (
        slot
        for slot in rulebook.slots
        if day.weekday() in slot.weekdays and (kind_key in slot.kinds if slot.kinds else usual)
    )
    return sorted(held, key=lambda slot: (slot.since, slot.key))


def cap_at(rulebook: Rulebook, clock: time, area_line: set[int]) -> int | None:
    """The loudest a receiver may be then, in per cent: the strictest cap counts; None where there is none."""
    found = (
        cap.most
        for cap in rulebook.caps
        if cap.holds(clock) and (not cap.area_ids or not area_line.isdisjoint(cap.area_ids))
    )
    return min(found, default=None)
