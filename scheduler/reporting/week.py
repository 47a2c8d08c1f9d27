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
from scheduler.level_views import View
from scheduler.reporting import figures, fleet, periods, unheard
from scheduler.reporting.counts import Counts
from scheduler.reporting.figures import Figures, Inside
from scheduler.reporting.fleet import OfReceiver
from scheduler.reporting.unheard import Unheard

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
    unheard: Unheard


def of_station(session: Session, zone: ZoneInfo, now: Instant, view: View) -> Week:
    """The week that holds ``now``, as far as ``view`` lets it be seen."""
    inside = view.inside
    period = periods.week(local(now, zone).date())
    found = figures.of_period(session, period, zone, inside, with_areas=False)
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
        _alarms(session, since, Instant(min(until, now)), view),
        _ahead(session, now, view),
        unheard.of(session, figures.within(since, until), inside),
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


def _alarms(session: Session, since: Instant, until: Instant, view: View) -> list[Broadcast]:
    found = sa.select(Broadcast).where(
        Broadcast.starts_at >= since,
        Broadcast.starts_at < until,
        Broadcast.priority == Priority.EMERGENCY,
        Broadcast.state != State.CANCELLED,
    )
    return view.broadcasts(session.scalars(found.order_by(Broadcast.starts_at)).unique().all())


def _ahead(session: Session, now: Instant, view: View) -> int:
    found = sa.select(Broadcast).where(
        Broadcast.starts_at >= now,
        Broadcast.starts_at < after(now, AHEAD),
        Broadcast.state.in_(broadcasts.LIVE),
    )
    if view.inside is None:
        return session.scalar(sa.select(sa.func.count()).select_from(found.subquery())) or 0
    return len(view.broadcasts(session.scalars(found).unique().all()))
