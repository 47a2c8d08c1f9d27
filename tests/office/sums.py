"""Sums: how full sessions and days are by what is ordered, reckoned from what each source wants, day by day.

Campaigns count nowhere here: they take what others leave. Nor does an emergency or a drill.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime

import sqlalchemy as sa

from content.bulletins import Priority
from content.bulletins import State as BulletinState
from loa.times import DAY, MINUTE, Instant, after, local
from scheduler import context, days, declining, programme_runs, rulebook, schedules
from scheduler.broadcasts import Broadcast
from scheduler.context import Context
from scheduler.programme_tables import Programme
from scheduler.schedule_tables import Schedule
from scheduler.sources import Wanted
from scheduler.targets import Where
from tests.cast import ZONE
from tests.office.office import RULES, Office

AHEAD = 3 * DAY
SILENT = (BulletinState.WITHDRAWN, BulletinState.REJECTED)
Key = tuple[str, str, str]
"""Receiver, day, session; of a whole day the session is "*"."""
Over = dict[Key, int]
"""By how many milliseconds it is too full, where it is."""
Piece = tuple[Instant, int, frozenset[str]]
"""When something begins that is one to the regulation, how long it sounds, who hears it."""


def over(office: Office) -> Over:
    """All that is too full in the next days, by the regulation in force on each."""
    known = context.read(office.session, RULES)
    used: Counter[Key] = Counter()
    limits: dict[Key, int] = {}
    for start, ms, heard_by in _pieces(office, known):
        moment = local(start, ZONE)
        for receiver in heard_by:
            for key, most in _limits(known, start, moment, receiver):
                used[key] += ms
                limits[key] = most
    return {key: ms - limits[key] for key, ms in used.items() if ms > limits[key]}


def _limits(
    known: Context, start: Instant, moment: datetime, receiver: str
) -> Iterator[tuple[Key, int]]:
    version = known.regulation_at(start)
    if version is None or version.rules.too_long == "allow":
        return
    line, day = known.fleet.line(known.fleet.receivers[receiver].area_id), moment.date()
    for slot in rulebook.slots_on(version.rules, day, known.calendar.kind(day).key):
        if slot.holds(moment.time()) and slot.is_for(line):
            yield (receiver, str(day), slot.key), slot.minutes * MINUTE
    if version.rules.most_minutes:
        yield (receiver, str(day), "*"), version.rules.most_minutes * MINUTE


def _pieces(office: Office, known: Context) -> Iterator[Piece]:
    apart = _Apart(office)
    until = after(office.now, AHEAD)
    for source in office.session.scalars(sa.select(Schedule).where(Schedule.ended_at.is_(None))):
        for wish in schedules.wanted(source, office.now, until, known):
            if _sounds(wish, known):
                heard_by = known.fleet.resolve(wish.where) - apart.of(
                    "schedule_id", source.id, wish, known
                )
                yield wish.starts_at, _length(wish, known), heard_by
    for source in office.session.scalars(sa.select(Programme).where(Programme.ended_at.is_(None))):
        yield from _of_programme(source, office.now, until, known)


def _of_programme(
    source: Programme, since: Instant, until: Instant, known: Context
) -> Iterator[Piece]:
    """A run is one to the regulation, from its own start on."""
    wishes = programme_runs.wanted(source, since, until, known)
    for run in programme_runs.runs(source, since, until, known):
        of_run = {part.starts_at: part.placed.ms for part in run.parts if part.is_heard}
        ms = sum(
            of_run[wish.starts_at] for wish in wishes
            if wish.day == run.day and wish.starts_at in of_run and _sounds(wish, known)
        )  # fmt: skip
        if run.frame.why_not is None and ms:
            yield run.starts_at, ms, known.fleet.resolve(source.where)


def _sounds(wish: Wanted, known: Context) -> bool:
    said = days.held_back(wish, known)
    return (
        said.why_not is None
        and wish.bulletin.state not in SILENT
        and wish.bulletin.priority is not Priority.EMERGENCY
    )


def _length(wish: Wanted, known: Context) -> int:
    return wish.relay.ms if wish.relay else known.length_ms(wish.bulletin, wish.where)


class _Apart:
    """Where something is not heard by what officers decided."""

    def __init__(self, office: Office) -> None:
        self._standing = declining.standing(office.session, office.now)
        rows = sa.select(Broadcast).where(Broadcast.id.in_(self._standing))
        self._rows = {
            (row.schedule_id, row.starts_at, row.bulletin_id, row.item): row.id
            for row in (office.session.scalars(rows) if self._standing else ())
        }

    def of(self, column: str, source_id: int, wish: Wanted, known: Context) -> frozenset[str]:
        row_id = self._rows.get((source_id, *wish.key))
        if row_id is None:
            return frozenset()
        said, fleet = self._standing[row_id], known.fleet
        gone = set(fleet.resolve(Where(said.declined)))
        for giving in said.gives_way:
            gone |= fleet.resolve(Where((giving.area_id,))) & fleet.resolve(giving.to)
        return frozenset(gone)
