"""Planner: schedules → broadcasts and their deliveries, and the upkeep of those still to come.

Every occurrence becomes a row even when it will not sound (not approved, quiet hours, station was down): it
then says so, with the reason, instead of being silently absent. Running twice is harmless: an occurrence is
planned under ``Schedule.planned_until`` and a unique (schedule, starts_at).
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC

import sqlalchemy as sa
from sqlalchemy.orm import Session

from content import bulletins
from devices import areas, receivers
from devices.areas import Area
from devices.receivers import Receiver
from loa.languages import KINH
from loa.times import MINUTE, Instant, after, local
from scheduler import canned, schedules, targets, upkeep
from scheduler.broadcasts import Broadcast, Delivery, DeliveryState
from scheduler.facts import Rules
from scheduler.schedules import Schedule
from scheduler.targets import Where
from scheduler.upkeep import Held

__all__ = ["Held", "Rules", "plan"]

RENEW_AFTER = 5 * MINUTE
"""The planned span is moved on in steps, so that an idle station does not write every second."""


def plan(session: Session, now: Instant, rules: Rules, held: Held | None = None) -> int:
    """Bring broadcasts and deliveries in line with what staff want; returns how many broadcasts are new.

    ``held`` is filled with what each broadcast was held against; given again, once all of this is committed, it
    spares the look at those for which nothing has changed.
    """
    session.flush()
    new = _plan_occurrences(session, now, rules)
    upkeep.keep(session, now, rules, {} if held is None else held)
    canned.follow_approvals(session, now)
    session.flush()
    session.expire_all()  # many statements went past what the session holds
    return new


def _plan_occurrences(session: Session, now: Instant, rules: Rules) -> int:
    until = after(now, rules.horizon)
    new = 0
    for schedule in schedules.unplanned(session, after(until, -RENEW_AFTER)):
        if schedule.bulletin.state is bulletins.State.WITHDRAWN:
            schedule.ended_at = now
            continue
        moments = schedules.occurrences(schedule, schedule.planned_until, until, rules.zone)
        new += _plan_all(session, schedule, list(moments), now, rules)
        is_last = (
            schedule.end_date is not None and schedule.end_date < local(until, rules.zone).date()
        )
        schedule.planned_until = schedules.ALL_PLANNED if is_last else until
    return new


def _plan_all(
    session: Session, schedule: Schedule, moments: Collection[Instant], now: Instant, rules: Rules
) -> int:
    known = sa.select(Broadcast.starts_at).where(
        Broadcast.schedule_id == schedule.id, Broadcast.starts_at.in_(moments)
    )
    kept = set(session.scalars(known)) if moments else set()
    made = [_broadcast(schedule, moment, now) for moment in moments if moment not in kept]
    if not made:
        return 0
    session.add_all(made)
    session.flush()
    _deliver(session, [broadcast.id for broadcast in made], schedule.where)
    for broadcast in made:
        if after(broadcast.starts_at, rules.late) < now:
            why = "Đến giờ phát thì đài không hoạt động nên lượt này không được giao cho đầu thu."
            upkeep.close(session, broadcast, DeliveryState.MISSED, "not_sent", why, now)
    return len(made)


def _broadcast(schedule: Schedule, moment: Instant, now: Instant) -> Broadcast:
    bulletin = schedule.bulletin
    return Broadcast(
        occurrence=f"{schedule.uid}.{local(moment, UTC):%Y%m%dT%H%M%SZ}", schedule_id=schedule.id,
        bulletin_id=bulletin.id, title=bulletin.title, priority=bulletin.priority, field=bulletin.field,
        starts_at=moment, author=bulletin.author.name, scheduler=schedule.staff.name, planned_at=now, ms=0,
    )  # fmt: skip


def _deliver(session: Session, broadcast_ids: Collection[int], where: Where) -> None:
    """One delivery of each of these broadcasts at each receiver meant, in one statement."""
    meant = targets.standing_in(session, where)
    values = {
        "broadcast_id": Broadcast.id,
        "receiver_id": Receiver.id,
        "receiver_name": Receiver.name,
        "area_name": Area.level + " " + Area.name,
        "language": _language(session),
        "state": sa.literal(DeliveryState.PLANNED, Delivery.state.type),
        "ms": sa.literal(0),
    }
    rows = (
        sa.select(*values.values())
        .select_from(Receiver)
        .join(Area, Receiver.area_id == Area.id)
        .join(Broadcast, sa.true())
        .where(Broadcast.id.in_(broadcast_ids), meant)
        .order_by(Broadcast.id, Receiver.id)
    )
    session.execute(sa.insert(Delivery).from_select(list(values), rows, include_defaults=False))
    receivers.mark_stale(session, sa.select(Receiver.id).where(meant))


def _language(session: Session) -> sa.ColumnElement[str]:
    """The language heard where a receiver stands."""
    spoken: dict[str, list[int]] = {}
    for area_id, language in areas.spoken_in(session).items():
        spoken.setdefault(language, []).append(area_id)
    others = [(Receiver.area_id.in_(ids), code) for code, ids in spoken.items() if code != KINH]
    return sa.case(*others, else_=KINH) if others else sa.literal(KINH)
