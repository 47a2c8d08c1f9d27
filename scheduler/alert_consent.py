"""What the second person does: hear an alert, and agree that it sounds.

Agreeing is approving the exact sound that was heard, by the very rule of every bulletin, and the order to sound it.
Where the regulation lets one officer sound an emergency alone, that holds for its first minutes.
"""

from __future__ import annotations

from collections.abc import Collection
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from content import bulletins, decisions
from content.bulletins import State as BulletinState
from content.recordings import Recording
from loa import audit
from loa.errors import ContentError, NotAllowed, ScheduleError
from loa.staff import May, Staff
from loa.times import MINUTE, SECOND, Instant, after
from loa.words import say
from scheduler import alert_orders, alert_words, alerts, levels, regulation
from scheduler.alert_orders import LEAD
from scheduler.alerts import Alert, State

PAUSE = 10 * SECOND
"""At least so long it is silent between two repetitions."""


def agree(
    session: Session,
    alert: Alert,
    staff: Staff,
    heard: Collection[str],
    now: Instant,
    zone: ZoneInfo,
    *,
    version: int | None = None,
    terms: str | None = None,
    emergency_approvers: int = 2,
) -> bool:
    """Agree to the sounds ``heard`` and to the order; True when it sounds on this word, False while it needs more.

    ``terms`` are those of the order that was read (``alerts.terms``).
    """
    _demand_open(session, alert, staff, now)
    _demand_terms(alert, terms)
    beside = _drill_rules(session, alert, now, zone) if alert.drill else []
    if not alerts.waits_for(alert, staff):
        raise NotAllowed(
            say(
                "%(name)s đã chuẩn bị hoặc đã tự phát lệnh này nên không tự đồng ý được. "
                "Cần một người duyệt khác, trên máy của họ.",
                name=staff.name,
            )
        )
    _approve_sound(session, alert, staff, heard, now, version, emergency_approvers)
    is_agreed = decisions.approval(session, alert.bulletin_id) is not None
    audit.append(
        session, now, staff.login, "alert.agree", alert=alert.id, sounds=alert.bulletin.sounds, complete=is_agreed,
        **({"rules": beside} if beside else {}),
    )  # fmt: skip
    if is_agreed:
        alert.second_id, alert.agreed_at = staff.id, now
        _begin(session, alert, staff, now)
    return is_agreed


def sound_alone(
    session: Session,
    alert: Alert,
    staff: Staff,
    heard: Collection[str],
    now: Instant,
    zone: ZoneInfo,
    *,
    version: int | None = None,
    terms: str | None = None,
    emergency_approvers: int = 2,
) -> Instant:
    """Sound it on one officer's word, where the regulation allows that; returns when it falls silent again.

    That officer's approval counts as any other, where nothing stands against it.
    """
    _demand_open(session, alert, staff, now)
    _demand_terms(alert, terms)
    minutes = regulation.rules_at(session, now).alone_minutes
    if not minutes or alert.drill or alert.state is not State.WAITING:
        raise ScheduleError(
            say(
                "Quy chế của đài không cho một người tự phát lệnh này. Hãy gọi người duyệt thứ hai đồng ý."
            )
        )
    _demand_heard(alert, heard)
    if _may_agree(session, alert, staff) and agree(
        session, alert, staff, heard, now, zone, version=version, terms=terms,
        emergency_approvers=emergency_approvers,
    ):  # fmt: skip
        return alert.expires_at
    alert.alone_id, alert.heard = staff.id, dict(alert.bulletin.sounds)
    alert.alone_until = after(now, LEAD + minutes * MINUTE)
    audit.append(
        session, now, staff.login, "alert.alone",
        alert=alert.id, sounds=alert.heard, until=alert.alone_until,
    )  # fmt: skip
    _begin(session, alert, staff, now)
    return alert.alone_until


