"""Freezing what is expected: at the moment a plan leaves for a receiver, beside each delivery it carries.

Whatever is renamed, corrected or ended later changes nothing of it, unless another plan with another content
leaves before the broadcast has begun.
"""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.orm import Session

from devices.receivers import Receiver
from loa.times import Instant
from scheduler.broadcasts import Broadcast, Delivery, DeliveryState
from scheduler.reporting.tables import Expectation

AHEAD = (DeliveryState.SENT, DeliveryState.ACCEPTED, DeliveryState.READY)
"""Sent, and not begun: a newer plan still replaces what was expected."""
TOLD = ("title", "priority", "field", "starts_at", "author", "scheduler", "origin", "drill")


def freeze(session: Session, which: sa.ColumnElement[bool], now: Instant) -> None:
    """Keep what is expected of the deliveries meant by ``which`` that a plan has just taken to their receivers."""
    ahead = sa.and_(
        which,
        Delivery.state.in_(AHEAD),
        Delivery.rev.is_not(None),
        Delivery.recording_sha.is_not(None) | Delivery.expectation_id.is_(None),
    )
    ids = set(session.scalars(sa.select(Delivery.broadcast_id).where(ahead).distinct()))
    if not ids:
        return
    _remember(session, ids, now)
    newest = (
        sa.select(sa.func.max(Expectation.id))
        .where(Expectation.broadcast_id == Delivery.broadcast_id)
        .correlate(Delivery)
        .scalar_subquery()
    )
    values = {
        "expectation_id": newest,
        "expected_sha": sa.func.coalesce(Delivery.recording_sha, Delivery.last_sha),
        "expected_ms": Delivery.ms,
        "expected_volume": _of_receiver(Receiver.volume),
        "expected_households": _of_receiver(Receiver.households),
    }
    differs = sa.or_(
        Delivery.expectation_id.is_(None),
        Delivery.expectation_id != newest,
        Delivery.expected_sha.is_distinct_from(values["expected_sha"]),
        Delivery.expected_ms != Delivery.ms,
    )
    session.execute(
        sa.update(Delivery)
        .where(ahead, differs)
        .values(values)
        .execution_options(synchronize_session=False)
    )


def _of_receiver(column: sa.SQLColumnExpression[int]) -> sa.ScalarSelect[int]:
    found = sa.select(column).where(Receiver.id == Delivery.receiver_id)
    return found.correlate(Delivery).scalar_subquery()


def _remember(session: Session, broadcast_ids: Collection[int], now: Instant) -> None:
    """Add an expectation of each broadcast that is not, or no longer, what the newest of it says."""
    rows = session.execute(
        sa.select(
            Broadcast.id, *(getattr(Broadcast, name) for name in TOLD), Broadcast.approver_names
        ).where(Broadcast.id.in_(broadcast_ids))
    )
    known = _newest(session, broadcast_ids)
    new = []
    for broadcast_id, *told, approver in rows:
        # An approval that has ended since was in force when the plan before was sent.
        was = known.get(broadcast_id)
        if was is not None and was[:-1] == tuple(told) and (not approver or was[-1] == approver):
            continue
        approver = approver or (was[-1] if was else [])
        new.append(
            {"broadcast_id": broadcast_id, **dict(zip(TOLD, told, strict=True)),
             "approver": approver, "frozen_at": now}
        )  # fmt: skip
    if new:
        session.execute(sa.insert(Expectation), new)


def _newest(session: Session, broadcast_ids: Collection[int]) -> dict[int, tuple[object, ...]]:
    latest = (
        sa.select(sa.func.max(Expectation.id))
        .where(Expectation.broadcast_id.in_(broadcast_ids))
        .group_by(Expectation.broadcast_id)
    )
    found = sa.select(
        Expectation.broadcast_id,
        *(getattr(Expectation, name) for name in TOLD),
        Expectation.approver,
    ).where(Expectation.id.in_(latest))
    return {row[0]: tuple(row[1:]) for row in session.execute(found)}
