"""Outbox: the newest plan of each receiver on its way to the broker.

It is a table, so what is not yet with the broker survives a crash; sending twice is harmless because a receiver
knows each revision.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from devices import messages, receivers, signing
from loa import audit, bulk
from loa.database import Base
from loa.times import DAY, SECOND, Instant
from scheduler import broadcasts
from scheduler.broadcasts import Delivery, DeliveryState
from scheduler.reporting import expectations

RESEND_AFTER = 10 * SECOND
MOST_AHEAD = DAY
"""A revision further in the future than this is no memory of ours: a receiver's slip must not drive our numbers."""


class Lane(enum.IntEnum):
    """What leaves first. What was with the broker once goes after all that is new, and at a bounded rate."""

    URGENT = 0
    PLAN = 1
    URGENT_AGAIN = 2
    PLAN_AGAIN = 3

    @property
    def is_urgent(self) -> bool:
        return self in (Lane.URGENT, Lane.URGENT_AGAIN)

    @property
    def is_again(self) -> bool:
        return self >= Lane.URGENT_AGAIN


LANES = tuple(Lane)


class Plan(Base):
    """One revision of one receiver's plan, as signed. Rows are only added."""

    __tablename__ = "plans"

    receiver_id: Mapped[str] = mapped_column(sa.ForeignKey("receivers.id"), primary_key=True)
    rev: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
    made_at: Mapped[Instant]
    jws: Mapped[bytes]

    @property
    def document(self) -> messages.Plan:
        """What was signed."""
        return messages.decode(signing.payload(self.jws), messages.Plan)


class Outgoing(Base):
    """The newest plan of a receiver on its way to the broker: one row each, named by receiver and revision."""

    __tablename__ = "outbox"

    receiver_id: Mapped[str] = mapped_column(sa.ForeignKey("receivers.id"), primary_key=True)
    rev: Mapped[int] = mapped_column(sa.BigInteger)
    lane: Mapped[int]
    """Of Lane."""
    made_at: Mapped[Instant] = mapped_column(index=True)
    queued_at: Mapped[Instant]
    published_at: Mapped[Instant | None]
    refused: Mapped[str | None] = mapped_column(sa.String(64))
    """The broker's reason for not taking it; tried again when the receiver or the link shows signs of life."""


_WAITING = sa.and_(Outgoing.published_at.is_(None), Outgoing.refused.is_(None))
sa.Index(
    "ix_outbox_waiting", Outgoing.lane, Outgoing.queued_at, Outgoing.receiver_id,
    sqlite_where=_WAITING, postgresql_where=_WAITING,
)  # fmt: skip


@dataclass(frozen=True)
class Signed:
    """A plan just made. ``is_first``: the receiver had none before; ``carries``: deliveries it is the first to name."""

    receiver_id: str
    rev: int
    jws: bytes
    lane: Lane
    is_first: bool
    carries: tuple[int, ...]


class Waiting(NamedTuple):
    """A plan the broker has not taken yet."""

    receiver_id: str
    rev: int
    lane: Lane


@dataclass(frozen=True, slots=True)
class Parcel:
    """A plan to be published."""

    receiver_id: str
    rev: int
    jws: bytes
    urgent: bool


@dataclass(frozen=True)
class Taken:
    """The broker took that revision, or said why not."""

    receiver_id: str
    rev: int
    refused: str | None = None


def queue(session: Session, made: Sequence[Signed], now: Instant) -> None:
    """Keep new plans, and put each in the place of the one before: only the newest is worth sending."""
    bulk.insert(
        session,
        Plan,
        [{"receiver_id": m.receiver_id, "rev": m.rev, "made_at": now, "jws": m.jws} for m in made],
    )
    rows = [
        {"receiver_id": m.receiver_id, "rev": m.rev, "lane": int(m.lane), "made_at": now, "queued_at": now,
         "published_at": None, "refused": None}
        for m in made
    ]  # fmt: skip
    pairs = list(zip(rows, made, strict=True))
    bulk.insert(session, Outgoing, [row for row, m in pairs if m.is_first])
    bulk.update(session, Outgoing, [row for row, m in pairs if not m.is_first])
    named = [{"id": delivery, "rev": m.rev} for m in made for delivery in m.carries]
    bulk.update(session, Delivery, named)


def waiting(session: Session, most: int, lanes: Collection[Lane] = LANES) -> list[Waiting]:
    """Up to ``most`` plans in these lanes the broker has not taken yet, in the order in which they are to leave."""
    found = (
        sa.select(Outgoing.receiver_id, Outgoing.rev, Outgoing.lane)
        .where(_WAITING)
        .order_by(Outgoing.lane, Outgoing.queued_at, Outgoing.receiver_id)
        .limit(most)
    )
    if len(lanes) < len(LANES):
        found = found.where(Outgoing.lane.in_(lanes))
    return [Waiting(rid, rev, LANES[lane]) for rid, rev, lane in session.execute(found)]


def parcels(session: Session, chosen: Collection[Waiting]) -> list[Parcel]:
    """These plans with their bytes, in the same order; one that has been replaced meanwhile is left out."""
    newest = sa.and_(Plan.receiver_id == Outgoing.receiver_id, Plan.rev == Outgoing.rev)
    found = (
        sa.select(Plan.receiver_id, Plan.rev, Plan.jws)
        .join(Outgoing, newest)
        .where(bulk.among(session, Outgoing.receiver_id, [each.receiver_id for each in chosen]))
    )
    jws = {(rid, rev): signed for rid, rev, signed in session.execute(found)} if chosen else {}
    return [
        Parcel(each.receiver_id, each.rev, jws[each.receiver_id, each.rev], each.lane.is_urgent)
        for each in chosen
        if (each.receiver_id, each.rev) in jws
    ]


