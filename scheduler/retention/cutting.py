"""Where the journals and plans of each receiver can be cut, so that what stays still proves itself.

A journal is cut behind a batch that its receiver signed whole: that one proof stays, without its entries, and
what is kept begins with the chain hash it signs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from devices.signing import FOREVER
from loa.times import Instant
from scheduler.broadcasts import Broadcast, Delivery
from scheduler.evidence import scope as scopes
from scheduler.evidence.scope import Scope
from scheduler.evidence.tables import Proof
from scheduler.plans import Plan

ENTRIES, PROOFS, PLANS = "journal_entries", "journal_proofs", "plans"


class Cut(NamedTuple):
    """Rows of a table that may go: those of the receiver (and journal) up to ``upto``."""

    tbl: str
    receiver_id: str
    jid: str
    upto: int
    hash: str


def of_receiver(session: Session, receiver_id: str, scope: Scope) -> Iterator[Cut]:
    """What an archive of that scope lets go of this receiver. Nothing that a later month needs."""
    later = Scope(scope.until, Instant(FOREVER))
    first_later = {
        journal.jid: first for journal, first, _ in scopes.needed(session, receiver_id, later)
    }
    for journal, first, last in scopes.needed(session, receiver_id, scope):
        most = min(last, first_later.get(journal.jid, last + 1) - 1)
        found = _boundary(session, receiver_id, journal.jid, most)
        if found is not None and found.last >= first:
            head = scopes.head_of(found)
            yield Cut(ENTRIES, receiver_id, journal.jid, found.last, head)
            yield Cut(PROOFS, receiver_id, journal.jid, found.last - 1, head)
    rev = _plans(session, receiver_id, scope)
    if rev is not None:
        yield Cut(PLANS, receiver_id, "", rev, "")


def _boundary(session: Session, receiver_id: str, jid: str, most: int) -> Proof | None:
    """The last whole batch up to entry ``most`` that no later batch reaches back behind."""
    ours = (Proof.receiver_id == receiver_id, Proof.jid == jid)
    while True:
        found = session.scalars(
            sa.select(Proof)
            .where(*ours, Proof.last <= most, Proof.after.is_not(None))
            .order_by(Proof.last.desc(), Proof.id.desc())
            .limit(1)
        ).first()
        if found is None:
            return None
        sent_again = session.scalar(
            sa.select(sa.func.min(Proof.first)).where(*ours, Proof.last > found.last)
        )
        if sent_again is None or sent_again > found.last:
            return found
        most = sent_again - 1


def _plans(session: Session, receiver_id: str, scope: Scope) -> int | None:
    """The last plan before the one that was in force at the period's end, unless a later broadcast needs it."""
    ordered_later = session.scalar(
        sa.select(sa.func.min(Delivery.rev))
        .join(Broadcast, Broadcast.id == Delivery.broadcast_id)
        .where(Delivery.receiver_id == receiver_id, Broadcast.starts_at >= scope.until)
    )
    ours = Plan.receiver_id == receiver_id
    in_force = session.scalar(
        sa.select(sa.func.max(Plan.rev)).where(ours, Plan.made_at < scope.until)
    )
    if in_force is None:
        return None
    below = in_force if ordered_later is None else min(in_force, ordered_later)
    return session.scalar(sa.select(sa.func.max(Plan.rev)).where(ours, Plan.rev < below))
