"""Echoes: the audit checkpoint each receiver says back, held against our own chain.

Every accepted plan carried one, and the receiver journals it under its own signature. Where it differs, the audit
log was written anew, or the database restored: staff are told, and the row stays.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from devices.messages import Entry
from loa import audit
from loa.audit import AuditEntry
from loa.times import DAY, Instant, after

KIND = "audit.contradicted"
NEVER = Instant(0)
TOLD_FOR = 30 * DAY
"""So long staff see it on their first page; the row in the log stays."""
Told = tuple[str, str, Entry]
"""Receiver id, jid, entry."""


def look(session: Session, new: Sequence[Told], now: Instant) -> None:
    """Raise the alarm where a receiver was told another hash of an audit row than the one kept here."""
    said = [(rid, found) for rid, _, entry in new if (found := _checkpoint(entry)) is not None]
    if not said:
        return
    ours = _ours(session, {n for _, (n, _) in said})
    wrong = {rid: n for rid, (n, h) in reversed(said) if ours.get(n) != h}
    known = _known(session) if wrong else set()
    for rid, n in sorted(wrong.items()):
        if (rid, n) not in known:
            audit.append(session, now, audit.SYSTEM, KIND, receiver=rid, row=n)


def contradicting(session: Session, now: Instant) -> list[str]:
    """Ids of the receivers of whom it was lately seen that they were told another past of the audit log."""
    return sorted({rid for rid, _ in _known(session, after(now, -TOLD_FOR))})


def _known(session: Session, since: Instant = NEVER) -> set[tuple[str, int]]:
    found = sa.select(AuditEntry.data).where(AuditEntry.kind == KIND, AuditEntry.at >= since)
    told = (json.loads(data) for data in session.scalars(found))
    return {(one["receiver"], one["row"]) for one in told}


def _checkpoint(entry: Entry) -> tuple[int, str] | None:
    n, h = entry.detail.get("n"), entry.detail.get("h")
    is_plan = entry.code == "accepted" and not entry.occ
    # Row 0 is the empty log before its first row: there is nothing to hold it against.
    ok = is_plan and isinstance(n, int) and isinstance(h, str) and 0 < n < 2**63
    return (n, h) if ok and isinstance(n, int) and isinstance(h, str) else None


def _ours(session: Session, numbers: set[int]) -> dict[int, str]:
    found = sa.select(AuditEntry.n, AuditEntry.hash).where(AuditEntry.n.in_(numbers))
    return {row.n: row.hash for row in session.execute(found)}
