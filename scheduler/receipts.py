"""Receipts: the receivers' signed journals → rows kept for ever → the state of each delivery.

A batch is stored whole or not at all, only where it continues what is kept; ``upto`` therefore never passes a
gap. Folding goes by the journal's own order, never by that of arrival. However many batches come together, the
same few statements store them.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.orm import Session

from devices import messages, signing
from devices.messages import Entry, Evack, Events
from devices.receivers import Journal, JournalEntry, mark_stale
from loa import audit, bulk
from loa.times import Instant
from scheduler import attacks, broadcasts, folding, late
from scheduler.broadcasts import LIVE, OPEN, Broadcast, Delivery, DeliveryState
from scheduler.evidence import echoes, proofs
from scheduler.evidence.tables import Proof

log = logging.getLogger(__name__)
EVENTS_TYPE = "loa-events"
D = DeliveryState


@dataclass(frozen=True)
class Batch:
    """A verified batch of one receiver's journal."""

    receiver_id: str
    events: Events
    entries: tuple[Entry, ...]
    exact: tuple[bytes, ...]
    """The bytes of each entry."""
    until: Instant | None = None
    """When the key that signed it was taken back; None: the receiver's present one."""
    token: bytes = b""
    """As it came: its signature is kept."""


def verify(receiver_id: str, payload: bytes, public_key: str) -> Batch:
    """Check signature and form. Raises signing.BadSignature or msgspec.DecodeError: drop the batch and log it."""
    if len(payload) > messages.MAX_EVENTS_BYTES:
        raise signing.BadSignature("too_big")
    keys = {receiver_id: signing.PublicKey(kid=receiver_id, x=public_key)}
    signing.verify(payload, EVENTS_TYPE, keys)
    return read(receiver_id, payload)


def read(receiver_id: str, payload: bytes) -> Batch:
    """The batch in a token whose signature is known to be good. Raises as ``verify``."""
    events = messages.decode(signing.payload(payload), Events)
    if events.rid != receiver_id:
        raise signing.BadSignature("wrong_rid")
    exact = tuple(map(bytes, events.e))
    if max(map(len, exact)) > messages.MAX_ENTRY_BYTES:
        raise signing.BadSignature("too_big")
    entries = messages.decode(b"[%b]" % b",".join(exact), tuple[Entry, ...])
    if [entry.seq for entry in entries] != list(range(events.from_, events.from_ + len(entries))):
        raise signing.BadSignature("sequence")
    return Batch(receiver_id, events, entries, exact, token=payload)


def record(session: Session, batches: Iterable[Batch], now: Instant) -> dict[str, Evack]:
    """Store batches and fold them; returns what to acknowledge to each receiver once this is committed."""
    some = list(batches)
    if not some:
        return {}
    session.flush()
    answers = _try_to_record(session, some, now)
    if answers is None:
        # What one receiver sends must not keep the others' evidence out; it is sent again, and seen in the log.
        answers = {}
        for batch in some:
            answers |= _try_to_record(session, [batch], now) or {}
    session.expire_all()  # bulk statements went past what the session holds
    return answers


def _try_to_record(
    session: Session, batches: Sequence[Batch], now: Instant
) -> dict[str, Evack] | None:
    try:
        with session.begin_nested():
            return _record(session, batches, now)
    except OperationalError:
        raise  # the database itself: nothing is stored, nothing acknowledged
    except (SQLAlchemyError, OverflowError, ValueError):
        log.exception("%d batches could not be stored together", len(batches))
        if len(batches) == 1:
            log.error("a batch of %s could not be stored", batches[0].receiver_id)
        return None


