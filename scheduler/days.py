"""Days: what kind of day a date is (ngày thường, cuối tuần, ngày lễ, quốc tang, …), and why."""

from __future__ import annotations

from datetime import date

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from loa.database import Base
from loa.staff import Staff
from loa.times import Instant


class DayMark(Base):
    """Days that staff say are of a kind, whatever the calendar says. Never changed: withdrawn, and another made."""

    __tablename__ = "day_marks"

    id: Mapped[int] = mapped_column(primary_key=True)
    first: Mapped[date]
    last: Mapped[date]
    kind: Mapped[str] = mapped_column(sa.String(16))
    """Key of one of the regulation's kinds of day."""
    name: Mapped[str] = mapped_column(sa.String(200))
    """What it is for: "Quốc tang", "Làm bù ngày 22/8"."""
    staff_id: Mapped[int] = mapped_column(sa.ForeignKey("staff.id"))
    made_at: Mapped[Instant]
    withdrawn_at: Mapped[Instant | None]

    staff: Mapped[Staff] = relationship(lazy="joined", innerjoin=True)
