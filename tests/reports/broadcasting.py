"""A broadcast that is over, in a few lines."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.orm import Session

from content.bulletins import Bulletin
from loa.times import Instant, after, local
from scheduler import alerts
from scheduler.broadcasts import Broadcast, Delivery, DeliveryState
from scheduler.schedules import Schedule
from scheduler.targets import Where
from tests.cast import NOON, ZONE, Cast

assert alerts  # its table is referred to


def play(
    session: Session, cast: Cast, bulletin: Bulletin, at: Instant, states: Sequence[str]
) -> Broadcast:
    """What became of it at each receiver, in their order."""
    where = Where((cast.commune.id,))
    schedule = Schedule(
        uid=f"s{at}"[:16], bulletin_id=bulletin.id, at=local(at, ZONE).time(), start_date=local(at, ZONE).date(),
        staff_id=cast.hoa.id, created_at=NOON, planned_until=NOON,
    )  # fmt: skip
    session.add(schedule)
    session.flush()
    broadcast = Broadcast(
        occurrence=f"occ-{at}", where=where, schedule_id=schedule.id, bulletin_id=bulletin.id, title=bulletin.title,
        priority=bulletin.priority, field=bulletin.field, starts_at=at, ms=30_000, author="Hoa",
        approver_names=["Minh"], approver_logins=["minh"], scheduler="Hoa", planned_at=NOON, drill=False,
        recording_sha="a" * 64,
    )  # fmt: skip
    session.add(broadcast)
    session.flush()
    session.add_all(
        Delivery(
            broadcast_id=broadcast.id, receiver_id=receiver.id, receiver_name=receiver.name,
            area_name=receiver.area.full_name, state=DeliveryState(state), ms=30_000, rev=1, sent_at=NOON,
            started_at=at if state == "played" else None, ended_at=after(at, 30_000) if state == "played" else None,
            played_ms=30_000 if state == "played" else None, evidence="E1" if state == "played" else None,
            recording_sha="a" * 64,
        )
        for receiver, state in zip(cast.receivers, states, strict=True)
    )  # fmt: skip
    session.flush()
    return broadcast
