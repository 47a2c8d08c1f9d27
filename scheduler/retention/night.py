"""What is to be done: which months are past their time, and the work on them in small steps.

Months go strictly in order, for journals are cut from their beginning. A month that is held back by request, or
whose archive does not verify, therefore stops all later ones too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import time, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from loa.config import Config
from loa.database import Database
from loa.errors import ScheduleError
from loa.times import DAY, MINUTE, Instant, after, local
from loa.words import join, say
from scheduler.broadcasts import LIVE, Broadcast, Delivery
from scheduler.reporting import periods
from scheduler.reporting.periods import Period
from scheduler.retention import archives, holds, leaving, rules
from scheduler.retention.tables import Hold, Progress

QUIET = 10 * MINUTE
"""So long before a broadcast nothing is begun."""


@dataclass(frozen=True)
class Due:
    """A month past its time, whose deliveries are still here."""

    month: Period
    deliveries: int
    held: list[Hold] = field(default_factory=list)
    """Why it stays, where it does."""

    @property
    def key(self) -> str:
        return rules.key(self.month)


def due(session: Session, config: Config, now: Instant) -> Iterator[Due]:
    """Months past their time, the oldest first. Journals and plans of a month without deliveries go with the next."""
    for month in _months(session, config, now):
        since, until = month.bounds(config.zone)
        ours = sa.select(Broadcast.id).where(
            Broadcast.starts_at >= since, Broadcast.starts_at < until
        )
        count = sa.select(sa.func.count()).where(Delivery.broadcast_id.in_(ours))
        deliveries = session.scalar(count.select_from(Delivery))
        if deliveries:
            yield Due(month, deliveries, holds.touching(session, since, until))


def _months(session: Session, config: Config, now: Instant) -> Iterator[Period]:
    kept = rules.last_kept(config.retention.log_months, config, now)
    begun = session.scalar(sa.select(sa.func.min(Broadcast.starts_at)))
    if kept is None or begun is None:
        return
    month = rules.month_of(begun, config)
    while month.last < kept:
        yield month
        month = periods.month(month.last + timedelta(days=1))


def work(
    database: Database, config: Config, now: Instant, go_on: Callable[[], bool] = lambda: True
) -> Iterator[str]:
    """Archive and take out all that is due, in small steps; yields a sentence after each archive and each month.

    ``go_on`` is asked between two steps. Nothing is done before an admin has confirmed the rule. Raises ScheduleError,
    saying why a month cannot go, and OSError; what is done stays done.
    """
    with database.read() as session:
        if not rules.confirmed(session, config):
            return
    while go_on():
        with database.read() as session:
            unfinished = _unfinished(session)
            month = None if unfinished else next(due(session, config, now), None)
        if unfinished is None and month is None:
            return
        if month is not None and month.held:
            raise ScheduleError(_held(month))
        if month is not None:
            unfinished = archives.make(database, config, month.month, now)
            yield say("Đã ghi và kiểm tệp lưu trữ %(name)s.", name=month.month.name)
        if unfinished is not None:
            yield from _leave(database, config, unfinished, now, go_on)


def has_work(session: Session, config: Config, now: Instant) -> bool:
    """Whether anything is due, or begun."""
    return _unfinished(session) is not None or next(due(session, config, now), None) is not None


def _leave(
    database: Database, config: Config, archive_id: int, now: Instant, go_on: Callable[[], bool]
) -> Iterator[str]:
    went = 0
    for some in leaving.leave(database, config, archive_id, now):
        went += some
        if not go_on():
            return
    yield say("Đã chuyển %(went)s dòng sang tệp lưu trữ.", went=went)


def _unfinished(session: Session) -> int | None:
    found = sa.select(Progress.archive_id).where(Progress.finished_at.is_(None))
    return session.scalar(found.order_by(Progress.archive_id).limit(1))


def _held(month: Due) -> str:
    reasons = join(
        "; ",
        [say("số %(id)s: %(reason)s", id=hold.id, reason=hold.reason) for hold in month.held],
    )
    return say(
        "%(month)s đang được giữ lại theo yêu cầu (%(reasons)s). Tháng này và các tháng sau "
        "chưa được chuyển đi. Gỡ yêu cầu ở trang Lưu trữ khi không cần nữa.",
        month=month.month.name.capitalize(),
        reasons=reasons,
    )


def is_time(session: Session, config: Config, now: Instant) -> bool:
    """Whether the station may archive just now: at night, and nothing sounds or is soon to."""
    since, until = (time.fromisoformat(part) for part in config.retention.night.split("-"))
    clock = local(now, config.zone).time()
    at_night = since <= clock < until if since < until else clock >= since or clock < until
    return at_night and not _is_busy(session, now)


def _is_busy(session: Session, now: Instant) -> bool:
    near = sa.select(Broadcast.id).where(
        Broadcast.state.in_(LIVE),
        Broadcast.starts_at > after(now, -DAY),
        Broadcast.starts_at < after(now, QUIET),
    )
    return session.scalar(near.limit(1)) is not None
