"""What is kept of a programme (chương trình): a running order, and the days on which it is heard."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from datetime import date, time

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from content.bulletins import Bulletin
from content.parts import Stored
from loa.database import Base, Json, word_of
from loa.errors import NotFound
from loa.staff import Staff
from loa.times import Instant
from loa.words import say
from scheduler.exceptions import ScheduleException
from scheduler.targets import Where


class ItemKind(enum.StrEnum):
    CHIME = "chime"
    """A bulletin that is only a signal."""
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
    waived: Mapped[list[str]] = mapped_column(Json, default=list)
    """Rules of the regulation an officer let it break, and why."""
    waived_why: Mapped[str] = mapped_column(sa.Text, default="")
    start_date: Mapped[date]
    end_date: Mapped[date | None]
    where: Mapped[Where] = mapped_column(Stored(Where))
    sounds_mark: Mapped[str] = mapped_column(sa.String(64), default="")
    """Hash of the sounds it was last laid out with: others may be longer, and move all that follows."""
    staff_id: Mapped[int] = mapped_column(sa.ForeignKey("staff.id"))
    created_at: Mapped[Instant]
    ended_at: Mapped[Instant | None]
    planned_until: Mapped[Instant]

    staff: Mapped[Staff] = relationship(lazy="joined", innerjoin=True)
    items: Mapped[list[Item]] = relationship(
        lazy="selectin", order_by="Item.place", cascade="all, delete-orphan"
    )
    exceptions: Mapped[list[ScheduleException]] = relationship(
        lazy="selectin",
        viewonly=True,
        order_by=ScheduleException.id,
        primaryjoin=lambda: sa.and_(
            ScheduleException.programme_id == Programme.id, ScheduleException.withdrawn_at.is_(None)
        ),
    )
    """Those that hold."""


class Item(Base):
    """One entry of a running order."""

    __tablename__ = "programme_items"

    id: Mapped[int] = mapped_column(primary_key=True)
    programme_id: Mapped[int] = mapped_column(sa.ForeignKey("programmes.id"), index=True)
    place: Mapped[int]
    """1 is heard first."""
    kind: Mapped[ItemKind] = mapped_column(word_of(ItemKind))
    bulletin_id: Mapped[int | None] = mapped_column(sa.ForeignKey("bulletins.id"), index=True)
    """None for FILL."""
    ms: Mapped[int] = mapped_column(default=0)
    """Of a RELAY or a FILL; the rest are as long as their sound."""

    bulletin: Mapped[Bulletin | None] = relationship(lazy="joined")


def get(session: Session, programme_id: int) -> Programme:
    """That programme. Raises NotFound."""
    programme = session.get(Programme, programme_id)
    if programme is None:
        raise NotFound(say("Không tìm thấy chương trình này. Hãy quay lại danh sách chương trình."))
    return programme


def listing(session: Session, *, limit: int = 200) -> Sequence[Programme]:
    """Programmes, those not ended first, then the newest."""
    found = sa.select(Programme).order_by(Programme.ended_at.is_not(None), Programme.id.desc())
    return session.scalars(found.limit(limit)).all()
