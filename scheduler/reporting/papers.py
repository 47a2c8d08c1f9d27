"""The whole report of a period: figures, comparisons, who was not heard of, and what changed since it was issued.

The page, its files, the command line and reports by order all ask here, so that they say the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from loa.staff import Staff
from loa.times import Instant, local
from loa.words import say
from scheduler.exports import words
from scheduler.exports.tables import Document, Table
from scheduler.reporting import bulletin_codes, document, figures, fleet, issuing, log, unheard
from scheduler.reporting.figures import Figures, Inside
from scheduler.reporting.issuing import Change
from scheduler.reporting.periods import Period
from scheduler.reporting.tables import IssuedReport
from scheduler.reports import LogFilter

TITLE = say("Kết quả phát thanh của đài truyền thanh")
NOT_PLAYED = say(
    "Dòng “chưa có xác nhận” là kết quả mà đầu thu chưa báo kết quả về đài: không được hiểu là đã phát, cũng không "
    "được hiểu là không phát."
)


@dataclass(frozen=True)
class About:
    """For whom and when a report is made."""

    station: str
    zone: ZoneInfo
    now: Instant
    inside: Inside = None
    """Areas it is confined to; None is the whole station."""

    @property
    def today(self) -> date:
        return local(self.now, self.zone).date()


@dataclass(frozen=True)
class Issued:
    """How the report stands to what was issued of its period."""

    number: int
    """How often it was issued."""
    at: Instant
    """When it was issued last."""
    changes: list[Change]
    """Since then; where nothing changed since, what the last issue changed of the one before."""
    is_since: bool
    """Whether the changes came after the last issue."""


@dataclass(frozen=True)
class Paper:
    """A period's report, and the figures it was made of."""

    document: Document
    figures: Figures
    issued: Issued | None
    """None: never issued, or for a part of the station only."""


def of_period(
    session: Session, period: Period, about: About, *, with_receivers: bool = True,
    with_areas: bool = True,
) -> Paper:  # fmt: skip
    """All of it; ``with_receivers``, ``with_areas``: with a table of them, which takes longer.

    What was issued is compared area by area, and always has them.
    """
    zone, inside = about.zone, about.inside
    with_areas = with_areas or bool(_issues(session, period, about))
    found = figures.of_period(session, period, zone, inside, with_areas=with_areas)
    before = figures.total(session, period.before(), zone, inside)
    made = document.of_period(
        found, before, title=TITLE, station=about.station, made_on=about.today
    )
    if with_receivers:
        made.tables.append(of_receivers(session, period, about))
    since, until = period.bounds(zone)
    named = unheard.of(session, figures.within(since, until), inside)
    made.footnotes += unheard.footnotes(named, zone)
    issued = _compare(session, period, made, about)
    if issued is not None and not with_receivers:
        made.sentences.append(say("Thay đổi theo từng đầu thu có trong các tệp tải về."))
    return Paper(made, found, issued)


def of_receivers(session: Session, period: Period, about: About) -> Table:
    """One line per receiver."""
    return document.of_receivers(
        fleet.of_period(session, period, about.zone, about.now, about.inside)
    )


def of_areas(session: Session, period: Period, about: About) -> Table:
    """One line per area."""
    return document.of_areas(figures.areas_of_period(session, period, about.zone, about.inside))


def of_log(
    session: Session, wanted: LogFilter, period: Period, about: About, *, codes: bool = False,
    notes: bool = True,
) -> Document:  # fmt: skip
    """The log, its rows read while they are written; ``notes``: with its footnotes."""
    rows = rows_of_log(session, wanted, about, codes=codes)
    made = Document(
        rows.title, period.name, about.station, about.today, period.first, period.last, tables=[rows]
    )  # fmt: skip
    said = unheard.footnotes(unheard.of_log(session, wanted), about.zone) if notes else []
    made.footnotes = [NOT_PLAYED, *said] if said else []
    return made


def rows_of_log(session: Session, wanted: LogFilter, about: About, *, codes: bool = False) -> Table:
    """Its rows alone, read while they are written; ``codes``: under those of “nhật ký bản tin”."""
    if codes:
        return bulletin_codes.table(session, wanted, about.station)
    return Table("log", say("Nhật ký phát"), log.COLUMNS, log.rows(session, wanted))


def issue(session: Session, period: Period, about: About, staff: Staff) -> IssuedReport:
    """Keep the figures as they are now, as those that leave the house."""
    tables = of_period(session, period, about).document.tables
    return issuing.issue(session, period.bounds(about.zone), tables, staff, about.now)


def _issues(session: Session, period: Period, about: About) -> Sequence[IssuedReport]:
    """Of the whole station only: a part of it is never issued."""
    return issuing.of(session, *period.bounds(about.zone)) if about.inside is None else ()


def _compare(session: Session, period: Period, made: Document, about: About) -> Issued | None:
    """Say in the document what is not as it was issued."""
    known = _issues(session, period, about)
    if not known:
        return None
    issued = _issued(known, made.tables)
    made.sentences.append(_said(issued, about.zone))
    if issued.changes:
        title = (
            say("Thay đổi từ khi phát hành")
            if issued.is_since
            else say("Thay đổi so với lần phát hành trước")
        )
        made.tables.append(issuing.table(issued.changes, title))
    return issued


def _issued(known: Sequence[IssuedReport], tables: Sequence[Table]) -> Issued:
    newest, *older = known
    now: dict[str, Any] = issuing.figures(tables)
    changes = issuing.changes(newest.figures, now, tables)
    is_since = bool(changes) or not older
    if not is_since:
        changes = issuing.changes(older[0].figures, newest.figures, tables)
    return Issued(len(known), newest.issued_at, changes, is_since)


def _said(issued: Issued, zone: ZoneInfo) -> str:
    at = local(issued.at, zone)
    head = say(
        "Báo cáo đã phát hành lần %(number)s lúc %(clock)s ngày %(day)s",
        number=issued.number,
        clock=f"{at:%H:%M}",
        day=f"{at:%d/%m/%Y}",
    )
    n = words.number(len(issued.changes))
    if not issued.changes:
        return say("%(head)s; số liệu vẫn như khi phát hành.", head=head)
    if issued.is_since:
        return say(
            "%(head)s; từ đó đến nay %(n)s số liệu đã thay đổi, xem bảng “Thay đổi từ khi phát hành”.",
            head=head,
            n=n,
        )
    return say(
        "%(head)s; %(n)s số liệu khác với lần phát hành trước, "
        "xem bảng “Thay đổi so với lần phát hành trước”.",
        head=head,
        n=n,
    )
