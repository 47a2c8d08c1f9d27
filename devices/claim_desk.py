"""Where boxes show their code: each claim is judged, and one that holds is given its place.

``claims`` is what staff do about the same places.
"""

from __future__ import annotations

import enum
import hashlib
import hmac
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from devices import admission, broker, claims, clones, receivers, signing
from devices.admission import BadClaim
from devices.claims import CODE_LIFE, OPEN, Claim, FormerKey, Kind, State
from devices.receivers import Journal, Receiver
from loa import audit
from loa.config import Secret
from loa.database import Base
from loa.times import MINUTE, Instant, after

ADDRESS_MOST = 20
"""Refused claims from one address in ``ADDRESS_WITHIN``, before it is not listened to any more."""
ADDRESS_WITHIN = 10 * MINUTE


class Failure(Base):
    """A refused claim, kept as long as it still counts against its address."""

    __tablename__ = "claim_failures"

    id: Mapped[int] = mapped_column(primary_key=True)
    address: Mapped[str] = mapped_column(sa.String(64), index=True)
    at: Mapped[Instant]


class Refusal(enum.StrEnum):
    """Why a claim was refused. Who does not know the code learns no more than ``REFUSED``."""

    SHAPE = "shape"
    REFUSED = "refused"
    EXPIRED = "expired"
    USED = "used"
    KEY = "key"
    SLOW = "slow"


@dataclass(frozen=True)
class Taken:
    """A claim that holds: who the box is from now on, and what its answer is sealed with."""

    receiver_id: str
    password: str
    claim: admission.Claim
    code_key: bytes


def take(
    session: Session, token: bytes, *, address: str, now: Instant, secret: Secret
) -> Taken | Refusal:
    """Judge a box's claim and give it its place. A refusal is written down too, so commit either way.

    The same box with the same code gets the same answer again: what was sent may never have arrived.
    ``secret`` is the station's own; passwords are made from it so that they need be kept nowhere.
    """
    address = address[:64]
    if _failures(session, address, now) >= ADDRESS_MOST:
        return Refusal.SLOW
    try:
        asked = admission.read(token)
    except BadClaim:
        return _refuse(session, address, now, Refusal.SHAPE)
    claim = _with_code(session, asked.serial)
    if claim is None or claim.code_key is None:
        return _refuse(session, address, now, Refusal.REFUSED)
    if not admission.is_proven(asked, claim.code_key):
        _count_wrong(session, claim, address, now)
        return _refuse(session, address, now, Refusal.REFUSED)
    if (refusal := _judge(session, claim, asked, now)) is not None:
        return _refuse(session, address, now, refusal)
    password = _password(secret, claim, asked)
    code_key = claim.code_key
    if claim.state is State.WAITING:
        _settle_in(session, claim, asked, password, address, now)
    return Taken(claim.receiver_id, password, asked, code_key)


def _with_code(session: Session, serial: str) -> Claim | None:
    """The claim of that serial that has a code; none for a receiver put out of service meanwhile."""
    found = sa.select(Claim).where(
        Claim.serial == serial, Claim.state.in_(OPEN), Claim.code_key.is_not(None)
    )
    claim = session.scalars(found.order_by(Claim.id.desc())).first()
    if claim is None or (claim.kind is not Kind.REISSUE and claim.claimed_at is None):
        return claim
    receiver = session.get(Receiver, claim.receiver_id)
    return claim if receiver is not None and receiver.active else None


def _judge(session: Session, claim: Claim, asked: admission.Claim, now: Instant) -> Refusal | None:
    """What stands against one who knows the code."""
    if claim.state is State.CLAIMED and claim.public_key != asked.x:
        return Refusal.USED
    if not _in_time(claim, now):
        return Refusal.EXPIRED
    return Refusal.KEY if _is_known_key(session, asked.x, claim.receiver_id) else None


def _in_time(claim: Claim, now: Instant) -> bool:
    until = claim.code_until or Instant(0)
    if claim.state is State.CLAIMED and claim.claimed_at is not None:
        until = max(
            until, after(claim.claimed_at, CODE_LIFE)
        )  # its power may have been cut just then
    return now < until


