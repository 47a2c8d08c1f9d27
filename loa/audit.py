"""The station's hash-chained log: who did what, and when. Rows are only ever added.

It lies on the floor, below every room, because every room has acts to record.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from loa.database import Base
from loa.times import Instant

GENESIS = "0" * 64
SYSTEM = "loa"
"""The actor of what no person did."""

WIRE = frozenset(
    {
        "receiver.online",
        "receiver.offline",
        "receiver.attacked",
        "receiver.flooding",
        "receiver.old_key",
        "journal.new",
        "journal.late",
        "journal.tampered",
        "audit.contradicted",
        "checkpoint.handed",
        "checkpoint.not_handed",
        "evidence.make",
        "plan.refused_by_broker",
        "link.connected",
        "lease.taken",
        "retention.rule",
        "retention.archive",
        "retention.removed",
        "retention.failed",
    }
)
"""Kinds of acts that change nothing of what receivers are to do: the wire's own."""


class AuditEntry(Base):
    """One act. ``hash`` covers the row and the hash before it, so an edit or a gap shows."""

    __tablename__ = "audit"

    n: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
    at: Mapped[Instant]
    actor: Mapped[str] = mapped_column(sa.String(64))
    kind: Mapped[str] = mapped_column(sa.String(64), index=True)
    data: Mapped[str] = mapped_column(sa.Text)
    previous: Mapped[str] = mapped_column(sa.String(64))
    hash: Mapped[str] = mapped_column(sa.String(64))


_NEWEST = sa.select(AuditEntry.n, AuditEntry.hash).order_by(AuditEntry.n.desc()).limit(1)


def append(session: Session, at: Instant, actor: str, kind: str, /, **data: Any) -> AuditEntry:
    """Add one act in the caller's transaction; the single writer keeps the chain unforked."""
    n, head = checkpoint(session)
    entry = _entry(n + 1, head, at, actor, kind, data)
    session.add(entry)
    session.flush()
    return entry


def append_all(session: Session, at: Instant, acts: Iterable[tuple[str, str]]) -> None:
    """Add many acts, pairs of actor and kind, in a few statements."""
    n, head = checkpoint(session)
    entries = []
    for actor, kind in acts:
        n += 1
        entries.append(_entry(n, head, at, actor, kind, {}))
        head = entries[-1].hash
    session.add_all(entries)
    session.flush()


def is_any_other(session: Session, since: int, kinds: Collection[str]) -> bool:
    """Whether any act after number ``since`` is of another kind than these."""
    found = sa.select(AuditEntry.n).where(AuditEntry.n > since, AuditEntry.kind.not_in(kinds))
    return session.scalar(found.limit(1)) is not None


def _entry(
    n: int, previous: str, at: Instant, actor: str, kind: str, data: dict[str, Any]
) -> AuditEntry:
    text = json.dumps(data, ensure_ascii=False, sort_keys=True, default=str)
    entry = AuditEntry(n=n, at=at, actor=actor, kind=kind, data=text, previous=previous)
    entry.hash = _hash(entry)
    return entry


def first_broken(session: Session) -> int | None:
    """The number of the first row whose hash, link or place is wrong; None when the chain holds."""
    previous = GENESIS
    entries = session.scalars(sa.select(AuditEntry).order_by(AuditEntry.n)).yield_per(1000)
    for n, entry in enumerate(entries, start=1):
        if entry.n != n or entry.previous != previous or entry.hash != _hash(entry):
            return n
        previous = entry.hash
    return None


def checkpoint(session: Session) -> tuple[int, str]:
    """(n, hash) of the newest row: what each plan carries, so that every receiver is a witness."""
    last = session.execute(_NEWEST).first()
    return (last.n, last.hash) if last else (0, GENESIS)


def _hash(entry: AuditEntry) -> str:
    row = [entry.n, entry.at, entry.actor, entry.kind, entry.data, entry.previous]
    return hashlib.sha256(json.dumps(row, ensure_ascii=False).encode()).hexdigest()
