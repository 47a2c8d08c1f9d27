"""Programme (chương trình): a session's running order. Every item is a broadcast of its own, back to back.

``wanted`` and ``fills`` are pure (scheduler.programme_runs). What staff do to it is in scheduler.programme_acts.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Sequence
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from content.bulletins import State as BulletinState
from content.recordings import Recording
from loa.times import Instant, local
from loa.words import say
from scheduler import programme_begun
from scheduler.context import Context
from scheduler.exceptions import ScheduleException
from scheduler.programme_runs import Fill, Run, fills, runs, wanted
from scheduler.programme_tables import Item, ItemKind, Programme, get, listing
from scheduler.sources import Kind, WhyNot

__all__ = [
    "KIND", "Fill", "Item", "ItemKind", "Programme", "Run", "fills", "get", "is_over", "listing",
    "runs", "unplanned", "wanted",
]  # fmt: skip

KIND = Kind("programme_id", WhyNot("programme_ended", say("Chương trình đã kết thúc.")))
OUT = (BulletinState.WITHDRAWN,)
LASTS_AT_MOST = timedelta(days=1)
"""A run may go on after midnight."""


def unplanned(session: Session, until: Instant) -> Sequence[Programme]:
    """Programmes that want more, or something else, before ``until``."""
    found = sa.select(Programme).where(Programme.planned_until < until)
    return list(session.scalars(found.order_by(Programme.id)))


def is_over(source: Programme, until: Instant, zone: ZoneInfo) -> bool:
    """Whether nothing of it comes at ``until`` or later."""
    if source.end_date is None:
        return False
    moved = [each.to_day for each in source.exceptions if each.to_day is not None]
    return max([source.end_date, *moved]) < local(until, zone).date()


def follow_sounds(session: Session, now: Instant, found: Context) -> None:
    """Plan anew the programmes of which a bulletin has another sound than before: all that follows it moves."""
    going = going_on(session, local(now, found.rules.zone).date())
    lengths = _lengths(session, going)
    for programme in going:
        mark = _mark(programme, lengths)
        if programme.sounds_mark != mark:
            programme.sounds_mark = mark
            begin = programme_begun.settled_until(session, programme, now, found)
            programme.planned_until = min(programme.planned_until, begin)


def going_on(session: Session, today: date) -> Sequence[Programme]:
    """Programmes not ended, of which something may still come."""
    since = today - LASTS_AT_MOST
    moved = sa.select(ScheduleException.programme_id).where(
        ScheduleException.programme_id.is_not(None), ScheduleException.withdrawn_at.is_(None),
        ScheduleException.to_day >= since,
    )  # fmt: skip
    goes_on = sa.or_(
        Programme.end_date.is_(None), Programme.end_date >= since, Programme.id.in_(moved)
    )
    found = sa.select(Programme).where(Programme.ended_at.is_(None), goes_on)
    return session.scalars(found.order_by(Programme.id)).all()


def _lengths(session: Session, found: Collection[Programme]) -> dict[str, int]:
    shas = {
        sha
        for each in found
        for item in each.items
        if item.bulletin
        for sha in item.bulletin.sounds.values()
    }
    if not shas:
        return {}
    rows = session.execute(
        sa.select(Recording.sha256, Recording.ms).where(Recording.sha256.in_(shas))
    )
    return {row.sha256: row.ms for row in rows}


def _mark(programme: Programme, lengths: dict[str, int]) -> str:
    """Equal as long as each language of each item is as long as before, and as much in force."""
    parts = [
        [item.place, item.bulletin.state in OUT, sorted(
            (language, lengths.get(sha, 0)) for language, sha in item.bulletin.sounds.items()
        ), repr(item.bulletin.relay), str(item.bulletin.valid_from), str(item.bulletin.valid_until)]
        for item in programme.items if item.bulletin
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