def published(session: Session, taken: Iterable[Taken], now: Instant) -> None:
    """Note what the broker took, and what it refused: deliveries are then sent, or still only planned."""
    answers = list(taken)
    accepted: dict[str, int] = {}
    for each in answers:
        if each.refused is None:
            accepted[each.receiver_id] = max(each.rev, accepted.get(each.receiver_id, 0))
    session.flush()
    if accepted:
        _note_accepted(session, accepted, now)
    for each in answers:
        if each.refused is not None:
            _note_refused(session, each, each.refused, now)
    session.expire_all()  # the statements above went past what the session holds


def _note_accepted(session: Session, accepted: dict[str, int], now: Instant) -> None:
    found = sa.select(Outgoing.receiver_id, Outgoing.rev)
    rows = session.execute(found.where(bulk.among(session, Outgoing.receiver_id, accepted)))
    newest = {row.receiver_id for row in rows if accepted[row.receiver_id] == row.rev}
    sent: set[int] = set()
    if newest:
        session.execute(
            sa.update(Outgoing)
            .where(bulk.among(session, Outgoing.receiver_id, newest))
            .values(published_at=now)
            .execution_options(synchronize_session=False)
        )
        # No delivery was carried by a revision newer than the newest.
        sent |= mark_sent(session, bulk.among(session, Delivery.receiver_id, newest), now)
    for receiver_id in accepted.keys() - newest:
        older = sa.and_(Delivery.receiver_id == receiver_id, Delivery.rev <= accepted[receiver_id])
        sent |= mark_sent(session, older, now)
    broadcasts.settle_all(session, sent)


def mark_sent(session: Session, which: sa.ColumnElement[bool], now: Instant) -> set[int]:
    """Mark these deliveries as sent where a plan carries them, with what is expected; the broadcasts they belong to.

    One statement: what follows each delivery that changes (counts, indices) costs more than the change.
    """
    carried = sa.and_(which, Delivery.rev.is_not(None))
    expected = expectations.of(session, carried, now)
    is_new = Delivery.state == DeliveryState.PLANNED
    state = sa.literal(DeliveryState.SENT, Delivery.state.type)
    sent = (
        sa.update(Delivery)
        .where(carried, sa.or_(is_new, expected.differs))
        .values(
            state=sa.case((is_new, state), else_=Delivery.state),
            sent_at=sa.case((is_new, now), else_=Delivery.sent_at),
            **expected.values,
        )
        .returning(Delivery.broadcast_id)
        .execution_options(synchronize_session=False)
    )
    return set(session.scalars(sent))


def _note_refused(session: Session, each: Taken, why: str, now: Instant) -> None:
    session.execute(
        sa.update(Outgoing)
        .where(Outgoing.receiver_id == each.receiver_id, Outgoing.rev == each.rev)
        .values(refused=why[:64])
        .execution_options(synchronize_session=False)
    )
    audit.append(
        session, now, audit.SYSTEM, "plan.refused_by_broker", receiver=each.receiver_id, why=why
    )


def republish(session: Session, now: Instant, receiver_ids: Sequence[str] | None = None) -> int:
    """Send the newest plan again: to all, for the broker may have forgotten it; or to these, if not just sent."""
    again = sa.update(Outgoing).where(
        sa.or_(Outgoing.published_at.is_not(None), Outgoing.refused.is_not(None))
    )
    if receiver_ids is not None:
        # One queued in the future was queued before our clock was set back; `now` itself may be a moment ago.
        not_just_sent = sa.or_(
            Outgoing.queued_at <= now - RESEND_AFTER, Outgoing.queued_at > now + RESEND_AFTER
        )
        again = again.where(bulk.among(session, Outgoing.receiver_id, receiver_ids), not_just_sent)
    lane = sa.case((Outgoing.lane < Lane.URGENT_AGAIN, Outgoing.lane + 2), else_=Outgoing.lane)
    done = session.scalars(
        again.values(published_at=None, refused=None, queued_at=now, lane=lane)
        .returning(Outgoing.receiver_id)
        .execution_options(synchronize_session=False)
    )
    return len(done.all())


def newest_revisions(session: Session, receiver_ids: Collection[str]) -> dict[str, int]:
    """The revision each of these receivers should have; a receiver without a plan is left out."""
    newest = sa.select(Outgoing.receiver_id, Outgoing.rev)
    rows = session.execute(newest.where(bulk.among(session, Outgoing.receiver_id, receiver_ids)))
    return {receiver_id: rev for receiver_id, rev in rows}  # noqa: C416 - a Row is not a pair to mypy


def compare_revisions(session: Session, said: dict[str, int], now: Instant) -> bool:
    """Put right what heartbeats show: a receiver that lags is told again, one that is ahead gets a new plan.

    True when any was told again or needs a new plan.
    """
    newest = newest_revisions(session, said)
    behind = [rid for rid, rev in newest.items() if said[rid] < rev]
    again = republish(session, now, behind) if behind else 0
    # It knows a higher revision than we do: it has outlived a restore of our database.
    ahead = [rid for rid, rev in said.items() if newest.get(rid, 0) < rev <= now + MOST_AHEAD]
    if ahead:
        receivers.mark_stale(session, ahead)
    return bool(again or ahead)
