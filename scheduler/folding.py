"""Folding: one journal entry after another → what became of a delivery, in the journal's own order."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from devices.messages import Entry
from loa import bulk
from loa.times import Instant
from scheduler.broadcasts import Broadcast, Delivery, DeliveryState

D = DeliveryState


@dataclass(slots=True)
class Result:
    """What is known of one delivery: the columns of ``Delivery`` that a journal can change, under the same names."""

    id: int
    broadcast_id: int
    receiver_id: str
    state: DeliveryState
    reason: str | None
    accepted_at: Instant | None
    ready_at: Instant | None
    started_at: Instant | None
    started_raw_at: Instant | None
    ended_at: Instant | None
    late_ms: int | None
    played_ms: int | None
    volume: int | None
    rel: str | None
    evidence: str | None


COLUMNS = tuple(Result.__dataclass_fields__)
CHANGING = COLUMNS[3:]
ENDS = ("played", "interrupted", "failed")
HEARD = ("stream", "fallback", "mixed", "none")
"""What a receiver says it heard of a relay."""
Where = tuple[str, str]
"""(receiver id, occurrence)"""


def load(
    session: Session, receiver_ids: Collection[str], occurrences: Collection[str]
) -> dict[Where, Result]:
    """The deliveries of these occurrences at these receivers."""
    columns = [getattr(Delivery, name) for name in COLUMNS]
    found = (
        sa.select(Broadcast.occurrence, *columns)
        .join(Broadcast, Delivery.broadcast_id == Broadcast.id)
        .where(
            bulk.among(session, Delivery.receiver_id, receiver_ids),
            Broadcast.occurrence.in_(occurrences),
        )
    )
    return {(row.receiver_id, row.occurrence): Result(*row[1:]) for row in session.execute(found)}


def store(session: Session, results: Iterable[Result]) -> None:
    """Write back what was folded."""
    rows = [
        {"id": result.id, **{name: getattr(result, name) for name in CHANGING}}
        for result in results
    ]
    bulk.update(session, Delivery, rows)


def fold(result: Result, entry: Entry, at: Instant) -> None:
    """Apply one journal entry to its delivery; entries come in the journal's order. Pure but for ``result``."""
    detail = entry.detail
    before = result.state
    if entry.code in ENDS and detail.get("rel") in HEARD:
        result.rel = str(detail["rel"])
    match entry.code:
        case "accepted":
            result.accepted_at = at
            if before in (D.PLANNED, D.SENT, D.UNKNOWN, D.CANCELLED, D.REFUSED):
                result.state, result.reason, result.ended_at = D.ACCEPTED, None, None
        case "ready":
            result.ready_at = at
            if before in (D.PLANNED, D.SENT, D.ACCEPTED, D.UNKNOWN):
                result.state = D.READY
        case "started":
            result.state, result.reason, result.ended_at = D.STARTED, None, None
            result.started_at, result.started_raw_at = at, Instant(entry.t)
            result.late_ms, result.volume = (
                _integer(detail.get("late_ms")),
                _integer(detail.get("vol")),
            )
        case "played":
            result.state, result.reason, result.ended_at = D.PLAYED, None, at
            result.played_ms = _integer(detail.get("ms"))
            result.evidence = str(detail.get("level", "E1"))[:4]
        case "missed" | "refused" if result.started_at is not None:
            # It has sounded, says an earlier life of this receiver's journal; a later one cannot know.
            if before is D.STARTED:
                result.state, result.reason, result.ended_at = D.INTERRUPTED, "reset", at
        case "interrupted" | "failed" | "missed" | "refused" | "cancelled" if (
            before is not D.PLAYED
        ):
            result.state, result.ended_at = D(entry.code), at
            result.reason = str(detail["why"])[:64] if "why" in detail else None
            if "at_ms" in detail:
                result.played_ms = _integer(detail["at_ms"])
        case _:
            pass


def _integer(value: object) -> int | None:
    return value if isinstance(value, int) and abs(value) < 2**31 else None
