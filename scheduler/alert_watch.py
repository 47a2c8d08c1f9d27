"""What time and others make of alerts: sounds that got ready, terms that ran out, bulletins taken back."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from content import bulletins, decisions
from content.bulletins import State as BulletinState
from loa import audit
from loa.times import MINUTE, Instant, after
from loa.words import say
from scheduler import alert_orders, alert_words, alerts
from scheduler.alerts import Alert, State
from scheduler.broadcasts import Broadcast

STATION = say("Đài")
GONE = (BulletinState.REJECTED, BulletinState.WITHDRAWN)
SETTLED = 2 * MINUTE
"""After its last sound is over, a receiver may still be late with it."""


def follow(session: Session, now: Instant) -> None:
    """Bring every alert that stands in line with the time and with its bulletin."""
    for alert in alerts.standing(session):
        state, why = _fate(session, alert, now)
        if state is not None:
            alert_orders.close(session, alert, state, STATION, why, now)
            audit.append(session, now, audit.SYSTEM, f"alert.{state}", alert=alert.id, reason=why)
        elif _has_sound_at_last(alert):
            bulletins.submit(session, alert.bulletin, alert.staff, now)
            alert_orders.send_ahead(session, alert)


def _fate(session: Session, alert: Alert, now: Instant) -> tuple[State | None, str]:
    """What it has become by itself, and why; None while it stands."""
    waits = alert.state is State.WAITING
    if why := _spoilt(session, alert):
        return (State.REFUSED if waits else State.ENDED), why
    if alert.expires_at <= now:
        return State.EXPIRED, say("Hết hạn, chưa phát.") if waits else say("Hết hạn.")
    if not waits and alert.until <= now:
        return State.ENDED, say("Người thứ hai chưa đồng ý trong thời gian quy chế cho phép.")
    if not waits and _has_sounded_out(session, alert, now):
        return State.EXPIRED, say("Đã phát đủ số lần.")
    return None, ""


def _spoilt(session: Session, alert: Alert) -> str | None:
    """What became of its bulletin so that it cannot sound; None while it can."""
    is_undecided = alert.state is State.WAITING or alert.is_alone
    state = alert.bulletin.state
    if state is BulletinState.WITHDRAWN or (is_undecided and state in GONE):
        return say("Bản tin bị trả lại hoặc thu hồi.")
    if not is_undecided and decisions.approval(session, alert.bulletin_id) is None:
        return say("Bản tin không còn được duyệt.")
    return alert_words.mismatch(alert.bulletin, alert.drill)


def _has_sounded_out(session: Session, alert: Alert, now: Instant) -> bool:
    last = max(alerts.moments(alert), default=now)
    longest = sa.select(sa.func.max(Broadcast.ms)).where(Broadcast.alert_id == alert.id)
    return after(last, (session.scalar(longest) or 0) + SETTLED) <= now


def _has_sound_at_last(alert: Alert) -> bool:
    is_draft = alert.bulletin.state is BulletinState.DRAFT
    return alert.state is State.WAITING and is_draft and bool(alert.bulletin.sounds)
