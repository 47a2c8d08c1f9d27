"""Receipts: the receivers' signed journals → rows kept for ever → the state of each delivery.

A batch is stored whole or not at all, only where it continues what is kept; ``upto`` therefore never passes a
gap. Folding goes by the journal's own order, never by that of arrival.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from devices import messages, signing
from devices.messages import Entry, Evack, Events
from devices.receivers import Journal, JournalEntry, Receiver, mark_stale
from loa import audit
from loa.times import Instant
from scheduler import broadcasts
from scheduler.broadcasts import OPEN, Broadcast, Delivery, DeliveryState

log = logging.getLogger(__name__)
EVENTS_TYPE = "loa-events"
D = DeliveryState


@dataclass(frozen=True)
class Batch:
    """A verified batch of one receiver's journal."""

    receiver_id: str
    events: Events
    entries: tuple[Entry, ...]


def verify(receiver_id: str, payload: bytes, public_key: str) -> Batch:
    """Check signature and form. Raises signing.BadSignature or msgspec.DecodeError: drop the batch and log it."""
    if len(payload) > messages.MAX_EVENTS_BYTES:
        raise signing.BadSignature("too_big")
    keys = {receiver_id: signing.PublicKey(kid=receiver_id, x=public_key)}
    raw, _ = signing.verify(payload, EVENTS_TYPE, keys)
    events = messages.decode(raw, Events)
    if events.rid != receiver_id:
        raise signing.BadSignature("wrong_rid")
    if any(len(bytes(each)) > messages.MAX_ENTRY_BYTES for each in events.e):
        raise signing.BadSignature("too_big")
    entries = tuple(messages.decode(bytes(each), Entry) for each in events.e)
    if [entry.seq for entry in entries] != list(range(events.from_, events.from_ + len(entries))):
        raise signing.BadSignature("sequence")
    return Batch(receiver_id, events, entries)


def public_keys(session: Session) -> dict[str, str]:
    """Each known receiver's public key; a retired one may still deliver old evidence."""
    return {
        row.id: row.public_key
        for row in session.execute(sa.select(Receiver.id, Receiver.public_key))
    }


def record(session: Session, batches: Iterable[Batch], now: Instant) -> dict[str, Evack]:
    """Store batches and fold them; returns what to acknowledge to each receiver once this is committed."""
    answers: dict[str, Evack] = {}
    for batch in batches:
        try:
            with session.begin_nested():
                answers[batch.receiver_id] = _record_one(session, batch, now)
        except (SQLAlchemyError, OverflowError, ValueError):
            # What one receiver sends must not keep the others' evidence out; it is sent again, and seen in the log.
            log.exception("a batch of %s could not be stored", batch.receiver_id)
    return answers


def _record_one(session: Session, batch: Batch, now: Instant) -> Evack:
    journal = _journal(session, batch, now)
    new = _continue(session, journal, batch, now)
    for broadcast_id in _fold_all(session, batch, new):
        broadcasts.settle(session, broadcasts.get(session, broadcast_id))
    return Evack(jid=journal.jid, upto=journal.upto)


def _journal(session: Session, batch: Batch, now: Instant) -> Journal:
    jid = batch.events.jid
    journal = session.get(Journal, (batch.receiver_id, jid))
    if journal is None:
        others = session.scalar(
            sa.select(sa.func.count()).where(Journal.receiver_id == batch.receiver_id)
        )
        journal = Journal(
            receiver_id=batch.receiver_id,
            jid=jid,
            upto=0,
            head=messages.first_hash(jid).hex(),
            begun_at=now,
        )
        session.add(journal)
        session.flush()
        if others:
            audit.append(
                session, now, audit.SYSTEM, "journal.new", receiver=batch.receiver_id, jid=jid
            )
    return journal


def _continue(session: Session, journal: Journal, batch: Batch, now: Instant) -> list[JournalEntry]:
    """Add the entries that follow what is kept. A gap waits; a contradiction is marked and nothing is taken."""
    events = batch.events
    if events.from_ > journal.upto + 1:
        return []
    known = journal.upto - events.from_ + 1
    if not _agrees(session, journal, batch, known):
        _tampered(session, journal, batch, now)
        return []
    head, added = bytes.fromhex(journal.head), []
    for raw, entry in list(zip(events.e, batch.entries, strict=True))[known:]:
        head = messages.next_hash(head, bytes(raw))
        added.append(_row(batch, bytes(raw), entry, now))
    if added and head.hex() != events.head:
        _tampered(session, journal, batch, now)
        return []
    session.add_all(added)
    if added:
        journal.upto, journal.head = added[-1].seq, head.hex()
    session.flush()
    return added


def _agrees(session: Session, journal: Journal, batch: Batch, known: int) -> bool:
    """True when the entries already kept are, byte for byte, those sent again."""
    if known <= 0:
        return True
    again = {
        entry.seq: bytes(raw) for entry, raw in zip(batch.entries, batch.events.e, strict=True)
    }
    kept = session.execute(
        sa.select(JournalEntry.seq, JournalEntry.raw).where(
            JournalEntry.receiver_id == journal.receiver_id,
            JournalEntry.jid == journal.jid,
            JournalEntry.seq >= batch.events.from_,
            JournalEntry.seq <= batch.entries[-1].seq,
        )
    )
    return all(again[row.seq] == row.raw for row in kept)


