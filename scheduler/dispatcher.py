"""Dispatcher: a receiver's deliveries of the next hours → one signed plan → the outbox → the wire.

The outbox is a table, so what is not yet with the broker survives a crash; sending twice is harmless because
a receiver knows each revision.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import msgspec
import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from content.bulletins import Priority
from content.recordings import Recording
from devices import messages, receivers, signing
from devices.messages import Class, Occurrence
from devices.receivers import Receiver
from devices.signing import PrivateKey
from loa import audit
from loa.database import Base
from loa.times import DAY, HOUR, SECOND, Instant, after
from scheduler import broadcasts, regulation
from scheduler.broadcasts import Broadcast, Delivery, DeliveryState

RENEW_AFTER = 24 * HOUR
"""An unchanged plan is signed anew so that it does not expire on a receiver nobody has news for."""
RESEND_AFTER = 10 * SECOND
PLAN_TYPE = "loa-plan"
CLASSES: dict[Priority, Class] = {
    Priority.NORMAL: "N",
    Priority.PRIORITY: "P",
    Priority.EMERGENCY: "E",
}
ENDED = [
    DeliveryState.PLAYED,
    DeliveryState.INTERRUPTED,
    DeliveryState.FAILED,
    DeliveryState.MISSED,
]
"""Nothing more is asked of the receiver. ``cancelled`` and ``refused`` are but its word on an earlier plan."""
MOST_AHEAD = DAY
"""A revision further in the future than this is no memory of ours: a receiver's slip must not drive our numbers."""


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
    urgent: Mapped[bool]
    queued_at: Mapped[Instant]
    published_at: Mapped[Instant | None] = mapped_column(index=True)
    refused: Mapped[str | None] = mapped_column(sa.String(64))
    """The broker's reason for not taking it; tried again when the receiver or the link shows signs of life."""


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

    @property
    def kids(self) -> tuple[str, str]:
        """Names of the keys in use."""
        return self.plan_key.public.kid, self.emergency_key.public.kid


def dispatch(
    session: Session, now: Instant, terms: Terms, nonces: Mapping[str, str] | None = None
) -> int:
    """Make, sign and queue the plans that have changed or grown old; returns how many.

    ``nonces``: receiver id → what it said to learn the time; it gets a plan at once that says it back.
    """
    nonces = nonces or {}
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
            sa.and_(Receiver.active, Receiver.id.in_(nonces)),
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
        to_play, last = wanted.get(receiver.id, []), newest.get(receiver.id)
        nonce = nonces.get(receiver.id, "")
        made += _make(session, receiver, settings, to_play, last, now, terms, nonce)
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
    """What each receiver is to play or to leave, in order of time: one query for all of them.

    What was once handed out and is no longer wanted says ``off`` rather than vanish, for a receiver that already
    sounds it would go on.
    """
    sha = sa.func.coalesce(Delivery.recording_sha, Delivery.last_sha)
    off = sa.or_(
        Broadcast.stop_requested_at.is_not(None),
        Delivery.recording_sha.is_(None),
        Delivery.dropped_at.is_not(None),
        Delivery.barred_at.is_not(None),
        sa.not_(Receiver.active),
    )
    rows = session.execute(
        sa.select(Delivery.receiver_id, Broadcast, Recording, off)
        .join(Broadcast, Delivery.broadcast_id == Broadcast.id)
        .join(Receiver, Delivery.receiver_id == Receiver.id)
        .join(Recording, sha == Recording.sha256)
        .where(
            Delivery.receiver_id.in_(receiver_ids),
            Delivery.state.not_in(ENDED),
            Broadcast.starts_at < after(now, terms.horizon),
            Broadcast.starts_at + Delivery.ms + terms.late > now,
            sa.or_(sa.not_(off), Delivery.rev.is_not(None)),
        )
        .order_by(Broadcast.starts_at, Broadcast.id)
    )
    wanted: dict[str, Wanted] = {}
    for receiver_id, broadcast, recording, is_off in rows:
        audio = messages.Audio(n=recording.size, ms=recording.ms)
        occurrence = _occurrence(broadcast, recording, terms, is_off=bool(is_off))
        wanted.setdefault(receiver_id, []).append((occurrence, audio))
    return wanted


def _occurrence(
    broadcast: Broadcast, recording: Recording, terms: Terms, *, is_off: bool
) -> Occurrence:
    return Occurrence(
        id=broadcast.occurrence,
        at=broadcast.starts_at,
        late=terms.late,
        end=after(broadcast.starts_at, recording.ms + terms.late),
        sha=recording.sha256,
        cls=CLASSES[broadcast.priority],
        st="off" if is_off else "on",
        apv=tuple(broadcast.approver_logins),
    )


