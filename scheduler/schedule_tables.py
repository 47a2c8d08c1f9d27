"""The tables of schedules (see scheduler.schedules, which stands above what these are read by)."""

from __future__ import annotations

from datetime import date, time

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from content.bulletins import Bulletin
from devices.areas import Area
from devices.groups import Group
from loa.database import Base, Json
from loa.staff import Staff
from loa.times import Instant
from scheduler import recurrence, series
from scheduler.exceptions import ScheduleException
from scheduler.series import Kind
from scheduler.targets import Where


class ScheduleArea(Base):
    """A schedule is heard in this area and in all below it."""

    __tablename__ = "schedule_areas"

    schedule_id: Mapped[int] = mapped_column(sa.ForeignKey("schedules.id"), primary_key=True)
    area_id: Mapped[int] = mapped_column(sa.ForeignKey("areas.id"), primary_key=True)

    area: Mapped[Area] = relationship(lazy="joined", innerjoin=True)


class ScheduleGroup(Base):
    """A schedule is heard by this group."""

    __tablename__ = "schedule_groups"

    schedule_id: Mapped[int] = mapped_column(sa.ForeignKey("schedules.id"), primary_key=True)
    group_id: Mapped[int] = mapped_column(
        sa.ForeignKey("receiver_groups.id"), primary_key=True, index=True
    )

    group: Mapped[Group] = relationship(lazy="joined", innerjoin=True)


class ScheduleExcept(Base):
    """A schedule is not heard by this receiver, wherever it stands."""

    __tablename__ = "schedule_excepts"

    schedule_id: Mapped[int] = mapped_column(sa.ForeignKey("schedules.id"), primary_key=True)
    receiver_id: Mapped[str] = mapped_column(sa.ForeignKey("receivers.id"), primary_key=True)


class Schedule(Base):
    """When and where one bulletin is broadcast."""

    __tablename__ = "schedules"

    id: Mapped[int] = mapped_column(primary_key=True)
    uid: Mapped[str] = mapped_column(sa.String(16), unique=True)
    """Random: names occurrences on the receivers, and is never used again even after a restore."""
    bulletin_id: Mapped[int] = mapped_column(sa.ForeignKey("bulletins.id"), index=True)
    at: Mapped[time]
    """Wall clock in the station's zone."""
    rule: Mapped[str] = mapped_column(sa.Text, default="")
    """On which days, as scheduler.recurrence reads it."""
    skips: Mapped[list[str]] = mapped_column(Json, default=list)
    """Keys of the kinds of day on which it is not heard."""
    minutes: Mapped[int] = mapped_column(default=0)
    """How long a relay is heard; 0 as its bulletin says."""
    resumes: Mapped[bool] = mapped_column(default=False)
    """Begins again after an interruption."""
    waived: Mapped[list[str]] = mapped_column(Json, default=list)
    """Rules of the regulation an officer let it break, and why."""
    waived_why: Mapped[str] = mapped_column(sa.Text, default="")
    start_date: Mapped[date]
    end_date: Mapped[date | None]
    """Last day; None goes on until ended by staff."""
    is_now: Mapped[bool] = mapped_column(default=False)
    """Made by "Phát ngay"."""
    staff_id: Mapped[int] = mapped_column(sa.ForeignKey("staff.id"))
    created_at: Mapped[Instant]
    ended_at: Mapped[Instant | None]
    """When staff ended it: nothing of it is planned any more."""
    planned_until: Mapped[Instant]
    """Every occurrence before this instant has its broadcast; put back to make the planner think again."""

    bulletin: Mapped[Bulletin] = relationship(lazy="joined", innerjoin=True)
    staff: Mapped[Staff] = relationship(lazy="joined", innerjoin=True)
    targets: Mapped[list[ScheduleArea]] = relationship(
        lazy="selectin", cascade="all, delete-orphan"
    )
    groups: Mapped[list[ScheduleGroup]] = relationship(
        lazy="selectin", cascade="all, delete-orphan"
    )
    excepts: Mapped[list[ScheduleExcept]] = relationship(
        lazy="selectin", cascade="all, delete-orphan"
    )
    exceptions: Mapped[list[ScheduleException]] = relationship(
        lazy="selectin",
        viewonly=True,
        order_by=ScheduleException.id,
        primaryjoin=lambda: sa.and_(
            ScheduleException.schedule_id == Schedule.id, ScheduleException.withdrawn_at.is_(None)
        ),
    )
    """Those that hold."""

    @property
    def kind(self) -> Kind:
        """Which of the ways a person chooses from its rule is."""
        return series.kind_of(self.rule)

    @property
    def where(self) -> Where:
        """Where it is to be heard."""
        return Where(
            tuple(each.area_id for each in self.targets),
            tuple(each.group_id for each in self.groups),
            tuple(each.receiver_id for each in self.excepts),
        )

    @property
    def days(self) -> tuple[int, ...]:
        """Weekdays chosen, 0 = Monday."""
        return recurrence.parse(self.rule).weekdays
