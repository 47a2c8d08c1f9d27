"""Fixed items: when schedules, programmes and emergencies are to sound; campaigns take what they leave. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from content.bulletins import State as BulletinState
from loa.times import HOUR, Instant, after
from scheduler import alerts, programmes, schedules
from scheduler.alerts import Alert
from scheduler.context import Context
from scheduler.programmes import Programme
from scheduler.schedules import Schedule
from scheduler.sources import Wanted
from scheduler.targets import Where

LONGEST = 6 * HOUR
"""What began earlier than that before a day does not reach into it."""


class Fixed(NamedTuple):
    """Something with a time of its own."""

    starts_at: Instant
    ends_at: Instant
    where: Where


class Sources(NamedTuple):
    """What has times of its own, and is not over."""

    schedules: Sequence[Schedule]
    programmes: Sequence[Programme]
    alerts: Sequence[Alert]


@dataclass(frozen=True)
class SourcesFrom:
    """The question for them; ``day`` is the first that matters."""

    day: date

    def __call__(self, session: Session) -> Sources:
        return Sources(
            self._running(session, Schedule),
            self._running(session, Programme),
            session.scalars(sa.select(Alert).where(Alert.ended_at.is_(None))).all(),
        )

    def _running(self, session: Session, kind: Any) -> Sequence[Any]:
        is_on = sa.or_(kind.end_date.is_(None), kind.end_date >= self.day - timedelta(days=1))
        found = sa.select(kind).where(kind.ended_at.is_(None), is_on)
        return session.scalars(found.order_by(kind.id)).all()


def fixed_items(context: Context, found: Sources, since: Instant, until: Instant) -> list[Fixed]:
    """When what is not of a campaign is to sound in [since, until)."""
    asked: tuple[tuple[Sequence[Any], Callable[..., Sequence[Wanted]]], ...] = (
        (found.alerts, alerts.wanted),
        (found.schedules, schedules.wanted),
        (found.programmes, programmes.wanted),
    )
    lengths: dict[tuple[int, Where], int] = {}
    return [
        _fixed(wish, context, lengths)
        for sources, wanted in asked
        for source in sources
        if not _is_withdrawn(source)
        for wish in context.wishes(source, wanted, since, until)
        if wish.why_not is None
    ]


def _is_withdrawn(source: Any) -> bool:
    bulletin = getattr(source, "bulletin", None)
    return bulletin is not None and bulletin.state is BulletinState.WITHDRAWN


def _fixed(wish: Wanted, context: Context, lengths: dict[tuple[int, Where], int]) -> Fixed:
    if wish.relay is not None:
        return Fixed(wish.starts_at, after(wish.starts_at, wish.relay.ms), wish.where)
    known = wish.bulletin.id, wish.where
    if known not in lengths:
        lengths[known] = context.length_ms(wish.bulletin, wish.where)
    return Fixed(wish.starts_at, after(wish.starts_at, lengths[known]), wish.where)
