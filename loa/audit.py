"""The station's hash-chained log: who did what, and when. Rows are only ever added.

It lies on the floor, below every room, because every room has acts to record.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from loa.database import Base
from loa.times import Instant

GENESIS = "0" * 64
SYSTEM = "loa"
"""The actor of what no person did."""


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


def append(session: Session, at: Instant, actor: str, kind: str, /, **data: Any) -> AuditEntry:
    """Add one act in the caller's transaction; the single writer keeps the chain unforked."""
    last = session.scalars(sa.select(AuditEntry).order_by(AuditEntry.n.desc()).limit(1)).first()
    entry = AuditEntry(
        n=last.n + 1 if last else 1,
        at=at,
        actor=actor,
        kind=kind,
        data=json.dumps(data, ensure_ascii=False, sort_keys=True, default=str),
        previous=last.hash if last else GENESIS,
    )
    entry.hash = _hash(entry)
    session.add(entry)
    session.flush()
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
    last = session.execute(
        sa.select(AuditEntry.n, AuditEntry.hash).order_by(AuditEntry.n.desc()).limit(1)
    ).first()
    return (last.n, last.hash) if last else (0, GENESIS)


def _hash(entry: AuditEntry) -> str:
    row = [entry.n, entry.at, entry.actor, entry.kind, entry.data, entry.previous]
    return hashlib.sha256(json.dumps(row, ensure_ascii=False).encode()).hexdigest()
