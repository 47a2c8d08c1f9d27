"""Following: what an area said of a broadcast holds on when its source moves it to another time, or has it anew.

What was declined stays declined for the same bulletin of the same source within the hour. An order of two is asked
about again: whether they still meet is another question then.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from loa import audit
from loa.times import HOUR, Instant, after
from scheduler.broadcasts import Broadcast
from scheduler.levels import AreaDecision, Said
from scheduler.schedule_tables import Schedule

NEAR = 1 * HOUR
SOURCES = (
    Broadcast.schedule_id,
    Broadcast.programme_id,
    Broadcast.campaign_id,
    Broadcast.alert_id,
)


def follow(session: Session, now: Instant) -> None:
    """Bring what areas said in line with broadcasts that the planner has ended before their time."""
    is_named = sa.or_(
        AreaDecision.broadcast_id == Broadcast.id, AreaDecision.other_id == Broadcast.id
    )
    found = (
        sa.select(AreaDecision, Broadcast)
        .join(Broadcast, is_named)
        .where(
            AreaDecision.withdrawn_at.is_(None),
            Broadcast.starts_at > now,
            Broadcast.stop_requested_at.is_not(None),
        )
    )
    for said, gone in session.execute(found).all():
        heir = _heir(session, gone)
        if said.withdrawn_at is None and heir is not None:
            _hand_on(session, said, heir, now)


def _heir(session: Session, gone: Broadcast) -> Broadcast | None:
    """The broadcast that is in its place now; None where there is none."""
    same = [column.is_not_distinct_from(getattr(gone, column.key)) for column in SOURCES]
    found = sa.select(Broadcast).where(
        *same, Broadcast.bulletin_id == gone.bulletin_id, Broadcast.item == gone.item,
        Broadcast.stop_requested_at.is_(None),
        Broadcast.starts_at.between(after(gone.starts_at, -NEAR), after(gone.starts_at, NEAR)),
    )  # fmt: skip
    rows = session.scalars(found.order_by(Broadcast.id)).all()
    return min(rows, key=lambda row: abs(row.starts_at - gone.starts_at), default=None)


def _hand_on(session: Session, said: AreaDecision, heir: Broadcast, now: Instant) -> None:
    said.withdrawn_at = now
    if said.said is Said.DECLINED:
        session.add(
            AreaDecision(
                area_id=said.area_id, broadcast_id=heir.id, said=said.said, reason=said.reason,
                staff_id=said.staff_id, at=now,
            )
        )  # fmt: skip
    elif said.schedule_id is not None:
        again = session.get_one(Schedule, said.schedule_id)
        if again.ended_at is None:
            again.ended_at = again.planned_until = now
    session.flush()
    audit.append(session, now, audit.SYSTEM, "level.follow", decision=said.id, broadcast=heir.id)
