"""Who changed a thing last, for whoever had its form open meanwhile."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from loa.audit import AuditEntry
from loa.staff import Staff
from loa.words import say
from web import current, labels


def last(session: Session, *kinds: str, **subject: int) -> str:
    """Hoa (12:05 ngày 21/11/2026), of acts of these kinds upon ``subject``, as schedule=3; of the log."""
    found = sa.select(AuditEntry).where(AuditEntry.kind.in_(kinds))
    for name, number in subject.items():
        told = f'%"{name}": {number}'
        found = found.where(
            sa.or_(AuditEntry.data.like(f"{told},%"), AuditEntry.data.like(f"{told}}}%"))
        )
    entry = session.scalars(found.order_by(AuditEntry.n.desc()).limit(1)).first()
    if entry is None:
        return say("Người khác")
    person = session.scalar(sa.select(Staff.name).where(Staff.login == entry.actor))
    at = labels.moment(entry.at, current.zone())
    return say("%(name)s (%(at)s)", name=person or entry.actor, at=at)
