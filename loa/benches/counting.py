"""What it costs that the database counts, guards and freezes: the same work with each of them and without."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import suppress

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.orm import Session

from devices.benches.pole import Pole, seed
from loa import audit_guard
from loa.benches import years as made
from loa.benches.fleet import Figure
from loa.benches.years import Years
from scheduler import plans, receipts
from scheduler.broadcasts import Broadcast, Delivery, DeliveryState

MOST_RECEIVERS = 500
TOGETHER = 25
"""Batches of one transaction's step, of some 20 entries each."""
GUARDED = ("journal_entries", "journal_proofs")
TURNS = 3
_WAYS = {
    (False, False): "không đếm, không chặn sửa",
    (False, True): "không đếm, có chặn sửa",
    (True, False): "có đếm, không chặn sửa",
    (True, True): "có đếm, có chặn sửa",
}
"""(counts, guards): what it is called."""


class _UndoneError(Exception):
    """Ends a transaction that was only tried."""


def measure(years: Years) -> Iterator[Figure]:
    """Entries a second with and without, bytes of what is kept, and milliseconds of freezing."""
    batches, entries = _batches(years)
    rates: dict[tuple[bool, bool], float] = {}
    for _ in range(TURNS):
        for counts, guards in _WAYS:
            rate = _folded(years, batches, entries, counts=counts, guards=guards)
            rates[counts, guards] = max(rate, rates.get((counts, guards), 0))
    for (counts, guards), what in _WAYS.items():
        yield Figure(f"Ghi nhật ký đầu thu, {what}", rates[counts, guards], "mục/s", rates[False, False])  # fmt: skip
    yield from _frozen(years)
    yield from _kept(years, batches, entries)


def _batches(years: Years) -> tuple[list[receipts.Batch], int]:
    """A day's end as the receivers tell it: accepted, ready, started and played, of what is open."""
    with years.ground.database.read() as session:
        open_ones = sa.select(Broadcast.occurrence).where(
            Broadcast.starts_at > years.now - made.SETTLED
        )
        occurrences = session.scalars(open_ones.order_by(Broadcast.id)).all()
    found = []
    for number, rid in enumerate(years.ground.rids[:MOST_RECEIVERS]):
        pole = Pole(rid, seed(years.ground.run_name, number))
        for occurrence in occurrences:
            _play(pole, occurrence)
        found += [receipts.read(rid, token) for token in pole.batches(20)]
    return found, sum(len(batch.entries) for batch in found)


def _play(pole: Pole, occurrence: str) -> None:
    pole.note(occurrence, "accepted", {"rev": 1})
    pole.note(occurrence, "ready", {})
    pole.note(occurrence, "started", {"late_ms": 12, "vol": 80})
    pole.note(occurrence, "played", {"ms": made.SOUND_MS, "level": "E1"})


def _folded(
    years: Years, batches: Sequence[receipts.Batch], entries: int, *, counts: bool, guards: bool
) -> float:
    """Entries a second of processor time of this process; on PostgreSQL, of wall time. Nothing of it stays."""
    clock = time.process_time if years.ground.database.is_sqlite else time.perf_counter
    rate = 0.0
    with suppress(_UndoneError), years.ground.database.write() as session:
        _prepare(session.connection(), counts, guards)
        begun = clock()
        _record(session, years, batches)
        rate = entries / (clock() - begun)
        raise _UndoneError
    return rate


def _prepare(connection: Connection, counts: bool, guards: bool) -> None:
    if not counts:
        made.stop_counting(connection)
    if not guards:
        audit_guard.take_down(connection, GUARDED)


def _record(session: Session, years: Years, batches: Sequence[receipts.Batch]) -> None:
    for since in range(0, len(batches), TOGETHER):
        receipts.record(session, batches[since : since + TOGETHER], years.now)
    session.flush()


def _frozen(years: Years) -> Iterator[Figure]:
    """One broadcast whose plans have just left for every receiver."""
    newest = sa.select(sa.func.max(Broadcast.id)).scalar_subquery()
    planned = {"state": DeliveryState.PLANNED, "rev": 1, "expectation_id": None}
    which = Delivery.receiver_id.in_(years.ground.rids)
    clock = time.process_time if years.ground.database.is_sqlite else time.perf_counter
    with suppress(_UndoneError), years.ground.database.write() as session:
        session.execute(sa.update(Delivery).where(Delivery.broadcast_id == newest).values(planned))
        begun = clock()
        plans.mark_sent(session, which, years.now)
        took = clock() - begun
        what = f"Chốt điều đã hẹn khi giao lệnh cho {years.ground.count} đầu thu"
        yield Figure(what, took * 1000, "ms CPU")
        raise _UndoneError


def _kept(years: Years, batches: Sequence[receipts.Batch], entries: int) -> Iterator[Figure]:
    """Bytes that the proofs of these batches take, keys of their index not counted."""
    names = ("receiver_id", "jid", "header", "before", "after", "signature")
    size = " + ".join(f"coalesce(length({name}), 0)" for name in names)
    with suppress(_UndoneError), years.ground.database.write() as session:
        _record(session, years, batches)
        total = session.execute(sa.text(f"SELECT sum({size}) FROM journal_proofs")).scalar()  # noqa: S608 - our names
        yield Figure("Chữ ký nhật ký được giữ, cho mỗi mục", (total or 0) / entries, "byte")
        raise _UndoneError
