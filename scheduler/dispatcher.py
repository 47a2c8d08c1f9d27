"""Dispatcher: a receiver's deliveries of the next hours → one signed plan → the outbox → the wire.

The outbox is a table, so what is not yet with the broker survives a crash; sending twice is harmless because
a receiver knows each revision.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec
import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from content.bulletins import Priority
from content.recordings import Recording
from devices import messages, receivers
from devices.messages import Class, Occurrence
from devices.receivers import Receiver
from devices.signing import PrivateKey
from loa import audit
from loa.database import Base
from loa.times import HOUR, SECOND, Instant, after
from scheduler import broadcasts, regulation
from scheduler.broadcasts import OPEN, Broadcast, Delivery, DeliveryState

RENEW_AFTER = 24 * HOUR
"""An unchanged plan is signed anew so that it does not expire on a receiver nobody has news for."""
RESEND_AFTER = 10 * SECOND
PLAN_TYPE = "loa-plan"
CLASSES: dict[Priority, Class] = {
    Priority.NORMAL: "N",
    Priority.PRIORITY: "P",
    Priority.EMERGENCY: "E",
}
IN_PLAN = [*OPEN, DeliveryState.REFUSED, DeliveryState.UNKNOWN]


class Plan(Base):
    """One revision of one receiver's plan, as signed. Rows are only added."""

    __tablename__ = "plans"

    receiver_id: Mapped[str] = mapped_column(sa.ForeignKey("receivers.id"), primary_key=True)
    rev: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
    made_at: Mapped[Instant]
    payload: Mapped[bytes]
    jws: Mapped[bytes]


class Outgoing(Base):
    """A plan on its way to the broker."""

    __tablename__ = "outbox"

    id: Mapped[int] = mapped_column(primary_key=True)
    receiver_id: Mapped[str] = mapped_column(sa.ForeignKey("receivers.id"), index=True)
    rev: Mapped[int] = mapped_column(sa.BigInteger)
    urgent: Mapped[bool]
    payload: Mapped[bytes]
    created_at: Mapped[Instant]
    published_at: Mapped[Instant | None] = mapped_column(index=True)
    refused: Mapped[str | None] = mapped_column(sa.String(64))
    """The broker's reason for not taking it."""


@dataclass(frozen=True)
class Terms:
    """What every plan says: keys to sign with and the delivery table of config.toml, in milliseconds."""

    plan_key: PrivateKey
    emergency_key: PrivateKey
    timezone: str
    horizon: int
    valid: int
    late: int
    heartbeat_seconds: int


def dispatch(session: Session, now: Instant, terms: Terms) -> int:
    """Make, sign and queue the plans that have changed or grown old; returns how many."""
    grown_old = (
        sa.select(Plan.receiver_id)
        .group_by(Plan.receiver_id)
        .having(sa.func.max(Plan.made_at) <= now - RENEW_AFTER)
    )
    # One retired lately is told that it has nothing left to play; its old plan runs out after that.
    retired_lately = Receiver.retired_at > now - terms.valid
    due = sa.select(Receiver).where(
        sa.or_(
            sa.and_(Receiver.plan_stale, sa.or_(Receiver.active, retired_lately)),
            sa.and_(Receiver.active, Receiver.id.in_(grown_old)),
        )
    )
    waiting = session.scalars(due).all()
    if not waiting:
        return 0
    ids = [receiver.id for receiver in waiting]
    wanted, newest = _occurrences(session, ids, now, terms), _newest(session, ids)
    quiet = regulation.quiet_at(session, now)
    made = 0
    for receiver in waiting:
        settings = _settings(receiver, quiet, terms)
        to_play = wanted.get(receiver.id, []) if receiver.active else []
        made += _make(session, receiver, settings, to_play, newest.get(receiver.id), now, terms)
        receiver.plan_stale = False
    return made


def _newest(session: Session, receiver_ids: Sequence[str] | None = None) -> dict[str, Plan]:
    last = sa.select(Plan.receiver_id, sa.func.max(Plan.rev).label("rev")).group_by(
        Plan.receiver_id
    )
    if receiver_ids is not None:
        last = last.where(Plan.receiver_id.in_(receiver_ids))
    newest = last.subquery()
    found = sa.select(Plan).join(
        newest, sa.and_(Plan.receiver_id == newest.c.receiver_id, Plan.rev == newest.c.rev)
    )
    return {plan.receiver_id: plan for plan in session.scalars(found)}


