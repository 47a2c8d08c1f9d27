"""Planner: schedules → broadcasts and their deliveries, and the upkeep of those still to come.

Every occurrence becomes a row even when it will not sound (not approved, quiet hours, station was down): it
then says so, with the reason, instead of being silently absent. Running twice is harmless: an occurrence is
planned under ``Schedule.planned_until`` and a unique (schedule, starts_at).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session, selectinload

from content import bulletins, decisions
from content.bulletins import Bulletin, Priority
from content.recordings import Recording
from devices import areas, receivers
from devices.receivers import Receiver
from loa import audit
from loa.languages import KINH
from loa.times import MINUTE, Instant, after, local
from scheduler import broadcasts, regulation, schedules
from scheduler.broadcasts import OPEN, Broadcast, Delivery, DeliveryState
from scheduler.broadcasts import State as BroadcastState
from scheduler.regulation import QuietHours
from scheduler.schedules import Schedule

RENEW_AFTER = 5 * MINUTE
"""The planned span is moved on in steps, so that an idle station does not write every second."""


@dataclass(frozen=True)
class Rules:
    """What planning goes by: the station's zone and the delivery table of config.toml, in milliseconds."""

    zone: ZoneInfo
    horizon: int
    late: int


def plan(session: Session, now: Instant, rules: Rules) -> int:
    """Bring broadcasts and deliveries in line with what staff want; returns how many broadcasts are new."""
    new = _plan_occurrences(session, now, rules)
    _upkeep(session, now, rules)
    return new


def _plan_occurrences(session: Session, now: Instant, rules: Rules) -> int:
    until = after(now, rules.horizon)
    new = 0
    for schedule in schedules.unplanned(session, after(until, -RENEW_AFTER)):
        if schedule.bulletin.state is bulletins.State.WITHDRAWN:
            schedule.ended_at = now
            continue
        for moment in schedules.occurrences(schedule, schedule.planned_until, until, rules.zone):
            new += _plan_one(session, schedule, moment, now, rules)
        is_last = (
            schedule.end_date is not None and schedule.end_date < local(until, rules.zone).date()
        )
        schedule.planned_until = schedules.ALL_PLANNED if is_last else until
    return new


def _plan_one(
    session: Session, schedule: Schedule, moment: Instant, now: Instant, rules: Rules
) -> bool:
    known = sa.select(Broadcast.id).where(
        Broadcast.schedule_id == schedule.id, Broadcast.starts_at == moment
    )
    if session.scalar(known) is not None:
        return False
    bulletin = schedule.bulletin
    broadcast = Broadcast(
        occurrence=f"{schedule.uid}.{local(moment, UTC):%Y%m%dT%H%M%SZ}", schedule_id=schedule.id,
        bulletin_id=bulletin.id, title=bulletin.title, priority=bulletin.priority, field=bulletin.field,
        starts_at=moment, author=bulletin.author.name, scheduler=schedule.staff.name, planned_at=now, ms=0,
    )  # fmt: skip
    session.add(broadcast)
    session.flush()
    spoken_in = areas.spoken_in(session)
    for receiver in receivers.in_areas(session, [target.area_id for target in schedule.targets]):
        session.add(broadcasts.new_delivery(broadcast, receiver, spoken_in[receiver.area_id]))
    session.flush()
    broadcasts.touch(session, broadcast)
    if after(moment, rules.late) < now:
        why = "Đến giờ phát thì đài không hoạt động nên lượt này không được giao cho đầu thu."
        _close(session, broadcast, DeliveryState.MISSED, "not_sent", why, now)
    return True


def _upkeep(session: Session, now: Instant, rules: Rules) -> None:
    """Hold every broadcast that has not run against approval, validity, regulation, schedule and receivers."""
    open_broadcasts = session.scalars(
        sa.select(Broadcast)
        .where(
            # Cancelled by receivers' word alone, one still to come may yet get its approval back.
            sa.or_(Broadcast.state.in_(broadcasts.LIVE), Broadcast.starts_at > now),
            Broadcast.stop_requested_at.is_(None),
        )
        .options(selectinload(Broadcast.deliveries))
    ).all()
    if not open_broadcasts:
        return
    facts = _Facts(session, open_broadcasts, now)
    for broadcast in open_broadcasts:
        _keep_one(session, broadcast, facts, now, rules)


