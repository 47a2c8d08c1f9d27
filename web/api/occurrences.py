"""Single days of a schedule: when it is heard next, one moved, one given another bulletin."""

from __future__ import annotations

from sqlalchemy.orm import Session

from loa.times import DAY, after
from scheduler import one_day, schedules, series
from scheduler.exceptions import Kind, Otherwise
from scheduler.series import Occasion
from web import current, schedule_page
from web.api import paging, schedule_words
from web.api.routes import Route
from web.api.schedule_types import (
    ExceptionItem,
    Move,
    OccurrenceItem,
    OccurrenceQuery,
    OtherDay,
    Replace,
)
from web.api.schedules import READ, WRITE
from web.api.wire import Page, clock, named_in


def listing(session: Session, schedule_id: int, query: OccurrenceQuery) -> Page[OccurrenceItem]:
    """Also those that are not heard, with the reason."""
    schedule, known = schedules.get(session, schedule_id), schedule_page.read_context(session)
    now, zone = current.now(), current.zone()
    ahead: list[Occasion] = []
    if schedule.ended_at is None:
        until = after(now, query.days * DAY)
        ahead = series.occasions(schedule, now, until, zone, schedule.exceptions, known)
    key = paging.after(query, tuple[int, bool])
    shown = [each for each in ahead if key is None or _key(each) > key]
    rows = schedule_page.rows(shown, known, query.limit + 1)
    return paging.page(rows, query, schedule_words.occurrence, lambda each: _key(each.occasion))


def _key(occasion: Occasion) -> tuple[int, bool]:
    """In order of time; of two at once that one first which is heard."""
    return occasion.at, not occasion.is_heard


def move(session: Session, schedule_id: int, body: Move) -> ExceptionItem:
    to_time = clock(body.to_time, "to_time") if body.to_time else None
    wanted = Otherwise(
        day=body.day, kind=Kind.MOVE, to_day=body.to_day, to_time=to_time, reason=body.reason
    )
    return _make(session, schedule_id, wanted, body)


def replace(session: Session, schedule_id: int, body: Replace) -> ExceptionItem:
    wanted = Otherwise(
        day=body.day, kind=Kind.REPLACE, bulletin_id=body.bulletin_id, reason=body.reason
    )
    with named_in("bulletin_id"):
        return _make(session, schedule_id, wanted, body)


def _make(session: Session, schedule_id: int, wanted: Otherwise, body: OtherDay) -> ExceptionItem:
    schedule = schedules.get(session, schedule_id)
    made = one_day.make(
        session, schedule, current.staff(), wanted, now=current.now(), zone=current.zone(),
        waived_why=body.waived_why,
    )  # fmt: skip
    return schedule_words.exception(made, schedule)


ROUTES = (
    Route(
        "GET", "/schedules/<id:schedule_id>/occurrences", listing,
        "The coming days of a schedule, also those on which it is silent.", READ,
    ),
    Route(
        "POST", "/schedules/<id:schedule_id>/moves", move,
        "Have one day of a schedule be heard at another time.", WRITE, 201,
    ),
    Route(
        "POST", "/schedules/<id:schedule_id>/replacements", replace,
        "Have another bulletin be heard on one day of a schedule.", WRITE, 201,
    ),
)  # fmt: skip
