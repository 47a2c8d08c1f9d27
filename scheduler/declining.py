"""Declining: where a broadcast is not heard by the word of an area's officers, as things stand. Reading only.

A decision holds as long as it is not withdrawn and its bulletin is what it was then: what becomes an emergency sounds
everywhere. Who gives way does so where both are meant to be heard, and only as long as the two meet; where it was
scheduled anew in the area, it gives way in any case, so that nobody hears it twice.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from content.bulletins import Bulletin, Priority
from loa.times import HOUR, Instant, after
from loa.words import say
from scheduler.broadcasts import Broadcast, State
from scheduler.levels import AreaDecision, Said
from scheduler.targets import Where

DECLINED, ORDER = "declined", "order"
"""Codes of deliveries (scheduler.reports.REASONS)."""
LONGEST = 6 * HOUR
NOBODY = say("Địa bàn không nhận lượt này, hoặc nhường lượt khác, nên không còn đầu thu nào phát.")


class Giving(NamedTuple):
    """In that area, whoever is to hear ``to`` as well hears that one alone."""

    area_id: int
    to: Where


class Apart(NamedTuple):
    """Where a broadcast is not heard."""

    declined: tuple[int, ...] = ()
    gives_way: tuple[Giving, ...] = ()


def standing(session: Session, since: Instant) -> dict[int, Apart]:
    """Of what starts at ``since`` or later: broadcast → where it is not heard, if there is such a place."""
    decisions = _decisions(session, since)
    concerned = {each.broadcast_id for each in decisions} | {each.other_id for each in decisions}
    rows = _rows(session, concerned)
    found: dict[int, Apart] = {}
    for said in decisions:
        first, other = rows[said.broadcast_id], rows.get(said.other_id or 0)
        if said.said is Said.DECLINED and first.priority is Priority.NORMAL:
            known = found.get(first.row.id, Apart())
            found[first.row.id] = known._replace(declined=(*known.declined, said.area_id))
        elif other is not None and _gives_way(said, first, other):
            known = found.get(other.row.id, Apart())
            giving = Giving(said.area_id, first.row.where)
            found[other.row.id] = known._replace(gives_way=(*known.gives_way, giving))
    return found


def areas_without(session: Session, since: Instant) -> dict[int, tuple[int, ...]]:
    """The same, of what was declined: broadcast → areas."""
    found = standing(session, since)
    return {id: apart.declined for id, apart in found.items() if apart.declined}


class _Row(NamedTuple):
    row: Broadcast
    priority: Priority
    """Of its bulletin now: an approval under way may not have told the row yet."""

    @property
    def ends_at(self) -> Instant:
        return end(self.row)

    @property
    def is_to_sound(self) -> bool:
        closed = self.row.state in (State.MISSED, State.CANCELLED)
        return self.row.stop_requested_at is None and not closed and bool(self.row.recording_sha)


def end(row: Broadcast) -> Instant:
    """When it should be over at a receiver that starts on time."""
    return after(row.starts_at, row.relay.ms if row.relay else row.ms)


def _decisions(session: Session, since: Instant) -> list[AreaDecision]:
    # One that goes before another may have begun as long ago as anything sounds.
    found = (
        sa.select(AreaDecision)
        .join(Broadcast, Broadcast.id == AreaDecision.broadcast_id)
        .where(AreaDecision.withdrawn_at.is_(None), Broadcast.starts_at >= after(since, -LONGEST))
    )
    return list(session.scalars(found.order_by(AreaDecision.id)))


def _rows(session: Session, ids: Iterable[int | None]) -> dict[int, _Row]:
    wanted = [id for id in ids if id is not None]
    if not wanted:
        return {}
    found = (
        sa.select(Broadcast, Bulletin.priority)
        .join(Bulletin, Bulletin.id == Broadcast.bulletin_id)
        .where(Broadcast.id.in_(wanted))
    )
    return {row.id: _Row(row, priority) for row, priority in session.execute(found)}


def _gives_way(said: AreaDecision, first: _Row, other: _Row) -> bool:
    if {first.priority, other.priority} != {Priority.PRIORITY}:
        return False
    if said.schedule_id is not None:
        return True
    meet = first.row.starts_at < other.ends_at and other.row.starts_at < first.ends_at
    return meet and first.is_to_sound
