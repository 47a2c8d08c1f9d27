"""The tables of what other stations handed in: totals per broadcast, area and state, and what replaces them."""

from __future__ import annotations

from datetime import date

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from content.bulletins import Priority
from loa.database import Base, Json, word_of
from loa.times import Instant
from scheduler.broadcasts import DeliveryState


class RollupStation(Base):
    """A station that hands in its bundles, or is expected to."""

    __tablename__ = "rollup_stations"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(128), unique=True)
    keys: Mapped[list[str]] = mapped_column(Json)
    """Fingerprints of the keys its bundles may be signed with; empty until the first."""
    added_at: Mapped[Instant]


class RollupBundle(Base):
    """A bundle taken in; the file itself is not kept."""

    __tablename__ = "rollup_bundles"

    id: Mapped[int] = mapped_column(primary_key=True)
    station_id: Mapped[int] = mapped_column(sa.ForeignKey("rollup_stations.id"), index=True)
    sha256: Mapped[str] = mapped_column(sa.String(64), unique=True)
    name: Mapped[str] = mapped_column(sa.String(200))
    """Of the file."""
    signer: Mapped[str] = mapped_column(sa.String(64))
    made_at: Mapped[Instant]
    """The newer of two is believed."""
    since: Mapped[Instant]
    until: Mapped[Instant]
    campaign: Mapped[str | None] = mapped_column(sa.String(200))
    """It holds nothing but this campaign."""
    rows: Mapped[int]
    imported_at: Mapped[Instant]
    by: Mapped[str] = mapped_column(sa.String(128))

    station: Mapped[RollupStation] = relationship(lazy="joined", innerjoin=True)


class RollupBroadcast(Base):
    """A broadcast of another station, by the newest bundle that tells of it."""

    __tablename__ = "rollup_broadcasts"
    __table_args__ = (
        sa.UniqueConstraint("station_id", "occ", name="uq_rollup_broadcasts_station_id_occ"),
        sa.Index("ix_rollup_broadcasts_day", "day"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    station_id: Mapped[int] = mapped_column(sa.ForeignKey("rollup_stations.id"))
    bundle_id: Mapped[int] = mapped_column(sa.ForeignKey("rollup_bundles.id"), index=True)
    occ: Mapped[str] = mapped_column(sa.String(64))
    starts_at: Mapped[Instant]
    day: Mapped[date]
    """By that station's clock."""
    priority: Mapped[Priority] = mapped_column(word_of(Priority))
    drill: Mapped[bool]
    heard: Mapped[list[str]] = mapped_column(Json)
    """Receivers that say what became of it."""
    unheard: Mapped[list[str]] = mapped_column(Json)
    """Receivers of which nothing is known."""


class RollupCount(Base):
    """How many of its deliveries are in a state in an area, and their sums."""

    __tablename__ = "rollup_counts"

    broadcast_id: Mapped[int] = mapped_column(
        sa.ForeignKey("rollup_broadcasts.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )  # fmt: skip
    area_name: Mapped[str] = mapped_column(sa.String(128), primary_key=True)
    state: Mapped[DeliveryState] = mapped_column(word_of(DeliveryState), primary_key=True)
    deliveries: Mapped[int]
    asked_ms: Mapped[int] = mapped_column(sa.BigInteger)
    played_ms: Mapped[int] = mapped_column(sa.BigInteger)
    timed: Mapped[int]
