"""Upkeep: a broadcast that has not run follows approval, validity, regulation, schedule and receivers.

What a broadcast was last held against is remembered, and it is not looked at again before something of that changes.
"""

from __future__ import annotations

from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from content import bulletins
from content.bulletins import Bulletin
from loa import audit
from loa.times import Instant, local
from loa.words import say
from scheduler import broadcasts, days, following
from scheduler.broadcasts import Broadcast, Delivery, DeliveryState
from scheduler.broadcasts import State as BroadcastState
from scheduler.facts import Case, Facts
from scheduler.sources import Rules

D = DeliveryState
Held = dict[int, int]
"""Broadcast id → a hash of all that it was held against."""
NOT_VALID = "not_valid"
"""Code of a broadcast on a day on which its bulletin is not in force."""


def keep(session: Session, now: Instant, rules: Rules, held: Held) -> None:
    """Hold every broadcast that has not run against what now holds; ``held`` spares those already held against it."""
    before = dict(held)
    held.clear()
    _keep(session, now, rules, before, held)


def keep_urgent(session: Session, now: Instant, rules: Rules, held: Held) -> None:
    """The same for those of alarms, and those whose bulletin was withdrawn."""
    withdrawn = sa.select(Bulletin.id).where(Bulletin.state == bulletins.State.WITHDRAWN)
    urgent = sa.or_(Broadcast.alert_id.is_not(None), Broadcast.bulletin_id.in_(withdrawn))
    _keep(session, now, rules, dict(held), held, urgent)


def _keep(
    session: Session, now: Instant, rules: Rules, before: Held, held: Held, *which: sa.ColumnElement[bool]
) -> None:  # fmt: skip
    open_broadcasts = session.scalars(
        sa.select(Broadcast).where(
            # Cancelled by receivers' word alone, one still to come may yet get its approval back.
            sa.or_(Broadcast.state.in_(broadcasts.LIVE), Broadcast.starts_at > now),
            Broadcast.stop_requested_at.is_(None),
            *which,
        )
    ).all()
    if not open_broadcasts:
        return
    facts = Facts(session, open_broadcasts, rules.zone)
    for broadcast in open_broadcasts:
        case = facts.case(broadcast, now, rules)
        held[broadcast.id] = mark = case.mark(facts)
        if before.get(broadcast.id) != mark:
            _keep_one(session, case, facts, now, rules)


def _keep_one(session: Session, case: Case, facts: Facts, now: Instant, rules: Rules) -> None:
    broadcast, bulletin, _, phase = case
    if bulletin.state is bulletins.State.WITHDRAWN:
        broadcasts.request_stop(session, broadcast, now, say("Bản tin đã bị thu hồi."), "withdrawn")
    elif phase.may_start or phase.is_new:
        changed = following.receivers_now(session, case, facts, now)
        changed |= following.approval(session, case, facts)
        changed |= following.quiet_hours(session, case, facts, now, rules)
        if changed:
            broadcasts.settle(session, broadcast)
        if phase.may_start or broadcast.recording_sha is not None:
            _cancel_if_not_valid(session, case, now, rules)
            _cancel_if_day_forbids(session, case, facts, now)
    elif phase.is_over:
        _close_if_idle(session, broadcast, now)


def _cancel_if_not_valid(session: Session, case: Case, now: Instant, rules: Rules) -> None:
    broadcast = case.broadcast
    if not is_valid(case.bulletin, broadcast.starts_at, rules.zone):
        why = say("Bản tin không còn hiệu lực vào ngày này.")
        close(session, broadcast, D.CANCELLED, NOT_VALID, why, now)


def is_valid(bulletin: Bulletin, moment: Instant, zone: ZoneInfo) -> bool:
    """Whether the bulletin is in force on that day."""
    day = local(moment, zone).date()
    since, until = bulletin.valid_from, bulletin.valid_until
    return (since is None or day >= since) and (until is None or day <= until)


def _cancel_if_day_forbids(session: Session, case: Case, facts: Facts, now: Instant) -> None:
    broadcast = case.broadcast
    why = facts.calendar.forbids(broadcast.starts_at, case.bulletin.priority)
    if why is not None and broadcast.stop_requested_at is None:
        close(session, broadcast, D.CANCELLED, days.CODE, why, now)


def _close_if_idle(session: Session, broadcast: Broadcast, now: Instant) -> None:
    """Say why a broadcast whose time is over has sounded nowhere, where no receiver is left to say it."""
    if not _has_deliveries(session, broadcast):
        why = say("Trong địa bàn không có đầu thu nào.")
        close(session, broadcast, D.MISSED, "no_receiver", why, now)
    elif broadcast.recording_sha is None:
        why = say("Đến giờ phát mà bản tin chưa được duyệt.")
        close(session, broadcast, D.MISSED, "not_approved", why, now)
    else:
        broadcasts.settle(session, broadcast)


def _has_deliveries(session: Session, broadcast: Broadcast) -> bool:
    found = sa.select(Delivery.id).where(Delivery.broadcast_id == broadcast.id)
    return session.scalar(found.limit(1)) is not None


def close(
    session: Session, broadcast: Broadcast, state: DeliveryState, code: str, why: str, now: Instant
) -> None:
    """End a broadcast that is not to sound: ``state`` where no plan carried it, elsewhere what receivers say."""
    broadcasts.request_stop(session, broadcast, now, why, code, state)
    if not _has_deliveries(session, broadcast):
        broadcast.state = BroadcastState(state.value)
    audit.append(session, now, audit.SYSTEM, "broadcast.close", broadcast=broadcast.id, code=code)