def _make(
    session: Session,
    receiver: Receiver,
    settings: messages.Settings,
    wanted: Wanted,
    last: Plan | None,
    now: Instant,
    terms: Terms,
    nonce: str,
) -> bool:
    seen = receiver.presence.rev if receiver.presence else 0
    seen = seen if seen <= now + MOST_AHEAD else 0
    # A receiver that knows a higher revision than we do has outlived a restore of our database.
    is_known = last is not None and seen <= last.rev and last.made_at > now - RENEW_AFTER
    is_signed_so = last is not None and signing.kid_of(last.jws) in terms.kids
    if (
        last is not None
        and is_known
        and is_signed_so
        and not nonce
        and _same(last.document, settings, wanted, now)
    ):
        return False
    rev = max(last.rev + 1 if last else 1, seen + 1, now)
    n, h = audit.checkpoint(session)
    document = messages.Plan(
        v=1, rid=receiver.id, rev=rev, iat=now, exp=after(now, terms.valid), hz=after(now, terms.horizon),
        set=settings, aud={o.sha: audio for o, audio in wanted}, occ=tuple(o for o, _ in wanted),
        chk=messages.Checkpoint(n=n, h=h), nz=nonce,
    )  # fmt: skip
    urgent = bool(nonce) or any(o.cls == "E" or o.st == "off" for o in document.occ)
    document, jws = _sign(document, terms)
    session.add(Plan(receiver_id=receiver.id, rev=rev, made_at=now, jws=jws))
    session.flush()
    _queue(session, receiver.id, rev, now, urgent=urgent)
    _name_revision(session, receiver.id, document, rev)
    return True


def _same(before: messages.Plan, settings: messages.Settings, wanted: Wanted, now: Instant) -> bool:
    """True when a new plan would differ from the last only in what is over."""
    still = tuple(occurrence for occurrence in before.occ if occurrence.end > now)
    return before.set == settings and still == tuple(o for o, _ in wanted if o.end > now)


def _sign(document: messages.Plan, terms: Terms) -> tuple[messages.Plan, bytes]:
    """The plan and its JWS; the plan's far end is left out until it fits a receiver's limit."""
    while True:
        emergency = any(o.cls == "E" for o in document.occ)
        payload = messages.encode(document)
        jws = (terms.emergency_key if emergency else terms.plan_key).sign(payload, PLAN_TYPE)
        if len(jws) <= messages.MAX_PLAN_BYTES:
            return document, jws
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


def _queue(session: Session, receiver_id: str, rev: int, now: Instant, *, urgent: bool) -> None:
    """Only the newest revision is worth sending: it takes the place of the one before."""
    session.merge(
        Outgoing(
            receiver_id=receiver_id, rev=rev, urgent=urgent, queued_at=now, published_at=None, refused=None,
        )
    )  # fmt: skip
    session.flush()


@dataclass(frozen=True)
class Parcel:
    """A plan to be published."""

    receiver_id: str
    rev: int
    jws: bytes
    urgent: bool


def unpublished(session: Session, limit: int = 500) -> list[Parcel]:
    """What the broker has not taken yet, urgent first."""
    found = (
        sa.select(Outgoing.receiver_id, Outgoing.rev, Plan.jws, Outgoing.urgent)
        .join(Plan, sa.and_(Plan.receiver_id == Outgoing.receiver_id, Plan.rev == Outgoing.rev))
        .where(Outgoing.published_at.is_(None), Outgoing.refused.is_(None))
        .order_by(Outgoing.urgent.desc(), Outgoing.queued_at, Outgoing.receiver_id)
        .limit(limit)
    )
    return [Parcel(*row) for row in session.execute(found)]


def published(
    session: Session, receiver_id: str, rev: int, refused: str | None, now: Instant
) -> None:
    """The broker took a revision, or said why not: its deliveries are then sent, or still only planned."""
    outgoing = session.get(Outgoing, receiver_id)
    if outgoing is not None and outgoing.rev == rev:
        if refused is None:
            outgoing.published_at = now
        else:
            outgoing.refused = refused[:64]
    if refused is not None:
        audit.append(
            session, now, audit.SYSTEM, "plan.refused_by_broker", receiver=receiver_id, why=refused
        )
        return
    sent = (
        sa.update(Delivery)
        .where(
            Delivery.receiver_id == receiver_id,
            Delivery.state == DeliveryState.PLANNED,
            Delivery.rev <= rev,
        )
        .values(state=DeliveryState.SENT, sent_at=now)
        .returning(Delivery.broadcast_id)
        .execution_options(synchronize_session=False)
    )
    for broadcast_id in set(session.scalars(sent)):
        broadcasts.settle(session, broadcasts.get(session, broadcast_id))


def republish(session: Session, now: Instant, receiver_ids: Sequence[str] | None = None) -> int:
    """Send the newest plan again: to all, for the broker may have forgotten it; or to these, if not just sent."""
    again = sa.update(Outgoing).where(
        sa.or_(Outgoing.published_at.is_not(None), Outgoing.refused.is_not(None))
    )
    if receiver_ids is not None:
        again = again.where(
            Outgoing.receiver_id.in_(receiver_ids), Outgoing.queued_at <= now - RESEND_AFTER
        )
    done = session.scalars(
        again.values(published_at=None, refused=None, queued_at=now)
        .returning(Outgoing.receiver_id)
        .execution_options(synchronize_session=False)
    )
    return len(done.all())


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
    ahead = [rid for rid, rev in said.items() if newest.get(rid, 0) < rev <= now + MOST_AHEAD]
    receivers.mark_stale(session, ahead)
