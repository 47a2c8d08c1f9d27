"""Alert (báo động): an emergency bulletin that sounds at once, again and again until it expires or is ended.

What people do with one stands in scheduler.alert_orders; here is what it is, and what it wants of the planner.
"""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Iterator, Sequence
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from content import bulletins
from content.bulletins import Bulletin
from content.decisions import Approval
from content.parts import Stored
from loa.database import Base, Json, Sentence, ShortSentence, word_of
from loa.errors import NotFound
from loa.staff import May, Staff
from loa.times import MINUTE, Instant, after, local
from loa.words import say
from scheduler import alert_words
from scheduler.context import Context
from scheduler.sources import Kind, Wanted, WhyNot
from scheduler.targets import Where

KIND = Kind("alert_id", WhyNot("alert_ended", say("Lệnh khẩn cấp đã kết thúc.")))


class State(enum.StrEnum):
    WAITING = "waiting"
    """For a second person."""
    ACTIVE = "active"
    ENDED = "ended"
    EXPIRED = "expired"
    REFUSED = "refused"


STANDING = frozenset({State.WAITING, State.ACTIVE})
"""More may become of it."""


class Alert(Base):
    """One order to sound an emergency."""

    __tablename__ = "alerts"

    id: Mapped[int] = mapped_column(primary_key=True)
    uid: Mapped[str] = mapped_column(sa.String(16), unique=True)
    template: Mapped[str | None] = mapped_column(sa.String(32))
    """What its words were made from; None: it sounds a bulletin that was there before."""
    title: Mapped[str] = mapped_column(sa.String(200))
    bulletin_id: Mapped[int] = mapped_column(sa.ForeignKey("bulletins.id"), index=True)
    where: Mapped[Where] = mapped_column(Stored(Where))
    state: Mapped[State] = mapped_column(
        word_of(State),
        index=True,
    )  # fmt: skip
    drill: Mapped[bool] = mapped_column(default=False)
    starts_at: Mapped[Instant | None]
    """First sound; None until it was agreed to."""
    expires_at: Mapped[Instant]
    every_ms: Mapped[int] = mapped_column(default=0)
    """From start to start; 0 sounds once."""
    times: Mapped[int] = mapped_column(default=0)
    """How often at most; 0 until it expires."""
    staff_id: Mapped[int] = mapped_column(sa.ForeignKey("staff.id"))
    created_at: Mapped[Instant]
    second_id: Mapped[int | None] = mapped_column(sa.ForeignKey("staff.id"))
    agreed_at: Mapped[Instant | None]
    alone_id: Mapped[int | None] = mapped_column(sa.ForeignKey("staff.id"))
    """The one officer on whose word it sounded, as the station's rule allows for a while."""
    alone_until: Mapped[Instant | None]
    """It falls silent then, unless a second has agreed."""
    heard: Mapped[dict[str, str]] = mapped_column(Json, default=dict)
    """Language → sha256 of what that officer heard."""
    replaces_id: Mapped[int | None] = mapped_column(sa.ForeignKey("alerts.id"))
    """The alert that ends when this one begins."""
    ended_at: Mapped[Instant | None]
    ended_by: Mapped[str | None] = mapped_column(ShortSentence(128))
    ended_why: Mapped[str | None] = mapped_column(Sentence)
    cap: Mapped[dict[str, Any] | None] = mapped_column(Json)
    """What the CAP message it was made of says: identifier, sender, event, areas, …"""
    planned_until: Mapped[Instant]

    bulletin: Mapped[Bulletin] = relationship(lazy="joined", innerjoin=True)
    staff: Mapped[Staff] = relationship(foreign_keys=staff_id, lazy="joined", innerjoin=True)
    second: Mapped[Staff | None] = relationship(foreign_keys=second_id, lazy="joined")
    lone: Mapped[Staff | None] = relationship(foreign_keys=alone_id, lazy="joined")

    @property
    def is_alone(self) -> bool:
        """It sounds on one officer's word, and nobody else has agreed yet."""
        return self.alone_id is not None and self.agreed_at is None

    @property
    def until(self) -> Instant:
        """Nothing of it begins then or later."""
        if self.is_alone and self.alone_until is not None:
            return min(self.alone_until, self.expires_at)
        return self.expires_at


def moments(alert: Alert) -> Iterator[Instant]:
    """The instants at which it sounds; none before it was agreed to. Pure."""
    if alert.starts_at is not None:
        yield from repeated(alert.starts_at, alert.until, alert.every_ms, alert.times)


def repeated(since: Instant, until: Instant, every_ms: int, times: int) -> Iterator[Instant]:
    """From ``since`` on every ``every_ms`` (0: once), ``times`` at most (0: any number), before ``until``."""
    most = (times or None) if every_ms else 1
    moment, number = since, 0
    while moment < until and (most is None or number < most):
        yield moment
        moment, number = after(moment, every_ms), number + 1


def unplanned(session: Session, until: Instant) -> Sequence[Alert]:
    """Alerts that want more, or something else, before ``until``."""
    found = sa.select(Alert).where(Alert.planned_until < until, Alert.starts_at.is_not(None))
    return list(session.scalars(found.order_by(Alert.id)))


