"""Rethinking: all that is still to come is wished for anew, because what holds for all of it has changed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from loa.times import Instant, local
from scheduler import context, programme_begun, programmes
from scheduler.alerts import Alert
from scheduler.campaign_tables import Campaign
from scheduler.schedule_tables import Schedule
from scheduler.sources import ALL_PLANNED, Rules


def everything(session: Session, now: Instant, rules: Rules) -> None:
    """Have the planner ask every source again for what comes after ``now``; what sounds goes on."""
    session.flush()
    today = local(now, rules.zone).date()
    # One moved by an exception may be heard after the last day of its series.
    goes_on = sa.or_(
        Schedule.end_date.is_(None), Schedule.end_date >= today - timedelta(days=1),
        Schedule.planned_until < ALL_PLANNED,
    )  # fmt: skip
    _put_back(session, Schedule, now, goes_on)
    _put_back(session, Alert, now, Alert.starts_at.is_not(None), Alert.expires_at > now)
    _put_back(session, Campaign, now, Campaign.end_date >= today, rethought_at=now)
    known = context.read(session, rules)
    for programme in programmes.going_on(session, today):
        begin = programme_begun.settled_until(session, programme, now, known)
        programme.planned_until = min(programme.planned_until, begin)
    session.flush()


def _put_back(
    session: Session, table: Any, now: Instant, *which: sa.ColumnElement[bool], **more: Instant
) -> None:
    ahead = sa.update(table).where(table.ended_at.is_(None), table.planned_until > now, *which)
    session.execute(
        ahead.values(planned_until=now, **more).execution_options(synchronize_session="fetch")
    )
