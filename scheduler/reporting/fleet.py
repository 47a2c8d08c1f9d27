"""Figures per receiver: what it played, how much of the time it was heard, its faults, its data."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from devices.outages import ENOUGH, Fault, Kind, Watch
from devices.receivers import Receiver
from loa.times import Instant
from scheduler.broadcasts import Broadcast, Delivery
from scheduler.reporting.counts import Counts
from scheduler.reporting.figures import Inside
from scheduler.reporting.periods import Period
from scheduler.reporting.tables import ReceiverMonth

Span = tuple[Instant, Instant]
MOST_IDS = 900
"""In one statement."""


@dataclass
class OfReceiver:
    """One receiver over a period."""

    id: str
    name: str
    area_name: str
    counts: Counts = field(default_factory=Counts)
    uptime: float | None = None
    """Part of the watched time in which it was heard, 0 to 1; None: watched too little to say."""
    faults: int = 0
    """Begun or going on in the period, silences included."""
    away_ms: int | None = None
    """Time not heard while the station listened; None as ``uptime``."""
    data_bytes: int | None = None
    """Sent and received in the months of the period, by its own count; None: it never said."""


def of_period(
    session: Session, period: Period, zone: ZoneInfo, now: Instant, inside: Inside = None
) -> list[OfReceiver]:
    """Receivers that had something to play in the period or are in service, by area and name."""
    since, until = period.bounds(zone)
    counts, newest = _counts(session, since, until)
    then = _names_then(session, newest)
    found = [each for each in _receivers(session, inside) if each[3] or each[0] in counts]
    rows = [
        OfReceiver(rid, *then.get(rid, (name, area)), counts.get(rid, Counts()))
        for rid, name, area, _, _ in found
    ]
    added = {rid: added_at for rid, *_, added_at in found}
    _faults(session, rows, added, (since, Instant(min(until, now))))
    _data(session, rows, period)
    return sorted(rows, key=lambda each: (each.area_name, each.name, each.id))


def _receivers(session: Session, inside: Inside) -> Sequence[tuple[str, str, str, bool, Instant]]:
    receivers = session.scalars(sa.select(Receiver)).unique()
    return [
        (each.id, each.name, each.area.full_name, each.active, each.added_at)
        for each in receivers
        if inside is None or each.area_id in inside
    ]


def _names_then(session: Session, newest: Collection[int]) -> dict[str, tuple[str, str]]:
    """Name and area as the period's last delivery kept them, whatever a receiver is called since."""
    found = sa.select(Delivery.receiver_id, Delivery.receiver_name, Delivery.area_name)
    names = {}
    for some in _batched(newest):
        for rid, name, area in session.execute(found.where(Delivery.id.in_(some))):
            names[rid] = (name, area)
    return names


def _batched(ids: Collection[int]) -> Iterator[list[int]]:
    """So many at a time as one statement takes."""
    left = iter(ids)
    while some := list(islice(left, MOST_IDS)):
        yield some


def _counts(
    session: Session, since: Instant, until: Instant
) -> tuple[dict[str, Counts], Collection[int]]:
    """Receiver → its counts; and the newest delivery of each."""
    asked = sa.func.coalesce(Delivery.expected_ms, Delivery.ms)
    found = (
        sa.select(
            Delivery.receiver_id,
            sa.func.max(Delivery.id),
            sa.func.min(Delivery.broadcast_id),
            Delivery.state,
            sa.func.count(),
            sa.cast(sa.func.sum(asked), sa.BigInteger),
            sa.cast(sa.func.coalesce(sa.func.sum(Delivery.played_ms), 0), sa.BigInteger),
            sa.func.count(Delivery.played_ms),
        )
        .join(Broadcast, Broadcast.id == Delivery.broadcast_id)
        .where(
            Broadcast.starts_at >= since, Broadcast.starts_at < until, Broadcast.drill.is_(False)
        )
        .group_by(Delivery.receiver_id, Delivery.state)
    )
    counts: dict[str, Counts] = defaultdict(Counts)
    newest: dict[str, int] = {}
    for row in session.execute(found):
        receiver_id, delivery_id = row[:2]
        counts[receiver_id].add(*row[2:])
        newest[receiver_id] = max(delivery_id, newest.get(receiver_id, 0))
    return counts, newest.values()


def _faults(
    session: Session, rows: Sequence[OfReceiver], added: dict[str, Instant], span: Span
) -> None:
    since, until = span
    watched = [
        (max(begun, since), min(ended, until))
        for begun, ended in session.execute(
            sa.select(Watch.since, Watch.until).where(Watch.until > since, Watch.since < until)
        )
    ]
    faults: dict[str, list[tuple[Kind, Span]]] = defaultdict(list)
    found = sa.select(Fault.receiver_id, Fault.kind, Fault.since, Fault.until).where(
        Fault.since < until, sa.or_(Fault.until.is_(None), Fault.until > since)
    )
    for rid, kind, begun, ended in session.execute(found):
        faults[rid].append((kind, (begun, until if ended is None else ended)))
    for each in rows:
        each.faults = len(faults[each.id])
        mine = [(max(a, added[each.id]), b) for a, b in watched if b > max(a, added[each.id])]
        whole = sum(b - a for a, b in mine)
        if whole >= ENOUGH:
            silent = [spans for kind, spans in faults[each.id] if kind is Kind.OFFLINE]
            each.away_ms = _common(mine, silent)
            each.uptime = max(whole - each.away_ms, 0) / whole


def _common(one: Sequence[Span], other: Sequence[Span]) -> int:
    return sum(max(min(b, d) - max(a, c), 0) for a, b in one for c, d in other)


def _data(session: Session, rows: Sequence[OfReceiver], period: Period) -> None:
    found = (
        sa.select(
            ReceiverMonth.receiver_id, sa.cast(sa.func.sum(ReceiverMonth.bytes), sa.BigInteger)
        )
        .where(
            ReceiverMonth.month >= f"{period.first:%Y-%m}",
            ReceiverMonth.month <= f"{period.last:%Y-%m}",
        )
        .group_by(ReceiverMonth.receiver_id)
    )
    said = {rid: size for rid, size in session.execute(found)}  # noqa: C416 - a Row is not a pair to mypy
    for each in rows:
        each.data_bytes = said.get(each.id)
