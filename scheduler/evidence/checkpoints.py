"""Checkpoints: the newest row of the audit log, signed each hour by the station's key and kept."""

from __future__ import annotations

import json

import sqlalchemy as sa
from sqlalchemy.orm import Session

from devices.signing import PrivateKey
from loa import audit
from loa.times import HOUR, Instant
from scheduler.evidence.tables import Checkpoint

EVERY = HOUR
TYPE = "loa-checkpoint"


def sign(session: Session, now: Instant, key: PrivateKey) -> bool:
    """Sign the newest row, unless that was done already; True when it was signed now."""
    n, h = audit.checkpoint(session)
    last = session.scalar(sa.select(sa.func.max(Checkpoint.n))) or 0
    if n <= last:
        return False
    payload = json.dumps({"v": 1, "n": n, "h": h, "at": now}, separators=(",", ":"))
    session.add(Checkpoint(n=n, hash=h, at=now, jws=key.sign(payload.encode(), TYPE)))
    session.flush()
    return True
