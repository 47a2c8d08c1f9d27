"""Programme (chương trình): a session's running order. Every item is a broadcast of its own, back to back."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from datetime import date, time
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from content.bulletins import Bulletin
from content.parts import Stored
from loa.database import Base, Json
from loa.staff import Staff
from loa.times import Instant, local
from scheduler.context import Context
from scheduler.sources import Kind, Wanted, WhyNot
from scheduler.targets import Where

KIND = Kind("programme_id", WhyNot("programme_ended", "Chương trình đã kết thúc."))


class ItemKind(enum.StrEnum):
    CHIME = "chime"
    BULLETIN = "bulletin"
    RELAY = "relay"
    FILL = "fill"
    """Minutes for campaigns."""


class Programme(Base):
    """A running order and the days on which it is heard."""

    __tablename__ = "programmes"

    id: Mapped[int] = mapped_column(primary_key=True)
    uid: Mapped[str] = mapped_column(sa.String(16), unique=True)
    name: Mapped[str] = mapped_column(sa.String(200))
    slot: Mapped[str | None] = mapped_column(sa.String(16))
    """Key of the regulation's session it fills, which gives its start and its minutes; None: at ``at``."""
    at: Mapped[time | None]
    minutes: Mapped[int] = mapped_column(default=0)
    """How long it may be when it fills no session."""
    rule: Mapped[str] = mapped_column(sa.Text, default="")
    """On which days, as scheduler.recurrence reads it."""
    skips: Mapped[list[str]] = mapped_column(Json, default=list)
    """Keys of the kinds of day on which it is not heard."""
    start_date: Mapped[date]
    end_date: Mapped[date | None]
    where: Mapped[Where] = mapped_column(Stored(Where))
    staff_id: Mapped[int] = mapped_column(sa.ForeignKey("staff.id"))
    created_at: Mapped[Instant]
    ended_at: Mapped[Instant | None]
    planned_until: Mapped[Instant]

    staff: Mapped[Staff] = relationship(lazy="joined", innerjoin=True)
    items: Mapped[list[Item]] = relationship(
        lazy="selectin", order_by="Item.place", cascade="all, delete-orphan"
    )


class Item(Base):
    """One entry of a running order."""

    __tablename__ = "programme_items"

    id: Mapped[int] = mapped_column(primary_key=True)
    programme_id: Mapped[int] = mapped_column(sa.ForeignKey("programmes.id"), index=True)
    place: Mapped[int]
    """1 is heard first."""
    kind: Mapped[ItemKind] = mapped_column(
        sa.Enum(
            ItemKind, native_enum=False, length=16, values_callable=lambda e: [m.value for m in e]
        )
    )
    bulletin_id: Mapped[int | None] = mapped_column(sa.ForeignKey("bulletins.id"), index=True)
    """None for FILL."""
    ms: Mapped[int] = mapped_column(default=0)
    """Of a RELAY or a FILL; the rest are as long as their sound."""

    bulletin: Mapped[Bulletin | None] = relationship(lazy="joined")


def unplanned(session: Session, until: Instant) -> Sequence[Programme]:
    """Programmes that want more, or something else, before ``until``."""
    found = sa.select(Programme).where(Programme.planned_until < until)
    return list(session.scalars(found.order_by(Programme.id)))


def wanted(
    _source: Programme, _since: Instant, _until: Instant, _context: Context
) -> Sequence[Wanted]:
    """What a programme wants in [since, until)."""
    return []


def is_over(source: Programme, until: Instant, zone: ZoneInfo) -> bool:
    """Whether nothing of it comes at ``until`` or later."""
    return source.end_date is not None and source.end_date < local(until, zone).date()