def _is_known_key(session: Session, x: str, receiver_id: str) -> bool:
    """A key is one box's own: neither another receiver's, nor one that was taken back."""
    others = sa.select(Receiver.id).where(Receiver.public_key == x, Receiver.id != receiver_id)
    former = sa.select(FormerKey.receiver_id).where(FormerKey.public_key == x)
    return session.scalar(others) is not None or session.scalar(former) is not None


def _password(secret: Secret, claim: Claim, asked: admission.Claim) -> str:
    text = f"loa claim {claim.id} {claim.receiver_id} {asked.x}".encode()
    return signing.b64(hmac.new(str(secret).encode(), text, hashlib.sha256).digest())[:32]


def _settle_in(
    session: Session, claim: Claim, asked: admission.Claim, password: str, address: str, now: Instant
) -> None:  # fmt: skip
    receiver = session.get(Receiver, claim.receiver_id)
    if receiver is not None and claim.kind is not Kind.REISSUE and claim.claimed_at is None:
        claim.receiver_id, receiver = claims.next_number(session), None  # added by hand meanwhile
    if receiver is None:
        _add_receiver(session, claim, asked, password, now)
    else:
        _give_new_key(session, receiver, asked.x, password, now)
        clones.settle(session, receiver.id, now=now, by=claim.added_by)
    claim.state, claim.claimed_at, claim.claimed_from = State.CLAIMED, now, address
    claim.public_key, claim.clock_off_ms, claim.wrong = asked.x, asked.t - now, 0
    audit.append(
        session, now, claim.receiver_id, "claim.taken", claim=claim.id, serial=claim.serial,
        key=signing.fingerprint(signing.PublicKey(claim.receiver_id, asked.x)), address=address,
    )  # fmt: skip


def _add_receiver(
    session: Session, claim: Claim, asked: admission.Claim, password: str, now: Instant
) -> None:
    receivers.add(
        session, id=claim.receiver_id, name=claim.name, area=claim.area, public_key=asked.x,
        password=password, volume=claim.volume, households=claim.households, lat=claim.lat, lon=claim.lon,
        confirmed=False, now=now, by=claim.added_by,
    )  # fmt: skip


def _give_new_key(
    session: Session, receiver: Receiver, x: str, password: str, now: Instant
) -> None:
    """A receiver that begins anew. Its journals are closed as they are: what never came will not come any more."""
    receiver.password_hash = broker.hash_password(password)
    receiver.confirmed_at, receiver.plan_stale = None, True
    if (
        receiver.public_key == x
    ):  # the same box, which has lost what it was given, and not its journal
        return
    newest = max((key.until for key in claims.former_keys(session, receiver.id)), default=None)
    session.add(
        FormerKey(public_key=receiver.public_key, receiver_id=receiver.id,
                  since=receiver.added_at if newest is None else newest, until=now)
    )  # fmt: skip
    receiver.public_key = x
    journals = sa.select(Journal).where(
        Journal.receiver_id == receiver.id, Journal.closed_at.is_(None)
    )
    for journal in session.scalars(journals):
        journal.closed_at = now
        audit.append(
            session, now, audit.SYSTEM, "journal.closed",
            receiver=receiver.id, jid=journal.jid, upto=journal.upto,
        )  # fmt: skip
    session.flush()


def _count_wrong(session: Session, claim: Claim, address: str, now: Instant) -> None:
    claim.wrong += 1
    audit.append(
        session, now, audit.SYSTEM, "claim.wrong", claim=claim.id, serial=claim.serial, address=address
    )  # fmt: skip
    if claim.is_dead:
        claim.code = claim.code_key = claim.code_until = None
        audit.append(session, now, audit.SYSTEM, "claim.dead", claim=claim.id, serial=claim.serial)


def _failures(session: Session, address: str, now: Instant) -> int:
    recent = sa.select(sa.func.count()).where(
        Failure.address == address, Failure.at > after(now, -ADDRESS_WITHIN)
    )
    return session.scalar(recent) or 0


def _refuse(session: Session, address: str, now: Instant, refusal: Refusal) -> Refusal:
    session.execute(sa.delete(Failure).where(Failure.at <= after(now, -ADDRESS_WITHIN)))
    session.add(Failure(address=address, at=now))
    session.flush()
    return refusal