def _settings(
    receiver: Receiver, quiet: Sequence[regulation.QuietHours], terms: Terms
) -> messages.Settings:
    return messages.Settings(
        vol=receiver.volume,
        hb=terms.heartbeat_seconds,
        quiet=tuple((f"{span.since:%H:%M}", f"{span.until:%H:%M}") for span in quiet),
        tz=terms.timezone,
    )


Wanted = list[tuple[Occurrence, messages.Audio]]


def _occurrences(
    session: Session, receiver_ids: Sequence[str], now: Instant, terms: Terms
) -> dict[str, Wanted]:
    """What each receiver is to play, in order of time: one query for all of them."""
    rows = session.execute(
        sa.select(Delivery.receiver_id, Broadcast, Recording)
        .join(Broadcast, Delivery.broadcast_id == Broadcast.id)
        .join(Recording, Broadcast.recording_sha == Recording.sha256)
        .where(
            Delivery.receiver_id.in_(receiver_ids),
            Delivery.dropped_at.is_(None),
            Broadcast.starts_at < after(now, terms.horizon),
            Broadcast.starts_at + Broadcast.ms + terms.late > now,
            sa.or_(Delivery.state.in_(IN_PLAN), Broadcast.stop_requested_at.is_not(None)),
        )
        .order_by(Broadcast.starts_at, Broadcast.id)
    )
    wanted: dict[str, Wanted] = {}
    for receiver_id, broadcast, recording in rows:
        audio = messages.Audio(n=recording.size, ms=recording.ms)
        wanted.setdefault(receiver_id, []).append((_occurrence(broadcast, terms), audio))
    return wanted


def _occurrence(broadcast: Broadcast, terms: Terms) -> Occurrence:
    return Occurrence(
        id=broadcast.occurrence,
        at=broadcast.starts_at,
        late=terms.late,
        end=after(broadcast.ends_at, terms.late),
        sha=broadcast.recording_sha or "",
        cls=CLASSES[broadcast.priority],
        st="off" if broadcast.stop_requested_at is not None else "on",
        apv=(broadcast.approver_login,) if broadcast.approver_login else (),
    )


def _make(
    session: Session,
    receiver: Receiver,
    settings: messages.Settings,
    wanted: Wanted,
    last: Plan | None,
    now: Instant,
    terms: Terms,
) -> bool:
    before = messages.decode(last.payload, messages.Plan) if last else None
    seen = receiver.presence.rev if receiver.presence else 0
    # A receiver that knows a higher revision than we do has outlived a restore of our database.
    outlived = last is None or seen > last.rev
    if (
        before
        and last
        and not outlived
        and last.made_at > now - RENEW_AFTER
        and _same(before, settings, wanted, now)
    ):
        return False
    rev = max(last.rev + 1 if last else 1, seen + 1, now)
    n, h = audit.checkpoint(session)
    document = messages.Plan(
        v=1, rid=receiver.id, rev=rev, iat=now, exp=after(now, terms.valid), hz=after(now, terms.horizon),
        set=settings, aud={o.sha: audio for o, audio in wanted}, occ=tuple(o for o, _ in wanted),
        chk=messages.Checkpoint(n=n, h=h),
    )  # fmt: skip
    urgent = any(o.cls == "E" or o.st == "off" for o in document.occ)
    document, payload, jws = _sign(document, terms)
    session.add(Plan(receiver_id=receiver.id, rev=rev, made_at=now, payload=payload, jws=jws))
    session.flush()
    _queue(session, receiver.id, rev, jws, now, urgent=urgent)
    _name_revision(session, receiver.id, document, rev)
    return True


def _same(before: messages.Plan, settings: messages.Settings, wanted: Wanted, now: Instant) -> bool:
    """True when a new plan would differ from the last only in what is over."""
    still = tuple(occurrence for occurrence in before.occ if occurrence.end > now)
    return before.set == settings and still == tuple(o for o, _ in wanted if o.end > now)


