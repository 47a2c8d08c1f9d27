"""Pages of the broadcast log: the kept counts tell which broadcasts stand on a page, and only those are read.

The last page of ten million rows costs what the first does.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from scheduler import reports
from scheduler.broadcasts import Broadcast, Delivery, DeliveryState
from scheduler.reporting import log
from scheduler.reporting.tables import DeliveryCount
from scheduler.reports import LogFilter, LogRow


@dataclass(frozen=True)
class Page:
    """One page; ``counts`` are of all pages together."""

    rows: list[LogRow]
    counts: dict[DeliveryState, int]
    number: int
    """From 1; the nearest one, where the page asked for does not exist."""
    pages: int


def page(session: Session, wanted: LogFilter, number: int, size: int) -> Page:
    """That page of so many rows, in the order of the log."""
    wanted = reports.looked_up(session, wanted)
    counts: Counter[DeliveryState] = Counter()
    per_broadcast: Counter[int] = Counter()
    for broadcast_id, state, n in session.execute(_counted(wanted)):
        counts[DeliveryState(state)] += int(n)
        per_broadcast[broadcast_id] += int(n)
    pages = max(-(-counts.total() // size), 1)
    number = min(max(number, 1), pages)
    of, skipped = _standing(per_broadcast, (number - 1) * size, size)
    rows = reports.log_rows(session, wanted, limit=size, offset=skipped, of=of) if of else ()
    return Page(list(rows), dict(counts), number, pages)


def _standing(per_broadcast: Counter[int], since: int, size: int) -> tuple[list[int], int]:
    """Broadcasts with any of the rows since … since + size, and how many rows of the first come before."""
    found: list[int] = []
    skipped = before = 0
    for broadcast_id, n in per_broadcast.items():
        if before >= since + size:
            break
        if before + n > since:
            skipped = skipped if found else since - before
            found.append(broadcast_id)
        before += n
    return found, skipped


def _counted(wanted: LogFilter) -> sa.Select[Any]:
    """(broadcast, state, how many), newest broadcast first."""
    if wanted.receiver_id or wanted.within is not None:
        # The counts know areas by name, and no receivers.
        state: Any = Delivery.state
        query = log.matching(sa.select(Broadcast.id, state, sa.func.count()), wanted)
        if wanted.within is not None:
            # An index leads to each delivery then, and not through all a receiver ever played.
            of = sa.select(Broadcast.id).where(
                Broadcast.starts_at >= wanted.since, Broadcast.starts_at < wanted.until
            )
            query = query.where(Delivery.broadcast_id.in_(of))
    else:
        state = DeliveryCount.state
        query = _kept(wanted)
    return query.group_by(Broadcast.starts_at, Broadcast.id, state).order_by(
        Broadcast.starts_at.desc(), Broadcast.id.desc()
    )


def _kept(wanted: LogFilter) -> sa.Select[Any]:
    state: Any = DeliveryCount.state
    query = (
        sa.select(Broadcast.id, state, sa.func.sum(DeliveryCount.deliveries))
        .join(DeliveryCount, DeliveryCount.broadcast_id == Broadcast.id)
        .where(Broadcast.starts_at >= wanted.since, Broadcast.starts_at < wanted.until)
    )
    if wanted.area:
        query = query.where(DeliveryCount.area_name == wanted.area)
    if wanted.state:
        query = query.where(DeliveryCount.state == wanted.state)
    return reports.titled(query, wanted)
