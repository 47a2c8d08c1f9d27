"""A key that was taken back: what may still come of its journals, and what it may not begin any more.

Evidence that was under way when the receiver was given a new key is wanted. What the old key signs afterwards
may come from whoever holds the old box, so nothing that sounds later is proven by it.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Collection, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from devices.messages import Entry
from loa import audit
from loa.audit import AuditEntry
from loa.times import MINUTE, Instant
from scheduler.broadcasts import Broadcast
from scheduler.tones import Tone

log = logging.getLogger(__name__)
LATE = "journal.late"
OLD_KEY = "receiver.old_key"
ALARM_EVERY = 10 * MINUTE
SOUNDED = frozenset({"started", "played", "interrupted"})


def believed(
    session: Session, entries: Sequence[tuple[Entry, Instant]], closed_at: Instant
) -> list[bool]:
    """Of these new entries and their true times, how many may follow in a journal closed then, from the first on.

    Each: whether deliveries are told of it. What begins after the closing is the new key's to tell.
    """
    begins = _begins(session, {entry.occ for entry, _ in entries if entry.occ})
    taken = []
    for entry, at in entries:
        is_ours = not entry.occ or begins.get(entry.occ, closed_at) < closed_at
        if at >= closed_at or (entry.code in SOUNDED and not is_ours):
            break
        taken.append(is_ours)
    return taken


def _begins(session: Session, occurrences: Collection[str]) -> dict[str, Instant]:
    """When these occurrences begin, as far as the station has ever planned them."""
    broadcasts = sa.select(Broadcast.occurrence, Broadcast.starts_at)
    tones = sa.select(Tone.occurrence, Tone.starts_at)
    rows = session.execute(
        sa.union_all(
            broadcasts.where(Broadcast.occurrence.in_(occurrences)),
            tones.where(Tone.occurrence.in_(occurrences)),
        )
    )
    return {row.occurrence: Instant(row.starts_at) for row in rows}


def note(session: Session, receiver_id: str, jid: str, now: Instant) -> None:
    """Say once of a closed journal that some of it came late."""
    said = sa.select(AuditEntry.data).where(
        AuditEntry.kind == LATE, AuditEntry.actor == receiver_id
    )
    if all(json.loads(data).get("jid") != jid for data in session.scalars(said)):
        audit.append(session, now, receiver_id, LATE, jid=jid)


def alarm(session: Session, receiver_id: str, jid: str, now: Instant) -> None:
    """Somebody signs with a key that was taken back, in a journal that is not that key's. Said every ten minutes."""
    log.error("journal %s of %s is signed with a key that was taken back", jid, receiver_id)
    said = sa.select(AuditEntry.n).where(
        AuditEntry.kind == OLD_KEY, AuditEntry.actor == receiver_id,
        AuditEntry.at > now - ALARM_EVERY,
    )  # fmt: skip
    if session.scalar(said.limit(1)) is None:
        audit.append(session, now, receiver_id, OLD_KEY, jid=jid)
