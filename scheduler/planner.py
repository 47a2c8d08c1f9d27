"""Planner: what schedules, programmes, campaigns and alerts want → broadcasts and their deliveries, and their upkeep.

Every wish becomes a row even when it will not sound (skipped, not approved, quiet hours, station was down): it
then says so, with the reason, instead of being silently absent. Running twice is harmless: a source is planned up to
its ``planned_until``, and the wishes beyond are held against the rows that are there.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import UTC
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from content import bulletins
from devices import areas, receivers
from devices.areas import Area
from devices.receivers import Receiver
from loa.languages import KINH
from loa.times import MINUTE, Instant, after, local
from scheduler import (
    alerts,
    broadcasts,
    campaigns,
    canned,
    context,
    programmes,
    schedules,
    targets,
    upkeep,
)
from scheduler.broadcasts import LIVE, Broadcast, Delivery, DeliveryState
from scheduler.context import Context
from scheduler.sources import ALL_PLANNED, Kind, Rules, Source, Wanted, WhyNot
from scheduler.targets import Where
from scheduler.upkeep import Held

__all__ = ["Held", "Rules", "plan"]

RENEW_AFTER = 5 * MINUTE
"""The planned span is moved on in steps, so that an idle station does not write every second."""
UNWANTED = WhyNot("changed", "Lịch đã đổi: lượt này không còn.")
WITHDRAWN = WhyNot("withdrawn", "Bản tin đã bị thu hồi.")
BY_STAFF = "stopped"
"""Code of a broadcast somebody stopped: the same wish does not bring it back."""


class Planning(NamedTuple):
    """A kind of source and its two questions (scheduler.sources)."""

    kind: Kind
    unplanned: Callable[[Session, Instant], Sequence[Any]]
    wanted: Callable[[Any, Instant, Instant, Context], Sequence[Wanted]]
    is_over: Callable[[Any, Instant, Any], bool]


PLANNINGS = tuple(
    Planning(module.KIND, module.unplanned, module.wanted, module.is_over)
    for module in (alerts, schedules, programmes, campaigns)
)


def plan(session: Session, now: Instant, rules: Rules, held: Held | None = None) -> int:
    """Bring broadcasts and deliveries in line with what staff want; returns how many broadcasts are new.

    ``held`` is filled with what each broadcast was held against; given again, once all of this is committed, it
    spares the look at those for which nothing has changed.
    """
    session.flush()
    new = _plan_sources(session, now, rules)
    upkeep.keep(session, now, rules, {} if held is None else held)
    canned.follow_approvals(session, now)
    session.flush()
    session.expire_all()  # many statements went past what the session holds
    return new


def _plan_sources(session: Session, now: Instant, rules: Rules) -> int:
    until = after(now, rules.horizon)
    found = context.read(session, rules)
    new = 0
    for planning in PLANNINGS:
        for source in planning.unplanned(session, after(until, -RENEW_AFTER)):
            if source.ended_at is None and _is_withdrawn(source):
                source.ended_at = now
            since = source.planned_until
            new += _plan(session, planning, source, (since, until), now, found)
            is_over = source.ended_at is not None or planning.is_over(source, until, rules.zone)
            source.planned_until = ALL_PLANNED if is_over else until
    return new


def _plan(
    session: Session,
    planning: Planning,
    source: Source,
    span: tuple[Instant, Instant],
    now: Instant,
    found: Context,
) -> int:
    """Hold what the source wants against the broadcasts it has; returns how many are new."""
    since, until = span
    ended = source.ended_at is not None
    wishes = [] if ended else planning.wanted(source, since, until, found)
    rows = _rows(session, planning.kind, source, after(since, -found.rules.late))
    new = _meet(session, planning.kind, source, wishes, rows, now, found.rules)
    wanted = {wish.key for wish in wishes}
    why = WITHDRAWN if _is_withdrawn(source) else planning.kind.ended if ended else UNWANTED
    for row in rows:
        if (row.starts_at < since and not ended) or _key(row) in wanted:
            continue
        if _may_be_closed(row, now):
            upkeep.close(session, row, DeliveryState.CANCELLED, *why, now)
    return new


def _is_withdrawn(source: Source) -> bool:
    """Of a source of one bulletin: whether that was taken back."""
    bulletin = getattr(source, "bulletin", None)
    return bulletin is not None and bulletin.state is bulletins.State.WITHDRAWN


def _rows(session: Session, kind: Kind, source: Source, since: Instant) -> Sequence[Broadcast]:
    """The broadcasts it has from then on, those that somebody has put an end to as well."""
    ours = getattr(Broadcast, kind.column) == source.id
    found = sa.select(Broadcast).where(ours, Broadcast.starts_at >= since)
    return session.scalars(found.order_by(Broadcast.id)).all()


def _key(row: Broadcast) -> tuple[Instant, int, int]:
    return row.starts_at, row.bulletin_id, row.item


def _may_be_closed(row: Broadcast, now: Instant) -> bool:
    """Not begun, and not ended yet. One without an approval does not begin at its time: it may within the leeway."""
    is_ahead = row.starts_at > now or row.recording_sha is None
    return is_ahead and row.stop_requested_at is None and row.state in LIVE


def _meet(
    session: Session,
    kind: Kind,
    source: Source,
    wishes: Sequence[Wanted],
    rows: Sequence[Broadcast],
    now: Instant,
    rules: Rules,
) -> int:
    """Make rows of the wishes that have none; bring those that have one in line. Returns how many are new."""
    known: dict[tuple[Instant, int, int], list[Broadcast]] = {}
    for row in rows:
        known.setdefault(_key(row), []).append(row)
    fresh = []
    for wish in wishes:
        before = known.get(wish.key, [])
        if not any(_stands_for(session, row, wish, now) for row in before):
            fresh.append((wish, _broadcast(kind, source, wish, len(before), now)))
    _add(session, fresh)
    for wish, row in fresh:
        _close_if_hopeless(session, row, wish, now, rules)
    return len(fresh)


def _stands_for(session: Session, row: Broadcast, wish: Wanted, now: Instant) -> bool:
    """True when the row is what the wish asks for, or was made to be; False when it needs a row anew."""
    if row.stop_requested_at is not None:
        is_told = wish.why_not is not None and row.code == wish.why_not.code
        return row.code == BY_STAFF or is_told or row.starts_at <= now
    if wish.why_not is not None:
        if _may_be_closed(row, now):
            upkeep.close(session, row, DeliveryState.CANCELLED, *wish.why_not, now)
        return True
    if row.starts_at > now:
        row.where, row.origin, row.by_area_id = wish.where, wish.origin, wish.by_area_id
        if (row.relay, row.resumes) != (wish.relay, wish.resumes):
            row.relay, row.resumes = wish.relay, wish.resumes
            broadcasts.touch(session, row)
    return True


def _add(session: Session, fresh: Sequence[tuple[Wanted, Broadcast]]) -> None:
    """Store the new rows, and one delivery of each at each receiver meant."""
    session.add_all([row for _, row in fresh])
    session.flush()
    alike: dict[Where, list[int]] = {}
    for wish, row in fresh:
        if wish.why_not is None:
            alike.setdefault(wish.where, []).append(row.id)
    for where, ids in alike.items():
        _deliver(session, ids, where)


def _close_if_hopeless(
    session: Session, row: Broadcast, wish: Wanted, now: Instant, rules: Rules
) -> None:
    if wish.why_not is not None:
        upkeep.close(session, row, DeliveryState.CANCELLED, *wish.why_not, now)
    elif after(row.starts_at, rules.late) < now:
        why = "Đến giờ phát thì đài không hoạt động nên lượt này không được giao cho đầu thu."
        upkeep.close(session, row, DeliveryState.MISSED, "not_sent", why, now)


def _broadcast(kind: Kind, source: Source, wish: Wanted, again: int, now: Instant) -> Broadcast:
    bulletin = wish.bulletin
    name = f"{source.uid}.{local(wish.starts_at, UTC):%Y%m%dT%H%M%SZ}"
    # A name is never used again: receivers play each once, for ever.
    name += "".join(f".{mark}{n}" for mark, n in (("i", wish.item), ("r", again)) if n)
    return Broadcast(
        occurrence=name, item=wish.item, origin=wish.origin, where=wish.where, by_area_id=wish.by_area_id,
        bulletin_id=bulletin.id, title=bulletin.title, priority=bulletin.priority, field=bulletin.field,
        starts_at=wish.starts_at, author=bulletin.author.name, scheduler=wish.by, planned_at=now, ms=0,
        relay=wish.relay, resumes=wish.resumes, drill=wish.drill, **{kind.column: source.id},
    )  # fmt: skip


def _deliver(session: Session, broadcast_ids: Collection[int], where: Where) -> None:
    """One delivery of each of these broadcasts at each receiver meant, in one statement."""
    meant = targets.standing_in(session, where)
    values = {
        "broadcast_id": Broadcast.id,
        "receiver_id": Receiver.id,
        "receiver_name": Receiver.name,
        "area_name": Area.level + " " + Area.name,
        "language": _language(session),
        "state": sa.literal(DeliveryState.PLANNED, Delivery.state.type),
        "ms": sa.literal(0),
    }
    rows = (
        sa.select(*values.values())
        .select_from(Receiver)
        .join(Area, Receiver.area_id == Area.id)
        .join(Broadcast, sa.true())
        .where(Broadcast.id.in_(broadcast_ids), meant)
        .order_by(Broadcast.id, Receiver.id)
    )
    session.execute(sa.insert(Delivery).from_select(list(values), rows, include_defaults=False))
    receivers.mark_stale(session, sa.select(Receiver.id).where(meant))


def _language(session: Session) -> sa.ColumnElement[str]:
    """The language heard where a receiver stands."""
    spoken: dict[str, list[int]] = {}
    for area_id, language in areas.spoken_in(session).items():
        spoken.setdefault(language, []).append(area_id)
    others = [(Receiver.area_id.in_(ids), code) for code, ids in spoken.items() if code != KINH]
    return sa.case(*others, else_=KINH) if others else sa.literal(KINH)
