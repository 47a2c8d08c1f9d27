"""Dispatcher: a receiver's deliveries of the next hours → one signed plan → the outbox.

Receivers are served many at a time: however many they are, the same few statements read what their plans must
say and store what was signed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy.orm import Session

from content.bulletins import Priority
from devices import messages, signing
from devices.receivers import Presence, Receiver
from devices.signing import PrivateKey
from loa import audit, bulk
from loa.times import HOUR, Instant, after
from scheduler import canned, early, occurrences, plans, regulation
from scheduler.broadcasts import Broadcast, Delivery
from scheduler.occurrences import Carried
from scheduler.plans import Lane, Outgoing, Plan, Signed

RENEW_AFTER = 24 * HOUR
"""An unchanged plan is signed anew so that it does not expire on a receiver nobody has news for."""
PLAN_TYPE = "loa-plan"
AT_ONCE = 1_000
"""Receivers served together: few enough to let others write in between, many enough to cost few statements."""
FIRST = 200
"""The first to be served together: their plans are on their way while the next are made."""
LONGEST = 6 * HOUR
"""No recording sounds as long; what began before is no longer urgent."""
NOBODY_ASKS: Mapping[str, str] = {}
Row = sa.Row[*tuple[Any, ...]]


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
    audio_url: str = ""
    """Where sounds may be had over HTTPS, too."""

    @property
    def kids(self) -> tuple[str, str]:
        """Names of the keys in use."""
        return self.plan_key.public.kid, self.emergency_key.public.kid


class Served(NamedTuple):
    """``looked_at``: receivers whose plans were held against what they must say; ``made``: plans made anew."""

    looked_at: int
    made: int


def dispatch(
    session: Session, now: Instant, terms: Terms, nonces: Mapping[str, str] = NOBODY_ASKS
) -> int:
    """Make, sign and queue the plans that have changed or grown old; returns how many.

    ``nonces``: receiver id → what it said to learn the time; it gets a plan at once that says it back.
    """
    made = dispatch_nonces(session, now, terms, nonces)
    while True:
        served = dispatch_some(session, now, terms)
        made += served.made
        if served.looked_at < AT_ONCE:
            return made


def portions() -> Iterator[int]:
    """How many to serve together, each time."""
    yield min(FIRST, AT_ONCE)
    while True:
        yield AT_ONCE


def dispatch_some(
    session: Session, now: Instant, terms: Terms, most: int | None = None,
    nonces: Mapping[str, str] = NOBODY_ASKS,
) -> Served:  # fmt: skip
    """Serve up to ``most`` (else AT_ONCE) of the receivers that need it; again until fewer were looked at.

    ``nonces``: what ``dispatch_nonces`` was given at the same ``now``: a newer plan says it back as well, for it may
    be the only one that arrives.
    """
    session.flush()
    due = _due(now, terms)
    (receiver_id,) = due.selected_columns
    is_urgent = receiver_id.in_(_urgent(now, terms))
    due = due.order_by(sa.case((is_urgent, 0), else_=1), receiver_id)
    ids = list(session.scalars(due.limit(AT_ONCE if most is None else most)))
    return Served(len(ids), _serve(session, ids, now, terms, nonces) if ids else 0)


def dispatch_urgent(
    session: Session, now: Instant, terms: Terms, most: int | None = None,
    nonces: Mapping[str, str] = NOBODY_ASKS,
) -> Served:  # fmt: skip
    """As ``dispatch_some``, but only those that have an emergency to hear of, or something to leave."""
    session.flush()
    due = _due(now, terms)
    (receiver_id,) = due.selected_columns
    urgent = due.where(receiver_id.in_(_urgent(now, terms))).order_by(receiver_id)
    ids = list(session.scalars(urgent.limit(AT_ONCE if most is None else most)))
    return Served(len(ids), _serve(session, ids, now, terms, nonces) if ids else 0)


def dispatch_nonces(session: Session, now: Instant, terms: Terms, nonces: Mapping[str, str]) -> int:
    """Give these receivers plans that say back their nonces; returns how many."""
    session.flush()
    made, asking = 0, sorted(nonces)
    for start in range(0, len(asking), AT_ONCE):
        some = asking[start : start + AT_ONCE]
        found = sa.select(Receiver.id).where(Receiver.id.in_(some), Receiver.active)
        if ids := list(session.scalars(found)):
            made += _serve(session, ids, now, terms, nonces)
    return made


def is_due(session: Session, now: Instant, terms: Terms) -> bool:
    """Whether any receiver waits to be served."""
    when = {"retired": now - terms.valid, "made": now - RENEW_AFTER}
    return session.scalar(_IS_ANY_DUE, when) is not None


def _due(now: Instant, terms: Terms) -> sa.Select[str]:
    """Ids of the receivers whose plans are to be looked at."""
    return _due_since(now - terms.valid, now - RENEW_AFTER)


def _due_since(
    retired: int | sa.BindParameter[int], made: int | sa.BindParameter[int]
) -> sa.Select[str]:
    """Of those retired since then, too; and those with plans made until then."""
    # One retired lately is told that it has nothing left to play; its old plan runs out after that.
    retired_lately = Receiver.retired_at > retired
    stale = sa.select(Receiver.id).where(
        Receiver.plan_stale, sa.or_(Receiver.active, retired_lately)
    )
    # Mostly none has: from the old plans to their receivers, not a look at every receiver's plan.
    old_plans = sa.select(Outgoing.receiver_id).where(Outgoing.made_at <= made)
    grown_old = sa.select(Receiver.id).where(Receiver.active, Receiver.id.in_(old_plans))
    either = sa.union(stale, grown_old).subquery()
    return sa.select(either.c.id)


# Asked after every commit: made once.
_IS_ANY_DUE = _due_since(sa.bindparam("retired"), sa.bindparam("made")).limit(1)


def _urgent(now: Instant, terms: Terms) -> sa.Select[str]:
    """Ids of the receivers that have an emergency to hear of, or something to leave."""
    return (
        sa.select(Delivery.receiver_id)
        .join(Broadcast, Delivery.broadcast_id == Broadcast.id)
        .where(
            Delivery.state.in_(occurrences.ASKED),
            Broadcast.starts_at > now - LONGEST,
            Broadcast.starts_at < after(now, terms.horizon),
            sa.or_(
                Broadcast.priority == Priority.EMERGENCY,
                sa.and_(occurrences.is_left(), Delivery.rev.is_not(None)),
            ),
        )
    )


@dataclass(frozen=True)
class _Common:
    """What all plans made together share."""

    now: Instant
    terms: Terms
    quiet: tuple[tuple[str, str], ...]
    """Spans, "hh:mm" each."""
    checkpoint: messages.Checkpoint
    nonces: Mapping[str, str]
    kept: canned.Kept
    early: Mapping[str, early.Files]
    """Receiver → sounds to fetch though nothing orders them yet."""


def _serve(
    session: Session, ids: Sequence[str], now: Instant, terms: Terms, nonces: Mapping[str, str]
) -> int:
    wanted = occurrences.wanted(session, ids, now, terms)
    n, h = audit.checkpoint(session)
    quiet = tuple(
        (f"{span.since:%H:%M}", f"{span.until:%H:%M}") for span in regulation.quiet_at(session, now)
    )
    kept = canned.kept(session)
    ahead = early.sounds(session, ids)
    common = _Common(now, terms, quiet, messages.Checkpoint(n=n, h=h), nonces, kept, ahead)
    made = [
        signed
        for receiver in _receivers(session, ids)
        if (signed := _make(receiver, wanted.get(receiver.id, []), common)) is not None
    ]
    plans.queue(session, made, now)
    session.execute(
        sa.update(Receiver)
        .where(bulk.among(session, Receiver.id, ids), Receiver.plan_stale)
        .values(plan_stale=False)
        .execution_options(synchronize_session=False)
    )
    session.expire_all()  # the statements above went past what the session holds
    return len(made)


def _receivers(session: Session, ids: Sequence[str]) -> Sequence[Row]:
    """All columns of these receivers; the revision each last said it has (``seen``); its newest plan."""
    found = (
        sa.select(*Receiver.__table__.columns, Presence.rev.label("seen"), Outgoing.rev, Outgoing.made_at, Plan.jws)
        .outerjoin(Presence, Presence.receiver_id == Receiver.id)
        .outerjoin(Outgoing, Outgoing.receiver_id == Receiver.id)
        .outerjoin(Plan, sa.and_(Plan.receiver_id == Receiver.id, Plan.rev == Outgoing.rev))
        .where(bulk.among(session, Receiver.id, ids))
        .order_by(Receiver.id)
    )  # fmt: skip
    return session.execute(found).all()


def _settings(receiver: Row, quiet: tuple[tuple[str, str], ...], terms: Terms) -> messages.Settings:
    return messages.Settings(
        vol=receiver.volume,
        hb=terms.heartbeat_seconds,
        quiet=quiet,
        tz=terms.timezone,
        delay_ms=receiver.delay_ms,
        mute=receiver.muted,
        boot=receiver.restarts,
    )


def _make(receiver: Row, wanted: list[Carried], common: _Common) -> Signed | None:
    """The receiver's next plan; None when the last one still says it all."""
    now, terms = common.now, common.terms
    settings = _settings(receiver, common.quiet, terms)
    nonce = common.nonces.get(receiver.id, "")
    seen = receiver.seen if receiver.seen and receiver.seen <= now + plans.MOST_AHEAD else 0
    ahead = common.early.get(receiver.id, {})
    # One nobody has heard yet may stand anywhere: it gets nothing to be played by hand.
    sounds = _canned(receiver, common) if receiver.confirmed_at is not None else None
    is_news = nonce or any(each.unnamed is not None for each in wanted)
    if not is_news and _still_holds(receiver, seen, settings, sounds, wanted, common):
        return None
    document = messages.Plan(
        v=1, rid=receiver.id, rev=max((receiver.rev or 0) + 1, seen + 1, now), iat=now,
        exp=after(now, terms.valid), hz=after(now, terms.horizon), set=settings,
        aud={**(common.kept.files if sounds else {}), **ahead, **{each.occurrence.sha: each.audio for each in wanted}},
        occ=tuple(each.occurrence for each in wanted), chk=common.checkpoint, nz=nonce,
        can=sounds, base=terms.audio_url,
    )  # fmt: skip
    urgent = bool(nonce or ahead) or any(o.cls == "E" or o.st == "off" for o in document.occ)
    document, jws = _sign(document, terms)
    held = {occurrence.id for occurrence in document.occ}
    carried = [each for each in wanted if each.occurrence.id in held]
    return Signed(
        receiver.id, document.rev, jws, Lane.URGENT if urgent else Lane.PLAN, is_first=receiver.rev is None,
        carries=tuple(each.unnamed for each in carried if each.unnamed is not None),
    )  # fmt: skip


