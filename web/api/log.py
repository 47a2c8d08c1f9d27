"""The broadcast log: every delivery, narrowed as on its page, in parts or as a file."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Annotated, Literal, NamedTuple

import sqlalchemy as sa
from msgspec import Meta
from sqlalchemy.orm import Session

from content.bulletins import Priority
from loa.times import Instant, local
from loa.tokens import Scope
from scheduler import levels, reports
from scheduler.broadcasts import Broadcast, Delivery, DeliveryState
from scheduler.exports import files
from scheduler.reporting import papers, periods
from scheduler.reporting.papers import About
from scheduler.reports import LogFilter, LogRow
from web import archived, current, spreadsheets
from web.api import paging
from web.api.answers import File
from web.api.broadcasts import DeliveryItem, delivery
from web.api.paging import Listed
from web.api.routes import Route
from web.api.wire import Id, Moment, Page, ReceiverId, Strict, moment

SHOWN_DAYS = 7
KINDS = ("csv", "json", "xlsx")
FIRST_STEP, MOST_STEP = 50, 5_000
"""Broadcasts looked into at a time: of a narrow filter many have nothing."""


AreaName = Annotated[
    str, Meta(max_length=200, description="As it was then, with its level: thôn Bãi.")
]
Search = Annotated[str, Meta(max_length=200, description="Part of the bulletin's title.")]


class LogQuery(Listed, frozen=True):
    """Which deliveries, the newest broadcast first."""

    since: date | None = None
    """First day, of broadcasts by their time; the last seven where none is named."""
    until: date | None = None
    """The day itself belongs to it; today where none is named."""
    area: AreaName = ""
    receiver_id: ReceiverId = ""
    state: DeliveryState | None = None
    search: Search = ""


class LogFileQuery(Strict, frozen=True):
    """The same, all of them, as which file."""

    kind: Literal["csv", "json", "xlsx"] = "csv"
    since: date | None = None
    until: date | None = None
    area: AreaName = ""
    receiver_id: ReceiverId = ""
    state: DeliveryState | None = None
    search: Search = ""


Narrowed = LogQuery | LogFileQuery


class LogItem(DeliveryItem, frozen=True):
    """A delivery with its broadcast."""

    title: str
    priority: Priority
    starts_at: Moment
    drill: bool
    author: str
    approvers: list[str]
    scheduler: str
    origin: str


class Key(NamedTuple):
    """Where a part of the log ends: what it is ordered by."""

    starts_at: paging.Time
    broadcast_id: Id
    area_name: str
    receiver_name: str
    delivery_id: Id


def listing(session: Session, query: LogQuery) -> Page[LogItem]:
    wanted, key = _filter(session, query), paging.after(query, Key)
    with archived.also(session, wanted.since, wanted.until) as whole:
        rows = _rows(whole, wanted, key, query.limit + 1)
        return paging.page(rows, query, _item, _key)


def _rows(session: Session, wanted: LogFilter, key: Key | None, most: int) -> list[LogRow]:
    """The first of them behind ``key``. Broadcasts first: to sort a year of deliveries for fifty would take seconds."""
    wanted = reports.looked_up(session, wanted)
    both = sa.select(Broadcast, Delivery).join(Delivery, Delivery.broadcast_id == Broadcast.id)
    found = reports.narrowed(both, wanted).order_by(*reports.ORDER)
    if key is not None:
        found = found.where(_is_after(key))
    rows: list[LogRow] = []
    for ids in _broadcasts(session, wanted, key):
        here = found.where(Broadcast.id.in_(ids)).limit(most - len(rows))
        rows += [LogRow(broadcast, made) for broadcast, made in session.execute(here)]
        if len(rows) >= most:
            break
    return rows


def _broadcasts(session: Session, wanted: LogFilter, key: Key | None) -> Iterator[list[int]]:
    """Ids of those of the span, the newest first, from that of ``key`` on; ever more at a time."""
    last = (key.starts_at, key.broadcast_id + 1) if key else (wanted.until, 0)
    place, step = sa.tuple_(Broadcast.starts_at, Broadcast.id), FIRST_STEP
    while True:
        found = sa.select(Broadcast.starts_at, Broadcast.id).where(
            Broadcast.starts_at >= wanted.since, place < last
        )
        if wanted.titles is not None:
            found = found.where(Broadcast.title.in_(wanted.titles))
        rows = session.execute(
            found.order_by(Broadcast.starts_at.desc(), Broadcast.id.desc()).limit(step)
        ).all()
        yield [row.id for row in rows]
        if len(rows) < step:
            return
        last, step = (rows[-1].starts_at, rows[-1].id), min(2 * step, MOST_STEP)


def _is_after(key: Key) -> sa.ColumnElement[bool]:
    """In the order of the log, which goes down by time and up by place."""
    there = sa.tuple_(Delivery.area_name, Delivery.receiver_name, Delivery.id)
    return sa.or_(
        Broadcast.starts_at < key.starts_at,
        sa.and_(Broadcast.starts_at == key.starts_at, Broadcast.id < key.broadcast_id),
        sa.and_(
            Broadcast.starts_at == key.starts_at, Broadcast.id == key.broadcast_id, there > key[2:]
        ),
    )  # fmt: skip


def _key(row: LogRow) -> Key:
    made = row.delivery
    return Key(
        row.broadcast.starts_at, row.broadcast.id, made.area_name, made.receiver_name, made.id
    )


def _item(row: LogRow) -> LogItem:
    brief, broadcast = delivery(row.delivery), row.broadcast
    return LogItem(
        **{name: getattr(brief, name) for name in brief.__struct_fields__},
        title=broadcast.title, priority=broadcast.priority, starts_at=moment(broadcast.starts_at),
        drill=broadcast.drill, author=broadcast.author, approvers=broadcast.approver_names,
        scheduler=broadcast.scheduler, origin=broadcast.origin,
    )  # fmt: skip


def file(session: Session, query: LogFileQuery) -> File:
    """All of them."""
    wanted, (first, last) = _filter(session, query), _days(query)
    about = About(current.config().station.name, current.zone(), current.now(), wanted.within)
    with archived.also(session, wanted.since, wanted.until) as whole:
        found = papers.of_log(whole, wanted, periods.span(first, last), about)
        made = spreadsheets.made(found, query.kind)
    name = f"nhat-ky-phat-{first:%Y%m%d}-{last:%Y%m%d}.{query.kind}"
    return File(made, files.KINDS[query.kind], name)


def _filter(session: Session, query: Narrowed) -> LogFilter:
    since, until = _span(query)
    return LogFilter(
        since=since, until=until, area=query.area or None, receiver_id=query.receiver_id or None,
        state=query.state, search=query.search, within=levels.reach(session, current.staff()),
    )  # fmt: skip


def _span(query: Narrowed) -> tuple[Instant, Instant]:
    return reports.whole_days(*_days(query), current.zone())


def _days(query: Narrowed) -> tuple[date, date]:
    last = query.until or local(current.now(), current.zone()).date()
    return query.since or last - timedelta(days=SHOWN_DAYS - 1), last


READ = Scope.REPORTS_READ
ROUTES = (
    Route("GET", "/log", listing, "Every delivery of some days, the newest broadcast first.", READ),
    Route(
        "GET", "/log/file", file, "All of them as a file.", READ, media=tuple(files.KINDS[each] for each in KINDS)
    ),
)  # fmt: skip
