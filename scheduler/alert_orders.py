"""What one person does with an alert: prepare it, say where, refuse it, end it. A second agrees (alert_consent)."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from content import bulletins, decisions, recordings
from content.bulletins import Bulletin, Draft, Priority
from content.bulletins import State as BulletinState
from content.parts import spoken
from devices import receivers
from devices.receivers import Receiver
from loa import audit
from loa.errors import ContentError, ScheduleError
from loa.staff import May, Staff
from loa.times import HOUR, MINUTE, SECOND, Instant, after
from loa.words import say
from scheduler import admission, alert_words, alerts, broadcasts, levels, targets
from scheduler.admission import Asked
from scheduler.alert_words import DRILL, drill_title, drill_words
from scheduler.alerts import Alert, State, repeated
from scheduler.broadcasts import Broadcast
from scheduler.targets import Where

LEAD = 3 * SECOND
"""Between the last word of agreement and the sound: its receivers have the sound already, and all begin together."""
USUAL_HOURS, MOST_HOURS = 2, 24
LEAST_EVERY = MINUTE
MOST_SOUNDS = 60
"""Of one alert: all of them stand in each receiver's plan, which holds about a hundred."""
OWN_WORDS = "khac"
"""Template of an alert whose words somebody wrote from nothing."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """What a person fills in. Either ``bulletin``, approved before, or ``title`` and ``body``."""

    where: Where
    expires_at: Instant
    every_ms: int = 0
    times: int = 0
    drill: bool = False
    title: str = ""
    body: str = ""
    template: str = OWN_WORDS
    bulletin: Bulletin | None = None
    replaces_id: int | None = None
    cap: dict[str, Any] | None = None
    """With it the places may be chosen later: whoever sent the message has other names for them."""


def prepare(
    session: Session, staff: Staff, order: Order, now: Instant, zone: ZoneInfo
) -> Alert:  # fmt: skip
    """An alert that waits for a second person; its sound is being made. Raises LoaError naming the field."""
    staff.demand(May.SCHEDULE)
    levels.demand_within(session, staff, order.where)
    _check(session, order, now, zone)
    bulletin = order.bulletin or _write(session, staff, order, now)
    alert = Alert(
        uid=secrets.token_hex(6), template=None if order.bulletin else order.template, title=bulletin.title,
        bulletin_id=bulletin.id, bulletin=bulletin, where=order.where, state=State.WAITING, drill=order.drill,
        expires_at=order.expires_at, every_ms=order.every_ms, times=order.times if order.every_ms else 1,
        staff_id=staff.id, created_at=now, replaces_id=order.replaces_id, cap=order.cap,
        heard={}, planned_until=now,
    )  # fmt: skip
    session.add(alert)
    session.flush()
    send_ahead(session, alert)
    audit.append(
        session, now, staff.login, "alert.prepare", alert=alert.id, bulletin=bulletin.id, drill=alert.drill,
        expires_at=alert.expires_at, every_ms=alert.every_ms, times=alert.times,
    )  # fmt: skip
    return alert


def _write(session: Session, staff: Staff, order: Order, now: Instant) -> Bulletin:
    """The bulletin it sounds."""
    if not order.body.strip():
        raise ContentError(say("Hãy nhập lời cần phát."), field="body")
    title = order.title.strip()
    draft = Draft(
        title=drill_title(title) if order.drill and title else title,
        parts=spoken(drill_words(order.body) if order.drill else order.body),
        priority=alert_words.priority(order.drill),
        field=2,
    )
    bulletin = bulletins.write(session, staff, draft, now)
    recordings.queue(session, bulletin, now)
    return bulletin


def send_ahead(session: Session, alert: Alert) -> None:
    """Say anew to its receivers which sounds to fetch while people decide (scheduler.early)."""
    if not alert.where.is_nowhere:
        meant = targets.standing_in(session, alert.where)
        receivers.mark_stale(session, sa.select(Receiver.id).where(meant))


def choose_where(session: Session, alert: Alert, staff: Staff, where: Where, now: Instant) -> None:
    """Say where one that waits is to be heard. Whoever agreed to its sound has not agreed to other places yet."""
    staff.demand(May.SCHEDULE)
    if alert.state is not State.WAITING:
        raise ScheduleError(
            say("Lệnh này không còn chờ nên không đổi nơi phát được. Hãy tải lại trang.")
        )
    levels.demand_over(session, staff, alert.staff.area_id)
    levels.demand_within(session, staff, where)
    check_where(session, where)
    if where != alert.where:
        _void_words(session, alert, staff, now)
    alert.where = where
    session.flush()
    send_ahead(session, alert)
    audit.append(
        session, now, staff.login, "alert.where",
        alert=alert.id, areas=sorted(where.area_ids), groups=sorted(where.group_ids),
    )  # fmt: skip


def _void_words(session: Session, alert: Alert, staff: Staff, now: Instant) -> None:
    """End the words given so far; an approval in force was for the sound alone, and its order is still to be given."""
    if decisions.approval(session, alert.bulletin_id) is None:
        decisions.end(
            session,
            [alert.bulletin_id],
            now,
            say("%(name)s đổi nơi phát của lệnh", name=staff.name),
        )


# -- the end --------------------------------------------------------------------------------------


def refuse(session: Session, alert: Alert, staff: Staff, why: str, now: Instant) -> None:
    """Let one that waits come to nothing: by whoever prepared it, or an approver."""
    demand_refuser(alert, staff)
    if alert.state is not State.WAITING:
        raise ScheduleError(say("Lệnh này không còn chờ. Hãy tải lại trang."))
    levels.demand_over(session, staff, alert.staff.area_id)
    _demand_reason(why)
    close(session, alert, State.REFUSED, staff.name, why.strip(), now)
    audit.append(session, now, staff.login, "alert.refuse", alert=alert.id, reason=why.strip())


def demand_refuser(alert: Alert, staff: Staff) -> None:
    """Raise NotAllowed unless this person may let one that waits come to nothing."""
    if staff.id != alert.staff_id and not staff.may(May.STOP):
        staff.demand(May.APPROVE)


def end(session: Session, alert: Alert, staff: Staff, why: str, now: Instant) -> None:
    """Silence it and cancel all that is still to come of it."""
    staff.demand(May.STOP)
    if alert.state is not State.ACTIVE:
        raise ScheduleError(say("Lệnh này đã kết thúc rồi. Hãy tải lại trang."))
    levels.demand_over(session, staff, alert.staff.area_id)
    _demand_reason(why)
    close(session, alert, State.ENDED, staff.name, why.strip(), now)
    audit.append(session, now, staff.login, "alert.end", alert=alert.id, reason=why.strip())


def _demand_reason(why: str) -> None:
    if not why.strip():
        raise ScheduleError(
            say("Hãy ghi lý do, để nhật ký nói rõ vì sao lệnh kết thúc."), field="why"
        )


def close(
    session: Session, alert: Alert, state: State, by: str, why: str, now: Instant
) -> None:  # fmt: skip
    """End one that stands, whatever the reason. What nobody approved of its words is taken back as well.

    What sounds is silenced, unless its term merely ran out: then it is heard to its end.
    """
    if alert.state not in alerts.STANDING:
        return
    was_waiting = alert.state is State.WAITING
    alert.state, alert.ended_by, alert.ended_why = state, by, why
    alert.ended_at = alert.planned_until = now
    session.flush()
    if was_waiting:
        send_ahead(session, alert)  # they need not keep the sound any longer
        _drop_words(session, alert, now)
    for broadcast in live(session, alert) if state is not State.EXPIRED else ():
        broadcasts.request_stop(
            session,
            broadcast,
            now,
            say("%(by)s kết thúc lệnh khẩn cấp: %(why)s", by=by, why=why),
            alerts.KIND.ended.code,
        )


def _drop_words(session: Session, alert: Alert, now: Instant) -> None:
    open_to_it = (BulletinState.DRAFT, BulletinState.SUBMITTED, BulletinState.REJECTED)
    if alert.template is not None and alert.bulletin.state in open_to_it:
        bulletins.withdraw(session, alert.bulletin, alert.staff, now)


def live(session: Session, alert: Alert) -> Sequence[Broadcast]:
    """Its broadcasts that sound or are still to come, and that nobody has stopped."""
    found = sa.select(Broadcast).where(
        Broadcast.alert_id == alert.id,
        Broadcast.state.in_(broadcasts.LIVE),
        Broadcast.stop_requested_at.is_(None),
    )
    return session.scalars(found.order_by(Broadcast.starts_at)).all()


# -- what may be asked for ------------------------------------------------------------------------


def _check(session: Session, order: Order, now: Instant, zone: ZoneInfo) -> None:
    if order.cap is None or not order.where.is_nowhere:
        check_where(session, order.where)
    _check_times(order, now)
    if order.drill and not order.where.is_nowhere:
        starts = list(repeated(after(now, LEAD), order.expires_at, order.every_ms, order.times))
        demand_allowed(session, drill_title(order.title), order.where, starts, 0, now, zone)
    if order.bulletin is not None:
        _check_bulletin(session, order.bulletin, order.drill)


def check_where(session: Session, where: Where) -> None:
    if where.is_nowhere:
        raise ScheduleError(
            say("Hãy chọn ít nhất một địa bàn hoặc nhóm để phát."), field="area_ids"
        )
    if not targets.count(session, where):
        raise ScheduleError(
            say("Nơi đã chọn chưa có đầu thu nào. Hãy chọn địa bàn khác hoặc bớt trừ."),
            field="area_ids",
        )


def _check_times(order: Order, now: Instant) -> None:
    length = order.expires_at - now
    if not 0 < length <= MOST_HOURS * HOUR:
        raise ScheduleError(
            say(
                "Lệnh khẩn cấp phải có hạn: từ 1 phút đến %(most)s giờ kể từ bây giờ.",
                most=MOST_HOURS,
            ),
            field="hours",
        )
    if order.every_ms and order.every_ms < LEAST_EVERY:
        raise ScheduleError(say("Giữa hai lần phát phải có ít nhất 1 phút."), field="every")
    if order.times < 0:
        raise ScheduleError(
            say("Số lần phát %(times)s không dùng được.", times=order.times), field="times"
        )
    sounds = -(-length // order.every_ms) if order.every_ms else 1
    if min(sounds, order.times or sounds) > MOST_SOUNDS:
        raise ScheduleError(
            say(
                "Lệnh này sẽ phát %(sounds)s lần; đầu thu giữ trước được nhiều nhất %(most)s lần. "
                "Hãy lặp lại thưa hơn, rút hạn hoặc đặt số lần.",
                sounds=sounds,
                most=MOST_SOUNDS,
            ),
            field="every",
        )


def _check_bulletin(session: Session, bulletin: Bulletin, drill: bool) -> None:
    if drill:
        raise ScheduleError(
            say(
                "Diễn tập không dùng bản tin có sẵn: lời của nó không nói “%(drill)s”. Hãy chọn một mẫu.",
                drill=DRILL,
            ),
            field="drill",
        )
    is_approved = decisions.approval(session, bulletin.id) is not None
    if bulletin.priority is not Priority.EMERGENCY or not is_approved:
        raise ScheduleError(
            say(
                "“%(title)s” không phải bản tin khẩn cấp đã duyệt. Hãy chọn bản tin khác hoặc một mẫu.",
                title=bulletin.title,
            ),
            field="bulletin",
        )


def demand_allowed(
    session: Session, title: str, where: Where, moments: Sequence[Instant], ms: int, now: Instant, zone: ZoneInfo
) -> list[str]:  # fmt: skip
    """The rules a drill breaks that the regulation lets through with a reason: it needs none, it says what it is.

    Raises ScheduleError for what the regulation refuses whatever the reason.
    """
    asked = Asked(
        title=title, priority=Priority.PRIORITY, where=where, moments=moments, ms=ms, kind="alert"
    )
    found = admission.findings(session, asked, now, zone)
    if refused := [each for each in found if each.answer == "refuse"]:
        told = " ".join(each.sentence for each in refused)
        raise ScheduleError(told, code=f"regulation_{refused[0].rule}")
    return [each.rule for each in found]
