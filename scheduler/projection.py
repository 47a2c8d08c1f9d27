"""Projection: everything that is to sound in a span of time, and what will not and why.

Where broadcasts are planned, their rows say it; beyond that the wishes of all sources do, through the same ``wanted``
the planner asks, judged as upkeep will judge them. ``sounds`` is the pure core; ``project`` reads the station.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from content import bulletins
from content.bulletins import Bulletin, Priority
from loa.times import HOUR, Instant, after
from scheduler import alerts, campaigns, context, declining, programmes, schedules
from scheduler.broadcasts import Broadcast, Delivery, State
from scheduler.context import Context
from scheduler.outlook import Outlook
from scheduler.sources import UNWANTED, Rules, Wanted, WhyNot
from scheduler.targets import Where

LONGEST = 6 * HOUR
"""What began longer ago than that is not looked for."""


class Sound(NamedTuple):
    """Something that is to sound, or would but for ``why_not``."""

    starts_at: Instant
    ends_at: Instant
    """Equal to ``starts_at`` while nobody knows how long it is."""
    priority: Priority
    where: Where
    title: str
    bulletin_id: int
    column: str
    """Of Broadcast, that names its source: schedule_id, programme_id, campaign_id or alert_id."""
    source_id: int
    item: int
    why_not: WhyNot | None
    broadcast_id: int | None
    """None: beyond what is planned."""
    name: str = ""
    """Decides between two that are equal in all else, as the occurrence id does on receivers."""
    origin: str = ""
    by: str = ""
    by_area_id: int | None = None
    resumes: bool = False
    is_relay: bool = False
    drill: bool = False
    approved: bool = True
    """False: unless it is approved before its time, it will not sound."""
    state: State | None = None
    """What became of its broadcast so far; None beyond what is planned."""

    @property
    def ms(self) -> int:
        """How long it sounds."""
        return self.ends_at - self.starts_at

    @property
    def key(self) -> tuple[str, int, Instant, int, int]:
        """The same for a row and for the wish it stands for."""
        return self.column, self.source_id, self.starts_at, self.bulletin_id, self.item


class Asking(NamedTuple):
    """A source and what to ask of it."""

    column: str
    source: Any
    wanted: Callable[[Any, Instant, Instant, Context], Sequence[Wanted]]


def project(
    session: Session,
    since: Instant,
    until: Instant,
    rules: Rules,
    *,
    columns: Collection[str] | None = None,
    found: Context | None = None,
    now: Instant | None = None,
) -> list[Sound]:
    """All that sounds, or would, within [since, until), in order of time.

    ``columns`` narrows it to kinds of source; ``found`` is the context, where it has been read already. After ``now``,
    where it is given, broadcasts that their source has since put elsewhere are left out: the new ones are told.
    """
    found = found or context.read(session, rules)
    asked = sources_of(session, until, columns)
    ahead = {each.key: each for each in sounds(asked, after(since, -LONGEST), until, found)}
    reached = {(each.column, each.source.id): each.source.planned_until for each in asked}
    rows = []
    for row in planned(session, after(since, -LONGEST), until, found, columns):
        wish = ahead.pop(row.key, None)
        # Beyond what is planned a row stands only as far as its source still wants it.
        if wish is None and row.starts_at >= reached.get((row.column, row.source_id), until):
            continue
        if now is not None and now < row.starts_at and row.why_not == UNWANTED:
            continue
        rows.append(row)
    both = [*rows, *ahead.values()]
    return sorted((each for each in both if _touches(each, since)), key=_by_time)


def sources_of(
    session: Session, until: Instant, columns: Collection[str] | None = None
) -> list[Asking]:
    """The sources that want something before ``until`` which is no broadcast yet."""
    kinds = (
        (alerts.KIND.column, alerts.unplanned, alerts.wanted),
        (schedules.KIND.column, schedules.unplanned, schedules.wanted),
        (programmes.KIND.column, programmes.unplanned, programmes.wanted),
        (campaigns.KIND.column, campaigns.unplanned, campaigns.wanted),
    )
    return [
        Asking(column, source, wanted)
        for column, unplanned, wanted in kinds
        if columns is None or column in columns
        for source in unplanned(session, until)
        if source.ended_at is None and not _is_withdrawn(source)
    ]


def _is_withdrawn(source: Any) -> bool:
    bulletin = getattr(source, "bulletin", None)
    return bulletin is not None and bulletin.state is bulletins.State.WITHDRAWN


def sounds(
    sources: Iterable[Asking],
    since: Instant,
    until: Instant,
    context: Context,
    outlook: Outlook | None = None,
) -> list[Sound]:
    """What these sources want in [since, until) beyond what is planned of them. Pure.

    ``outlook`` is that of the span, where it is known already.
    """
    foreseen = _Foreseen(context, outlook or Outlook(context, since, until))
    found: list[Sound] = []
    for column, source, wanted in sources:
        begin = max(since, source.planned_until)
        wishes = _asked(column, source, wanted, begin, until, context) if begin < until else ()
        found += [foreseen.sound(column, source.id, source.uid, wish) for wish in wishes]
    return found


def _asked(
    column: str,
    source: Any,
    wanted: Callable[[Any, Instant, Instant, Context], Sequence[Wanted]],
    since: Instant,
    until: Instant,
    context: Context,
) -> Sequence[Wanted]:
    """Schedules are asked again by campaigns, for what they leave: one expansion serves both."""
    if column == schedules.KIND.column:
        return context.wishes(source, wanted, since, until)
    return wanted(source, since, until, context)


class _Said(NamedTuple):
    """What is asked of a bulletin again and again."""

    id: int
    title: str
    priority: Priority
    approved: bool


class _Foreseen:
    """Wishes as sounds; what many of them share is looked up once."""

    def __init__(self, context: Context, outlook: Outlook) -> None:
        self._context, self._outlook = context, outlook
        self._said: dict[Bulletin, _Said] = {}
        self._lengths: dict[tuple[int, Where], tuple[int, int]] = {}

    def sound(self, column: str, source_id: int, uid: str, wish: Wanted) -> Sound:
        said = self._said.get(wish.bulletin) or self._note(wish.bulletin)
        start, relay = wish.starts_at, wish.relay
        least, most = self._length(wish, said.id) if relay is None else (relay.ms, relay.ms)
        # Upkeep bars it language by language: as long as one of them may sound, it does.
        first_end, end = after(start, least), after(start, most)
        why_not = wish.why_not or self._outlook.objection(
            wish.bulletin, said.priority, start, first_end
        )
        return Sound(
            start, end, said.priority, wish.where, said.title, said.id, column, source_id, wish.item,
            why_not, None, f"{uid}.i{wish.item}" if wish.item else uid, wish.origin, wish.by,
            wish.by_area_id, wish.resumes, relay is not None, wish.drill, said.approved,
        )  # fmt: skip

    def _note(self, bulletin: Bulletin) -> _Said:
        approved = bulletin.state is bulletins.State.APPROVED
        self._said[bulletin] = found = _Said(
            bulletin.id, bulletin.title, bulletin.priority, approved
        )
        return found

    def _length(self, wish: Wanted, bulletin_id: int) -> tuple[int, int]:
        """In the shortest and the longest of the languages heard there."""
        known = (bulletin_id, wish.where)
        if known not in self._lengths:
            found = self._context.lengths_ms(wish.bulletin, wish.where) or {0}
            self._lengths[known] = min(found), max(found)
        return self._lengths[known]


def planned(
    session: Session,
    since: Instant,
    until: Instant,
    context: Context,
    columns: Collection[str] | None = None,
) -> list[Sound]:
    """The broadcasts that are planned to start in [since, until), in order of time."""
    found = sa.select(Broadcast).where(Broadcast.starts_at >= since, Broadcast.starts_at < until)
    if columns is not None:
        found = found.where(sa.or_(sa.false(), *(_is_of(column) for column in columns)))
    rows = session.scalars(found.order_by(Broadcast.starts_at, Broadcast.id)).all()
    unsaid = {row.bulletin_id for row in rows if not row.ms and row.relay is None}
    known = sa.select(Bulletin).where(Bulletin.id.in_(unsaid))
    by_id = {each.id: each for each in session.scalars(known)} if unsaid else {}
    without = declining.areas_without(session, since) if rows else {}
    barred = _barred(session, rows)
    told = [
        _of_row(row, by_id.get(row.bulletin_id), context, without.get(row.id, ())) for row in rows
    ]
    return [
        one._replace(why_not=WhyNot("quiet", row.reason or "")) if row.id in barred else one
        for row, one in zip(rows, told, strict=True)
    ]


def _barred(session: Session, rows: Iterable[Broadcast]) -> set[int]:
    """Those of them that quiet hours bar at every receiver: the row has no code of its own, for rules may change."""
    asked = [row.id for row in rows if row.reason and not (row.code or row.stop_requested_at)]
    if not asked:
        return set()
    is_all = sa.func.count() == sa.func.count(Delivery.barred_at)
    found = sa.select(Delivery.broadcast_id).where(Delivery.broadcast_id.in_(asked))
    return set(session.scalars(found.group_by(Delivery.broadcast_id).having(is_all)))


def _is_of(column: str) -> sa.ColumnElement[bool]:
    found: sa.ColumnElement[int | None] = getattr(Broadcast, column)
    return found.is_not(None)


def _of_row(
    row: Broadcast, bulletin: Bulletin | None, context: Context, without: tuple[int, ...]
) -> Sound:
    """``bulletin`` is given where no approval has told the row its length yet."""
    ms = row.relay.ms if row.relay else row.ms
    if not ms and bulletin is not None:
        ms = context.length_ms(bulletin, row.where)
    where = replace(row.where, except_area_ids=without) if without else row.where
    column, source_id = source_of(row)
    return Sound(
        row.starts_at, after(row.starts_at, ms), row.priority, where, row.title, row.bulletin_id,
        column, source_id, row.item, why_not(row), row.id, row.occurrence, row.origin, row.scheduler,
        row.by_area_id, row.resumes, row.relay is not None, row.drill, row.recording_sha is not None, row.state,
    )  # fmt: skip


def source_of(row: Broadcast) -> tuple[str, int]:
    """The column that names its source, and the source's id."""
    for column in ("schedule_id", "programme_id", "campaign_id", "alert_id"):
        source_id = getattr(row, column)
        if source_id is not None:
            return column, int(source_id)
    raise ValueError(f"broadcast {row.id} has no source")


def why_not(row: Broadcast) -> WhyNot | None:
    """Why a broadcast does not sound; None where it does, or may."""
    is_closed = row.state in (State.MISSED, State.CANCELLED)
    if row.stop_requested_at is None and not is_closed:
        return None
    return WhyNot(row.code or str(row.state), row.reason or "")


def _touches(sound: Sound, since: Instant) -> bool:
    return sound.starts_at >= since or sound.ends_at > since


def _by_time(sound: Sound) -> tuple[Instant, str]:
    return sound.starts_at, sound.name


def at_receiver(found: Iterable[Sound], context: Context, receiver_id: str) -> list[Sound]:
    """Those of them that the receiver is meant to hear, as the fleet now stands."""
    fleet = context.fleet
    return [each for each in found if receiver_id in fleet.resolve(each.where)]
