"""Planner: what schedules, programmes, campaigns and alerts want → broadcasts and their deliveries, and their upkeep.

Every wish becomes a row even when it will not sound (skipped, not approved, quiet hours, station was down): it
then says so, with the reason, instead of being silently absent. Running twice is harmless: a source is planned up to
its ``planned_until``, and the wishes beyond are held against the rows that are there.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import UTC
from itertools import count
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from content import bulletins
from content.bulletins import Bulletin
from devices import areas, receivers
from devices.areas import Area
from devices.receivers import Receiver
from loa.languages import KINH
from loa.times import MINUTE, Instant, after, local
from loa.words import say
from scheduler import (
    alert_watch,
    alerts,
    campaigns,
    canned,
    context,
    days,
    exceptions,
    level_follow,
    meeting,
    programme_begun,
    programmes,
    schedules,
    targets,
    upkeep,
)
from scheduler.alerts import Alert
from scheduler.broadcasts import Broadcast, Delivery, DeliveryState
from scheduler.context import Context
from scheduler.schedule_tables import Schedule
from scheduler.sources import ALL_PLANNED, UNWANTED, Kind, Rules, Source, Wanted, WhyNot
from scheduler.targets import Where
from scheduler.upkeep import Held

__all__ = ["Held", "Rules", "plan", "plan_ahead", "plan_urgent"]

RENEW_AFTER = 5 * MINUTE
"""The planned span is moved on in steps, so that an idle station does not write every second."""
WITHDRAWN = WhyNot("withdrawn", say("Bản tin đã bị thu hồi."))

_CAMPAIGNS = 0
"""In ``held``, where no broadcast has this id: what was looked at for plays that campaigns lost."""


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
    alert_watch.follow(session, now)
    held = {} if held is None else held
    looked = campaigns.rethink(session, now, rules, held.get(_CAMPAIGNS))
    new = _plan_sources(session, now, rules)
    level_follow.follow(session, now)
    upkeep.keep(session, now, rules, held)
    held[_CAMPAIGNS] = looked
    canned.follow_approvals(session, now)
    session.flush()
    session.expire_all()  # many statements went past what the session holds
    return new


def plan_urgent(session: Session, now: Instant, rules: Rules, held: Held | None = None) -> int:
    """The same for alarms alone, and for what sounds of a bulletin just withdrawn: they wait for nothing else."""
    session.flush()
    alert_watch.follow(session, now)
    new = _plan_kind(session, PLANNINGS[0], now, context.read(session, rules))
    upkeep.keep_urgent(session, now, rules, {} if held is None else held)
    session.flush()
    session.expire_all()  # many statements went past what the session holds
    return new


def _plan_sources(session: Session, now: Instant, rules: Rules) -> int:
    found = context.read(session, rules)
    programmes.follow_sounds(session, now, found)
    _ask_again(session, now, rules)
    return sum(_plan_kind(session, planning, now, found) for planning in PLANNINGS)


def _plan_kind(session: Session, planning: Planning, now: Instant, found: Context) -> int:
    until, zone = after(now, found.rules.horizon), found.rules.zone
    new = 0
    for source in planning.unplanned(session, after(until, -RENEW_AFTER)):
        if source.ended_at is None and _is_withdrawn(source):
            source.ended_at = now
        since = source.planned_until
        new += _plan(session, planning, source, (since, until), now, found)
        is_over = source.ended_at is not None or planning.is_over(source, until, zone)
        source.planned_until = ALL_PLANNED if is_over else until
    return new


def plan_ahead(
    session: Session, column: str, source: Any, key: tuple[Instant, int, int], now: Instant, rules: Rules
) -> Broadcast | None:  # fmt: skip
    """The broadcast of one wish beyond what is planned, named by its ``Wanted.key``; None where it is wished no more.

    Where its time comes the planner finds it there, and takes it back if its source no longer wants it.
    """
    planning = next(each for each in PLANNINGS if each.kind.column == column)
    found, moment = context.read(session, rules), key[0]
    wishes = _wishes(planning, source, moment, after(moment, 1), found)
    wishes = [wish for wish in wishes if wish.key == key]
    before = [row for row in _rows(session, planning.kind, source, moment) if _key(row) == key]
    _meet(session, planning.kind, source, wishes, before, now, rules)
    session.flush()
    rows = _rows(session, planning.kind, source, moment)
    return next((row for row in rows if wishes and _key(row) == key), None)


def _ask_again(session: Session, now: Instant, rules: Rules) -> None:
    """Ask schedules and alarms anew where a bulletin that was not in force on a day is now.

    Programmes and campaigns follow their bulletins themselves.
    """
    out = (Broadcast.code == upkeep.NOT_VALID, Broadcast.starts_at > now)
    asked: tuple[tuple[type[Schedule] | type[Alert], Any], ...]
    asked = ((Schedule, Broadcast.schedule_id), (Alert, Broadcast.alert_id))
    for table, column in asked:
        found = (
            sa.select(table, Broadcast.starts_at, Bulletin)
            .join(Broadcast, column == table.id)
            .join(Bulletin, Broadcast.bulletin_id == Bulletin.id)
            .where(*out, table.ended_at.is_(None), Bulletin.state != bulletins.State.WITHDRAWN)
        )
        rows: Sequence[Any] = session.execute(found).unique().all()
        for source, starts_at, bulletin in rows:
            if upkeep.is_valid(bulletin, starts_at, rules.zone):
                exceptions.rethink(source, now)


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
    wishes = [] if ended else _wishes(planning, source, since, until, found)
    rows = _rows(session, planning.kind, source, after(since, -found.rules.late))
    wishes = programme_begun.without_repeats(session, source.id, wishes, rows, now)
    new = _meet(session, planning.kind, source, wishes, rows, now, found.rules)
    wanted = {wish.key for wish in wishes}
    why = WITHDRAWN if _is_withdrawn(source) else planning.kind.ended if ended else UNWANTED
    for row in rows:
        is_asked = (
            since <= row.starts_at < until
        )  # one made ahead of its time is asked about at its time
        if not (is_asked or ended) or _key(row) in wanted:
            continue
        if meeting.may_be_closed(row, now):
            upkeep.close(session, row, DeliveryState.CANCELLED, *why, now)
        elif row.code == upkeep.NOT_VALID and row.starts_at > now:
            row.code, row.reason = why  # nobody waits for its bulletin any more
    return new


def _wishes(
    planning: Planning, source: Source, since: Instant, until: Instant, found: Context
) -> list[Wanted]:
    """What the source wants, and why it is not to sound where the kind of its day silences it."""
    wanted = planning.wanted(source, since, until, found)
    return meeting.one_each([days.held_back(wish, found) for wish in wanted])


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
    taken = {row.occurrence for row in rows}
    fresh = []
    for wish in wishes:
        before = known.get(wish.key, [])
        if not meeting.is_met(session, before, wish, now, rules.zone):
            fresh.append((wish, _broadcast(kind, source, wish, _name(source, wish, taken), now)))
    _add(session, fresh)
    for wish, row in fresh:
        _close_if_hopeless(session, row, wish, now, rules)
    return len(fresh)


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
        why = say("Đến giờ phát thì đài không hoạt động nên lượt này không được giao cho đầu thu.")
        upkeep.close(session, row, DeliveryState.MISSED, "not_sent", why, now)


def _name(source: Source, wish: Wanted, taken: set[str]) -> str:
    """What receivers are to know it by. A name is never used again: receivers play each once, for ever."""
    stem = f"{source.uid}.{local(wish.starts_at, UTC):%Y%m%dT%H%M%SZ}"
    stem += f".i{wish.item}" if wish.item else ""
    # Another bulletin may have been meant for the same second before.
    names = (stem if again == 0 else f"{stem}.r{again}" for again in count())
    name = next(each for each in names if each not in taken)
    taken.add(name)
    return name


def _broadcast(kind: Kind, source: Source, wish: Wanted, name: str, now: Instant) -> Broadcast:
    bulletin = wish.bulletin
    return Broadcast(
        occurrence=name, item=wish.item, day=wish.day, origin=wish.origin, where=wish.where,
        by_area_id=wish.by_area_id,
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