def _last(receiver: Row) -> messages.Plan | None:
    """The plan it was last given."""
    if receiver.rev is None:
        return None
    return messages.decode(signing.payload(receiver.jws), messages.Plan)


def _canned(receiver: Row, common: _Common) -> tuple[messages.Canned, ...] | None:
    """What it is to keep. Said in every plan once it was ever said: absent would let an old set stay."""
    return common.kept.sounds if common.kept.sounds or _was_canned(receiver) else None


def _was_canned(receiver: Row) -> bool:
    """Whether its last plan said what to keep."""
    # Mostly it said null, which costs a tenth of decoding it. In a text the quotes would not stand alone.
    if receiver.rev is None or b'"can":null' in signing.payload(receiver.jws):
        return False
    before = _last(receiver)
    return before is not None and before.can is not None


def _still_holds(
    receiver: Row,
    seen: int,
    settings: messages.Settings,
    sounds: tuple[messages.Canned, ...] | None,
    wanted: list[Carried],
    common: _Common,
) -> bool:
    """True when a new plan would differ from the last only in what is over."""
    # A receiver that knows a higher revision than we do has outlived a restore of our database.
    if receiver.rev is None or seen > receiver.rev:
        return False
    if receiver.made_at <= common.now - RENEW_AFTER:
        return False
    if signing.kid_of(receiver.jws) not in common.terms.kids:
        return False
    before = _last(receiver)
    if before is None:
        return False
    ahead = common.early.get(receiver.id, {})
    if early.named_in(before) != ahead.keys() - {each.occurrence.sha for each in wanted}:
        return False
    if (before.set, before.can, before.base) != (settings, sounds, common.terms.audio_url):
        return False
    still = tuple(occurrence for occurrence in before.occ if occurrence.end > common.now)
    return still == tuple(each.occurrence for each in wanted if each.occurrence.end > common.now)


