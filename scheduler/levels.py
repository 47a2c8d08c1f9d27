"""Levels: what a commune says to the broadcasts a province, or a cluster of communes, schedules for it.

It may decline normal ones, put two priority ones in the order it wants, and not touch an emergency.
"""

from __future__ import annotations

import enum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from loa.database import Base
from loa.staff import Staff
from loa.times import Instant


class Said(enum.StrEnum):
    DECLINED = "declined"
    FIRST = "first"
    """Goes before ``other``, which gives way."""


class AreaDecision(Base):
    """What an area said of a broadcast. Never changed: withdrawn, and another made."""

    __tablename__ = "area_decisions"

    id: Mapped[int] = mapped_column(primary_key=True)
    area_id: Mapped[int] = mapped_column(sa.ForeignKey("areas.id"), index=True)
    broadcast_id: Mapped[int] = mapped_column(sa.ForeignKey("broadcasts.id"), index=True)
    other_id: Mapped[int | None] = mapped_column(sa.ForeignKey("broadcasts.id"))
    said: Mapped[Said] = mapped_column(
        sa.Enum(Said, native_enum=False, length=16, values_callable=lambda e: [m.value for m in e])
    )
    reason: Mapped[str] = mapped_column(sa.Text, default="")
    staff_id: Mapped[int] = mapped_column(sa.ForeignKey("staff.id"))
    at: Mapped[Instant]
    withdrawn_at: Mapped[Instant | None]

    staff: Mapped[Staff] = relationship(lazy="joined", innerjoin=True)
