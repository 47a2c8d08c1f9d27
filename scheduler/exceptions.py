"""Exception (ngoại lệ): one day of a series that is skipped, moved or given another bulletin.

An object of its own, named by the day the series would have had: it stays whatever is changed about the series.
"""

from __future__ import annotations

import enum
from datetime import date, time

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from content.bulletins import Bulletin
from loa.database import Base
from loa.staff import Staff
from loa.times import Instant


class Kind(enum.StrEnum):
    SKIP = "skip"
    MOVE = "move"
    REPLACE = "replace"


class ScheduleException(Base):
    """What is otherwise on one day of a schedule or programme. Never changed: withdrawn, and another made."""

    __tablename__ = "schedule_exceptions"

    id: Mapped[int] = mapped_column(primary_key=True)
    schedule_id: Mapped[int | None] = mapped_column(sa.ForeignKey("schedules.id"), index=True)
    programme_id: Mapped[int | None] = mapped_column(sa.ForeignKey("programmes.id"), index=True)
    day: Mapped[date]
    """By the series, in the station's zone."""
    kind: Mapped[Kind] = mapped_column(
        sa.Enum(Kind, native_enum=False, length=16, values_callable=lambda e: [m.value for m in e])
    )
    to_day: Mapped[date | None]
    to_time: Mapped[time | None]
    """Of MOVE: where to; None is as the series says."""
    bulletin_id: Mapped[int | None] = mapped_column(sa.ForeignKey("bulletins.id"))
    """Of REPLACE."""
    reason: Mapped[str] = mapped_column(sa.Text, default="")
    staff_id: Mapped[int] = mapped_column(sa.ForeignKey("staff.id"))
    made_at: Mapped[Instant]
    withdrawn_at: Mapped[Instant | None]

    bulletin: Mapped[Bulletin | None] = relationship(lazy="joined")
    staff: Mapped[Staff] = relationship(lazy="joined", innerjoin=True)
