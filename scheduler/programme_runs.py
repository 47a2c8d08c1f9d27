"""Runs: on which days a programme is heard, when it begins, and what of its running order fits. Pure: no database.

The page where a programme is built, the planner, and whoever asks about the future take their answers from ``runs_on``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Literal, NamedTuple

from content.bulletins import Bulletin, Priority
from content.bulletins import State as BulletinState
from content.relays import Relay
from loa.times import DAY, SECOND, Instant, after, local
from loa.words import counted, join, say
from scheduler import days, exceptions, programme_times, recurrence, running_order
from scheduler.context import Context
from scheduler.exceptions import ScheduleException
from scheduler.programme_tables import Item, ItemKind, Programme
from scheduler.programme_times import Frame
from scheduler.running_order import Entry, Fate, Length, Placed, Sum
from scheduler.sources import Wanted, WhyNot
from scheduler.targets import Where

COLUMN: Literal["programme_id"] = "programme_id"
BEFORE = 2
"""Days before a span that a run may have begun on and reach into it, in whatever zone."""


class Part(NamedTuple):
    """An entry of one run."""

    item: Item
    asked: int | None
    """Milliseconds; None while its sound is not made."""
    placed: Placed
    starts_at: Instant
    why_not: WhyNot | None

    @property
    def is_heard(self) -> bool:
        return self.why_not is None and self.placed.is_heard


class Fill(NamedTuple):
    """Minutes that a programme gives to campaigns."""

    starts_at: Instant
    ms: int
    where: Where
    programme_id: int
    item: int


@dataclass(frozen=True)
class Run:
    """One day of a programme."""

    programme: Programme
    day: date
    """By the series."""
    frame: Frame
    parts: list[Part]
    total: Sum
    exception: ScheduleException | None = None

    @property
    def starts_at(self) -> Instant:
        return self.frame.starts_at

    @property
    def ends_at(self) -> Instant:
        """When its time is over, whatever of it is used."""
        return after(self.frame.starts_at, self.frame.room)


@dataclass
class Asking:
    """What stays the same for all runs of one programme."""

    programme: Programme
    context: Context
    lengths: dict[int, int] = field(default_factory=dict)

    def length(self, bulletin: Bulletin) -> int | None:
        """None while its sound is not made."""
        if bulletin.id not in self.lengths:
            where = self.programme.where
            self.lengths[bulletin.id] = self.context.length_ms(bulletin, where)
        return self.lengths[bulletin.id] or None


def runs(programme: Programme, since: Instant, until: Instant, context: Context) -> list[Run]:
    """Its runs that begin in [since, until), in order of time, also those that will not sound."""
    return [
        run for run in _around(programme, since, until, context) if since <= run.starts_at < until
    ]


def _around(programme: Programme, since: Instant, until: Instant, context: Context) -> list[Run]:
    """Runs that begin in the span or reach into it, and perhaps some beside it."""
    zone, one = context.rules.zone, Asking(programme, context)
    first = local(since, zone).date() - timedelta(days=BEFORE)
    last = local(until, zone).date() + timedelta(days=1)
    found = [run for day in _days(programme, first, last, context) for run in runs_on(one, day)]
    return sorted(found, key=lambda run: run.starts_at)


def _days(programme: Programme, first: date, last: date, context: Context) -> Iterator[date]:
    """Days of the series in [first, last), and those that an exception moves there from elsewhere."""
    span = (programme.rule, programme.start_date, programme.end_date)
    yield from recurrence.dates(*span, first, last)
    for each in context.exceptions.get((COLUMN, programme.id), ()):
        is_moved = each.kind is exceptions.Kind.MOVE and each.to_day is not None
        if is_moved and not first <= each.day < last:
            yield from days_of(programme, each.day)


def days_of(programme: Programme, day: date) -> list[date]:
    """That day, if it is one of the series."""
    span = (programme.rule, programme.start_date, programme.end_date)
    return list(recurrence.dates(*span, day, day + timedelta(days=1)))


def runs_on(one: Asking, day: date) -> list[Run]:
    """The run of that day of the series, and where it is moved to another time that one as well; none where its time
    does not exist or its session is not held."""
    exception = exceptions.on(one.context, COLUMN, one.programme.id, day)
    found = programme_times.frames(one.programme, day, exception, one.context)
    return [_run(one, day, frame, exception) for frame in found]


def _run(one: Asking, day: date, frame: Frame, exception: ScheduleException | None) -> Run:
    instead = _instead(one.programme, exception)
    items = sorted([*one.programme.items, *instead], key=lambda item: item.place)
    barred = [_barred(one, item, frame, exception) for item in items]
    entries = [_entry(one, item, why is not None) for item, why in zip(items, barred, strict=True)]
    placed = running_order.lay(entries, frame.room)
    parts = [
        Part(item, entry.ms, place, after(frame.starts_at, place.at), frame.why_not or why or _cut(place, frame))
        for item, entry, place, why in zip(items, entries, placed, barred, strict=True)
    ]  # fmt: skip
    return Run(
        one.programme,
        day,
        frame,
        parts,
        running_order.total(entries, placed, frame.room),
        exception,
    )


# -- its entries ----------------------------------------------------------------------------------


def _instead(programme: Programme, exception: ScheduleException | None) -> list[Item]:
    """The bulletin that takes the programme's place between the chimes."""
    if exception is None or exception.kind is not exceptions.Kind.REPLACE:
        return []
    others = [item.place for item in programme.items if item.kind is not ItemKind.CHIME]
    return [
        Item(place=min(others, default=0), kind=ItemKind.BULLETIN, bulletin=exception.bulletin,
             bulletin_id=exception.bulletin_id, ms=0)
    ]  # fmt: skip