def _record(session: Session, batches: Sequence[Batch], now: Instant) -> dict[str, Evack]:
    ledger = _Ledger(session, {batch.receiver_id for batch in batches}, now)
    answers = {}
    for batch in batches:
        page = ledger.page(batch)
        if page is None:
            late.alarm(session, batch.receiver_id, batch.events.jid, now)
            continue
        _continue(ledger, page, batch)
        answer = Evack(jid=page.jid, upto=page.upto)
        if batch.until is None:
            answers[batch.receiver_id] = answer
        else:  # the new journal is waiting for its own
            answers.setdefault(batch.receiver_id, answer)
    ledger.store()
    _fold_all(session, ledger.new)
    refused = [new for new in ledger.new if new.entry.code == "refused"]
    attacks.look(session, [(new.receiver_id, new.jid, new.entry) for new in refused], now)
    echoes.look(session, [(new.receiver_id, new.jid, new.entry) for new in ledger.new], now)
    return answers


@dataclass(slots=True)
class _Page:
    """A journal as kept here, while batches are added to it."""

    receiver_id: str
    jid: str
    upto: int
    head: str
    tampered_at: Instant | None
    closed_at: Instant | None = None
    is_new: bool = False
    is_changed: bool = False


class _New(NamedTuple):
    """An entry that continues its journal; ``at`` is its true time."""

    receiver_id: str
    jid: str
    raw: bytes
    entry: Entry
    at: Instant
    counts: bool = True
    """False: kept, but no delivery is told of it."""


class _Ledger:
    """The journals of these receivers: read once, added to in memory, written once."""

    def __init__(self, session: Session, receiver_ids: Collection[str], now: Instant) -> None:
        self.session, self.now = session, now
        self.new: list[_New] = []
        self.proofs: list[dict[str, Any]] = []
        found = sa.select(
            Journal.receiver_id,
            Journal.jid,
            Journal.upto,
            Journal.head,
            Journal.tampered_at,
            Journal.closed_at,
        ).where(bulk.among(session, Journal.receiver_id, receiver_ids))
        self._pages = {(row.receiver_id, row.jid): _Page(*row) for row in session.execute(found)}
        self._with_journal = {receiver_id for receiver_id, _ in self._pages}

    def page(self, batch: Batch) -> _Page | None:
        """The journal the batch belongs to; a new one when it was never heard of.

        None: the key was taken back, and this is no journal that was closed with it.
        """
        key = (batch.receiver_id, batch.events.jid)
        if batch.until is not None:
            page = self._pages.get(key)
            return page if page is not None and page.closed_at == batch.until else None
        if key not in self._pages:
            head = messages.first_hash(key[1]).hex()
            self._pages[key] = _Page(*key, upto=0, head=head, tampered_at=None, is_new=True)
            if batch.receiver_id in self._with_journal:
                audit.append(
                    self.session, self.now, audit.SYSTEM, "journal.new", receiver=key[0], jid=key[1]
                )
            self._with_journal.add(batch.receiver_id)
        return self._pages[key]

    def kept(self, page: _Page, since: int, upto: int) -> Iterator[tuple[int, bytes]]:
        """(seq, bytes) of entries since to upto that are kept already."""
        rows = self.session.execute(
            sa.select(JournalEntry.seq, JournalEntry.raw).where(
                JournalEntry.receiver_id == page.receiver_id, JournalEntry.jid == page.jid,
                JournalEntry.seq >= since, JournalEntry.seq <= upto,
            )
        )  # fmt: skip
        yield from ((row.seq, row.raw) for row in rows)
        for new in self.new:
            if (new.receiver_id, new.jid) == (page.receiver_id, page.jid):
                yield new.entry.seq, new.raw

    def add(self, page: _Page, added: Sequence[_New], head: bytes) -> None:
        self.new += added
        page.upto, page.head, page.is_changed = added[-1].entry.seq, head.hex(), True

    def prove(self, page: _Page, batch: Batch) -> None:
        """Keep what the receiver signed of it."""
        is_whole = page.upto == batch.entries[-1].seq
        place = (page.receiver_id, page.jid, batch.events.from_, page.upto)
        self.proofs.append(proofs.of(batch.token, place, batch.exact, is_whole, self.now))

    def tampered(self, page: _Page, since: int) -> None:
        """What was sent contradicts what is kept: the first word stands, and staff are told."""
        log.error(
            "journal of %s contradicts what is kept from entry %s on", page.receiver_id, since
        )
        if page.tampered_at is None:
            page.tampered_at, page.is_changed = self.now, True
            audit.append(
                self.session, self.now, audit.SYSTEM, "journal.tampered",
                receiver=page.receiver_id, jid=page.jid, since=since, upto=page.upto,
            )  # fmt: skip

    def store(self) -> None:
        """Write what has been added."""
        pages = self._pages.values()
        values = ("receiver_id", "jid", "upto", "head", "tampered_at")
        rows = {
            is_new: [
                {name: getattr(page, name) for name in values}
                for page in pages
                if page.is_new is is_new and (is_new or page.is_changed)
            ]
            for is_new in (True, False)
        }
        begun = [{**row, "begun_at": self.now} for row in rows[True]]
        bulk.insert(self.session, Journal, begun)
        bulk.update(self.session, Journal, rows[False])
        bulk.insert(self.session, JournalEntry, [self._row(new) for new in self.new])
        bulk.insert(self.session, Proof, self.proofs)

    def _row(self, new: _New) -> dict[str, Any]:
        entry = new.entry
        return {
            "receiver_id": new.receiver_id, "jid": new.jid, "seq": entry.seq, "raw": new.raw,
            "occurrence": entry.occ[:64], "code": entry.code[:16], "raw_at": entry.t, "at": new.at,
            "received_at": self.now,
        }  # fmt: skip


