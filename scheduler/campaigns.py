"""Campaign (chiến dịch): approved bulletins to be heard so many times at every receiver, spread over its days."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from datetime import date
from zoneinfo import ZoneInfo

import msgspec
import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from content.bulletins import Bulletin
from content.parts import Stored
from loa.database import Base
from loa.staff import Staff
from loa.times import Instant, local
from scheduler.context import Context
from scheduler.sources import Kind, Wanted, WhyNot
from scheduler.targets import Where

KIND = Kind("campaign_id", WhyNot("campaign_ended", "Chiến dịch đã kết thúc."))


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

    staff: Mapped[Staff] = relationship(lazy="joined", innerjoin=True)
    messages: Mapped[list[Message]] = relationship(
        lazy="selectin", order_by="Message.id", cascade="all, delete-orphan"
    )


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


def unplanned(session: Session, until: Instant) -> Sequence[Campaign]:
    """Campaigns that want more, or something else, before ``until``."""
    found = sa.select(Campaign).where(Campaign.planned_until < until)
    return list(session.scalars(found.order_by(Campaign.id)))


def wanted(
    _source: Campaign, _since: Instant, _until: Instant, _context: Context
) -> Sequence[Wanted]:
    """What a campaign wants in [since, until)."""
    return []


def is_over(source: Campaign, until: Instant, zone: ZoneInfo) -> bool:
    """Whether nothing of it comes at ``until`` or later."""
    return source.end_date < local(until, zone).date()
