"""Reports: the figures of a period, of its receivers and of a campaign, as values or as files."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

from sqlalchemy.orm import Session

from loa.times import local
from loa.tokens import Scope
from scheduler import levels
from scheduler.exports import files
from scheduler.exports.tables import Column, Document, Kind, Table
from scheduler.reporting import papers, periods
from scheduler.reporting.papers import About
from scheduler.reporting.periods import Period
from scheduler.retention import reading
from web import archived, current, spreadsheets
from web import reports as pages
from web.api.answers import File
from web.api.routes import Route
from web.api.wire import Strict, Told, moment

MEDIA = tuple(files.KINDS.values())
FileKind = Literal["csv", "json", "xlsx", "docx"]


class Span(Strict, frozen=True):
    """Which days."""

    since: date | None = None
    """This month where nothing is said."""
    until: date | None = None
    """The day itself belongs to it."""


class SpanFile(Span, frozen=True):
    """Which days, as which file."""

    kind: FileKind = "docx"


class CampaignFile(Strict, frozen=True):
    """As which file."""

    kind: FileKind = "docx"


class ColumnItem(Told, frozen=True):
    """A column of a table."""

    key: str
    title: str
    kind: Kind
    """`minutes` are kept as milliseconds, `rate` is 0 to 1, `megabytes` are bytes."""


class TableItem(Told, frozen=True):
    """A table; each row is an object with the keys of the columns, and unknown is null, never 0."""

    key: str
    title: str
    note: str
    columns: list[ColumnItem]
    rows: list[dict[str, str | int | float | bool | None]]


class ReportItem(Told, frozen=True):
    """A report."""

    title: str
    station: str
    period: str
    first: date
    last: date
    made_on: date
    sentences: list[str]
    tables: list[TableItem]
    footnotes: list[str]


def period(session: Session, query: Span) -> ReportItem:
    span = _period(query)
    with archived.also(session, *_with_before(span)) as whole:
        return _told(papers.of_period(whole, span, _about(whole), with_receivers=False).document)


def period_file(session: Session, query: SpanFile) -> File:
    """With a table of the receivers."""
    span = _period(query)
    with archived.also(session, *_with_before(span)) as whole:
        found = papers.of_period(whole, span, _about(whole)).document
        return _file(found, query.kind, f"bao-cao-{span.first:%Y%m%d}-{span.last:%Y%m%d}")


def receivers(session: Session, query: Span) -> TableItem:
    span = _period(query)
    with archived.also(session, *_with_before(span)) as whole:
        return _table(papers.of_receivers(whole, span, _about(whole)))


def campaign(session: Session, campaign_id: int) -> ReportItem:
    with archived.also(session, *reading.campaign_span(session, campaign_id)) as whole:
        return _told(pages.of_campaign(whole, campaign_id)[0])


def campaign_file(session: Session, campaign_id: int, query: CampaignFile) -> File:
    with archived.also(session, *reading.campaign_span(session, campaign_id)) as whole:
        found, _ = pages.of_campaign(whole, campaign_id)
        return _file(found, query.kind, f"bao-cao-chien-dich-{campaign_id}")


def _period(query: Span) -> Period:
    month = periods.month(local(current.now(), current.zone()).date())
    return periods.span(query.since or month.first, query.until or month.last)


def _with_before(span: Period) -> Any:
    """Also the period before, with which it is compared."""
    zone = current.zone()
    return span.before().bounds(zone)[0], span.bounds(zone)[1]


def _about(session: Session) -> About:
    inside = levels.reach(session, current.staff())
    return About(current.config().station.name, current.zone(), current.now(), inside)


# -- as it is told --------------------------------------------------------------------------------


def _told(found: Document) -> ReportItem:
    return ReportItem(
        title=found.title, station=found.station, period=found.period, first=found.first, last=found.last,
        made_on=found.made_on, sentences=list(found.sentences), footnotes=list(found.footnotes),
        tables=[_table(each) for each in found.tables],
    )  # fmt: skip


def _table(found: Table) -> TableItem:
    columns = [ColumnItem(key=each.key, title=each.title, kind=each.kind) for each in found.columns]
    return TableItem(
        key=found.key, title=found.title, note=found.note, columns=columns,
        rows=[
            {column.key: _value(column, value) for column, value in zip(found.columns, row, strict=True)}
            for row in found.rows
        ],
    )  # fmt: skip


def _value(column: Column, value: Any) -> Any:
    if value is not None and column.kind is Kind.MOMENT:
        return moment(value).isoformat()
    return value.isoformat() if isinstance(value, date) else value


def _file(found: Document, kind: str, name: str) -> File:
    return File(spreadsheets.made(found, kind), files.KINDS[kind], f"{name}.{kind}")


READ = Scope.REPORTS_READ
ROUTES = (
    Route("GET", "/reports/period", period, "The figures of a period.", READ),
    Route("GET", "/reports/period/file", period_file, "The same as a file, with a table of the receivers.", READ,
          media=MEDIA),
    Route("GET", "/reports/receivers", receivers, "The figures of a period, receiver by receiver.", READ),
    Route("GET", "/reports/campaigns/<id:campaign_id>", campaign, "The figures of a campaign.", READ),
    Route("GET", "/reports/campaigns/<id:campaign_id>/file", campaign_file, "The same as a file.", READ, media=MEDIA),
)  # fmt: skip
