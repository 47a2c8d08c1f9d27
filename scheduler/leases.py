"""Lease: of several ``loa run`` on one database, one works and the others wait.

The holder counts up; a waiter that sees the count stand still for long enough by its own steady clock takes
over. No clocks are compared, so two machines may disagree about the time.
"""

from __future__ import annotations

import os
import secrets
import socket
from typing import cast

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from loa import audit
from loa.database import Base
from loa.times import SECOND, Instant

RENEW_SECONDS = 3.0
"""Each renewal is a commit, and wakes whoever waits for one: not oftener than the others need."""
STANDSTILL_SECONDS = 10.0
"""The count must stand so long before it is taken over; the holder stops by itself before that."""
GIVE_UP_SECONDS = 8.0
NAME = "run"


class Lease(Base):
    """Who works."""

    __tablename__ = "leases"

    name: Mapped[str] = mapped_column(sa.String(16), primary_key=True)
    holder: Mapped[str] = mapped_column(sa.String(96))
    count: Mapped[int] = mapped_column(sa.BigInteger)
    renewed_at: Mapped[Instant]
    """For people to read; nothing is decided by it but the page's warning."""


_LEASES = cast(sa.Table, Lease.__table__)
_RENEW = (
    sa.update(_LEASES)
    .where(_LEASES.c.name == NAME, _LEASES.c.holder == sa.bindparam("me"))
    .values(count=_LEASES.c.count + 1, renewed_at=sa.bindparam("now"))
    .returning(_LEASES.c.name)
)


class Claim:
    """One process's part in the lease. ``monotonic`` arguments are seconds of a steady clock."""

    def __init__(self, holder: str | None = None) -> None:
        self.holder = holder or f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self._seen: tuple[str, int] | None = None
        self._seen_since = 0.0
        self._renewed = 0.0

    def take(self, session: Session, now: Instant, monotonic: float) -> bool:
        """True when this process now holds the lease; call again about every second until it does."""
        # The holder renews without the writer's lock: look and take at its newest count.
        lease = session.get(Lease, NAME, with_for_update=True)
        if lease is None:
            session.add(Lease(name=NAME, holder=self.holder, count=1, renewed_at=now))
            session.flush()
            return self._taken(session, now, monotonic)
        if lease.holder and (lease.holder, lease.count) != self._seen:
            self._seen, self._seen_since = (lease.holder, lease.count), monotonic
            return False
        if lease.holder and monotonic - self._seen_since < STANDSTILL_SECONDS:
            return False
        lease.holder, lease.count, lease.renewed_at = self.holder, lease.count + 1, now
        return self._taken(session, now, monotonic)

    def _taken(self, session: Session, now: Instant, monotonic: float) -> bool:
        self._renewed = monotonic
        audit.append(session, now, audit.SYSTEM, "lease.taken", holder=self.holder)
        return True

    @property
    def waiting_for(self) -> str:
        """Who holds it, as last seen."""
        return self._seen[0] if self._seen else ""

    def renew(self, session: Session, now: Instant) -> bool:
        """Count up; False when another has taken over: stop at once. Once that is committed say ``renewed``."""
        counted = session.connection().execute(_RENEW, {"me": self.holder, "now": now})
        return counted.first() is not None

    def renewed(self, monotonic: float) -> None:
        """It counts from then, before the commit: another counts from when it sees it."""
        self._renewed = monotonic

    def due(self, monotonic: float) -> bool:
        """True when it is time to renew."""
        return monotonic - self._renewed >= RENEW_SECONDS

    def lapsed(self, monotonic: float) -> bool:
        """True when it was not renewed for so long (a locked database) that another may soon take over."""
        return monotonic - self._renewed >= GIVE_UP_SECONDS

    def release(self, session: Session) -> None:
        """Let the next one take over at once."""
        session.execute(
            sa.update(Lease)
            .where(Lease.name == NAME, Lease.holder == self.holder)
            .values(holder="")
        )


def alive(session: Session, now: Instant) -> bool:
    """True when some ``loa run`` has worked within the last moments."""
    lease = session.get(Lease, NAME)
    return (
        lease is not None
        and bool(lease.holder)
        and now - lease.renewed_at < STANDSTILL_SECONDS * SECOND
    )
