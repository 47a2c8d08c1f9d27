"""Windows: the minutes of the sessions that are left for campaigns, per receiver and day. Pure.

A session's minutes are taken first by whatever has a time of its own (schedules, programmes, emergencies); what is
left, and the minutes programmes give to campaigns (fills) before all, may be used. Nothing lies in quiet hours,
nothing on a day of a kind that lets none of it sound. Receivers that have the same minutes are looked at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from loa.times import Instant, after, local
from scheduler import frames, programmes
from scheduler.board import DayRoom
from scheduler.context import Context
from scheduler.fixed import LONGEST, SourcesFrom, fixed_items
from scheduler.frames import Frame, midnight
from scheduler.leftover import Day, Items, Line
from scheduler.targets import Where

__all__ = ["Rooms", "free_ms", "is_any", "midnight", "rooms"]


@dataclass(frozen=True)
class Rooms:
    """Receivers that have the same minutes, day by day."""

    receiver_ids: frozenset[str]
    days: tuple[DayRoom, ...]

    @property
    def free_ms(self) -> int:
        """All the minutes there are."""
        return sum(free_ms(room) for room in self.days)


def free_ms(room: DayRoom) -> int:
    """The minutes of one day."""
    found = sum(until - since for each in room.sessions for since, until in each)
    return found if room.left_ms is None else min(found, room.left_ms)


def rooms(context: Context, receiver_ids: Iterable[str], first: date, last: date) -> list[Rooms]:
    """The minutes left for campaigns at these receivers on the days ``first`` to ``last``."""
    found = frames.frames(context, first, last)
    if not found:
        return []
    since = after(midnight(context, first), -LONGEST)
    until = midnight(context, last + timedelta(days=1))
    sources = context.ask(SourcesFrom(first))
    fixed = fixed_items(context, sources, since, until)
    items = Items(fixed, programmes.fills(sources.programmes, since, until, context))
    left = [Day(context, frame, items) for frame in found]
    return [
        Rooms(frozenset(ids), tuple(day.room(line, heard) for day in left))
        for (line, heard), ids in _alike(context, receiver_ids, found, items.places).items()
    ]


def is_any(context: Context, since: Instant, until: Instant) -> bool:
    """Whether any receiver has minutes in [since, until): asked every few minutes, and mostly answered no."""
    zone = context.rules.zone
    around = frames.frames(context, local(since, zone).date(), local(until, zone).date())
    gaps = (gap for frame in around for held in frame.sessions for gap in held.gaps)
    if any(begin < until and since < end for begin, end in gaps):
        return True
    found = context.ask(SourcesFrom(around[0].day))
    begin = after(since, -LONGEST)
    fills = programmes.fills(found.programmes, begin, until, context)
    return any(after(fill.starts_at, fill.ms) > since for fill in fills)


def _alike(
    context: Context,
    receiver_ids: Iterable[str],
    around: Sequence[Frame],
    places: Mapping[Where, int],
) -> dict[tuple[Line, int], list[str]]:
    """Receivers that have the same sessions and hear the same fixed items, each class by id."""
    fleet = context.fleet
    heard = dict.fromkeys(sorted(set(receiver_ids) & fleet.receivers.keys()), 0)
    for where, place in places.items():
        for receiver_id in fleet.resolve(where) & heard.keys():
            heard[receiver_id] |= place
    named = {
        area_id for frame in around for held in frame.sessions for area_id in held.slot.area_ids
    }
    lines: dict[int, Line] = {}
    found: dict[tuple[Line, int], list[str]] = {}
    for receiver_id, hears in heard.items():
        area_id = fleet.receivers[receiver_id].area_id
        if area_id not in lines:
            lines[area_id] = frozenset(fleet.line(area_id) & named)
        found.setdefault((lines[area_id], hears), []).append(receiver_id)
    return found
