"""Schedules: found, made, ended, a day of them skipped and put back; and "play now".

All through the gate of the pages: scheduler.schedules and scheduler.one_day.
"""

from __future__ import annotations

from dataclasses import replace

import sqlalchemy as sa
from sqlalchemy.orm import Session

from content import bulletins
from content.bulletins import Bulletin
from loa.errors import NotFound
from loa.tokens import Scope
from scheduler import exceptions, one_day, schedule_checks, schedules, targets
from scheduler.exceptions import Kind as ExceptionKind
from scheduler.exceptions import Otherwise
from scheduler.level_views import View
from scheduler.schedules import Kind, Rule, Schedule
from web import current, schedule_page
from web.api import paging, schedule_words
from web.api.routes import Route
from web.api.schedule_types import (
    ExceptionItem,
    NewSchedule,
    PlayNow,
    Restore,
    Scheduled,
    ScheduleItem,
    ScheduleQuery,
    Skip,
)
from web.api.wire import WEEKDAYS, Id, Page, clock, named_in

AT_ONCE = 200
"""Schedules looked at in one step, of which a person of one area may see only some."""


def listing(session: Session, query: ScheduleQuery) -> Page[ScheduleItem]:
    found = _visible(session, query)
    known = schedule_page.read_context(session)
    return paging.page(
        found, query, lambda each: schedule_words.item(each, known), lambda each: each.id
    )


def _visible(session: Session, query: ScheduleQuery) -> list[Schedule]:
    """One more than is asked for, where there are as many."""
    view, below = View(session, current.staff()), paging.after(query, Id)
    found: list[Schedule] = []
    while len(found) <= query.limit:
        rows = session.scalars(_asked(query, below)).all()
        found += view.sources(rows)
        if len(rows) < AT_ONCE:
            break
        below = rows[-1].id
    return found[: query.limit + 1]


def _asked(query: ScheduleQuery, below: int | None) -> sa.Select[Schedule]:
    found = sa.select(Schedule).order_by(Schedule.id.desc()).limit(AT_ONCE)
    if below is not None:
        found = found.where(Schedule.id < below)
    if query.bulletin_id is not None:
        found = found.where(Schedule.bulletin_id == query.bulletin_id)
    if query.ended is not None:
        found = found.where(Schedule.ended_at.is_not(None) == query.ended)
    return found


def show(session: Session, schedule_id: int) -> ScheduleItem:
    return _told(session, schedules.get(session, schedule_id))


def create(session: Session, body: NewSchedule) -> Scheduled:
    rule = _rule(body)
    with named_in("bulletin_id"):
        bulletin = bulletins.get(session, body.bulletin_id)
    schedule_checks.demand_ordinary(bulletin, "bulletin_id")
    with named_in("group_ids"):
        schedule = schedules.add(
            session, bulletin, current.staff(), rule, now=current.now(), zone=current.zone(),
            waived_why=body.waived_why,
        )  # fmt: skip
    return _scheduled(session, bulletin, schedule, rule)


def play_now(session: Session, body: PlayNow) -> Scheduled:
    with named_in("bulletin_id"):
        bulletin = bulletins.get(session, body.bulletin_id)
    schedule_checks.demand_ordinary(bulletin, "bulletin_id")
    with named_in("group_ids"):
        schedule = schedules.broadcast_now(
            session, bulletin, current.staff(), body.area_ids, group_ids=body.group_ids,
            except_ids=body.except_ids, now=current.now(), zone=current.zone(), waived_why=body.waived_why,
        )  # fmt: skip
    rule = Rule(
        kind=Kind.ONCE, at=schedule.at, start_date=schedule.start_date, area_ids=body.area_ids,
        group_ids=body.group_ids, except_ids=body.except_ids,
    )  # fmt: skip
    return _scheduled(session, bulletin, schedule, rule)


def end(session: Session, schedule_id: int) -> ScheduleItem:
    schedule = schedules.get(session, schedule_id)
    schedules.end(session, schedule, current.staff(), current.now())
    return _told(session, schedule)


def skip(session: Session, schedule_id: int, body: Skip) -> ExceptionItem:
    wanted = Otherwise(day=body.day, kind=ExceptionKind.SKIP, reason=body.reason)
    schedule = schedules.get(session, schedule_id)
    made = one_day.make(
        session, schedule, current.staff(), wanted, now=current.now(), zone=current.zone()
    )
    return schedule_words.exception(made, schedule)


def restore(session: Session, schedule_id: int, exception_id: int, body: Restore) -> ScheduleItem:
    """Take back what was made otherwise about a day."""
    schedule, exception = (
        schedules.get(session, schedule_id),
        exceptions.get(session, exception_id),
    )
    if exception.schedule_id != schedule_id:
        raise NotFound("Ngoại lệ này thuộc lịch khác. Hãy xem lại đường dẫn.")
    one_day.undo(
        session, schedule, exception, current.staff(), now=current.now(), zone=current.zone(),
        waived_why=body.waived_why,
    )  # fmt: skip
    return _told(session, schedule)


# -- between the types ----------------------------------------------------------------------------


def _rule(body: NewSchedule) -> Rule:
    """What was sent, as the pages' form would have it."""
    rule = Rule(
        kind=body.kind, at=clock(body.at, "at"), start_date=body.start_date, minutes=body.minutes,
        resumes=body.resumes, area_ids=body.area_ids, group_ids=body.group_ids, except_ids=body.except_ids,
    )  # fmt: skip
    if body.kind is Kind.ONCE:
        return rule
    return replace(
        rule,
        end_date=body.end_date,
        weekdays=tuple(sorted({WEEKDAYS.index(each) for each in body.weekdays}))
        if body.kind is Kind.WEEKDAYS
        else (),
        recurs=body.recurs if body.kind is Kind.OTHER else "",
        skips=body.skips,
    )


def _told(session: Session, schedule: Schedule) -> ScheduleItem:
    return schedule_words.item(schedule, schedule_page.read_context(session))


def _scheduled(session: Session, bulletin: Bulletin, schedule: Schedule, rule: Rule) -> Scheduled:
    return Scheduled(
        schedule=_told(session, schedule),
        receivers=targets.count(session, schedule.where),
        warnings=schedule_words.warnings(session, bulletin, rule, schedule),
    )


READ, WRITE = Scope.SCHEDULES_READ, Scope.SCHEDULES_WRITE
ROUTES = (
    Route("GET", "/schedules", listing, "Schedules, the last made first.", READ),
    Route("POST", "/schedules", create, "Schedule a bulletin; what it meets is told as warnings.", WRITE, 201),
    Route("GET", "/schedules/<id:schedule_id>", show, "A schedule.", READ),
    Route("POST", "/schedules/<id:schedule_id>/end", end, "End a schedule; what sounds goes on.", WRITE),
    Route("POST", "/schedules/<id:schedule_id>/skips", skip, "Leave out one day of a schedule.", WRITE, 201),
    Route(
        "POST", "/schedules/<id:schedule_id>/exceptions/<id:exception_id>/withdraw", restore,
        "Have a day that was skipped, moved or replaced be as the schedule says again.", WRITE,
    ),
    Route(
        "POST", "/broadcasts/now", play_now, "Broadcast an approved bulletin at once.",
        Scope.BROADCASTS_WRITE, 201,
    ),
)  # fmt: skip
