"""Attacks on receivers, as their own journals tell: plans refused because the station never made them."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from devices import messages
from devices.messages import Entry
from devices.receivers import JournalEntry
from loa import audit
from loa.audit import AuditEntry
from loa.times import MINUTE, Instant

FORGED = frozenset({"bad_sig", "wrong_rid", "old_rev", "no_role", "too_big", "shape", "flood"})
"""Reasons that no plan of the station gives a receiver, whatever its clock says."""
ENOUGH = 3
WITHIN = 10 * MINUTE
LOOK_BACK = 200
"""Entries before the newest in which earlier refusals are looked for; a receiver writes ten in ten minutes."""
KIND = "receiver.attacked"


def look(session: Session, new: Sequence[tuple[str, str, Entry]], now: Instant) -> None:
    """Raise the alarm where these new entries (receiver id, jid, entry) make three forgeries in ten minutes."""
    newest = {(rid, jid): entry for rid, jid, entry in new if _forgeries(entry)}
    for (rid, jid), entry in newest.items():
        count = _count(session, rid, jid, entry)
        if count >= ENOUGH and not _is_known(session, rid, now):
            why = entry.detail["why"]
            audit.append(session, now, rid, KIND, refused=count, why=why, since_seq=entry.seq)


def _forgeries(entry: Entry) -> int:
    """How many forged messages the entry stands for."""
    if entry.code != "refused" or entry.occ or str(entry.detail.get("why")) not in FORGED:
        return 0
    if "of" in entry.detail:  # a part of a plan that is otherwise good
        return 0
    more = entry.detail.get("more", 1)
    return more if isinstance(more, int) and more > 0 else 1


def _count(session: Session, rid: str, jid: str, last: Entry) -> int:
    found = sa.select(JournalEntry.raw).where(
        JournalEntry.receiver_id == rid,
        JournalEntry.jid == jid,
        JournalEntry.seq > last.seq - LOOK_BACK,
        JournalEntry.seq <= last.seq,
        JournalEntry.code == "refused",
        JournalEntry.occurrence == "",
    )
    entries = (messages.decode(raw, Entry) for raw in session.scalars(found))
    return sum(_forgeries(entry) for entry in entries if abs(last.t - entry.t) <= WITHIN)


def _is_known(session: Session, rid: str, now: Instant) -> bool:
    """Whether the alarm was raised within the last ten minutes."""
    raised = sa.select(AuditEntry.n).where(
        AuditEntry.kind == KIND, AuditEntry.actor == rid, AuditEntry.at > now - WITHIN
    )
    return session.scalar(raised.limit(1)) is not None
