"""Occurrences: what plans say of the broadcasts that receivers are to play, or to leave.

However many receivers are asked about together, the same few statements read it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import msgspec
import sqlalchemy as sa
from sqlalchemy.orm import Session

from content import relays
from content.bulletins import Priority
from content.recordings import Recording
from devices import messages, receivers
from devices.messages import Class, Occurrence
from devices.receivers import Receiver
from loa import bulk
from loa.times import MINUTE, Instant, after
from scheduler import broadcasts, tones
from scheduler.broadcasts import Broadcast, Delivery, DeliveryState
from scheduler.caps import Caps

CLASSES: dict[Priority, Class] = {
    Priority.NORMAL: "N",
    Priority.PRIORITY: "P",
    Priority.EMERGENCY: "E",
}
Row = sa.Row[*tuple[Any, ...]]
ENDED = frozenset(
    {
        DeliveryState.PLAYED,
        DeliveryState.INTERRUPTED,
        DeliveryState.FAILED,
        DeliveryState.MISSED,
    }
)
"""Nothing more is asked of the receiver. ``cancelled`` and ``refused`` are but its word on an earlier plan."""
ASKED = frozenset(DeliveryState) - ENDED


class Span(Protocol):
    """Of what every plan says (``dispatcher.Terms``): how far it reaches, milliseconds, and the station's zone."""

    @property
    def horizon(self) -> int: ...
    @property
    def late(self) -> int: ...
    @property
    def timezone(self) -> str: ...


class Carried(NamedTuple):
    """An occurrence a plan must hold; ``unnamed``: its delivery, when no plan has carried it yet."""

    occurrence: Occurrence
    audio: messages.Audio
    unnamed: int | None


def is_left() -> sa.ColumnElement[bool]:
    """The condition of a delivery that is not, or no longer, to sound."""
    return sa.or_(
        Broadcast.stop_requested_at.is_not(None),
        Delivery.recording_sha.is_(None),
        Delivery.dropped_at.is_not(None),
        Delivery.barred_at.is_not(None),
    )


def wanted(
    session: Session, receiver_ids: Sequence[str], now: Instant, span: Span
) -> dict[str, list[Carried]]:
    """What each receiver is to play or to leave, in order of time.

    What was once handed out and is no longer wanted says ``off`` rather than vanish, for a receiver that already
    sounds it would go on.
    """
    rows = _deliveries(session, receiver_ids, now, span)
    known = _Known(session, rows, span)
    found: dict[str, list[Carried]] = {}
    for row in rows:
        occurrence, audio = known.of(row)
        unnamed = row.id if row.rev is None else None
        found.setdefault(row.receiver_id, []).append(Carried(occurrence, audio, unnamed))
    for receiver_id, asked in tones.occurrences(session, receiver_ids, now).items():
        both = [*found.get(receiver_id, []), *(Carried(o, audio, None) for o, audio in asked)]
        found[receiver_id] = sorted(both, key=lambda each: each.occurrence.at)
    return found


def _deliveries(
    session: Session, receiver_ids: Sequence[str], now: Instant, span: Span
) -> Sequence[Row]:
    off = sa.or_(is_left(), sa.not_(receivers.in_service()))
    sha = sa.func.coalesce(Delivery.recording_sha, Delivery.last_sha)
    found = (
        sa.select(
            Delivery.id, Delivery.receiver_id, Delivery.broadcast_id, Delivery.rev, Receiver.area_id,
            Recording.sha256, Recording.size, Recording.ms, off.label("is_off"),
        )
        .join(Broadcast, Delivery.broadcast_id == Broadcast.id)
        .join(Receiver, Delivery.receiver_id == Receiver.id)
        .join(Recording, sha == Recording.sha256)
        .where(
            bulk.among(session, Delivery.receiver_id, receiver_ids),
            Delivery.state.in_(ASKED),
            Broadcast.starts_at < after(now, span.horizon),
            Broadcast.starts_at + broadcasts.heard_for(Delivery.ms) + span.late > now,
            sa.or_(sa.not_(off), Delivery.rev.is_not(None)),
        )
        .order_by(Broadcast.starts_at, Broadcast.id)
    )  # fmt: skip
    return session.execute(found).all()


class _Key(NamedTuple):
    """What tells one occurrence from another, however many receivers it goes to."""

    broadcast_id: int
    sha: str
    is_off: bool
    vol: int | None


class _Known:
    """The occurrences in these deliveries, each made once."""

    def __init__(self, session: Session, rows: Sequence[Row], span: Span) -> None:
        found = sa.select(
            Broadcast.id, Broadcast.occurrence, Broadcast.starts_at, Broadcast.priority, Broadcast.approver_logins,
            Broadcast.relay, Broadcast.resumes,
        ).where(Broadcast.id.in_({row.broadcast_id for row in rows}))  # fmt: skip
        self._broadcasts = {row.id: row for row in session.execute(found)}
        self._sounds = {row.sha256: messages.Audio(n=row.size, ms=row.ms) for row in rows}
        self._caps = Caps(session, span.timezone)
        self._late = span.late
        self._made: dict[_Key, Occurrence] = {}

    def of(self, row: Row) -> tuple[Occurrence, messages.Audio]:
        """What a plan says of that delivery."""
        key = _Key(row.broadcast_id, row.sha256, bool(row.is_off), self._cap(row))
        if key not in self._made:
            self._made[key] = self._make(key)
        return self._made[key], self._sounds[row.sha256]

    def _cap(self, row: Row) -> int | None:
        broadcast = self._broadcasts[row.broadcast_id]
        if (
            broadcast.priority is Priority.EMERGENCY
        ):  # none binds it: what is not said, nobody gets wrong
            return None
        ms = self._ms(broadcast, row.sha256) + self._late
        return self._caps.at(broadcast.starts_at, ms, row.area_id)

    def _ms(self, broadcast: Row, sha: str) -> int:
        return int(broadcast.relay.ms if broadcast.relay else self._sounds[sha].ms)

    def _make(self, key: _Key) -> Occurrence:
        broadcast = self._broadcasts[key.broadcast_id]
        return Occurrence(
            id=broadcast.occurrence,
            at=broadcast.starts_at,
            late=self._late,
            # One that begins again does so within its own minutes too: those after them were given to others, and
            # what is planned and explained (scheduler.channel) counts on that.
            end=after(broadcast.starts_at, self._ms(broadcast, key.sha) + self._late),
            sha=key.sha,
            cls=CLASSES[broadcast.priority],
            st="off" if key.is_off else "on",
            onint="restart" if broadcast.resumes else "stop",
            apv=tuple(broadcast.approver_logins),
            rel=_relay(broadcast.relay),
            vol=msgspec.UNSET if key.vol is None else key.vol,
        )


def _relay(relay: relays.Relay | None) -> messages.Relay | msgspec.UnsetType:
    if relay is None:
        return msgspec.UNSET
    # A receiver refuses a plan for one such slip, and all else in it.
    ms = min(max(relay.ms, relays.LEAST_MS), relays.MOST_MINUTES * MINUTE)
    return messages.Relay(relay.url, ms, relay.hosts)