def _entry(one: Asking, item: Item, barred: bool) -> Entry:
    bulletin = item.bulletin
    if bulletin is None:
        return Entry(item.ms, Length.FILL, barred)
    if bulletin.relay is not None:
        return Entry(item.ms or bulletin.relay.ms, Length.RELAY, barred)
    return Entry(one.length(bulletin), Length.SOUND, barred)


def _barred(
    one: Asking, item: Item, frame: Frame, exception: ScheduleException | None
) -> WhyNot | None:
    """Why it is not heard on that day, whatever time there is."""
    bulletin, zone = item.bulletin, one.context.rules.zone
    day, clock = local(frame.starts_at, zone).date(), local(frame.starts_at, zone).time()
    is_replaced = exception is not None and exception.kind is exceptions.Kind.REPLACE
    if (
        exception
        and is_replaced
        and item.kind is not ItemKind.CHIME
        and item in one.programme.items
    ):
        return exceptions.why_not(exception, clock)
    if bulletin is not None and bulletin.state is BulletinState.WITHDRAWN:
        return WhyNot("withdrawn", say("Bản tin đã bị thu hồi."))
    if bulletin is not None and not _is_valid(bulletin, day):
        return WhyNot("not_valid", say("Bản tin không còn hiệu lực vào ngày này."))
    priority = bulletin.priority if bulletin is not None else Priority.NORMAL
    why = days.calendar(one.context).forbids(frame.starts_at, priority)
    return WhyNot(days.CODE, why) if why is not None else None


def _is_valid(bulletin: Bulletin, day: date) -> bool:
    since, until = bulletin.valid_from, bulletin.valid_until
    return (since is None or since <= day) and (until is None or day <= until)


def _cut(placed: Placed, frame: Frame) -> WhyNot | None:
    if placed.fate not in (Fate.PARTLY, Fate.NOT):
        return None
    return WhyNot(
        "cut",
        say("Không vừa %(limit)s: thiếu %(length)s.", limit=frame.limit, length=words(placed.over)),
    )


def words(ms: int) -> str:
    """3 phút 05 giây; a second that has begun counts."""
    seconds = -(-ms // SECOND)
    if seconds < 60:
        return counted("%(n)s giây", seconds)
    return say(
        "%(minutes)s phút %(seconds)s giây",
        minutes=seconds // 60,
        seconds=f"{seconds % 60:02d}",
    )


# -- what comes of it -----------------------------------------------------------------------------


def wanted(
    programme: Programme, since: Instant, until: Instant, context: Context
) -> Sequence[Wanted]:
    """What a programme wants in [since, until): one broadcast for each entry but minutes for campaigns."""
    return [
        _wish(run, part, part.item.bulletin)
        for run in _around(programme, since, until, context)
        for part in run.parts
        if part.item.bulletin is not None and since <= part.starts_at < until
    ]


def _wish(run: Run, part: Part, bulletin: Bulletin) -> Wanted:
    programme, stream = run.programme, bulletin.relay
    relay = Relay(stream.url, part.placed.ms, stream.hosts) if stream else None
    return Wanted(
        starts_at=part.starts_at, bulletin=bulletin, where=programme.where, origin=origin(run, part),
        by=programme.staff.name, by_area_id=programme.staff.area_id, item=part.item.place, day=run.day,
        relay=relay, why_not=part.why_not,
    )  # fmt: skip


def origin(run: Run, part: Part) -> str:
    """By which rule, in words."""
    programme, exception = run.programme, run.exception
    told = say(
        "Chương trình “%(name)s”, mục %(place)s, %(frame)s, %(rule)s",
        name=programme.name,
        place=part.item.place,
        frame=run.frame.name,
        rule=recurrence.words(programme.rule, programme.start_date),
    )
    instead = ""
    if exception is not None and exception.kind is exceptions.Kind.MOVE:
        instead = say("; dời từ ngày %(day)s", day=f"{exception.day:%d/%m/%Y}")
    if exception is not None and exception.kind is exceptions.Kind.REPLACE:
        instead = say("; thay chương trình ngày %(day)s", day=f"{exception.day:%d/%m/%Y}")
    return join("", [told, instead, "."])


def fills(
    programmes: Sequence[Programme], since: Instant, until: Instant, context: Context
) -> list[Fill]:
    """The minutes that these programmes give to campaigns, begun in [since, until), in order of time."""
    found = [
        Fill(part.starts_at, part.placed.ms, programme.where, programme.id, part.item.place)
        for programme in programmes
        if programme.ended_at is None
        for run in _around(programme, since, until, context)
        for part in run.parts
        if part.item.kind is ItemKind.FILL and part.is_heard and since <= part.starts_at < until
    ]
    return sorted(found, key=lambda fill: (fill.starts_at, fill.programme_id))


def busy_until(programme: Programme, now: Instant, context: Context) -> Instant:
    """When the run that is on has used up its time; ``now`` where none is."""
    on = [
        run.ends_at
        for run in _around(programme, now, after(now, 1), context)
        if run.starts_at <= now < run.ends_at and run.frame.why_not is None
    ]
    return max(on, default=now)


def without_end(programme: Programme, now: Instant, context: Context) -> Run:
    """The running order by itself, for one that is never heard or whose time nobody has said yet."""
    room = sum(item.ms for item in programme.items) + len(programme.items) * DAY
    frame = Frame(now, room, "", "", WhyNot("no_slot", say("Chương trình chưa có giờ phát.")))
    return _run(Asking(programme, context), local(now, context.rules.zone).date(), frame, None)
