"""Reading a span of which part may lie in archives: the same queries, on whatever holds all of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.orm import Session

from loa.times import Instant
from scheduler.reporting.periods import Period
from scheduler.retention import reading
from web import current


@contextmanager
def read(since: Instant, until: Instant) -> Iterator[Session]:
    """A view in which no delivery of [since, until) is wanting. Raises ScheduleError where an archive is."""
    with (
        current.read() as session,
        reading.whole(session, current.config(), since, until) as found,
    ):
        yield found


@contextmanager
def read_period(period: Period) -> Iterator[Session]:
    """The same of a period and the one before, with which it is compared."""
    zone = current.zone()
    with read(period.before().bounds(zone)[0], period.bounds(zone)[1]) as session:
        yield session


@contextmanager
def read_campaign(campaign_id: int) -> Iterator[Session]:
    """The same of all a campaign's broadcasts."""
    with current.read() as session:
        span = reading.campaign_span(session, campaign_id)
    with read(*span) as session:
        yield session


@contextmanager
def read_broadcast(broadcast_id: int) -> Iterator[Session]:
    """The same of one broadcast's deliveries."""
    with current.read() as session:
        span = reading.broadcast_span(session, broadcast_id)
    with read(*span) as session:
        yield session


@contextmanager
def also(session: Session, since: Instant, until: Instant) -> Iterator[Session]:
    """As ``read``, for whoever has a view already."""
    with reading.whole(session, current.config(), since, until) as found:
        yield found
