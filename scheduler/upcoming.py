"""What a receiver plays now and is to play next."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from loa.times import HOUR, Instant, after
from scheduler.broadcasts import OPEN, Broadcast, Delivery

AHEAD = 48 * HOUR
"""As far as a receiver's plan reaches."""


@dataclass(frozen=True)
class Next:
    """A broadcast still to come at a receiver."""

    broadcast_id: int
    title: str
    starts_at: Instant


def next_of(session: Session, receiver_ids: Collection[str], now: Instant) -> dict[str, Next]:
    """Receiver id → its next broadcast, for many at once; such as have none are left out."""
    in_turn = sa.func.row_number().over(
        partition_by=Delivery.receiver_id, order_by=(Broadcast.starts_at, Broadcast.id)
    )
    ahead = (
        sa.select(
            Delivery.receiver_id, Broadcast.id, Broadcast.title, Broadcast.starts_at,
            in_turn.label("place"),
        )
        .join(Broadcast, Broadcast.id == Delivery.broadcast_id)
        .where(Delivery.receiver_id.in_(receiver_ids), *_ahead(now))
        .subquery()
    )  # fmt: skip
    rows = session.execute(sa.select(ahead).where(ahead.c.place == 1))
    return {row.receiver_id: Next(row.id, row.title, row.starts_at) for row in rows}


def coming(session: Session, receiver_id: str, now: Instant) -> list[tuple[Broadcast, Delivery]]:
    """Its broadcasts of the next two days, in order of time."""
    found = (
        sa.select(Broadcast, Delivery)
        .join(Delivery, Delivery.broadcast_id == Broadcast.id)
        .where(Delivery.receiver_id == receiver_id, *_ahead(now))
        .order_by(Broadcast.starts_at, Broadcast.id)
    )
    return [(one, other) for one, other in session.execute(found)]


def titles(session: Session, occurrences: Collection[str]) -> dict[str, str]:
    """Occurrence id → the title of its broadcast; a test tone has none."""
    found = sa.select(Broadcast.occurrence, Broadcast.title)
    rows = session.execute(found.where(Broadcast.occurrence.in_(occurrences)))
    return {one: title for one, title in rows}  # noqa: C416 - a Row is no pair to mypy


def _ahead(now: Instant) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        Broadcast.starts_at > now,
        Broadcast.starts_at <= after(now, AHEAD),
        Broadcast.stop_requested_at.is_(None),
        Delivery.state.in_(OPEN),
        Delivery.dropped_at.is_(None),
        Delivery.barred_at.is_(None),
    )
