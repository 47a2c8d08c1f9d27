"""A receiver's journals as a bundle holds them: what it signed, in the order in which it was taken in."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from devices.receivers import JournalEntry
from scheduler.evidence.scope import Span
from scheduler.evidence.tables import Proof

Line = dict[str, Any]
TOGETHER = 100
"""Entries of one line, where they were taken in before signatures were kept."""


def lines(session: Session, spans: list[Span]) -> Iterator[Line]:
    """First what is said of each journal, then the entries."""
    for span in spans:
        yield _of_journal(span)
    for span in spans:
        yield from _unsigned(session, span)
    ids = sorted(number for span in spans for number in span.proofs)
    for number in ids:
        yield _signed(session, session.get_one(Proof, number))


def _of_journal(span: Span) -> Line:
    journal = span.journal
    return {
        "rid": journal.receiver_id, "jid": journal.jid,
        "journal": {
            "begun_at": journal.begun_at, "closed_at": journal.closed_at, "tampered_at": journal.tampered_at,
            "start": span.start, "start_hash": span.start_hash, "last": span.last,
            "upto": journal.upto, "head": journal.head,
        },
    }  # fmt: skip


def _unsigned(session: Session, span: Span) -> Iterator[Line]:
    """Entries from before signatures were kept; the next signed head proves them, if there is one."""
    found = sa.select(sa.func.min(Proof.first)).where(Proof.id.in_(span.proofs))
    before = session.scalar(found) if span.proofs else span.last + 1
    rows = session.execute(
        sa.select(JournalEntry.seq, JournalEntry.raw, JournalEntry.at, JournalEntry.received_at)
        .where(
            JournalEntry.receiver_id == span.journal.receiver_id,
            JournalEntry.jid == span.journal.jid,
            JournalEntry.seq > span.start,
            JournalEntry.seq < before,
        )
        .order_by(JournalEntry.seq)
    )
    for (received_at, _), some in groupby(rows, lambda row: (row.received_at, row.seq // TOGETHER)):
        group = list(some)
        yield {
            "rid": span.journal.receiver_id, "jid": span.journal.jid, "from": group[0].seq,
            "e": [row.raw.decode() for row in group], "at": [row.at for row in group],
            "received_at": received_at,
        }  # fmt: skip


def _signed(session: Session, proof: Proof) -> Line:
    rows = session.scalars(
        sa.select(JournalEntry.raw)
        .where(
            JournalEntry.receiver_id == proof.receiver_id, JournalEntry.jid == proof.jid,
            JournalEntry.seq >= proof.first, JournalEntry.seq <= proof.last,
        )
        .order_by(JournalEntry.seq)
    )  # fmt: skip
    line = {
        "rid": proof.receiver_id, "jid": proof.jid, "from": proof.first, "e": [raw.decode() for raw in rows],
        "proof": {
            "header": proof.header, "before": proof.before.decode(),
            "after": None if proof.after is None else proof.after.decode(),
            "sig": proof.signature, "received_at": proof.received_at,
        },
    }  # fmt: skip
    session.expunge(proof)
    return line