class _Facts:
    """What upkeep needs to know, read once for all broadcasts."""

    def __init__(self, session: Session, found: Sequence[Broadcast], now: Instant) -> None:
        ids = {broadcast.bulletin_id for broadcast in found}
        self.quiet: tuple[QuietHours, ...] = regulation.quiet_at(session, now)
        self.bulletins = {
            b.id: b for b in session.scalars(sa.select(Bulletin).where(Bulletin.id.in_(ids)))
        }
        self.approvals = decisions.in_force(session, ids)
        shas = {sha for approval in self.approvals.values() for sha in approval.sounds.values()}
        lengths = sa.select(Recording.sha256, Recording.ms).where(Recording.sha256.in_(shas))
        self.lengths = {row.sha256: row.ms for row in session.execute(lengths)}
        self.spoken_in = areas.spoken_in(session)
        self.schedules = {
            schedule.id: schedule
            for schedule in session.scalars(
                sa.select(Schedule).where(Schedule.id.in_({b.schedule_id for b in found}))
            )
        }
        self._targets: dict[int, dict[str, Receiver]] = {}
        self._session = session

    def targets(self, schedule: Schedule) -> dict[str, Receiver]:
        """Receivers that stand in the schedule's areas now."""
        if schedule.id not in self._targets:
            found = receivers.in_areas(
                self._session, [target.area_id for target in schedule.targets]
            )
            self._targets[schedule.id] = {receiver.id: receiver for receiver in found}
        return self._targets[schedule.id]


def _keep_one(
    session: Session, broadcast: Broadcast, facts: _Facts, now: Instant, rules: Rules
) -> None:
    bulletin, schedule = (
        facts.bulletins[broadcast.bulletin_id],
        facts.schedules[broadcast.schedule_id],
    )
    may_start = broadcast.starts_at > now
    # Planned or approved a little late, it may still start; what was handed out before is left as it is.
    is_new = after(broadcast.starts_at, rules.late) >= now and broadcast.recording_sha is None
    if bulletin.state is bulletins.State.WITHDRAWN:
        broadcasts.request_stop(session, broadcast, now, "Bản tin đã bị thu hồi.")
    elif may_start or is_new:
        changed = _follow_receivers(session, broadcast, facts, facts.targets(schedule), now)
        changed |= _follow_approval(session, broadcast, bulletin, facts)
        changed |= _follow_quiet_hours(session, broadcast, bulletin, facts, now, rules)
        if changed:
            broadcasts.settle(session, broadcast)
        if may_start or broadcast.recording_sha is not None:
            _cancel_if_over(session, broadcast, bulletin, schedule, now, rules)
    elif after(broadcast.starts_at, broadcast.ms + rules.late) < now:
        _close_if_idle(session, broadcast, now)


def _close_if_idle(session: Session, broadcast: Broadcast, now: Instant) -> None:
    """Say why a broadcast whose time is over has sounded nowhere, where no receiver is left to say it."""
    missed = DeliveryState.MISSED
    if not broadcast.deliveries:
        _close(
            session, broadcast, missed, "no_receiver", "Trong địa bàn không có đầu thu nào.", now
        )
    elif broadcast.recording_sha is None:
        why = "Đến giờ phát mà bản tin chưa được duyệt."
        _close(session, broadcast, missed, "not_approved", why, now)
    else:
        broadcasts.settle(session, broadcast)


def _follow_approval(
    session: Session, broadcast: Broadcast, bulletin: Bulletin, facts: _Facts
) -> bool:
    """Give the broadcast the sounds now approved, or take them away; True when that changed anything."""
    approval = facts.approvals.get(bulletin.id)
    sounds = approval.sounds if approval else {}
    changed = [_give_sound(delivery, sounds, facts) for delivery in broadcast.deliveries]
    if sounds:  # without approval the old length stays: receivers may hold the old sound
        given = [delivery.ms for delivery in broadcast.deliveries if delivery.dropped_at is None]
        broadcast.ms = max(given, default=facts.lengths[sounds[KINH]])
    wanted = (sounds.get(KINH), bulletin.title, bulletin.priority)
    if not any(changed) and wanted == (
        broadcast.recording_sha, broadcast.title, broadcast.priority
    ):  # fmt: skip
        return False
    broadcast.recording_sha, broadcast.title, broadcast.priority = wanted
    broadcast.field = bulletin.field
    broadcast.approver_names = approval.names if approval else []
    broadcast.approver_logins = approval.logins if approval else []
    broadcasts.touch(session, broadcast)
    return True


def _give_sound(delivery: Delivery, sounds: dict[str, str], facts: _Facts) -> bool:
    """The sound for the language of the receiver's area, else the bulletin's own; True when it is another now."""
    sha = sounds.get(delivery.language, sounds.get(KINH))
    if delivery.recording_sha == sha:
        return False
    if delivery.recording_sha is not None:
        delivery.last_sha = delivery.recording_sha
    delivery.recording_sha = sha
    if sha is not None:
        delivery.ms = facts.lengths[sha]
        _reopen(delivery)
    return True


def _reopen(delivery: Delivery) -> None:
    """It is wanted again: what the receiver said of an earlier plan no longer stands."""
    if delivery.state in (DeliveryState.CANCELLED, DeliveryState.REFUSED):
        delivery.state, delivery.reason, delivery.ended_at = DeliveryState.PLANNED, None, None


