"""The other files of a bundle, line by line: the log, plans, approvals, keys, audit log, checkpoints, and the gaps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from content.decisions import Decision
from devices import claims
from devices.receivers import Receiver
from devices.signing import FOREVER, PublicKey
from loa.audit import AuditEntry
from loa.staff import Staff
from scheduler.broadcasts import OPEN, Broadcast, Delivery, DeliveryState
from scheduler.campaign_tables import Campaign
from scheduler.evidence.scope import Scope, Span
from scheduler.evidence.tables import Checkpoint
from scheduler.plans import Plan
from scheduler.reporting import expectations
from scheduler.reporting.tables import Expectation

Line = dict[str, Any]
MANY = 2_000
"""Rows fetched together."""
UNHEARD = OPEN | {DeliveryState.UNKNOWN}
PROVEN = (
    "reason", "accepted_at", "ready_at", "started_at", "started_raw_at", "ended_at", "late_ms", "played_ms", "volume",
    "rel", "evidence",
)  # fmt: skip
"""Columns of a delivery that follow from a journal."""


def deliveries(session: Session, receiver_id: str, scope: Scope) -> Iterator[Line]:
    """One line per delivery: what was to be, and what became of it."""
    found = (
        sa.select(Broadcast, Delivery, Campaign.name, Expectation)
        .join(Delivery, Delivery.broadcast_id == Broadcast.id)
        .outerjoin(Campaign, Campaign.id == Broadcast.campaign_id)
        .outerjoin(Expectation, Expectation.id == Delivery.expectation_id)
        .where(Delivery.receiver_id == receiver_id, scope.broadcasts())
    )
    rows = session.execute(found).all()
    for broadcast, delivery, campaign, expected in sorted(
        rows, key=lambda row: (row[0].starts_at, row[0].occurrence)
    ):
        yield _delivery(broadcast, delivery, campaign) | {
            "id": delivery.id, "origin": broadcast.origin, "expected": _expected(delivery, expected),
        }  # fmt: skip


def _expected(delivery: Delivery, frozen: Expectation | None) -> Line | None:
    """What was expected when its plan was sent; None while none was."""
    if frozen is None:
        return None
    told = {
        name: getattr(frozen, name)
        for name in (*expectations.TOLD, "approver", "frozen_at")
        if name != "priority"
    }
    return told | {
        "id": frozen.id, "priority": frozen.priority.value, "sha": delivery.expected_sha, "ms": delivery.expected_ms,
        "volume": delivery.expected_volume, "households": delivery.expected_households,
    }  # fmt: skip


def _delivery(broadcast: Broadcast, delivery: Delivery, campaign: str | None) -> Line:
    return {
        "rid": delivery.receiver_id, "occ": broadcast.occurrence, "starts_at": broadcast.starts_at,
        "receiver_name": delivery.receiver_name, "area": delivery.area_name, "language": delivery.language,
        "bulletin": broadcast.bulletin_id, "title": broadcast.title, "priority": broadcast.priority.value,
        "field": broadcast.field, "author": broadcast.author, "approvers": broadcast.approver_logins,
        "approver_names": broadcast.approver_names, "scheduler": broadcast.scheduler, "campaign": campaign,
        "alert": broadcast.alert_id, "drill": broadcast.drill, "planned_at": broadcast.planned_at,
        "stop_requested_at": broadcast.stop_requested_at, "stop_reason": broadcast.reason,
        "sha": delivery.recording_sha, "last_sha": delivery.last_sha, "ms": delivery.ms, "rev": delivery.rev,
        "dropped_at": delivery.dropped_at, "barred_at": delivery.barred_at, "sent_at": delivery.sent_at,
        "state": delivery.state.value, **{name: getattr(delivery, name) for name in PROVEN},
    }  # fmt: skip


def plans(session: Session, receiver_id: str, scope: Scope) -> Iterator[Line]:
    """Its plans as signed, from the first that orders anything of the scope."""
    first, last = session.execute(
        sa.select(sa.func.min(Delivery.rev), sa.func.max(Delivery.rev))
        .join(Broadcast, Delivery.broadcast_id == Broadcast.id)
        .where(Delivery.receiver_id == receiver_id, scope.broadcasts())
    ).one()
    if scope.archive:
        first, last = _made_too(session, receiver_id, scope, first, last)
    if scope.campaign is None:
        in_force = _in_force(session, receiver_id, scope)
        first = min((rev for rev in (first, in_force) if rev is not None), default=None)
    if first is None:
        return
    made = sa.or_(Plan.made_at < scope.until, Plan.rev <= (last or first))
    found = sa.select(Plan.rev, Plan.made_at, Plan.jws).where(
        Plan.receiver_id == receiver_id, Plan.rev >= first, made
    )
    for row in session.execute(found.order_by(Plan.rev).execution_options(yield_per=MANY)):
        yield {"rid": receiver_id, "rev": row.rev, "made_at": row.made_at, "jws": row.jws.decode()}


def _made_too(
    session: Session, receiver_id: str, scope: Scope, first: int | None, last: int | None
) -> tuple[int | None, int | None]:
    """The same bounds, so wide that each plan made before the period's end is within them."""
    low, high = session.execute(
        sa.select(sa.func.min(Plan.rev), sa.func.max(Plan.rev)).where(
            Plan.receiver_id == receiver_id, Plan.made_at < scope.until
        )
    ).one()
    lows, highs = ([n for n in pair if n is not None] for pair in ((first, low), (last, high)))
    return min(lows, default=None), max(highs, default=None)