def wanted(source: Alert, since: Instant, until: Instant, context: Context) -> Sequence[Wanted]:
    """All its repetitions in [since, until): receivers know them ahead, and go on without a link."""
    if alert_words.mismatch(source.bulletin, source.drill) is not None:
        return []
    by = source.second or source.lone or source.staff
    origin = words(source, context.rules.zone)
    return [
        Wanted(
            starts_at=moment, bulletin=source.bulletin, where=source.where, origin=origin,
            by=by.name, by_area_id=source.staff.area_id, drill=source.drill,
        )
        for moment in moments(source)
        if since <= moment < until
    ]  # fmt: skip


def is_over(source: Alert, until: Instant, _zone: ZoneInfo) -> bool:
    """Whether nothing of it comes at ``until`` or later."""
    return source.expires_at <= until


def terms(alert: Alert) -> str:
    """Where, how often and until when, as a hash: whoever agrees names what they read.

    Not the rhythm: it follows the sound, which they name as well.
    """
    told = [alert.where, alert.expires_at, alert.times, alert.drill]
    return hashlib.sha256(msgspec.json.encode(told)).hexdigest()[:32]


def replaced(session: Session, alert: Alert) -> list[Alert]:
    """Those that end when it begins: a CAP message may speak of several."""
    ids = {alert.replaces_id, *(alert.cap or {}).get("also_replaces", ())} - {None}
    found = sa.select(Alert).where(Alert.id.in_(ids)).order_by(Alert.id)
    return list(session.scalars(found))


def words(alert: Alert, zone: ZoneInfo) -> str:
    """The order in words: Lệnh khẩn cấp “Lũ lên nhanh”, lặp lại mỗi 5 phút đến 19:30."""
    kind = say("Diễn tập") if alert.drill else say("Lệnh khẩn cấp")
    return say(
        "%(kind)s “%(title)s”, %(rhythm)s đến %(until)s",
        kind=kind,
        title=alert.title,
        rhythm=rhythm(alert),
        until=f"{local(alert.until, zone):%H:%M %d/%m/%Y}",
    )


def rhythm(alert: Alert) -> str:
    """lặp lại mỗi 5 phút, nhiều nhất 3 lần."""
    if not alert.every_ms:
        return say("phát một lần")
    most = say(", nhiều nhất %(times)s lần", times=alert.times) if alert.times else ""
    return say("lặp lại mỗi %(minutes)s phút%(most)s", minutes=alert.every_ms // MINUTE, most=most)


def lone_approvals(session: Session, alert_ids: Sequence[int]) -> dict[int, Approval]:
    """Alert → the approval of the one officer on whose word it sounds; only of the very sounds he heard."""
    if not alert_ids:
        return {}
    found = session.scalars(
        sa.select(Alert).where(
            Alert.id.in_(alert_ids), Alert.state == State.ACTIVE, Alert.agreed_at.is_(None)
        )
    )
    return {
        alert.id: Approval(alert.heard, (alert.lone,))
        for alert in found
        if alert.lone is not None and alert.heard and alert.heard == alert.bulletin.sounds
    }


# -- looking them up ------------------------------------------------------------------------------


def get(session: Session, alert_id: int) -> Alert:
    """That alert. Raises NotFound."""
    alert = session.get(Alert, alert_id)
    if alert is None:
        raise NotFound(say("Không tìm thấy lệnh khẩn cấp này. Hãy quay lại trang Khẩn cấp."))
    return alert


def standing(session: Session) -> list[Alert]:
    """Those that sound, then those that wait, the newest first."""
    found = sa.select(Alert).where(Alert.state.in_(STANDING))
    return list(session.scalars(found.order_by(Alert.state == State.WAITING, Alert.id.desc())))


def past(session: Session, limit: int = 30) -> list[Alert]:
    """Those that are over, the newest first."""
    found = sa.select(Alert).where(Alert.state.not_in(STANDING))
    return list(session.scalars(found.order_by(Alert.id.desc()).limit(limit)))


def waits_for(alert: Alert, staff: Staff) -> bool:
    """Whether this person may be the one to agree; who wrote its words may not approve them (content.bulletins)."""
    is_open = alert.state is State.WAITING or (alert.state is State.ACTIVE and alert.is_alone)
    asked = {alert.staff_id, alert.alone_id}
    return is_open and staff.may(May.APPROVE) and staff.id not in asked


def holds(session: Session, bulletin_id: int) -> str | None:
    """Why that bulletin may not be changed or taken back: an alert sounds it, and only ending that silences it."""
    found = sa.select(Alert.title).where(
        Alert.bulletin_id == bulletin_id, Alert.state == State.ACTIVE
    )
    title = session.scalars(found).first()
    if title is None:
        return None
    return say(
        "Lệnh “%(title)s” đang phát bản tin này nên chưa sửa, đọc lại hay thu hồi được. "
        "Hãy dừng lệnh ở trang Khẩn cấp trước.",
        title=title,
    )


bulletins.HOLDERS.append(holds)