def _continue(ledger: _Ledger, page: _Page, batch: Batch) -> None:
    """Add the entries that follow what is kept. A gap waits; a contradiction is marked and nothing is taken."""
    events = batch.events
    if events.from_ > page.upto + 1:
        return
    known = page.upto - events.from_ + 1
    if not _agrees(ledger, page, batch, known):
        ledger.tampered(page, events.from_)
        return
    heads, added = [bytes.fromhex(page.head)], []
    for exact, entry in zip(batch.exact[known:], batch.entries[known:], strict=True):
        heads.append(messages.next_hash(heads[-1], exact))
        added.append(_New(page.receiver_id, page.jid, exact, entry, _true_time(events, entry)))
    if added and heads[-1].hex() != events.head:
        ledger.tampered(page, events.from_)
        return
    if page.closed_at is not None:
        added = _late(ledger, page, batch, added)
    if added:
        ledger.add(page, added, heads[len(added)])
        if batch.token:
            ledger.prove(page, batch)


def _late(ledger: _Ledger, page: _Page, batch: Batch, added: Sequence[_New]) -> list[_New]:
    """Those that may still be added to a closed journal: by its own key, and written before."""
    if batch.until is None or page.closed_at is None:
        log.warning("closed journal %s of %s is not continued", page.jid, page.receiver_id)
        return []
    told = [(new.entry, new.at) for new in added]
    counts = late.believed(ledger.session, told, page.closed_at)
    if len(counts) < len(added):
        late.alarm(ledger.session, page.receiver_id, page.jid, ledger.now)
    if counts:
        late.note(ledger.session, page.receiver_id, page.jid, ledger.now)
    return [new._replace(counts=each) for new, each in zip(added, counts, strict=False)]


def _agrees(ledger: _Ledger, page: _Page, batch: Batch, known: int) -> bool:
    """True when the entries already kept are, byte for byte, those sent again."""
    if known <= 0:
        return True
    again = {entry.seq: exact for entry, exact in zip(batch.entries, batch.exact, strict=True)}
    kept = ledger.kept(page, batch.events.from_, batch.entries[-1].seq)
    return all(again.get(seq, raw) == raw for seq, raw in kept)


