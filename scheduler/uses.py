"""Nơi dùng: where bulletins are broadcast, for the lists that show many of them at once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from content.bulletins import Bulletin
from content.recordings import Recording
from loa.times import Instant
from scheduler import schedules
from scheduler.broadcasts import LIVE, Broadcast, State


@dataclass(frozen=True)
class Use:
    """What becomes of one bulletin."""

    ms: int | None
    """Length of its own sound; None while it is not made."""
    schedules: int
    """How many still broadcast it."""
    next: Instant | None
    """When the soonest of them does."""
    last: Instant | None
    """When it last sounded anywhere."""


def of(session: Session, found: Sequence[Bulletin], now: Instant, zone: ZoneInfo) -> dict[int, Use]:
    """Bulletin id → its use; the same few queries for however many bulletins."""
    ids = [bulletin.id for bulletin in found]
    lengths, last = _lengths(session, found), _last(session, ids)
    ahead: dict[int, list[Instant]] = {}
    for schedule in schedules.running(session, ids, now, zone):
        moment = schedules.next_of(schedule, now, zone)
        ahead.setdefault(schedule.bulletin_id, []).append(moment or now)
    return {
        bulletin.id: Use(
            ms=lengths.get(bulletin.recording_sha or ""),
            schedules=len(ahead.get(bulletin.id, ())),
            next=min(ahead.get(bulletin.id, ()), default=None),
            last=last.get(bulletin.id),
        )
        for bulletin in found
    }


def live(session: Session, bulletin_id: int) -> list[Broadcast]:
    """Broadcasts of a bulletin that sound or are about to, soonest first: what a withdrawal stops."""
    found = sa.select(Broadcast).where(
        Broadcast.bulletin_id == bulletin_id,
        Broadcast.state.in_(LIVE),
        Broadcast.stop_requested_at.is_(None),
    )
    return list(session.scalars(found.order_by(Broadcast.starts_at, Broadcast.id)))


def _lengths(session: Session, found: Sequence[Bulletin]) -> dict[str, int]:
    shas = [bulletin.recording_sha for bulletin in found if bulletin.recording_sha]
    rows = sa.select(Recording.sha256, Recording.ms).where(Recording.sha256.in_(shas))
    return {row.sha256: row.ms for row in session.execute(rows)}


def _last(session: Session, ids: Collection[int]) -> dict[int, Instant]:
    newest = sa.func.max(Broadcast.starts_at).label("at")
    rows = sa.select(Broadcast.bulletin_id, newest).where(
        Broadcast.bulletin_id.in_(ids), Broadcast.state.in_((State.ON_AIR, State.FINISHED))
    )
    found = session.execute(rows.group_by(Broadcast.bulletin_id))
    return {row.bulletin_id: row.at for row in found}
