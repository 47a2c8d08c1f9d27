"""Schedules: found, made, changed, ended, a day of them skipped and put back; and "play now".

All through the gate of the pages: scheduler.schedules and scheduler.one_day.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from content import bulletins
from content.bulletins import Bulletin
from loa.errors import NotFound
from loa.tokens import Scope
from scheduler import exceptions, one_day, schedule_checks, schedules, targets
from scheduler.exceptions import Kind as ExceptionKind
from scheduler.exceptions import Otherwise
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
    Timing,
)
from web.api.wire import Page, named_in


def listing(session: Session, query: ScheduleQuery) -> Page[ScheduleItem]:
    found = paging.sources(session, query, _asked(query), Schedule.id)
    known = schedule_page.read_context(session)
    return paging.page(
        found, query, lambda each: schedule_words.item(each, known), lambda each: each.id
    )


def _asked(query: ScheduleQuery) -> sa.Select[Schedule]:
    found = sa.select(Schedule)
    if query.bulletin_id is not None:
        found = found.where(Schedule.bulletin_id == query.bulletin_id)
    if query.ended is not None:
        found = found.where(Schedule.ended_at.is_not(None) == query.ended)
    return found


def show(session: Session, schedule_id: int) -> ScheduleItem:
    return _told(session, schedules.get(session, schedule_id))


def create(session: Session, body: NewSchedule) -> Scheduled:
    rule = schedule_words.rule(body)
    with named_in("bulletin_id"):
        bulletin = bulletins.get(session, body.bulletin_id)
    schedule_checks.demand_ordinary(bulletin, "bulletin_id")
    with named_in("group_ids"):
        schedule = schedules.add(
            session, bulletin, current.staff(), rule, now=current.now(), zone=current.zone(),
            waived_why=body.waived_why,
        )  # fmt: skip
    return _scheduled(session, bulletin, schedule, rule)


def change(session: Session, schedule_id: int, body: Timing) -> Scheduled:
    """Another rule for the same schedule from now on; what sounds goes on, exceptions stay."""
    rule, schedule = schedule_words.rule(body), schedules.get(session, schedule_id)
    schedule_checks.demand_ordinary(schedule.bulletin)
    with named_in("group_ids"):
        schedules.change(
            session, schedule, current.staff(), rule, now=current.now(), zone=current.zone(),
            waived_why=body.waived_why,
        )  # fmt: skip
    return _scheduled(session, schedule.bulletin, schedule, rule)


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


# -- as it is told --------------------------------------------------------------------------------


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
    Route(
        "POST", "/schedules/<id:schedule_id>/change", change,
        "Change when and where; what is left out is as in a new schedule.", WRITE,
    ),
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
