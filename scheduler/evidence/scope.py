"""What a bundle is of: a period, or one campaign in it; and which parts of each journal that takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy.orm import Session

from devices import messages
from devices.receivers import Journal, JournalEntry, Receiver
from loa.errors import ScheduleError
from loa.times import Instant
from loa.words import say
from scheduler.broadcasts import Broadcast, Delivery
from scheduler.campaign_tables import Campaign
from scheduler.evidence.tables import Proof


@dataclass(frozen=True)
class Scope:
    """Deliveries of broadcasts that start in [since, until); ``campaign`` narrows them to one."""

    since: Instant
    until: Instant
    campaign: int | None = None
    archive: bool = False
    """All that goes with the period: plans and journals of all receivers from the first that no archive has."""
    behind: str = ""
    """Of an archive: the receivers up to this id have left with one before."""

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
    is_cut: bool
    """Entries before ``start`` may tell of the period, and are not here any more."""


def _not_one(campaign: str, n: int) -> str:
    if n:
        return say(
            "Có nhiều chiến dịch nào tên hoặc mã “%(campaign)s”. "
            "Hãy dùng mã ở cuối địa chỉ trang chiến dịch.",
            campaign=campaign,
        )
    return say(
        "Không có chiến dịch nào tên hoặc mã “%(campaign)s”. "
        "Hãy dùng mã ở cuối địa chỉ trang chiến dịch.",
        campaign=campaign,
    )


def of(session: Session, since: Instant, until: Instant, campaign: str | None) -> Scope:
    """The scope of these words; ``campaign`` is its name or its uid. Raises ScheduleError."""
    if until <= since:
        raise ScheduleError(say("Kỳ xuất rỗng: ngày cuối phải từ ngày đầu trở đi."), field="until")
    if campaign is None:
        return Scope(since, until)
    named = sa.or_(Campaign.uid == campaign, Campaign.name == campaign)
    found = list(session.scalars(sa.select(Campaign.id).where(named)))
    if len(found) != 1:
        raise ScheduleError(_not_one(campaign, len(found)), field="campaign")
    return Scope(since, until, found[0])


def receiver_ids(session: Session, scope: Scope) -> list[str]:
    """Ids of the receivers it is about, in the order of their bytes: a database may sort otherwise."""
    ids = set(session.scalars(_at_receivers(scope).distinct()))
    if scope.campaign is None:
        heard = (JournalEntry.at >= scope.since, JournalEntry.at < scope.until)
        ids |= set(session.scalars(sa.select(JournalEntry.receiver_id).where(*heard).distinct()))
    if scope.archive:
        ids |= set(session.scalars(sa.select(Receiver.id)))
    return sorted(rid for rid in ids if rid > scope.behind)


def _at_receivers(scope: Scope) -> sa.Select[str]:
    found = sa.select(Delivery.receiver_id).join(Broadcast, Delivery.broadcast_id == Broadcast.id)
    return found.where(scope.broadcasts())


def spans(session: Session, receiver_id: str, scope: Scope) -> list[Span]:
    """What the bundle holds of that receiver's journals, the older journal first."""
    found = [
        _span(session, journal, first, last, scope)
        for journal, first, last in needed(session, receiver_id, scope)
    ]
    return sorted(found, key=lambda span: (span.journal.begun_at, span.journal.jid))


def needed(session: Session, receiver_id: str, scope: Scope) -> Iterator[tuple[Journal, int, int]]:
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
        begin = _first_left if scope.archive else _plan_before
        begins = begin(session, journal, first)
        if scope.campaign is None:
            begins = min(begins, _last_before(session, journal, scope.since) or begins)
        yield journal, begins, last


def _last_before(session: Session, journal: Journal, since: Instant) -> int | None:
    """The last entry written before the period: that it is there shows that none of the period was left out."""
    found = sa.select(sa.func.max(JournalEntry.seq)).where(
        JournalEntry.receiver_id == journal.receiver_id, JournalEntry.jid == journal.jid,
        JournalEntry.at < since,
    )  # fmt: skip
    return session.scalar(found)


def _first_left(session: Session, journal: Journal, first: int) -> int:
    """The first entry that no archive has taken out yet."""
    found = sa.select(sa.func.min(JournalEntry.seq)).where(
        JournalEntry.receiver_id == journal.receiver_id, JournalEntry.jid == journal.jid
    )
    return session.scalar(found) or first


def _plan_before(session: Session, journal: Journal, first: int) -> int:
    """The entry by which the plan was accepted that orders what entry ``first`` tells of."""
    found = sa.select(sa.func.max(JournalEntry.seq)).where(
        JournalEntry.receiver_id == journal.receiver_id, JournalEntry.jid == journal.jid,
        JournalEntry.seq <= first, JournalEntry.code == "accepted", JournalEntry.occurrence == "",
    )  # fmt: skip
    return session.scalar(found) or first


def _span(session: Session, journal: Journal, first: int, last: int, scope: Scope) -> Span:
    of_it = (Proof.receiver_id == journal.receiver_id, Proof.jid == journal.jid)
    before = session.scalars(
        sa.select(Proof)
        .where(*of_it, Proof.last < first, Proof.after.is_not(None))
        .order_by(Proof.last.desc())
        .limit(1)
    ).first()
    start, start_hash = (before.last, head_of(before)) if before else (0, "")
    held: Sequence[sa.Row[int, int]] = session.execute(
        sa.select(Proof.id, Proof.last)
        .where(*of_it, Proof.last > start, Proof.first <= last)
        .order_by(Proof.id)
    ).all()
    end = max([last, *(row.last for row in held)])
    is_cut = (
        start > 0
        and scope.campaign is None
        and _begins_at(session, journal, start, end) >= scope.since
    )
    return Span(journal, start, start_hash, end, tuple(row.id for row in held), is_cut)


def _begins_at(session: Session, journal: Journal, start: int, end: int) -> Instant:
    """The earliest moment any entry behind ``start`` up to ``end`` tells of."""
    found = sa.select(sa.func.min(JournalEntry.at)).where(
        JournalEntry.receiver_id == journal.receiver_id, JournalEntry.jid == journal.jid,
        JournalEntry.seq > start, JournalEntry.seq <= end,
    )  # fmt: skip
    return Instant(session.scalar(found) or 0)


class _Head(msgspec.Struct):
    head: str


def head_of(proof: Proof) -> str:
    """The chain hash that its receiver signed with a whole batch."""
    return messages.decode(proof.before + (proof.after or b""), _Head).head