def _true_time(events: Events, entry: Entry) -> Instant:
    """The entry's time by the clock the receiver has now, where it had none when it wrote."""
    if entry.src == "none" and events.src != "none" and entry.boot == events.boot:
        return Instant(events.now - (events.mono - entry.mono))
    return Instant(entry.t)


def _fold_all(session: Session, new: Sequence[_New]) -> None:
    told = [each for each in new if each.entry.occ and each.counts]
    if not told:
        return
    results = folding.load(
        session, {each.receiver_id for each in told}, {each.entry.occ for each in told}
    )
    folded: dict[int, folding.Result] = {}
    for each in told:
        result = results.get((each.receiver_id, each.entry.occ))
        if result is not None:
            folding.fold(result, each.entry, each.at)
            folded[result.id] = result
    folding.store(session, folded.values())
    broadcasts.settle_all(session, {result.broadcast_id for result in folded.values()})
    # Cancelled because a plan left it out. If it is wanted after all, the dispatcher sees it and says so.
    left = {result.receiver_id for result in folded.values() if result.state is D.CANCELLED}
    if left:
        mark_stale(session, left)


def expire(session: Session, now: Instant, *, late: int, grace: int) -> int:
    """End the wait for broadcasts long over: no evidence is ``unknown``, never handed out is ``missed``."""
    session.flush()
    ids = sa.select(Broadcast.id).where(_may_expire(now, late + grace))
    waiting = list(session.scalars(ids))
    if not waiting:
        return 0
    ended = 0
    unsent = {"state": D.MISSED, "reason": "not_sent", "ended_at": now}
    for was_sent, values in ((False, unsent), (True, {"state": D.UNKNOWN})):
        over = (
            sa.update(Delivery)
            .where(
                Delivery.broadcast_id.in_(waiting),
                Delivery.state.in_(OPEN),
                Delivery.rev.is_not(None) if was_sent else Delivery.rev.is_(None),
                # One that left the area may still sound the longer recording it had.
                _of_its_broadcast(Broadcast.starts_at + broadcasts.heard_for(Delivery.ms))
                + (late + grace)
                < now,
            )
            .values(values)
            .returning(Delivery.id)
            .execution_options(synchronize_session=False)
        )
        ended += len(session.scalars(over).all())
    if ended:
        broadcasts.settle_all(session, waiting)
        session.expire_all()  # bulk statements went past what the session holds
    return ended


def may_expire(session: Session, now: Instant, *, late: int, grace: int) -> bool:
    """Whether ``expire`` may have anything to do: one cheap look."""
    return bool(session.scalar(_MAY_EXPIRE, {"now": now, "wait": late + grace}))


def _may_expire(
    now: Instant | sa.BindParameter[Instant], wait: int | sa.BindParameter[int]
) -> sa.ColumnElement[bool]:
    """Broadcasts in which somebody's word is still waited for, though its time is over."""
    return sa.and_(
        Broadcast.state.in_(LIVE),
        Broadcast.starts_at < now,
        Broadcast.starts_at + broadcasts.heard_for(Broadcast.ms) + wait < now,
    )


# Asked every second: made once.
_MAY_EXPIRE = sa.select(sa.exists().where(_may_expire(sa.bindparam("now"), sa.bindparam("wait"))))


def _of_its_broadcast(value: sa.ColumnElement[Instant]) -> sa.ScalarSelect[Instant]:
    found = sa.select(value).where(Broadcast.id == Delivery.broadcast_id)
    return found.correlate(Delivery).scalar_subquery()


def acknowledged(session: Session, receiver_ids: Collection[str]) -> dict[tuple[str, str], int]:
    """(receiver id, jid) → how far that journal is kept here; one never seen is left out."""
    found = sa.select(Journal.receiver_id, Journal.jid, Journal.upto)
    rows = session.execute(found.where(bulk.among(session, Journal.receiver_id, receiver_ids)))
    return {(row.receiver_id, row.jid): row.upto for row in rows}
