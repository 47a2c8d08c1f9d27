"""Freezing what is expected: at the moment a plan leaves for a receiver, beside each delivery it carries.

Whatever is renamed, corrected or ended later changes nothing of it, unless another plan with another content
leaves before the broadcast has begun.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from devices.receivers import Receiver
from loa.times import Instant
from scheduler.broadcasts import Broadcast, Delivery, DeliveryState
from scheduler.reporting.tables import Expectation

AHEAD = (DeliveryState.SENT, DeliveryState.ACCEPTED, DeliveryState.READY)
"""Sent, and not begun: a newer plan still replaces what was expected."""
LEAVING = (DeliveryState.PLANNED, *AHEAD)
TOLD = ("title", "priority", "field", "starts_at", "author", "scheduler", "origin", "drill")


@dataclass(frozen=True)
class Expected:
    """What is expected of deliveries: columns of theirs by name, and which of those sent before it changes."""

    values: Mapping[str, sa.ColumnElement[Any]]
    differs: sa.ColumnElement[bool]


def of(session: Session, carried: sa.ColumnElement[bool], now: Instant) -> Expected:
    """What is expected of the deliveries meant by ``carried``, which a plan has just taken to their receivers.

    It is for the caller to write down, in those that are new and those of which it ``differs``.
    """
    # Without a sound it is off in that plan: what was expected before still is.
    is_told = sa.or_(Delivery.recording_sha.is_not(None), Delivery.expectation_id.is_(None))
    leaving = sa.and_(carried, Delivery.state.in_(LEAVING), is_told)
    ids = set(session.scalars(sa.select(Delivery.broadcast_id).where(leaving).distinct()))
    if ids:
        _remember(session, ids, now)
    new = _newest_values()
    differs = sa.and_(
        Delivery.state.in_(AHEAD),
        is_told,
        sa.or_(
            Delivery.expectation_id.is_distinct_from(new["expectation_id"]),
            Delivery.expected_sha.is_distinct_from(new["expected_sha"]),
            Delivery.expected_ms != Delivery.ms,
        ),
    )
    values = {
        name: sa.case((is_told, value), else_=getattr(Delivery, name))
        for name, value in new.items()
    }
    return Expected(values, differs)


def _newest_values() -> dict[str, sa.ColumnElement[Any]]:
    newest = (
        sa.select(sa.func.max(Expectation.id))
        .where(Expectation.broadcast_id == Delivery.broadcast_id)
        .correlate(Delivery)
        .scalar_subquery()
    )
    return {
        "expectation_id": newest,
        "expected_sha": sa.func.coalesce(Delivery.recording_sha, Delivery.last_sha),
        "expected_ms": sa.type_coerce(Delivery.ms, sa.Integer),
        "expected_volume": _of_receiver(Receiver.volume),
        "expected_households": _of_receiver(Receiver.households),
    }


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
