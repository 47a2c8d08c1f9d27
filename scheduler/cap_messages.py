"""CAP messages that came in, and what was made of each: never a sound by itself.

An ``Actual`` alert is prepared and waits for people, an ``Exercise`` likewise, as a drill; ``Test``, ``Draft`` and
``System`` are only kept. An ``Update`` takes the place of what it names, a ``Cancel`` ends it. What came once is
not prepared twice, in whatever order messages arrive.
"""

from __future__ import annotations

from collections.abc import Iterator
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from devices.areas import Area
from loa import audit
from loa.database import Base, Json, Sentence
from loa.staff import May, Staff
from loa.times import HOUR, MINUTE, Instant, after
from loa.words import counted, join, say
from scheduler import alert_orders, alerts, cap
from scheduler.alert_orders import Order
from scheduler.alerts import Alert, State
from scheduler.cap import Info, Message
from scheduler.targets import Where

TEMPLATE = "cap"
EVERY = 10 * MINUTE
SELDOM = 30 * MINUTE
"""Repetition of one that holds for many hours."""
MAY_SOUND = ("Actual", "Exercise")


class CapMessage(Base):
    """A message as it came. Never changed."""

    __tablename__ = "cap_messages"
    __table_args__ = (sa.UniqueConstraint("sender", "identifier"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    sender: Mapped[str] = mapped_column(sa.String(200))
    identifier: Mapped[str] = mapped_column(sa.String(200))
    sent: Mapped[str] = mapped_column(sa.String(32))
    kind: Mapped[str] = mapped_column(sa.String(16))
    """msgType."""
    status: Mapped[str] = mapped_column(sa.String(16))
    refs: Mapped[list[list[str]]] = mapped_column(Json, default=list)
    """Sender and identifier of each message it speaks of."""
    raw: Mapped[str] = mapped_column(sa.Text)
    outcome: Mapped[str] = mapped_column(Sentence)
    """What was made of it, as a sentence."""
    alert_id: Mapped[int | None] = mapped_column(sa.ForeignKey("alerts.id"))
    """The alert it was made into."""
    staff_id: Mapped[int] = mapped_column(sa.ForeignKey("staff.id"))
    received_at: Mapped[Instant]

    alert: Mapped[Alert | None] = relationship()
    staff: Mapped[Staff] = relationship(lazy="joined", innerjoin=True)


def take_in(
    session: Session, staff: Staff, data: bytes, now: Instant, zone: ZoneInfo
) -> CapMessage:  # fmt: skip
    """Keep a message that ``staff`` brings, and do what it asks as far as a message may. Raises LoaError."""
    staff.demand(May.SCHEDULE)
    message = cap.parse(data)
    known = find(session, message.sender, message.identifier)
    if known is not None:
        return known
    outcome, alert = _heed(session, staff, message, now, zone)
    row = CapMessage(
        sender=message.sender, identifier=message.identifier, sent=message.sent_text[:32], kind=message.kind,
        status=message.status, refs=[[each.sender, each.identifier] for each in message.references],
        raw=data.decode(errors="replace").replace("\0", ""), outcome=outcome, alert_id=alert.id if alert else None,
        staff_id=staff.id, received_at=now,
    )  # fmt: skip
    session.add(row)
    session.flush()
    audit.append(
        session, now, staff.login, "cap.take_in", sender=message.sender, identifier=message.identifier,
        kind=message.kind, status=message.status, alert=row.alert_id, outcome=outcome,
    )  # fmt: skip
    return row


def find(session: Session, sender: str, identifier: str) -> CapMessage | None:
    """The message of that name, if it has come."""
    found = sa.select(CapMessage).where(CapMessage.sender == sender)
    return session.scalars(found.where(CapMessage.identifier == identifier)).first()


def latest(session: Session, limit: int = 10) -> list[CapMessage]:
    """The newest first."""
    return list(session.scalars(sa.select(CapMessage).order_by(CapMessage.id.desc()).limit(limit)))


def _heed(
    session: Session, staff: Staff, message: Message, now: Instant, zone: ZoneInfo
) -> tuple[str, Alert | None]:
    if message.status not in MAY_SOUND:
        return say("Tin %(status)s: chỉ lưu lại, không chuẩn bị phát.", status=message.status), None
    if message.kind == "Cancel":
        return _cancel(session, staff, message, now), None
    info = message.info
    if message.kind not in ("Alert", "Update") or info is None:
        return say("Tin %(kind)s: chỉ lưu lại.", kind=message.kind), None
    if message.scope != "Public":
        return say(
            "Tin không dành cho công chúng (%(scope)s): chỉ lưu lại.", scope=message.scope
        ), None
    if info.expires is not None and info.expires <= now:
        return say("Tin đã hết hạn khi nhận: chỉ lưu lại."), None
    if later := _superseded_by(session, message):
        return (
            say(
                "Tin này đã được tin %(kind)s %(identifier)s thay hoặc huỷ: chỉ lưu lại.",
                kind=later.kind,
                identifier=later.identifier,
            ),
            None,
        )
    return _prepare(session, staff, message, info, now, zone)


def _prepare(
    session: Session, staff: Staff, message: Message, info: Info, now: Instant, zone: ZoneInfo
) -> tuple[str, Alert]:
    sounding = _stand_aside(session, message, now)
    expires_at = info.expires or after(now, alert_orders.USUAL_HOURS * HOUR)
    expires_at = min(expires_at, after(now, alert_orders.MOST_HOURS * HOUR))
    is_long = expires_at - now > EVERY * alert_orders.MOST_SOUNDS
    order = Order(
        where=Where(), expires_at=expires_at, every_ms=SELDOM if is_long else EVERY,
        drill=message.status == "Exercise", title=(info.headline or info.event)[:180], body=info.speech,
        template=TEMPLATE, replaces_id=sounding[-1].id if sounding else None,
        cap={**_told(message, info), "also_replaces": [each.id for each in sounding[:-1]]},
    )  # fmt: skip
    alert = alert_orders.prepare(session, staff, order, now, zone)
    what = say("diễn tập") if alert.drill else say("lệnh khẩn cấp")
    return say("Đã chuẩn bị %(what)s, chờ chọn nơi phát và người duyệt đồng ý.", what=what), alert


def _told(message: Message, info: Info) -> dict[str, object]:
    return {
        "identifier": message.identifier, "sender": message.sender, "sent": message.sent_text,
        "kind": message.kind, "status": message.status, "sender_name": info.sender_name, "event": info.event,
        "category": info.categories[0] if info.categories else "Other", "urgency": info.urgency,
        "severity": info.severity, "certainty": info.certainty, "vietnamese": info.is_vietnamese,
        "areas": [each.description for each in info.areas],
        "geocodes": [list(code) for each in info.areas for code in each.geocodes],
    }  # fmt: skip


# -- messages about other messages ----------------------------------------------------------------


def _named(session: Session, message: Message) -> list[Alert]:
    """The alerts that stand and of which it speaks; an exercise says nothing of what is real, nor the other way."""
    drill = message.status == "Exercise"
    found = {row.alert.id: row.alert for row in _spoken_of(session, message) if row.alert}
    return [
        found[key] for key in sorted(found) if _stands(found[key]) and found[key].drill == drill
    ]


def _stands(alert: Alert) -> bool:
    return alert.state in alerts.STANDING


def _spoken_of(session: Session, message: Message) -> Iterator[CapMessage]:
    """The messages it names, those that they name, and so on: its sender speaks of their own and of no others'."""
    names = [(each.sender, each.identifier) for each in message.references]
    seen: set[tuple[str, str]] = set()
    while names:
        name = names.pop()
        row = find(session, *name) if name[0] == message.sender and name not in seen else None
        seen.add(name)
        if row is not None:
            names += [(sender, identifier) for sender, identifier in row.refs]
            yield row


def _stand_aside(session: Session, message: Message, now: Instant) -> list[Alert]:
    """What waited for people under an older message waits no more; what sounds goes on until they agree to the new."""
    sounding = []
    for alert in _named(session, message):
        if alert.state is State.WAITING:
            why = say("Nơi gửi đã có tin cập nhật.")
            alert_orders.close(session, alert, State.REFUSED, message.sender, why, now)
        else:
            sounding.append(alert)
    return sounding


def _cancel(session: Session, staff: Staff, message: Message, now: Instant) -> str:
    found = _named(session, message)
    for alert in found:
        sounds = alert.state is State.ACTIVE
        if sounds:
            staff.demand(May.STOP)
        else:
            alert_orders.demand_refuser(alert, staff)
        state = State.ENDED if sounds else State.REFUSED
        why = say("Nơi gửi huỷ tin.")
        if message.note.strip():
            why = join(" ", [why, message.note.strip()])
        alert_orders.close(session, alert, state, message.sender, why, now)
        kind = "alert.end" if sounds else "alert.refuse"
        audit.append(session, now, staff.login, kind, alert=alert.id, reason=why)
    if not found:
        return say("Tin huỷ: đài không có lệnh nào của tin bị huỷ đang chờ hoặc đang phát.")
    return counted("Tin huỷ: đã kết thúc %(n)s lệnh.", len(found))


def _superseded_by(session: Session, message: Message) -> CapMessage | None:
    """A later message that speaks of this one and came before it."""
    rows = session.scalars(
        sa.select(CapMessage).where(
            CapMessage.kind.in_(("Update", "Cancel")),
            CapMessage.status == message.status,
            CapMessage.sender == message.sender,
        )
    )
    name = [message.sender, message.identifier]
    return next((row for row in rows if name in row.refs), None)


def suggest(session: Session, alert: Alert) -> list[int]:
    """Areas of ours that the message seems to name; a person says which it is."""
    told = " ".join((alert.cap or {}).get("areas", ())).casefold()
    places = session.scalars(sa.select(Area).order_by(Area.id))
    return [place.id for place in places if told and place.full_name.casefold() in told]
