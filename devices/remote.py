"""What staff order receivers to do from afar. An order is a wish in the receiver's next plan; its heartbeat says
whether it has that plan."""

from __future__ import annotations

import enum
from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.orm import Session

from devices.receivers import Presence, Receiver
from loa import audit
from loa.errors import DeviceError
from loa.times import MINUTE, Instant
from loa.words import say

MOST_DELAY = 1_000
SOUND_METRES_A_SECOND = 343
RESTART_PAUSE = 2 * MINUTE
"""A receiver told to start anew is not told again so soon: it would hear of it only while starting."""


def set_volume(
    session: Session, receiver_ids: Iterable[str], volume: int, *, now: Instant, by: str
) -> list[str]:
    """Set the volume of these receivers, 0–100; ids of those that had another. Raises DeviceError."""
    if not 0 <= volume <= 100:
        raise DeviceError(
            say("Âm lượng %(volume)s nằm ngoài khoảng 0–100.", volume=volume), field="volume"
        )
    return _order(session, receiver_ids, "volume", volume, now, by)


def set_muted(
    session: Session, receiver_ids: Iterable[str], muted: bool, *, now: Instant, by: str
) -> list[str]:
    """Silence these receivers, or let them sound again; ids of those that were not so."""
    return _order(session, receiver_ids, "muted", muted, now, by)


def set_delay(
    session: Session, receiver_ids: Iterable[str], delay_ms: int, *, now: Instant, by: str
) -> list[str]:
    """Have these receivers begin later, 0–1000 ms; ids of those that did otherwise. Raises DeviceError."""
    if not 0 <= delay_ms <= MOST_DELAY:
        raise DeviceError(
            say(
                "Độ trễ %(delay)s ms nằm ngoài khoảng 0–%(most)s.", delay=delay_ms, most=MOST_DELAY
            ),
            field="delay_ms",
        )
    return _order(session, receiver_ids, "delay_ms", delay_ms, now, by)


def _order(
    session: Session, receiver_ids: Iterable[str], what: str, value: int, now: Instant, by: str
) -> list[str]:
    column = Receiver.__table__.c[what]
    changed = session.scalars(
        sa.update(Receiver)
        .where(Receiver.active, Receiver.id.in_(list(receiver_ids)), column != value)
        .values({what: value, "plan_stale": True})
        .returning(Receiver.id)
        .execution_options(synchronize_session="fetch")
    ).all()
    ids = sorted(changed)
    if ids:
        audit.append(session, now, by, f"receiver.{what}", receivers=ids, value=value)
    return ids


def restart(session: Session, receiver_ids: Iterable[str], *, now: Instant, by: str) -> list[str]:
    """Have these receivers start anew once nothing sounds there; ids of those told, but for such as just were."""
    told = session.scalars(
        sa.update(Receiver)
        .where(
            Receiver.active,
            Receiver.id.in_(list(receiver_ids)),
            sa.or_(Receiver.restart_at.is_(None), Receiver.restart_at <= now - RESTART_PAUSE),
        )
        .values(restarts=Receiver.restarts + 1, restart_at=now, plan_stale=True)
        .returning(Receiver.id)
        .execution_options(synchronize_session="fetch")
    ).all()
    ids = sorted(told)
    if ids:
        audit.append(session, now, by, "receiver.restart", receivers=ids)
    return ids


def delay_for(metres: float) -> int:
    """Milliseconds that sound takes over so many metres, to the nearest ten."""
    return round(metres * 100 / SOUND_METRES_A_SECOND) * 10


class Obeyed(enum.StrEnum):
    """How far an order has come."""

    WAITING = "waiting"
    SENT = "sent"
    TAKEN = "taken"


def obeyed(receiver: Receiver, rev: int | None, published: bool) -> Obeyed:
    """``rev`` is the newest plan made for the receiver, ``published`` whether the broker has it."""
    seen: Presence | None = receiver.presence
    if receiver.plan_stale or rev is None:
        return Obeyed.WAITING
    if seen is not None and seen.rev >= rev:
        return Obeyed.TAKEN
    return Obeyed.SENT if published else Obeyed.WAITING
