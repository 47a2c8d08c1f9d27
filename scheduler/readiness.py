"""Readiness: what will not sound unless somebody looks now, receiver by receiver, before its time."""

from __future__ import annotations

import enum
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from devices import fleet
from devices.receivers import Presence, Receiver
from loa.times import MINUTE, Instant, after
from scheduler.broadcasts import Broadcast, Delivery, DeliveryState

BEFORE = 30 * MINUTE
"""So long before its time a receiver should have the sound."""
SETTLED = 2 * MINUTE
"""What was planned more lately than that is on its way: nobody need look yet."""


class Why(enum.StrEnum):
    """The first of these that holds."""

    NEVER = "never"
    OFFLINE = "offline"
    CLOCK = "clock"
    OUTPUT = "output"
    MUTED = "muted"
    AUDIO = "audio"


@dataclass(frozen=True)
class Unready:
    """A receiver that may miss a broadcast."""

    broadcast_id: int
    title: str
    starts_at: Instant
    receiver_id: str
    name: str
    area: str
    why: Why


def unready(
    session: Session, now: Instant, *, broadcast_id: int | None = None, most: int | None = None
) -> list[Unready]:
    """Who may miss a broadcast of the next half hour, soonest first, in one query."""
    why = _why(now)
    late = Delivery.state.in_([DeliveryState.PLANNED, DeliveryState.SENT, DeliveryState.ACCEPTED])
    found = (
        sa.select(
            Broadcast.id, Broadcast.title, Broadcast.starts_at, Receiver.id, Receiver.name,
            Delivery.area_name, why.label("why"),
        )
        .join(Delivery, Delivery.broadcast_id == Broadcast.id)
        .join(Receiver, Receiver.id == Delivery.receiver_id)
        .outerjoin(Presence, Presence.receiver_id == Receiver.id)
        .where(*_near(now), Delivery.dropped_at.is_(None), Delivery.barred_at.is_(None))
        .where(sa.or_(sa.and_(late, _settled(now)), why != Why.AUDIO.value))
        .where(Delivery.state.in_([*_OPEN]))
        .order_by(Broadcast.starts_at, Broadcast.id, Delivery.area_name, Receiver.name)
    )  # fmt: skip
    if broadcast_id is not None:
        found = found.where(Broadcast.id == broadcast_id)
    rows = session.execute(found.limit(most))
    return [Unready(*row[:6], why=Why(row.why)) for row in rows]


_OPEN = (
    DeliveryState.PLANNED,
    DeliveryState.SENT,
    DeliveryState.ACCEPTED,
    DeliveryState.READY,
)


def count(session: Session, now: Instant) -> dict[int, int]:
    """Broadcast id → how many receivers may miss it."""
    numbers: dict[int, int] = {}
    for each in unready(session, now):
        numbers[each.broadcast_id] = numbers.get(each.broadcast_id, 0) + 1
    return numbers


def _near(now: Instant) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        Broadcast.starts_at > now,
        Broadcast.starts_at < after(now, BEFORE),
        Broadcast.stop_requested_at.is_(None),
        Broadcast.recording_sha.is_not(None),
    )


def _settled(now: Instant) -> sa.ColumnElement[bool]:
    return sa.or_(
        Broadcast.planned_at <= after(now, -SETTLED), Broadcast.starts_at <= after(now, SETTLED)
    )


def _why(now: Instant) -> sa.ColumnElement[str]:
    reasons: list[tuple[Why, sa.ColumnElement[bool]]] = [
        (Why.NEVER, Presence.receiver_id.is_(None)),
        (Why.OFFLINE, sa.not_(fleet.is_online(now))),
        (Why.CLOCK, Presence.clock_source == "none"),
        (Why.OUTPUT, Presence.output == "fault"),
        (Why.MUTED, sa.or_(Receiver.muted, Receiver.volume == 0)),
    ]
    return sa.case(*((holds, why.value) for why, holds in reasons), else_=Why.AUDIO.value)
