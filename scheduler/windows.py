"""Windows: the minutes of the sessions that are left for campaigns, per receiver and day. Pure.

A session's minutes are taken first by whatever has a time of its own (schedules, programmes, emergencies); what is
left, and the minutes programmes give to campaigns (fills) before all, may be used. Nothing lies in quiet hours,
nothing on a day of a kind that lets none of it sound. Receivers that have the same minutes are looked at once.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from itertools import chain
from typing import Any, NamedTuple

from devices import remote
from loa.times import DAY, MINUTE, Instant, after, local
from loa.times import at as instant_at
from scheduler import days, programmes, rulebook
from scheduler.board import BETWEEN, DayRoom, Gap, SessionRoom, without
from scheduler.context import Context
from scheduler.fixed import LONGEST, Busy, SourcesFrom, fixed_items
from scheduler.programmes import Fill
from scheduler.rulebook import Rulebook, Slot
from scheduler.targets import Where


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
    found = sum(gap.ends_at - gap.starts_at for each in room.sessions for gap in each.gaps)
    return found if room.left_ms is None else min(found, room.left_ms)


def rooms(context: Context, receiver_ids: Iterable[str], first: date, last: date) -> list[Rooms]:
    """The minutes left for campaigns at these receivers on the days ``first`` to ``last``."""
    frames = _frames(context, first, last)
    if not frames:
        return []
    since = after(midnight(context, first), -LONGEST)
    until = midnight(context, last + timedelta(days=1))
    found = context.ask(SourcesFrom(first))
    fixed = _by_where(fixed_items(context, found, since, until))
    spans = {where: [item[:2] for item in items] for where, items in fixed.items()}
    filled = _by_where(programmes.fills(found.programmes, since, until, context))
    alike = _alike(context, receiver_ids, frames, [*fixed, *filled])
    return [
        Rooms(frozenset(ids), tuple(_rooms(context, frames, ids[0], spans, filled)))
        for ids in alike
    ]


def is_any(context: Context, since: Instant, until: Instant) -> bool:
    """Whether any receiver has minutes in [since, until): asked every few minutes, and mostly answered no."""
    zone = context.rules.zone
    frames = _frames(context, local(since, zone).date(), local(until, zone).date())
    gaps = (gap for frame in frames for held in frame.sessions for gap in held.gaps)
    if any(gap.starts_at < until and since < gap.ends_at for gap in gaps):
        return True
    found = context.ask(SourcesFrom(frames[0].day))
    begin = after(since, -LONGEST)
    fills = programmes.fills(found.programmes, begin, until, context)
    return any(after(fill.starts_at, fill.ms) > since for fill in fills)


# -- what holds for all receivers -----------------------------------------------------------------


class _Held(NamedTuple):
    """A session on one day, without its quiet hours."""

    slot: Slot
    gaps: tuple[Gap, ...]


class _Frame(NamedTuple):
    """A day as the regulation has it."""

    day: date
    starts_at: Instant
    ends_at: Instant
    sessions: tuple[_Held, ...]
    rules: Rulebook
    plays: str


def _frames(context: Context, first: date, last: date) -> list[_Frame]:
    calendar = days.calendar(context)
    found = []
    for offset in range((last - first).days + 1):
        day = first + timedelta(days=offset)
        starts_at, ends_at = midnight(context, day), midnight(context, day + timedelta(days=1))
        regulation = context.regulation_at(after(starts_at, DAY // 2))
        rules = regulation.rules if regulation else Rulebook()
        key = calendar.kind(day).key
        sessions = [_held(context, slot, day) for slot in rulebook.slots_on(rules, day, key)]
        plays = rulebook.kind_of(rules, key).plays
        found.append(_Frame(day, starts_at, ends_at, tuple(filter(None, sessions)), rules, plays))
    return found


def midnight(context: Context, day: date) -> Instant:
    """The day's first instant in the station's zone."""
    return days.first_of(day, context.rules.zone)


def _held(context: Context, slot: Slot, day: date) -> _Held | None:
    """The session on that day; None where a zone's spring gap skips its beginning."""
    clock = time(slot.since // 60, slot.since % 60)
    start = instant_at(day, clock, context.rules.zone)
    if start is None:
        return None
    end = after(start, slot.minutes * MINUTE)
    return _Held(slot, tuple(without([Gap(start, end)], _quiet(context, start, day))))


def _quiet(context: Context, moment: Instant, day: date) -> list[tuple[Instant, Instant]]:
    """Quiet hours about that day; a receiver that begins later still keeps them."""
    regulation = context.regulation_at(moment)
    spans = regulation.quiet_hours if regulation else ()
    zone = context.rules.zone
    around = [day + timedelta(days=offset) for offset in (-1, 0, 1)]
    found = [span.beginning(each, zone) for span in spans for each in around]
    return [(after(since, -remote.MOST_DELAY), until) for since, until in found]


# -- what holds for one class of receivers --------------------------------------------------------


def _by_where(items: Iterable[Any]) -> dict[Where, list[Any]]:
    found: dict[Where, list[Any]] = {}
    for item in items:
        found.setdefault(item.where, []).append(item)
    return found


def _alike(
    context: Context, receiver_ids: Iterable[str], frames: Sequence[_Frame], wheres: Sequence[Where]
) -> list[list[str]]:
    """Receivers that hear the same fixed items and have the same sessions, each class by id."""
    fleet = context.fleet
    inside = [fleet.resolve(where) for where in dict.fromkeys(wheres)]
    named = {
        area_id for frame in frames for held in frame.sessions for area_id in held.slot.area_ids
    }
    lines: dict[int, frozenset[int]] = {}
    found: dict[object, list[str]] = {}
    for receiver_id in sorted(set(receiver_ids) & fleet.receivers.keys()):
        area_id = fleet.receivers[receiver_id].area_id
        if area_id not in lines:
            lines[area_id] = frozenset(fleet.line(area_id) & named)
        hears = tuple(receiver_id in ids for ids in inside)
        found.setdefault((lines[area_id], hears), []).append(receiver_id)
    return list(found.values())


def _rooms(
    context: Context,
    frames: Sequence[_Frame],
    receiver_id: str,
    fixed: dict[Where, list[Any]],
    filled: dict[Where, list[Any]],
) -> list[DayRoom]:
    line = context.fleet.line(context.fleet.receivers[receiver_id].area_id)
    taken = Busy(_heard_by(context, receiver_id, fixed))
    fills = sorted(_heard_by(context, receiver_id, filled), key=lambda each: each.starts_at)
    return [_day_room(context, frame, line, taken, fills) for frame in frames]


def _heard_by(context: Context, receiver_id: str, items: dict[Where, list[Any]]) -> list[Any]:
    fleet = context.fleet
    heard = [found for where, found in items.items() if receiver_id in fleet.resolve(where)]
    return list(chain.from_iterable(heard))


def _day_room(
    context: Context, frame: _Frame, line: set[int], busy: Busy, fills: Sequence[Fill]
) -> DayRoom:
    most = frame.rules.most_minutes
    left = (
        None if most is None else max(0, most * MINUTE - busy.ms_of(frame.starts_at, frame.ends_at))
    )
    held = [each for each in frame.sessions if each.slot.is_for(line)]
    held = _allowed(held, frame.rules.most_sessions, busy)
    given = _given(context, frame, busy, fills)
    sessions = [_session(each, busy, given) for each in held]
    sessions += [SessionRoom((gap,)) for gap in given if not _is_in(gap, held)]
    return DayRoom(frame.day, tuple(each for each in sessions if each.gaps), left, frame.plays)


def _allowed(held: list[_Held], most: int | None, busy: Busy) -> list[_Held]:
    """No more sessions than a receiver may have in a day: those in use anyway, then the earliest."""
    if most is None or len(held) <= most:
        return held
    in_use = [bool(each.gaps and busy.within(each.gaps[0][0], each.gaps[-1][1])) for each in held]
    order = sorted(range(len(held)), key=lambda at: (not in_use[at], at))
    return [held[at] for at in sorted(order[:most])]


def _given(context: Context, frame: _Frame, busy: Busy, fills: Sequence[Fill]) -> list[Gap]:
    """The minutes programmes give to campaigns that day, where nothing else sounds."""
    begin = bisect_left(fills, frame.starts_at, key=lambda each: each.starts_at)
    end = bisect_left(fills, frame.ends_at, key=lambda each: each.starts_at)
    found: list[Gap] = []
    for fill in fills[begin:end]:
        gap = Gap(fill.starts_at, after(fill.starts_at, fill.ms))
        quiet = _quiet(context, gap.starts_at, frame.day)
        # The item before it ends where it begins: its own silence must not shorten it here.
        taken = [(after(a, BETWEEN), after(b, -BETWEEN)) for a, b in busy.within(*gap)]
        found += without([gap], [*quiet, *taken])
    return found


def _is_in(gap: Gap, held: Sequence[_Held]) -> bool:
    return any(each.starts_at <= gap.starts_at < each.ends_at for one in held for each in one.gaps)


def _session(held: _Held, busy: Busy, given: Sequence[Gap]) -> SessionRoom:
    """What is left of a session: fills before all, then what fixed items leave."""
    first = [gap for gap in given if _is_in(gap, [held])]
    taken = list(chain.from_iterable(busy.within(*gap) for gap in held.gaps))
    rest = without(held.gaps, [*taken, *first])
    return SessionRoom((*first, *rest))
