"""What a bundle is of: a period, or one campaign in it; and which parts of each journal that takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy.orm import Session

from devices import messages
from devices.receivers import Journal, JournalEntry
from loa.errors import ScheduleError
from loa.times import Instant
from scheduler.broadcasts import Broadcast, Delivery
from scheduler.campaign_tables import Campaign
from scheduler.evidence.tables import Proof


@dataclass(frozen=True)
class Scope:
    """Deliveries of broadcasts that start in [since, until); ``campaign`` narrows them to one."""

    since: Instant
    until: Instant
    campaign: int | None = None

    def broadcasts(self) -> sa.ColumnElement[bool]:
        """The condition of a broadcast that belongs to it."""
        found = sa.and_(Broadcast.starts_at >= self.since, Broadcast.starts_at < self.until)
        return (
            found
            if self.campaign is None
            else sa.and_(found, Broadcast.campaign_id == self.campaign)
        )


class Span(NamedTuple):
    """The entries of a journal that a bundle holds: from behind ``start`` up to ``last``."""

    journal: Journal
    start: int
    start_hash: str
    last: int
    proofs: tuple[int, ...]
    """Ids of the signed batches among them, as they were taken in."""


def of(session: Session, since: Instant, until: Instant, campaign: str | None) -> Scope:
    """The scope of these words; ``campaign`` is its name or its uid. Raises ScheduleError."""
    if until <= since:
        raise ScheduleError("Kỳ xuất rỗng: ngày cuối phải từ ngày đầu trở đi.", field="until")
    if campaign is None:
        return Scope(since, until)
    named = sa.or_(Campaign.uid == campaign, Campaign.name == campaign)
    found = list(session.scalars(sa.select(Campaign.id).where(named)))
    if len(found) != 1:
        many = "Không có" if not found else "Có nhiều"
        raise ScheduleError(
            f"{many} chiến dịch nào tên hoặc mã “{campaign}”. Hãy dùng mã ở cuối địa chỉ trang chiến dịch.",
            field="campaign",
        )
    return Scope(since, until, found[0])


def receiver_ids(session: Session, scope: Scope) -> list[str]:
    """Ids of the receivers it is about, in the order of their bytes: a database may sort otherwise."""
    ids = set(session.scalars(_at_receivers(scope).distinct()))
    if scope.campaign is None:
        heard = (JournalEntry.at >= scope.since, JournalEntry.at < scope.until)
        ids |= set(session.scalars(sa.select(JournalEntry.receiver_id).where(*heard).distinct()))
    return sorted(ids)


def _at_receivers(scope: Scope) -> sa.Select[str]:
    found = sa.select(Delivery.receiver_id).join(Broadcast, Delivery.broadcast_id == Broadcast.id)
    return found.where(scope.broadcasts())


def spans(session: Session, receiver_id: str, scope: Scope) -> list[Span]:
    """What the bundle holds of that receiver's journals, the older journal first."""
    found = [
        _span(session, journal, first, last)
        for journal, first, last in _needed(session, receiver_id, scope)
    ]
    return sorted(found, key=lambda span: (span.journal.begun_at, span.journal.jid))


def _needed(session: Session, receiver_id: str, scope: Scope) -> Iterator[tuple[Journal, int, int]]:
    """(journal, first and last entry) that tell of its deliveries, or were written in the period."""
    ours = (
        sa.select(Broadcast.occurrence)
        .join(Delivery, Delivery.broadcast_id == Broadcast.id)
        .where(Delivery.receiver_id == receiver_id, scope.broadcasts())
    )
    wanted: sa.ColumnElement[bool] = JournalEntry.occurrence.in_(ours)
    if scope.campaign is None:
        written = sa.and_(JournalEntry.at >= scope.since, JournalEntry.at < scope.until)
        wanted = sa.or_(wanted, written)
    rows = session.execute(
        sa.select(JournalEntry.jid, sa.func.min(JournalEntry.seq), sa.func.max(JournalEntry.seq))
        .where(JournalEntry.receiver_id == receiver_id, wanted)
        .group_by(JournalEntry.jid)
    )
    for jid, first, last in rows.all():
        journal = session.get(Journal, (receiver_id, jid))
        if journal is None:
            continue  # somebody took it away: what it told of stands unproven
        yield journal, _plan_before(session, journal, first), last


def _plan_before(session: Session, journal: Journal, first: int) -> int:
    """The entry by which the plan was accepted that orders what entry ``first`` tells of."""
    found = sa.select(sa.func.max(JournalEntry.seq)).where(
        JournalEntry.receiver_id == journal.receiver_id, JournalEntry.jid == journal.jid,
        JournalEntry.seq <= first, JournalEntry.code == "accepted", JournalEntry.occurrence == "",
    )  # fmt: skip
    return session.scalar(found) or first


def _span(session: Session, journal: Journal, first: int, last: int) -> Span:
    of_it = (Proof.receiver_id == journal.receiver_id, Proof.jid == journal.jid)
    before = session.scalars(
        sa.select(Proof)
        .where(*of_it, Proof.last < first, Proof.after.is_not(None))
        .order_by(Proof.last.desc())
        .limit(1)
    ).first()
    start, start_hash = (before.last, _head(before)) if before else (0, "")
    held: Sequence[sa.Row[int, int]] = session.execute(
        sa.select(Proof.id, Proof.last)
        .where(*of_it, Proof.last > start, Proof.first <= last)
        .order_by(Proof.id)
    ).all()
    end = max([last, *(row.last for row in held)])
    return Span(journal, start, start_hash, end, tuple(row.id for row in held))


class _Head(msgspec.Struct):
    head: str


def _head(proof: Proof) -> str:
    return messages.decode(proof.before + (proof.after or b""), _Head).head
