"""Begun: what of a programme has been heard already, so that no day of it is heard twice, whatever is changed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import date

import sqlalchemy as sa
from sqlalchemy.orm import Session

from loa.times import DAY, Instant, after
from loa.words import say
from scheduler import programme_runs
from scheduler.broadcasts import LIVE, Broadcast, State
from scheduler.context import Context
from scheduler.programme_tables import Programme
from scheduler.sources import Wanted, WhyNot

NEVER_HEARD = (State.MISSED, State.CANCELLED)


def days_begun(
    session: Session, programme_id: int, days: Collection[date], now: Instant
) -> set[date]:
    """Which of these days of its series have begun to sound, or have sounded."""
    if not days:
        return set()
    found = sa.select(Broadcast.day).where(Broadcast.day.in_(days), *_begun(programme_id, now))
    return {day for day in session.scalars(found.distinct()) if day is not None}


def settled_until(session: Session, programme: Programme, now: Instant, found: Context) -> Instant:
    """From when on it may be laid out anew: its running order is one whole, so what has begun goes on to its end
    as it was, also where its session or its time is another by now."""
    on = sa.select(Broadcast.day).where(
        Broadcast.starts_at > after(now, -DAY), *_begun(programme.id, now)
    )
    last = session.scalar(
        sa.select(sa.func.max(Broadcast.starts_at)).where(
            Broadcast.programme_id == programme.id, Broadcast.day.in_(on), Broadcast.starts_at > now,
            Broadcast.stop_requested_at.is_(None), Broadcast.state.in_(LIVE),
        )
    )  # fmt: skip
    busy = programme_runs.busy_until(programme, now, found)
    return busy if last is None else max(busy, after(Instant(last), 1))


def without_repeats(
    session: Session, source_id: int, wishes: list[Wanted], rows: Sequence[Broadcast], now: Instant
) -> list[Wanted]:  # fmt: skip
    """The wishes of one source, where those that would have a day of it heard again say that they are not to sound.

    ``rows``: the broadcasts it has for the span of the wishes.
    """
    # What stands is what was laid out when its day began: no repeat of it.
    standing = {
        (row.starts_at, row.bulletin_id, row.item) for row in rows if row.stop_requested_at is None
    }
    doubtful = {
        wish.day
        for wish in wishes
        if wish.day is not None and wish.why_not is None and wish.key not in standing
    }
    begun = days_begun(session, source_id, doubtful, now) if doubtful else set()
    return [
        replace(wish, why_not=_why_not(wish.day))
        if wish.day in begun and wish.why_not is None and wish.key not in standing
        else wish
        for wish in wishes
    ]


def _begun(programme_id: int, now: Instant) -> tuple[sa.ColumnElement[bool], ...]:
    is_let = sa.or_(
        Broadcast.stop_requested_at.is_(None), Broadcast.stop_requested_at > Broadcast.starts_at
    )
    return (
        Broadcast.programme_id == programme_id, Broadcast.starts_at <= now, is_let,
        Broadcast.recording_sha.is_not(None), Broadcast.state.not_in(NEVER_HEARD),
    )  # fmt: skip


def _why_not(day: date | None) -> WhyNot:
    return WhyNot(
        "changed",
        say(
            "Lần phát ngày %(day)s đã bắt đầu theo giờ cũ nên không phát lại theo giờ mới; "
            "thay đổi có từ lần phát sau.",
            day=f"{day:%d/%m/%Y}",
        ),
    )
