"""Alert (báo động): an emergency bulletin that sounds at once, again and again until it expires or is ended."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from content.bulletins import Bulletin
from content.parts import Stored
from loa.database import Base, Json
from loa.staff import Staff
from loa.times import Instant
from scheduler.context import Context
from scheduler.sources import Kind, Wanted, WhyNot
from scheduler.targets import Where

KIND = Kind("alert_id", WhyNot("alert_ended", "Lệnh khẩn cấp đã kết thúc."))


class State(enum.StrEnum):
    WAITING = "waiting"
    """For a second person."""
    ACTIVE = "active"
    ENDED = "ended"
    EXPIRED = "expired"
    REFUSED = "refused"


class Alert(Base):
    """One order to sound an emergency."""

    __tablename__ = "alerts"

    id: Mapped[int] = mapped_column(primary_key=True)
    uid: Mapped[str] = mapped_column(sa.String(16), unique=True)
    template: Mapped[str | None] = mapped_column(sa.String(32))
    title: Mapped[str] = mapped_column(sa.String(200))
    bulletin_id: Mapped[int] = mapped_column(sa.ForeignKey("bulletins.id"), index=True)
    where: Mapped[Where] = mapped_column(Stored(Where))
    state: Mapped[State] = mapped_column(
        sa.Enum(State, native_enum=False, length=16, values_callable=lambda e: [m.value for m in e])
    )
    drill: Mapped[bool] = mapped_column(default=False)
    starts_at: Mapped[Instant | None]
    """First sound; None until a second person agreed."""
    expires_at: Mapped[Instant]
    every_ms: Mapped[int] = mapped_column(default=0)
    """From start to start; 0 sounds once."""
    times: Mapped[int] = mapped_column(default=0)
    """How often at most; 0 until it expires."""
    staff_id: Mapped[int] = mapped_column(sa.ForeignKey("staff.id"))
    created_at: Mapped[Instant]
    second_id: Mapped[int | None] = mapped_column(sa.ForeignKey("staff.id"))
    agreed_at: Mapped[Instant | None]
    alone: Mapped[bool] = mapped_column(default=False)
    """Sounded on one officer's word, as the station's rule allows for a while."""
    ended_at: Mapped[Instant | None]
    ended_by: Mapped[str | None] = mapped_column(sa.String(128))
    ended_why: Mapped[str | None] = mapped_column(sa.Text)
    cap: Mapped[dict[str, Any] | None] = mapped_column(Json)
    """What it was called by who sent it: identifier, sender, sent, references."""
    planned_until: Mapped[Instant]

    bulletin: Mapped[Bulletin] = relationship(lazy="joined", innerjoin=True)
    staff: Mapped[Staff] = relationship(foreign_keys=staff_id, lazy="joined", innerjoin=True)
    second: Mapped[Staff | None] = relationship(foreign_keys=second_id, lazy="joined")


def unplanned(session: Session, until: Instant) -> Sequence[Alert]:
    """Alerts that want more, or something else, before ``until``."""
    found = sa.select(Alert).where(Alert.planned_until < until, Alert.starts_at.is_not(None))
    return list(session.scalars(found.order_by(Alert.id)))


def wanted(_source: Alert, _since: Instant, _until: Instant, _context: Context) -> Sequence[Wanted]:
    """What an alert wants in [since, until)."""
    return []


def is_over(source: Alert, until: Instant, _zone: ZoneInfo) -> bool:
    """Whether nothing of it comes at ``until`` or later."""
    return source.expires_at <= until