def _in_force(session: Session, receiver_id: str, scope: Scope) -> int | None:
    """The plan that was in force when the scope began: what it ordered may have gone on into it."""
    found = sa.select(sa.func.max(Plan.rev))
    return session.scalar(found.where(Plan.receiver_id == receiver_id, Plan.made_at < scope.since))


def gaps(session: Session, receiver_id: str, scope: Scope, held: Sequence[Span]) -> Iterator[Line]:
    """What nobody can prove, by name."""
    rows = list(deliveries(session, receiver_id, scope))
    if rows and not held:
        yield {"rid": receiver_id, "gap": "never_heard"}
    for span in held:
        if span.journal.tampered_at is not None:
            yield {"rid": receiver_id, "gap": "contradicted", "jid": span.journal.jid}
        if span.journal.closed_at is not None:
            yield {"rid": receiver_id, "gap": "closed", "jid": span.journal.jid}
        if span.is_cut:
            yield {"rid": receiver_id, "gap": "cut", "jid": span.journal.jid}
    for row in rows:
        if row["state"] in UNHEARD:
            yield {"rid": receiver_id, "gap": "unconfirmed", "occ": row["occ"]}


def bulletin_ids(session: Session, scope: Scope) -> list[int]:
    """Bulletins that were to be heard."""
    found = sa.select(Broadcast.bulletin_id).where(scope.broadcasts()).distinct()
    return sorted(session.scalars(found))


def approvals(session: Session, bulletins: Sequence[int]) -> Iterator[Line]:
    """All that approvers ever said of these bulletins, with the hashes of what they heard."""
    found = sa.select(Decision, Staff.login, Staff.name).join(Staff, Decision.staff_id == Staff.id)
    for one, login, name in session.execute(
        found.where(Decision.bulletin_id.in_(bulletins)).order_by(Decision.id)
    ):
        yield {
            "id": one.id, "bulletin": one.bulletin_id, "version": one.version, "sounds": one.sounds,
            "approved": one.approved, "complete": one.complete, "reason": one.reason, "login": login, "name": name,
            "at": one.at, "ended_at": one.ended_at, "ended_why": one.ended_why,
        }  # fmt: skip


def staff(session: Session) -> Iterator[Line]:
    """Whose logins stand in the log. The names in its rows are those of their time; these are today's."""
    for one in session.scalars(sa.select(Staff).order_by(Staff.id)):
        yield {"login": one.login, "name": one.name, "role": one.role.value}


def keys(
    session: Session, station: Sequence[PublicKey], receivers: Sequence[str]
) -> Iterator[Line]:
    """Public keys and when each was good: the station's, and those these receivers have or had."""
    for one in station:
        yield {
            "kind": "station", "kid": one.kid, "x": one.x, "roles": list(one.roles),
            "since": one.from_, "until": one.until,
        }  # fmt: skip
    for rid in receivers:
        yield from _receiver_keys(session, rid)


def _receiver_keys(session: Session, rid: str) -> Iterator[Line]:
    receiver = session.get_one(Receiver, rid)
    since: int = receiver.added_at
    for former in sorted(claims.former_keys(session, rid), key=lambda key: key.until):
        yield _receiver_key(rid, former.public_key, former.since, former.until)
        since = former.until
    yield _receiver_key(rid, receiver.public_key, since, FOREVER)


def _receiver_key(rid: str, x: str, since: int, until: int) -> Line:
    return {"kind": "receiver", "rid": rid, "x": x, "since": since, "until": until}


def first_audit_row(session: Session, scope: Scope, bulletins: Sequence[int]) -> int:
    """The row from which on the log bears on the scope: from the first approval of what was heard."""
    approved = session.scalar(
        sa.select(sa.func.min(Decision.at)).where(Decision.bulletin_id.in_(bulletins))
    )
    since = min(scope.since, scope.since if approved is None else approved)
    return session.scalar(sa.select(sa.func.min(AuditEntry.n)).where(AuditEntry.at >= since)) or 1


def audit_rows(session: Session, first: int, last: int) -> Iterator[Line]:
    """The rows of the audit log with these numbers."""
    columns = ("n", "at", "actor", "kind", "data", "previous", "hash")
    found = sa.select(*(getattr(AuditEntry, name) for name in columns)).where(
        AuditEntry.n >= first, AuditEntry.n <= last
    )
    for row in session.execute(found.order_by(AuditEntry.n).execution_options(yield_per=MANY)):
        yield dict(zip(columns, row, strict=True))


def checkpoints(session: Session, first: int, last: int) -> Iterator[Line]:
    """The signed checkpoints of that stretch."""
    found = sa.select(Checkpoint).where(Checkpoint.n >= first, Checkpoint.n <= last)
    for one in session.scalars(found.order_by(Checkpoint.n)):
        yield {"n": one.n, "hash": one.hash, "at": one.at, "jws": one.jws.decode()}


def campaign_name(session: Session, scope: Scope) -> str | None:
    """What the campaign is called, where the scope is one."""
    return None if scope.campaign is None else session.get_one(Campaign, scope.campaign).name