def _sign(document: messages.Plan, terms: Terms) -> tuple[messages.Plan, bytes]:
    """The plan and its JWS; of what does not fit a receiver's limit, the least needed is left out."""
    jws = _signed(document, terms)
    if len(jws) <= messages.MAX_PLAN_BYTES:
        return document, jws
    least_needed_first = sorted(document.occ, key=_need)
    too_few, enough = 0, len(least_needed_first)
    while enough - too_few > 1:
        half = (too_few + enough) // 2
        if (
            len(_signed(_without(document, least_needed_first[:half]), terms))
            <= messages.MAX_PLAN_BYTES
        ):
            enough = half
        else:
            too_few = half
    document = _without(document, least_needed_first[:enough])
    return document, _signed(document, terms)


def _need(occurrence: messages.Occurrence) -> tuple[int, int]:
    """Normal before priority, each from its far end; alarms and what is to fall silent only where those are gone."""
    if occurrence.cls == "E" or occurrence.st == "off":
        return 2, -occurrence.at
    return int(occurrence.cls == "P"), -occurrence.at


def _without(document: messages.Plan, left_out: Sequence[messages.Occurrence]) -> messages.Plan:
    ids = {occurrence.id for occurrence in left_out}
    kept = tuple(occurrence for occurrence in document.occ if occurrence.id not in ids)
    shas = {o.sha for o in kept} | {c.sha for c in document.can or ()} | early.named_in(document)
    aud = {sha: audio for sha, audio in document.aud.items() if sha in shas}
    return msgspec.structs.replace(document, occ=kept, aud=aud)


def _signed(document: messages.Plan, terms: Terms) -> bytes:
    # What is kept for an emergency may be played by hand in quiet hours: only that key may bring it.
    emergency = document.can is not None or any(o.cls == "E" for o in document.occ)
    key = terms.emergency_key if emergency else terms.plan_key
    return key.sign(messages.encode(document), PLAN_TYPE)