def _demand_open(session: Session, alert: Alert, staff: Staff, now: Instant) -> None:
    staff.demand(May.APPROVE)
    levels.demand_over(session, staff, alert.staff.area_id)
    levels.demand_within(session, staff, alert.where)
    if alert.state not in alerts.STANDING or (alert.state is State.ACTIVE and not alert.is_alone):
        raise ScheduleError(say("Lệnh này không còn chờ đồng ý. Hãy tải lại trang."))
    if alert.expires_at <= now:
        raise ScheduleError(say("Lệnh này đã hết hạn. Hãy chuẩn bị lệnh mới."), field="expires_at")
    if why := alert_words.mismatch(alert.bulletin, alert.drill):
        raise ScheduleError(say("%(why)s Hãy chuẩn bị lệnh mới.", why=why))
    alert_orders.check_where(session, alert.where)


def _demand_terms(alert: Alert, terms: str | None) -> None:
    if terms not in (None, alerts.terms(alert)):
        raise ScheduleError(
            say(
                "Lệnh đã đổi từ lúc mở trang (nơi phát, số lần hoặc hạn). Hãy tải lại trang, xem lại rồi đồng ý."
            )
        )


def _drill_rules(session: Session, alert: Alert, now: Instant, zone: ZoneInfo) -> list[str]:
    """What it breaks that needs a reason of anything but a drill. Raises ScheduleError for what is refused."""
    starts = alerts.repeated(
        after(now, LEAD), alert.expires_at, spacing(session, alert), alert.times
    )
    ms = longest(session, alert)
    return alert_orders.demand_allowed(
        session, alert.title, alert.where, list(starts), ms, now, zone
    )


def _may_agree(session: Session, alert: Alert, staff: Staff) -> bool:
    """A second person for it, who neither wrote its words nor has approved them already."""
    given = decisions.standing(session, [alert.bulletin_id]).get(alert.bulletin_id, [])
    if not alerts.waits_for(alert, staff) or staff.id in {each.staff_id for each in given}:
        return False
    return staff.id not in bulletins.writers(session, alert.bulletin)


def _demand_heard(alert: Alert, heard: Collection[str]) -> None:
    sounds = set(alert.bulletin.sounds.values())
    if not sounds:
        raise ContentError(say("Âm thanh chưa tạo xong. Hãy chờ thanh tiến độ chạy hết."))
    if set(heard) != sounds:
        raise ContentError(
            say("Âm thanh đã thay đổi sau khi trang được mở. Hãy tải lại trang và nghe lại.")
        )


def _approve_sound(
    session: Session,
    alert: Alert,
    staff: Staff,
    heard: Collection[str],
    now: Instant,
    version: int | None,
    emergency_approvers: int,
) -> None:
    """By the very rule of every bulletin; one whose approval is in force is only to have been heard."""
    _demand_heard(alert, heard)
    if decisions.approval(session, alert.bulletin_id) is not None:
        return
    _submit(session, alert, now)
    bulletins.approve(
        session, alert.bulletin, staff, heard, now, version=version, emergency_approvers=emergency_approvers
    )  # fmt: skip


def _submit(session: Session, alert: Alert, now: Instant) -> None:
    if alert.bulletin.state is BulletinState.DRAFT and alert.bulletin.sounds:
        bulletins.submit(session, alert.bulletin, alert.staff, now)


def _begin(session: Session, alert: Alert, staff: Staff, now: Instant) -> None:
    """Let it sound, unless it does already; what it stands in for ends."""
    alert.state, alert.planned_until = State.ACTIVE, now
    session.flush()
    session.expire(alert, ["second", "lone"])
    if alert.starts_at is None:
        alert.starts_at = after(now, LEAD)
        alert.every_ms = spacing(session, alert)
        for before in alerts.replaced(session, alert):
            alert_orders.close(
                session,
                before,
                State.ENDED,
                staff.name,
                say("Thay bằng lệnh “%(title)s”.", title=alert.title),
                now,
            )
    session.flush()


def spacing(session: Session, alert: Alert) -> int:
    """From start to start, as asked; more where the sound is longer than that: whole minutes."""
    if not alert.every_ms:
        return 0
    return max(alert.every_ms, -(-(longest(session, alert) + PAUSE) // MINUTE) * MINUTE)


def longest(session: Session, alert: Alert) -> int:
    """Milliseconds of its longest sound; 0 while it has none."""
    lengths = sa.select(sa.func.max(Recording.ms))
    shas = list(alert.bulletin.sounds.values())
    return session.scalar(lengths.where(Recording.sha256.in_(shas))) or 0