def _sign(document: messages.Plan, terms: Terms) -> tuple[messages.Plan, bytes, bytes]:
    """The plan, its payload and its JWS; the plan's far end is left out until it fits a receiver's limit."""
    while True:
        emergency = any(o.cls == "E" for o in document.occ)
        payload = messages.encode(document)
        jws = (terms.emergency_key if emergency else terms.plan_key).sign(payload, PLAN_TYPE)
        if len(jws) <= messages.MAX_PLAN_BYTES:
            return document, payload, jws
        kept = document.occ[: len(document.occ) * 3 // 4]
        shas = {o.sha for o in kept}
        aud = {sha: audio for sha, audio in document.aud.items() if sha in shas}
        document = msgspec.structs.replace(document, occ=kept, aud=aud)


def _name_revision(session: Session, receiver_id: str, document: messages.Plan, rev: int) -> None:
    """Note on each delivery the first revision that carried it."""
    ids = sa.select(Broadcast.id).where(Broadcast.occurrence.in_([o.id for o in document.occ]))
    session.execute(
        sa.update(Delivery)
        .where(
            Delivery.receiver_id == receiver_id,
            Delivery.rev.is_(None),
            Delivery.broadcast_id.in_(ids),
        )
        .values(rev=rev)
        .execution_options(synchronize_session=False)
    )


def _queue(
    session: Session, receiver_id: str, rev: int, jws: bytes, now: Instant, *, urgent: bool
) -> None:
    # Only the newest revision is worth sending.
    session.execute(
        sa.delete(Outgoing).where(
            Outgoing.receiver_id == receiver_id, Outgoing.published_at.is_(None)
        )
    )
    session.add(
        Outgoing(receiver_id=receiver_id, rev=rev, urgent=urgent, payload=jws, created_at=now)
    )


def unpublished(session: Session, limit: int = 500) -> list[Outgoing]:
    """What the broker has not taken yet, urgent first."""
    found = sa.select(Outgoing).where(Outgoing.published_at.is_(None), Outgoing.refused.is_(None))
    return list(session.scalars(found.order_by(Outgoing.urgent.desc(), Outgoing.id).limit(limit)))


def published(session: Session, outgoing_id: int, refused: str | None, now: Instant) -> None:
    """The broker took a plan, or said why not: its deliveries are then sent, or still only planned."""
    outgoing = session.get(Outgoing, outgoing_id)
    if outgoing is None:  # a newer revision has replaced it meanwhile
        return
    if refused is not None:
        outgoing.refused = refused[:64]
        audit.append(
            session,
            now,
            audit.SYSTEM,
            "plan.refused_by_broker",
            receiver=outgoing.receiver_id,
            why=refused,
        )
        return
    outgoing.published_at = now
    sent = (
        sa.update(Delivery)
        .where(
            Delivery.receiver_id == outgoing.receiver_id,
            Delivery.state == DeliveryState.PLANNED,
            Delivery.rev <= outgoing.rev,
        )
        .values(state=DeliveryState.SENT, sent_at=now)
        .returning(Delivery.broadcast_id)
        .execution_options(synchronize_session=False)
    )
    for broadcast_id in set(session.scalars(sent)):
        broadcasts.settle(session, broadcasts.get(session, broadcast_id))


def republish(session: Session, now: Instant, receiver_ids: Sequence[str] | None = None) -> int:
    """Queue the newest plan again, of these receivers or of all: the broker may have lost what it retained."""
    waiting = set(
        session.scalars(sa.select(Outgoing.receiver_id).where(Outgoing.published_at.is_(None)))
    )
    recent = (
        set(
            session.scalars(
                sa.select(Outgoing.receiver_id).where(Outgoing.created_at > now - RESEND_AFTER)
            )
        )
        if receiver_ids is not None
        else set()
    )
    active = set(session.scalars(sa.select(Receiver.id).where(Receiver.active)))
    again = [
        plan
        for rid, plan in _newest(session, receiver_ids).items()
        if rid in active - waiting - recent
    ]
    for plan in again:
        _queue(session, plan.receiver_id, plan.rev, plan.jws, now, urgent=False)
    return len(again)


def forget_published(session: Session, before: Instant) -> None:
    """Drop outbox rows the broker took long ago; the plans themselves stay."""
    session.execute(
        sa.delete(Outgoing).where(
            sa.or_(Outgoing.published_at < before, Outgoing.refused.is_not(None)),
            Outgoing.created_at < before,
        )
    )


def newest_revisions(session: Session, receiver_ids: Iterable[str]) -> dict[str, int]:
    """The revision each of these receivers should have; a receiver without a plan is left out."""
    newest = sa.select(Plan.receiver_id, sa.func.max(Plan.rev)).group_by(Plan.receiver_id)
    rows = session.execute(newest.where(Plan.receiver_id.in_(list(receiver_ids))))
    return {receiver_id: rev for receiver_id, rev in rows}  # noqa: C416 - a Row is not a pair to mypy


def compare_revisions(session: Session, said: dict[str, int], now: Instant) -> None:
    """Put right what heartbeats show: a receiver that lags is told again, one that is ahead gets a new plan."""
    newest = newest_revisions(session, said)
    republish(session, now, [rid for rid, rev in newest.items() if said[rid] < rev])
    # It knows a higher revision than we do: it has outlived a restore of our database.
    receivers.mark_stale(session, [rid for rid, rev in said.items() if rev > newest.get(rid, 0)])