def _follow_receivers(
    session: Session,
    broadcast: Broadcast,
    facts: _Facts,
    targets: dict[str, Receiver],
    now: Instant,
) -> bool:
    """Add, drop or take back deliveries as receivers come and go or speak otherwise; True when any did."""
    known = {delivery.receiver_id: delivery for delivery in broadcast.deliveries}
    new = targets.keys() - known.keys()
    moved = {
        receiver_id
        for receiver_id, delivery in known.items()
        if (receiver_id in targets) != (delivery.dropped_at is None)
    }
    for receiver_id in new:
        receiver = targets[receiver_id]
        language = facts.spoken_in[receiver.area_id]
        broadcast.deliveries.append(broadcasts.new_delivery(broadcast, receiver, language))
    for receiver_id in targets.keys() & known.keys():
        known[receiver_id].language = facts.spoken_in[targets[receiver_id].area_id]
    for receiver_id in moved:
        _drop_or_take_back(known[receiver_id], now)
    if new or moved:
        receivers.mark_stale(session, new | moved)
    return bool(new or moved)


def _drop_or_take_back(delivery: Delivery, now: Instant) -> None:
    """Follow a receiver out of the schedule's areas, or back into them."""
    if delivery.dropped_at is None:
        delivery.dropped_at = now
        if delivery.rev is None and delivery.state in OPEN:
            delivery.state, delivery.reason = DeliveryState.CANCELLED, "left_area"
    else:
        delivery.dropped_at = None
        _reopen(delivery)
        if delivery.barred_at is not None:
            delivery.barred_at = None  # judged anew in the same pass


def _follow_quiet_hours(
    session: Session,
    broadcast: Broadcast,
    bulletin: Bulletin,
    facts: _Facts,
    now: Instant,
    rules: Rules,
) -> bool:
    """Bar it wherever its sound would reach into the quiet hours, and nowhere else; True when that changed.

    Judged anew until it starts: another sound, language or rule may let it through again.
    """
    changed: set[str] = set()
    spans: dict[int, str | None] = {}
    for delivery in broadcast.deliveries:
        if bulletin.priority is not Priority.EMERGENCY and delivery.ms not in spans:
            ends_at = after(broadcast.starts_at, delivery.ms)
            span = regulation.breach(facts.quiet, broadcast.starts_at, ends_at, rules.zone)
            spans[delivery.ms] = str(span) if span else None
        if (spans.get(delivery.ms) is not None) != (delivery.barred_at is not None):
            _bar_or_let(delivery, now)
            changed.add(delivery.receiver_id)
    if not changed:
        return False
    receivers.mark_stale(session, changed)
    barred = [delivery for delivery in broadcast.deliveries if delivery.barred_at is not None]
    named = ", ".join(sorted({str(spans[delivery.ms]) for delivery in barred}))
    broadcast.reason = _barred_sentence(broadcast, len(barred), named)
    audit.append(
        session, now, audit.SYSTEM, "broadcast.quiet", broadcast=broadcast.id, barred=len(barred)
    )
    return True


def _barred_sentence(broadcast: Broadcast, barred: int, named: str) -> str | None:
    if not barred:
        return None
    if barred == len(broadcast.deliveries):
        return f"Lượt phát rơi vào giờ không phát {named} của đài."
    return f"{barred} đầu thu không phát lượt này: bản của chúng dài sang giờ không phát {named}."


def _bar_or_let(delivery: Delivery, now: Instant) -> None:
    if delivery.barred_at is None:
        delivery.barred_at = now
        if delivery.rev is None and delivery.state in OPEN:
            delivery.state, delivery.reason = DeliveryState.CANCELLED, "quiet"
    else:
        delivery.barred_at = None
        _reopen(delivery)


def _cancel_if_over(
    session: Session,
    broadcast: Broadcast,
    bulletin: Bulletin,
    schedule: Schedule,
    now: Instant,
    rules: Rules,
) -> None:
    if schedule.ended_at is not None:
        _close(
            session,
            broadcast,
            DeliveryState.CANCELLED,
            "schedule_ended",
            "Lịch phát đã kết thúc.",
            now,
        )
        return
    day = local(broadcast.starts_at, rules.zone).date()
    if (bulletin.valid_from and day < bulletin.valid_from) or (
        bulletin.valid_until and day > bulletin.valid_until
    ):
        why = "Bản tin không còn hiệu lực vào ngày này."
        _close(session, broadcast, DeliveryState.CANCELLED, "not_valid", why, now)


def _close(
    session: Session, broadcast: Broadcast, state: DeliveryState, code: str, why: str, now: Instant
) -> None:
    """End a broadcast that is not to sound: ``state`` where no plan carried it, elsewhere what receivers say."""
    broadcasts.request_stop(session, broadcast, now, why, code, state)
    if not broadcast.deliveries:
        broadcast.state = BroadcastState(state.value)
    audit.append(session, now, audit.SYSTEM, "broadcast.close", broadcast=broadcast.id, code=code)
