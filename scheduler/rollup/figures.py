"""Figures of other stations over a period, from what their bundles told."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from content.bulletins import Priority
from loa.times import Instant, instant, local
from scheduler.reporting.counts import Counts
from scheduler.reporting.periods import Period
from scheduler.rollup import stations
from scheduler.rollup.tables import RollupBroadcast, RollupBundle, RollupCount

Span = tuple[Instant, Instant]


class _Row(NamedTuple):
    """(deliveries, asked, played, timed) of a broadcast in one state, and what it is."""

    station_id: int
    broadcast_id: int
    day: date
    priority: Priority
    drill: bool
    values: tuple[Any, ...]


@dataclass
class OfStation:
    """One station over a period."""

    id: int
    name: str
    days_due: int
    """Days of the period that are over."""
    days_missing: int
    """Of those, on how many no bundle of the whole station tells of all."""
    counts: Counts = field(default_factory=Counts)
    emergencies: Counts = field(default_factory=Counts)
    drills: Counts = field(default_factory=Counts)
    before: Counts = field(default_factory=Counts)
    """The same as ``counts``, of the period before."""
    silent: list[str] = field(default_factory=list)
    """Receivers that had something to play and of which nothing at all is known."""

    @property
    def is_missing(self) -> bool:
        """It has handed in nothing of the period."""
        return not self.counts.sums and not self.drills.sums and self.days_missing == self.days_due


@dataclass
class Whole:
    """All stations together."""

    period: Period
    stations: list[OfStation]
    total: Counts = field(default_factory=Counts)
    emergencies: Counts = field(default_factory=Counts)
    drills: Counts = field(default_factory=Counts)
    before: Counts = field(default_factory=Counts)
    days: dict[date, Counts] = field(default_factory=dict)


def of_period(session: Session, period: Period, zone: ZoneInfo, now: Instant) -> Whole:
    """All figures of the broadcasts asked for within the period, by each station's own clock."""
    each = {
        one.id: OfStation(one.id, one.name, *_days(session, one.id, period, zone, now))
        for one in stations.listed(session)
    }
    found = Whole(period, list(each.values()))
    _count(session, found, each)
    before = period.before()
    for station_id, broadcast_id, _, _, drill, values in _rows(session, before):
        if not drill:
            each[station_id].before.add(broadcast_id, *values)
            found.before.add(broadcast_id, *values)
    for station_id, silent in _silent(session, period).items():
        each[station_id].silent = silent
    return found


def _count(session: Session, found: Whole, each: dict[int, OfStation]) -> None:
    days: dict[date, Counts] = defaultdict(Counts)
    for station_id, broadcast_id, day, priority, drill, values in _rows(session, found.period):
        of_it = each[station_id]
        if drill:
            for counts in (found.drills, of_it.drills):
                counts.add(broadcast_id, *values)
            continue
        for counts in (found.total, of_it.counts, days[day]):
            counts.add(broadcast_id, *values)
        if priority is Priority.EMERGENCY:
            for counts in (found.emergencies, of_it.emergencies):
                counts.add(broadcast_id, *values)
    found.days = dict(sorted(days.items()))


def _rows(session: Session, period: Period) -> Iterator[_Row]:
    sums = (
        sa.cast(sa.func.sum(column), sa.BigInteger)
        for column in (
            RollupCount.deliveries,
            RollupCount.asked_ms,
            RollupCount.played_ms,
            RollupCount.timed,
        )
    )
    about = (
        RollupBroadcast.station_id, RollupBroadcast.id, RollupBroadcast.day, RollupBroadcast.priority,
        RollupBroadcast.drill,
    )  # fmt: skip
    found = (
        sa.select(*about, RollupCount.state, *sums)
        .join(RollupCount, RollupCount.broadcast_id == RollupBroadcast.id)
        .where(RollupBroadcast.day >= period.first, RollupBroadcast.day <= period.last)
        .group_by(*about, RollupCount.state)
    )
    for row in session.execute(found):
        yield _Row(*row[:5], tuple(row[5:]))


def _silent(session: Session, period: Period) -> dict[int, list[str]]:
    heard: dict[int, set[str]] = defaultdict(set)
    unheard: dict[int, set[str]] = defaultdict(set)
    found = sa.select(
        RollupBroadcast.station_id, RollupBroadcast.heard, RollupBroadcast.unheard
    ).where(
        RollupBroadcast.day >= period.first,
        RollupBroadcast.day <= period.last,
        RollupBroadcast.drill.is_(False),
    )
    for station_id, some, others in session.execute(found):
        heard[station_id].update(some)
        unheard[station_id].update(others)
    return {station_id: sorted(unheard[station_id] - heard[station_id]) for station_id in unheard}


def _days(
    session: Session, station_id: int, period: Period, zone: ZoneInfo, now: Instant
) -> tuple[int, int]:
    """(days of the period that are over, those of which no whole bundle tells)."""
    today = local(now, zone).date()
    due = [day for day in period.days if day < today]
    found = sa.select(RollupBundle.since, RollupBundle.until, RollupBundle.made_at).where(
        RollupBundle.station_id == station_id, RollupBundle.campaign.is_(None)
    )
    # What was still to come when a bundle was made, it does not tell.
    spans = [(since, min(until, made_at)) for since, until, made_at in session.execute(found)]
    return len(due), sum(not _is_covered(_bounds(day, zone), spans) for day in due)


def _bounds(day: date, zone: ZoneInfo) -> Span:
    midnight = datetime.combine(day, time(0), tzinfo=zone)
    return instant(midnight), instant(midnight + timedelta(days=1))


def _is_covered(day: Span, spans: list[Span]) -> bool:
    return any(since <= day[0] and day[1] <= until for since, until in spans)
