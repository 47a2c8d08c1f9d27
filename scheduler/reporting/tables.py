"""The tables of reports. The counts and the months are written by the database itself (see the migration)."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from content.bulletins import Priority
from loa.database import Base, Json, word_of
from loa.times import Instant
from scheduler.broadcasts import DeliveryState


class Expectation(Base):
    """What a broadcast was to be when a plan with it was sent: never changed; another takes its place."""

    __tablename__ = "expectations"

    id: Mapped[int] = mapped_column(primary_key=True)
    broadcast_id: Mapped[int] = mapped_column(sa.ForeignKey("broadcasts.id"), index=True)
    title: Mapped[str] = mapped_column(sa.String(200))
    priority: Mapped[Priority] = mapped_column(word_of(Priority))
    field: Mapped[int]
    starts_at: Mapped[Instant]
    author: Mapped[str] = mapped_column(sa.String(128))
    approver: Mapped[list[str] | None] = mapped_column(Json)
    scheduler: Mapped[str] = mapped_column(sa.String(128))
    origin: Mapped[str] = mapped_column(sa.Text)
    """By which rule it was planned, in words."""
    drill: Mapped[bool]
    frozen_at: Mapped[Instant]


class DeliveryCount(Base):
    """How many deliveries of a broadcast are in a state in an area, and their sums."""

    __tablename__ = "delivery_counts"
    __table_args__ = ({"sqlite_with_rowid": False},)

    broadcast_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    area_name: Mapped[str] = mapped_column(sa.String(128), primary_key=True)
    state: Mapped[DeliveryState] = mapped_column(word_of(DeliveryState), primary_key=True)
    deliveries: Mapped[int] = mapped_column(sa.BigInteger)
    asked_ms: Mapped[int] = mapped_column(sa.BigInteger)
    played_ms: Mapped[int] = mapped_column(sa.BigInteger)
    timed: Mapped[int] = mapped_column(sa.BigInteger)
    """Of those, how many say for how long they sounded."""
    e1: Mapped[int] = mapped_column(sa.BigInteger)
    e2: Mapped[int] = mapped_column(sa.BigInteger)
    e3: Mapped[int] = mapped_column(sa.BigInteger)


class ReceiverMonth(Base):
    """Bytes a receiver sent and received in a month, by its own count."""

    __tablename__ = "receiver_months"

    receiver_id: Mapped[str] = mapped_column(sa.String(32), primary_key=True)
    month: Mapped[str] = mapped_column(sa.String(7), primary_key=True)
    bytes: Mapped[int] = mapped_column(sa.BigInteger)


class IssuedReport(Base):
    """The figures of a span as they stood when a person issued the report; only ever added."""

    __tablename__ = "issued_reports"
    __table_args__ = (sa.Index("ix_issued_reports_since", "since", "until"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    since: Mapped[Instant]
    until: Mapped[Instant]
    issued_at: Mapped[Instant]
    by: Mapped[str] = mapped_column(sa.String(128))
    figures: Mapped[dict[str, Any]] = mapped_column(Json)