def _tampered(session: Session, journal: Journal, batch: Batch, now: Instant) -> None:
    if journal.tampered_at is None:
        journal.tampered_at = now
        audit.append(
            session, now, audit.SYSTEM, "journal.tampered",
            receiver=journal.receiver_id, jid=journal.jid, since=batch.events.from_, upto=journal.upto,
        )  # fmt: skip
    log.error(
        "journal of %s contradicts what is kept from entry %s on",
        journal.receiver_id,
        batch.events.from_,
    )


def _row(batch: Batch, raw: bytes, entry: Entry, now: Instant) -> JournalEntry:
    return JournalEntry(
        receiver_id=batch.receiver_id, jid=batch.events.jid, seq=entry.seq, raw=raw, occurrence=entry.occ[:64],
        code=entry.code[:16], raw_at=Instant(entry.t), at=_true_time(batch.events, entry), received_at=now,
    )  # fmt: skip


def _true_time(events: Events, entry: Entry) -> Instant:
    """The entry's time by the clock the receiver has now, where it had none when it wrote."""
    if entry.src == "none" and events.src != "none" and entry.boot == events.boot:
        return Instant(events.now - (events.mono - entry.mono))
    return Instant(entry.t)


def _fold_all(session: Session, batch: Batch, added: list[JournalEntry]) -> set[int]:
    new = {row.seq: row for row in added}
    occurrences = {row.occurrence for row in added if row.occurrence}
    if not occurrences:
        return set()
    found = session.execute(
        sa.select(Broadcast.occurrence, Delivery)
        .join(Broadcast, Delivery.broadcast_id == Broadcast.id)
        .where(Delivery.receiver_id == batch.receiver_id, Broadcast.occurrence.in_(occurrences))
    )
    deliveries: dict[str, Delivery] = {row[0]: row[1] for row in found}
    for entry in batch.entries:
        if entry.seq in new and entry.occ in deliveries:
            fold(deliveries[entry.occ], entry, new[entry.seq].at)
    if any(delivery.state is D.CANCELLED for delivery in deliveries.values()):
        # Cancelled because a plan left it out. If it is wanted after all, the dispatcher sees it and says so.
        mark_stale(session, [batch.receiver_id])
    return {delivery.broadcast_id for delivery in deliveries.values()}


def fold(delivery: Delivery, entry: Entry, at: Instant) -> None:
    """Apply one journal entry to its delivery; entries come in the journal's order. Pure but for ``delivery``."""
    detail = entry.detail
    before = delivery.state
    match entry.code:
        case "accepted":
            delivery.accepted_at = at
            if before in (D.PLANNED, D.SENT, D.UNKNOWN, D.CANCELLED, D.REFUSED):
                delivery.state, delivery.reason, delivery.ended_at = D.ACCEPTED, None, None
        case "ready":
            delivery.ready_at = at
            if before in (D.PLANNED, D.SENT, D.ACCEPTED, D.UNKNOWN):
                delivery.state = D.READY
        case "started":
            delivery.state, delivery.reason, delivery.ended_at = D.STARTED, None, None
            delivery.started_at, delivery.started_raw_at = at, Instant(entry.t)
            delivery.late_ms, delivery.volume = (
                _integer(detail.get("late_ms")),
                _integer(detail.get("vol")),
            )
        case "played":
            delivery.state, delivery.reason, delivery.ended_at = D.PLAYED, None, at
            delivery.played_ms = _integer(detail.get("ms"))
            delivery.evidence = str(detail.get("level", "E1"))[:4]
        case "missed" | "refused" if delivery.started_at is not None:
            # It has sounded, says an earlier life of this receiver's journal; a later one cannot know.
            if before is D.STARTED:
                delivery.state, delivery.reason, delivery.ended_at = D.INTERRUPTED, "reset", at
        case "interrupted" | "failed" | "missed" | "refused" | "cancelled" if (
            before is not D.PLAYED
        ):
            delivery.state, delivery.ended_at = D(entry.code), at
            delivery.reason = str(detail["why"])[:64] if "why" in detail else None
            if "at_ms" in detail:
                delivery.played_ms = _integer(detail["at_ms"])
        case _:
            pass


def _integer(value: object) -> int | None:
    return value if isinstance(value, int) and abs(value) < 2**31 else None


def expire(session: Session, now: Instant, *, late: int, grace: int) -> int:
    """End the wait for broadcasts long over: no evidence is ``unknown``, never handed out is ``missed``."""
    over = session.execute(
        sa.select(Delivery, Broadcast)
        .join(Broadcast, Delivery.broadcast_id == Broadcast.id)
        .where(
            Delivery.state.in_(OPEN),
            Broadcast.starts_at + Broadcast.ms + late + grace < now,
            # One that left the area may still sound the longer recording it had.
            Broadcast.starts_at + Delivery.ms + late + grace < now,
            Broadcast.starts_at < now,
        )
    ).all()
    for delivery, _ in over:
        if delivery.rev is None:
            delivery.state, delivery.reason, delivery.ended_at = D.MISSED, "not_sent", now
        else:
            delivery.state = D.UNKNOWN
    for broadcast in {broadcast.id: broadcast for _, broadcast in over}.values():
        broadcasts.settle(session, broadcast)
    return len(over)


def acknowledged(session: Session, receiver_id: str, jid: str) -> int:
    """How far that journal is kept here; 0 for one never seen."""
    journal = session.get(Journal, (receiver_id, jid))
    return journal.upto if journal else 0
