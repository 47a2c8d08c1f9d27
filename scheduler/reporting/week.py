""" "Đài của tôi tuần này": what a chairman reads in one minute."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from content.bulletins import Priority
from devices.outages import Fault
from devices.receivers import Receiver
from loa.times import DAY, Instant, after, local
from scheduler import broadcasts
from scheduler.broadcasts import Broadcast, State
from scheduler.reporting import figures, fleet, periods
from scheduler.reporting.counts import Counts
from scheduler.reporting.figures import Figures, Inside
from scheduler.reporting.fleet import OfReceiver

WORST = 5
AHEAD = 7 * DAY


@dataclass(frozen=True)
class Week:
    """One week so far."""

    found: Figures
    before: Counts
    worst: list[OfReceiver]
    """Receivers with the most that was not played or not confirmed, at most WORST."""
    receivers: int
    faulty: int
    """Receivers in service with something wrong now."""
    alarms: list[Broadcast]
    ahead: int
    """Broadcasts planned for the next seven days."""


def of_station(session: Session, zone: ZoneInfo, now: Instant, inside: Inside = None) -> Week:
    """The week that holds ``now``."""
    period = periods.week(local(now, zone).date())
    found = figures.of_period(session, period, zone, inside)
    each = fleet.of_period(session, period, zone, now, inside)
    bad = [one for one in each if one.counts.missing or one.counts.unknown]
    bad.sort(key=lambda one: (-(one.counts.missing + one.counts.unknown), one.name))
    since, until = period.bounds(zone)
    return Week(
        found,
        figures.total(session, period.before(), zone, inside),
        bad[:WORST],
        len(each),
        _faulty(session, inside),
        _alarms(session, since, Instant(min(until, now))),
        _ahead(session, now),
    )


def _faulty(session: Session, inside: Inside) -> int:
    found = (
        sa.select(sa.func.count(sa.distinct(Fault.receiver_id)))
        .join(Receiver, Receiver.id == Fault.receiver_id)
        .where(Fault.until.is_(None), Receiver.active)
    )
    if inside is not None:
        found = found.where(Receiver.area_id.in_(inside))
    return session.scalar(found) or 0


def _alarms(session: Session, since: Instant, until: Instant) -> list[Broadcast]:
    found = broadcasts.between(session, since, until)
    return [
        each
        for each in found
        if each.priority is Priority.EMERGENCY and each.state is not State.CANCELLED
    ]


def _ahead(session: Session, now: Instant) -> int:
    found = sa.select(sa.func.count()).where(
        Broadcast.starts_at >= now,
        Broadcast.starts_at < after(now, AHEAD),
        Broadcast.state.in_(broadcasts.LIVE),
    )
    return session.scalar(found) or 0
