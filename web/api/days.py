"""Days: of which kind each is and why, and what staff say of single ones."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated

from msgspec import Meta
from sqlalchemy.orm import Session

from loa.errors import ScheduleError
from loa.times import local
from loa.tokens import Scope
from scheduler import amending, days
from scheduler.amending import Marking
from scheduler.days import DayMark
from web import current, plan_places, schedule_page
from web.api.routes import Route
from web.api.wire import Id, Moment, Person, Strict, Told, moment, perhaps, person

MOST_DAYS = 366


class DayQuery(Strict, frozen=True):
    """Which days."""

    first: date | None = None
    """Today where none is named."""
    last: date | None = None
    """The day itself belongs to it; a month where none is named."""


class DayItem(Told, frozen=True):
    """A day as the station sees it."""

    day: date
    kind: str
    name: str
    why: str
    """Tết Nguyên Đán, Thứ bảy, Quốc tang."""


class Days(Told, frozen=True):
    """Days in order."""

    items: list[DayItem]


class NewMark(Strict, frozen=True, kw_only=True):
    """Days that are to be of a kind, whatever the calendar says."""

    kind: Annotated[str, Meta(max_length=16)]
    """Key of one of the regulation's kinds of day."""
    first: date
    last: date | None = None
    """The day itself belongs to it; null is one day."""
    name: Annotated[str, Meta(max_length=200)]
    """On what occasion."""


class MarkItem(Told, frozen=True):
    """What was said of some days."""

    id: Id
    kind: str
    first: date
    last: date
    name: str
    by: Person
    made_at: Moment
    withdrawn_at: Moment | None


class Marks(Told, frozen=True):
    """What was said of today and later, and not taken back, in order of days."""

    items: list[MarkItem]


def listing(session: Session, query: DayQuery) -> Days:
    first = query.first or _today()
    last = query.last or first + timedelta(days=30)
    if last < first:
        raise ScheduleError("Ngày cuối đứng trước ngày đầu.", field="last")
    if (last - first).days >= MOST_DAYS:
        raise ScheduleError(f"Khoảng này dài hơn {MOST_DAYS} ngày. Hãy chia nhỏ.", field="last")
    calendar = days.calendar(schedule_page.read_context(session))
    span = (first + timedelta(days=n) for n in range((last - first).days + 1))
    return Days(items=[_day(each, calendar.kind(each)) for each in span])


def _day(day: date, found: days.Day) -> DayItem:
    return DayItem(day=day, kind=found.key, name=found.name, why=found.why)


def marks(session: Session) -> Marks:
    return Marks(items=[_mark(each) for each in amending.marks_ahead(session, _today())])


def mark(session: Session, body: NewMark) -> MarkItem:
    """It goes before the calendar and before what was said earlier; what is planned is thought over."""
    wanted = Marking(kind=body.kind, first=body.first, last=body.last or body.first, name=body.name)
    made = amending.mark(session, current.staff(), wanted, current.now(), plan_places.rules())
    return _mark(made)


def unmark(session: Session, mark_id: int) -> MarkItem:
    """The days are again what they were."""
    made = amending.get_mark(session, mark_id)
    amending.unmark(session, current.staff(), made, current.now(), plan_places.rules())
    return _mark(made)


def _mark(made: DayMark) -> MarkItem:
    return MarkItem(
        id=made.id, kind=made.kind, first=made.first, last=made.last, name=made.name, by=person(made.staff),
        made_at=moment(made.made_at), withdrawn_at=perhaps(made.withdrawn_at),
    )  # fmt: skip


def _today() -> date:
    return local(current.now(), current.zone()).date()


READ, WRITE = Scope.REGULATION_READ, Scope.DAYS_WRITE
ROUTES = (
    Route("GET", "/days", listing, "Of which kind each day is, and why.", READ),
    Route("GET", "/days/marks", marks, "What staff said of coming days.", READ),
    Route("POST", "/days/marks", mark, "Say of which kind some days are; for the whole station.", WRITE, 201),
    Route("POST", "/days/marks/<id:mark_id>/withdraw", unmark, "Take that back.", WRITE),
)  # fmt: skip
