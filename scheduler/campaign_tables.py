"""The tables of campaigns, and what their target is in words."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from datetime import date, timedelta

import msgspec
import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from content.bulletins import Bulletin
from content.parts import Stored
from loa.database import Base
from loa.errors import NotFound
from loa.staff import Staff
from loa.times import Instant
from loa.words import say
from scheduler.targets import Where


class Aim(enum.StrEnum):
    """What a target counts."""

    PLAYS = "plays"
    MINUTES = "minutes"
    REACH = "reach"


class Per(enum.StrEnum):
    DAY = "day"
    WEEK = "week"
    TOTAL = "total"


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """What a campaign is to reach, at each receiver (plays, minutes) or in all (reach)."""

    aim: Aim = Aim.PLAYS
    number: int = 1
    """Plays or minutes per receiver and ``per``; for REACH the per cent of households."""
    per: Per = Per.TOTAL
    times: int = 1
    """For REACH: a household counts once its receiver has played it so often."""


class Campaign(Base):
    """A subject, its dates and places, and what it is to reach."""

    __tablename__ = "campaigns"

    id: Mapped[int] = mapped_column(primary_key=True)
    uid: Mapped[str] = mapped_column(sa.String(16), unique=True)
    name: Mapped[str] = mapped_column(sa.String(200))
    basis: Mapped[str] = mapped_column(sa.Text, default="")
    """Legal basis, as a person writes it."""
    start_date: Mapped[date]
    end_date: Mapped[date]
    where: Mapped[Where] = mapped_column(Stored(Where))
    target: Mapped[Target] = mapped_column(Stored(Target))
    weight: Mapped[int] = mapped_column(default=1)
    """Its share of the minutes that several campaigns compete for."""
    paused_at: Mapped[Instant | None]
    staff_id: Mapped[int] = mapped_column(sa.ForeignKey("staff.id"))
    created_at: Mapped[Instant]
    ended_at: Mapped[Instant | None]
    planned_until: Mapped[Instant]
    rethought_at: Mapped[Instant]
    """When what is ahead was last thought over."""
    seen: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    """Number of the last act in the log that was taken into account then."""
    lost: Mapped[int] = mapped_column(default=0)
    """Plays of the last days that were known not to have been heard then."""

    staff: Mapped[Staff] = relationship(lazy="joined", innerjoin=True)
    messages: Mapped[list[Message]] = relationship(
        lazy="selectin", order_by="Message.id", cascade="all, delete-orphan"
    )

    @property
    def days(self) -> int:
        """How many days it lasts."""
        return (self.end_date - self.start_date).days + 1

    @property
    def spans(self) -> list[tuple[date, date, int]]:
        """First and last day and goal of each span over which the target counts, at one receiver.

        Weeks count from its first day; of a last week that is not whole, so much of the goal as it has days,
        rounded down. REACH has one span: so many plays at each receiver that is to reach its households.
        """
        target = self.target
        if target.aim is Aim.REACH:
            return [(self.start_date, self.end_date, target.times)]
        if target.per is Per.TOTAL:
            return [(self.start_date, self.end_date, target.number)]
        length = 1 if target.per is Per.DAY else 7
        return [self._span(offset, length) for offset in range(0, self.days, length)]

    def _span(self, offset: int, length: int) -> tuple[date, date, int]:
        first = self.start_date + timedelta(days=offset)
        last = min(self.end_date, first + timedelta(days=length - 1))
        return first, last, self.target.number * ((last - first).days + 1) // length


class Message(Base):
    """A bulletin of a campaign."""

    __tablename__ = "campaign_messages"

    id: Mapped[int] = mapped_column(primary_key=True)
    campaign_id: Mapped[int] = mapped_column(sa.ForeignKey("campaigns.id"), index=True)
    bulletin_id: Mapped[int] = mapped_column(sa.ForeignKey("bulletins.id"), index=True)
    weight: Mapped[int] = mapped_column(default=1)
    start_date: Mapped[date | None]
    end_date: Mapped[date | None]
    apart_ms: Mapped[int] = mapped_column(default=0)
    """Not twice at one receiver within so long."""

    bulletin: Mapped[Bulletin] = relationship(lazy="joined", innerjoin=True)


def get(session: Session, campaign_id: int) -> Campaign:
    """That campaign. Raises NotFound."""
    campaign = session.get(Campaign, campaign_id)
    if campaign is None:
        raise NotFound(say("Không tìm thấy chiến dịch này. Hãy quay lại trang Chiến dịch."))
    return campaign


def listing(session: Session, limit: int = 200) -> Sequence[Campaign]:
    """Campaigns, the newest first."""
    return session.scalars(sa.select(Campaign).order_by(Campaign.id.desc()).limit(limit)).all()
