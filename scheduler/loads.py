"""Load: how long what is scheduled sounds on each day of a span, as numbers that add up quickly.

A bound from above, never from below: who finds a day too full asks the sources themselves (``wishes``) first.
Campaigns are not counted: they take what others leave. Emergencies are above all sums.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa
from sqlalchemy.orm import Session

from content.bulletins import Bulletin, Priority
from content.bulletins import State as BulletinState
from loa.times import MINUTE, Instant
from scheduler import days, exceptions, programme_runs, recurrence, series
from scheduler.context import Context
from scheduler.exceptions import Column
from scheduler.programme_tables import Programme
from scheduler.schedule_tables import Schedule
from scheduler.targets import Where

Heard = npt.NDArray[np.bool_]
"""For each day of a span: whether it is heard."""
Begins = tuple[time | None, str | None]
"""A time of its own, or the key of the session it fills."""
SILENT = (BulletinState.WITHDRAWN, BulletinState.REJECTED)


class Span(NamedTuple):
    """Days from ``first`` to ``last``, both included."""

    first: date
    last: date

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    def place(self, day: date) -> int:
        """The how manieth day it is, from 0."""
        return (day - self.first).days

    def day(self, place: int) -> date:
        return self.first + timedelta(days=place)


@dataclass(frozen=True, eq=False)
class Load:
    """What one source adds to the days on which it is heard."""

    column: Column
    source: Any
    where: Where
    at: time | None
    slot: str | None
    """Key of the session it fills, in place of ``at``."""
    ms: int
    heard: Heard


def read(
    session: Session,
    context: Context,
    span: Span,
    without: tuple[str, int] | None = None,
    also: Sequence[series.Made] = (),
) -> list[Load]:
    """All that is scheduled in the span; ``without``: (column, id) of a source that is about to be changed.

    ``also``: series that are about to be stored with it; the context knows of their exceptions.
    """
    marks = _Marks(context, span)
    stored = _running(session, Schedule, span)
    found = [*_schedules((*stored, *also), context, marks), *_programmes(session, context, marks)]
    return [load for load in found if (load.column, load.source.id) != without]


def wishes(load: Load, day: date, context: Context) -> Iterator[tuple[Instant, int]]:
    """(start, milliseconds) of all that really is to sound of it that day, asked of the source itself."""
    zone = context.rules.zone
    since, until = days.first_of(day, zone), days.first_of(day + timedelta(days=1), zone)
    wanted = series.wanted if load.column == "schedule_id" else programme_runs.wanted
    for wish in wanted(load.source, since, until, context):
        if wish.why_not is None and wish.bulletin.priority is not Priority.EMERGENCY:
            ms = wish.relay.ms if wish.relay else context.length_ms(wish.bulletin, wish.where)
            yield wish.starts_at, ms


class _Marks:
    """The days of a span as series see them; what several share is worked out once."""

    def __init__(self, context: Context, span: Span) -> None:
        self.context, self.span = context, span
        self._every: dict[str, Heard] = {}
        self._kinds: npt.NDArray[np.str_] | None = None

    def loads(
        self, column: Column, source: Any, where: Where, begins: Begins, ms: int
    ) -> Iterator[Load]:
        """What a series adds on its own days, and where exceptions put it."""
        yield Load(column, source, where, *begins, ms, self.of(source, column))
        for each in self.context.exceptions.get((column, source.id), ()):
            day = each.to_day or each.day
            if each.kind is exceptions.Kind.MOVE and self.holds(day):
                there = (each.to_time, None) if each.to_time else begins
                yield Load(column, source, where, *there, ms, self.only(day))

    def of(self, source: Any, column: Column) -> Heard:
        """The days on which a series is heard where it is its rule that puts it."""
        heard = self._by_rule(source.rule, source.start_date, source.end_date)
        if source.skips:
            heard &= ~np.isin(self.kinds(), list(source.skips))
        for each in self.context.exceptions.get((column, source.id), ()):
            if each.kind is not exceptions.Kind.REPLACE and self.holds(each.day):
                heard[self.span.place(each.day)] = False
        return heard

    def holds(self, day: date) -> bool:
        return self.span.first <= day <= self.span.last

    def only(self, day: date) -> Heard:
        heard = np.zeros(self.span.days, dtype=np.bool_)
        heard[self.span.place(day)] = True
        return heard

    def kinds(self) -> npt.NDArray[np.str_]:
        if self._kinds is None:
            calendar = days.calendar(self.context)
            keys = [calendar.kind(self.span.day(n)).key for n in range(self.span.days)]
            self._kinds = np.array(keys)
        return self._kinds

    def _by_rule(self, rule: str, start: date, end: date | None) -> Heard:
        found = recurrence.parse(rule)
        if found.freq == "ONCE" or found.interval > 1:
            return self._expanded(rule, start, end)
        # Every day, week, month or year: the first day does not matter to the rest.
        if rule not in self._every:
            self._every[rule] = self._expanded(rule, self.span.first, None)
        heard = self._every[rule].copy()
        heard[: max(0, self.span.place(start))] = False
        if end is not None:
            heard[max(0, self.span.place(end) + 1) :] = False
        return heard

    def _expanded(self, rule: str, start: date, end: date | None) -> Heard:
        heard = np.zeros(self.span.days, dtype=np.bool_)
        until = self.span.last + timedelta(days=1)
        for day in recurrence.dates(rule, start, end, self.span.first, until):
            heard[self.span.place(day)] = True
        return heard


def _running(session: Session, table: Any, span: Span) -> Iterable[Any]:
    """Series with days in the span."""
    goes_on = sa.or_(table.end_date.is_(None), table.end_date >= span.first)
    found = sa.select(table).where(table.ended_at.is_(None), table.start_date <= span.last)
    return session.scalars(found.where(goes_on))


def _schedules(found: Iterable[Any], context: Context, marks: _Marks) -> Iterator[Load]:
    for schedule in found:
        bulletin, where = schedule.bulletin, schedule.where
        if bulletin.state not in SILENT and bulletin.priority is not Priority.EMERGENCY:
            ms = length(bulletin, where, schedule.minutes * MINUTE, context)
            yield from marks.loads("schedule_id", schedule, where, (schedule.at, None), ms)


def _programmes(session: Session, context: Context, marks: _Marks) -> Iterator[Load]:
    for programme in _running(session, Programme, marks.span):
        where = programme.where
        ms = sum(
            length(item.bulletin, where, item.ms, context)
            for item in programme.items
            if item.bulletin is not None
        )
        begins = (programme.at, programme.slot)
        yield from marks.loads("programme_id", programme, where, begins, ms)


def length(bulletin: Bulletin, where: Where, relay_ms: int, context: Context) -> int:
    """How long a bulletin takes there; a relay counts whole, so long as is said or as it says itself."""
    if bulletin.relay is not None:
        return relay_ms or bulletin.relay.ms
    return context.length_ms(bulletin, where)


def touching(loads: Iterable[Load], receiver_ids: frozenset[str], context: Context) -> list[Load]:
    """Those that any of these receivers hears."""
    fleet = context.fleet
    return [each for each in loads if not receiver_ids.isdisjoint(fleet.resolve(each.where))]


def alike(
    loads: Sequence[Load], receiver_ids: Iterable[str], context: Context
) -> dict[bytes, list[str]]:
    """Receivers grouped by what they hear: which of the loads (a byte each, 0 or 1) → receivers."""
    sets = [context.fleet.resolve(each.where) for each in loads]
    groups: dict[bytes, list[str]] = {}
    for receiver_id in sorted(receiver_ids):
        groups.setdefault(bytes(receiver_id in one for one in sets), []).append(receiver_id)
    return groups
