"""What campaigns have played so far, and what is under way, per receiver: read from deliveries alone.

A play counts once a receiver says it played the whole of it. One that is planned, under way or without
confirmation counts too when the rest is planned (``Tally.held``): as long as it may have sounded it is not played
again, so that late evidence never takes a receiver beyond its target. One known not to have sounded whole does not.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from devices.receivers import Journal
from loa import audit
from loa.times import Instant
from scheduler.broadcasts import LIVE, OPEN, Broadcast, Delivery, DeliveryState
from scheduler.campaign_tables import Campaign

D = DeliveryState
NOT_HEARD = (D.FAILED, D.MISSED, D.REFUSED, D.CANCELLED, D.INTERRUPTED)
"""Known not to be a whole play."""
STOPPED = "stopped"
STOPPED_ALL = "broadcast.stop_all"
"""Kind of that act in the log."""


class Near(NamedTuple):
    """A delivery that is looked at by itself."""

    receiver_id: str
    broadcast_id: int
    starts_at: Instant
    item: int
    ms: int
    """What was heard of it, or is to be."""
    may_sound: bool
    """It has, or may."""
    is_live: bool
    """Its broadcast has not been closed."""
    was_sent: bool
    """Its receiver has been told of it."""
    was_stopped: bool
    """Somebody stopped it: that day it is not made up for."""


class Sum(NamedTuple):
    """Plays of one message, and how long they sounded together."""

    plays: int
    ms: int


@dataclass(frozen=True)
class Counted:
    """What there is of one campaign."""

    old: Mapping[str, Mapping[int, Sum]] = field(default_factory=dict)
    """Receiver → message → what counts of before ``cut``."""
    near: Sequence[Near] = ()
    """The rest, one by one."""
    stopped_all_at: Instant | None = None
    """When staff last said "Dừng tất cả"."""


@dataclass(frozen=True)
class CountedFrom:
    """The question for it."""

    campaign_id: int
    cut: Instant
    with_old: bool = True
    """False: what is before ``cut`` decides nothing, and need not be added up."""

    def __call__(self, session: Session) -> Counted:
        silenced = sa.select(sa.func.max(audit.AuditEntry.at))
        silenced = silenced.where(audit.AuditEntry.kind == STOPPED_ALL)
        old = self._old(session) if self.with_old else {}
        return Counted(old, self._near(session), session.scalar(silenced))

    def _old(self, session: Session) -> dict[str, dict[int, Sum]]:
        plays = sa.func.sum(sa.case((Delivery.state.in_(NOT_HEARD), 0), else_=1))
        rows = session.execute(
            sa.select(Delivery.receiver_id, Broadcast.item, plays, sa.func.sum(heard_ms()))
            .join(Broadcast, Delivery.broadcast_id == Broadcast.id)
            .where(Broadcast.campaign_id == self.campaign_id, Broadcast.starts_at < self.cut)
            .group_by(Delivery.receiver_id, Broadcast.item)
        )
        found: dict[str, dict[int, Sum]] = {}
        for receiver_id, item, number, ms in rows:
            found.setdefault(receiver_id, {})[item] = Sum(int(number), int(ms))
        return found

    def _near(self, session: Session) -> list[Near]:
        rows: Any = session.execute(
            sa.select(
                Delivery.receiver_id, Broadcast.id, Broadcast.starts_at, Broadcast.item, heard_ms(),
                Delivery.state, Broadcast.state, Broadcast.stop_requested_at, Broadcast.code, Delivery.rev,
            )
            .join(Broadcast, Delivery.broadcast_id == Broadcast.id)
            .where(Broadcast.campaign_id == self.campaign_id, Broadcast.starts_at >= self.cut)
            .order_by(Broadcast.starts_at, Broadcast.id, Delivery.receiver_id)
        )  # fmt: skip
        return [_one(*row) for row in rows]


def _one(
    receiver_id: str,
    broadcast_id: int,
    starts_at: Instant,
    item: int,
    ms: int,
    delivery: DeliveryState,
    broadcast: Any,
    stop: Instant | None,
    code: str | None,
    rev: int | None,
) -> Near:
    is_live = stop is None and broadcast in LIVE and delivery in OPEN
    may_sound = delivery not in NOT_HEARD
    was_stopped = stop is not None and code == STOPPED
    return Near(
        receiver_id, broadcast_id, starts_at, item, ms, may_sound, is_live, rev is not None, was_stopped
    )  # fmt: skip


def heard_ms() -> sa.ColumnElement[int]:
    """How long a delivery sounded, or is to."""
    asked = sa.case((Delivery.ms > 0, Delivery.ms), else_=Broadcast.ms)
    return sa.case(  # the most frequent first: it is asked of tens of thousands
        (Delivery.state == D.PLAYED, sa.func.coalesce(Delivery.played_ms, asked)),
        (Delivery.state == D.INTERRUPTED, sa.func.coalesce(Delivery.played_ms, 0)),
        (Delivery.state.in_(NOT_HEARD), 0),
        else_=asked,
    )


def lost(session: Session, campaign_ids: Collection[int], back: int) -> dict[int, int]:
    """Campaign → plays known not to have been heard whole, from ``back`` before it was last thought over on.

    Those without any are left out.
    """
    if not campaign_ids:
        return {}
    rows = session.execute(
        sa.select(Campaign.id, sa.func.count())
        .join(Broadcast, Broadcast.campaign_id == Campaign.id)
        .join(Delivery, Delivery.broadcast_id == Broadcast.id)
        .where(Campaign.id.in_(campaign_ids), Delivery.state.in_(NOT_HEARD))
        .where(Broadcast.starts_at >= Campaign.rethought_at - back)
        .group_by(Campaign.id)
    )
    return {int(campaign_id): int(number) for campaign_id, number in rows}


def mark(session: Session) -> tuple[int, int, int]:
    """The same as long as no receiver has said anything new, and nobody has done anything."""
    said = sa.select(sa.func.coalesce(sa.func.sum(Journal.upto), 0), sa.func.count())
    upto, journals = session.execute(said.select_from(Journal)).one()
    return int(upto), int(journals), audit.checkpoint(session)[0]


# -- for people -----------------------------------------------------------------------------------


class Tally(NamedTuple):
    """Plays of a campaign at one receiver: null is not zero, so what is unknown is told apart."""

    played: int = 0
    unknown: int = 0
    """Their time is over, and nobody knows what became of them."""
    ahead: int = 0
    """Planned, and not begun."""
    lost: int = 0
    played_ms: int = 0

    @property
    def held(self) -> int:
        """What counts when the rest is planned."""
        return self.played + self.unknown + self.ahead


def tallies(session: Session, campaign_id: int, now: Instant) -> dict[str, Tally]:
    """Receiver → what became of the campaign there."""
    is_ahead = Broadcast.starts_at > now
    rows = session.execute(
        sa.select(
            Delivery.receiver_id, Delivery.state, is_ahead, sa.func.count(), sa.func.sum(heard_ms())
        )
        .join(Broadcast, Delivery.broadcast_id == Broadcast.id)
        .where(Broadcast.campaign_id == campaign_id)
        .group_by(Delivery.receiver_id, Delivery.state, is_ahead)
    )
    columns = Tally._fields
    found: dict[str, list[int]] = {}
    for receiver_id, state, ahead, number, ms in rows:
        name, sounded = _column(state, bool(ahead))
        sums = found.setdefault(receiver_id, [0] * len(columns))
        sums[columns.index(name)] += int(number)
        sums[-1] += int(ms) if sounded else 0
    return {receiver_id: Tally(*sums) for receiver_id, sums in found.items()}


def _column(state: DeliveryState, ahead: bool) -> tuple[str, bool]:
    """Where plays in that state are counted, and whether they sounded, if only in part."""
    if state is D.PLAYED:
        return "played", True
    if state in NOT_HEARD:
        return "lost", True
    return ("ahead" if ahead else "unknown"), False


def all_in(tallied: Iterable[Tally]) -> Tally:
    """These together."""
    columns = zip(*tallied, strict=True)
    return Tally(*(sum(column) for column in columns))


class Heard(NamedTuple):
    """A whole play at a receiver."""

    receiver_id: str
    starts_at: Instant


def plays(session: Session, campaign_id: int) -> list[Heard]:
    """Every play receivers have confirmed, in order of time."""
    rows = session.execute(
        sa.select(Delivery.receiver_id, Broadcast.starts_at)
        .join(Broadcast, Delivery.broadcast_id == Broadcast.id)
        .where(Broadcast.campaign_id == campaign_id, Delivery.state == D.PLAYED)
        .order_by(Broadcast.starts_at, Delivery.receiver_id)
    )
    return [Heard(*row) for row in rows]
