"""The list of schedules: which are asked for, in what order, and when each is heard next."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from flask import request
from sqlalchemy.orm import Session
from wtforms import SelectField, StringField

from content.bulletins import State as BulletinState
from loa import words
from loa.times import Instant
from loa.words import say
from scheduler import schedules, targets
from scheduler.context import Context
from scheduler.level_views import View
from scheduler.schedules import Kind, Schedule
from web import current, labels, lists, running_list, schedule_page
from web.forms import choices
from web.running_list import ALL, OVER, RUNNING, Filter, Page

PER_PAGE = lists.PER_PAGE
MOST = 5_000
STATES = {
    RUNNING: say("sắp phát"),
    OVER: say("đã xong hoặc đã kết thúc"),
    ALL: say("tất cả"),
}
ORDERS = {
    "gio": lambda line: (line.next is None, line.next or 0, -line.schedule.id),
    "ten": lambda line: lists.by_letters(line.schedule.bulletin.title),
    "moi": lambda line: -line.schedule.id,
}
"""What the list is sorted by, as the address names it."""
HEAD = ("Bản tin", "Khi nào", "Nơi phát", "Lượt tới", "Tình trạng", "Người đặt")


class SchedulesForm(Filter):
    """The filter; its answers stand in the address."""

    search = StringField(say("Tìm lịch theo bản tin, nơi phát hoặc người đặt"), name="tim")
    state = SelectField(say("Tình trạng"), name="tinh_trang", choices=choices(STATES.items()))


@dataclass
class Line:
    """A schedule in the list."""

    schedule: Schedule
    next: Instant | None
    places: str

    @property
    def is_running(self) -> bool:
        return self.schedule.ended_at is None and self.next is not None

    @property
    def shows_next(self) -> bool:
        """What is heard once names its hour anyway."""
        return self.next is not None and self.schedule.kind is not Kind.ONCE

    @property
    def is_held_up(self) -> bool:
        """It would be heard, were its bulletin approved."""
        return self.is_running and self.schedule.bulletin.state is not BulletinState.APPROVED

    @cached_property
    def state(self) -> str:
        if self.schedule.ended_at is not None:
            at = labels.moment(self.schedule.ended_at, current.zone())
            return say("đã kết thúc %(at)s", at=at)
        if self.next is None:
            return say("đã xong")
        state = labels.BULLETIN_STATES[self.schedule.bulletin.state]
        return say("bản tin %(state)s", state=state) if self.is_held_up else STATES[RUNNING]


def form() -> SchedulesForm:
    """What was asked."""
    return SchedulesForm(request.args, data={"search": "", "state": RUNNING})


def page(session: Session, asked: SchedulesForm) -> Page[Line]:
    """The page of it that this request asks for."""
    return running_list.page(_known(session), asked, ORDERS, _is_named, PER_PAGE)


def rows(session: Session, asked: SchedulesForm) -> Iterator[tuple[str, ...]]:
    """All of them as a table in Vietnamese, its head first."""
    yield HEAD
    for each in running_list.rows(_known(session), asked, ORDERS, _is_named):
        of, at = each.schedule, labels.moment(each.next, current.zone())
        told = (of.bulletin.title, labels.rule(of), each.places, at, each.state, of.staff.name)
        yield tuple(str(value) for value in told)


def _known(session: Session) -> list[Line]:
    """Those its reader may see."""
    found = View(session, current.staff()).sources(schedules.listing(session, limit=MOST))
    read = schedule_page.read_context(session)
    return [_line(session, each, read) for each in found]


def _line(session: Session, schedule: Schedule, read: Context) -> Line:
    coming = schedules.next_of(schedule, current.now(), current.zone(), read)
    return Line(schedule, coming, _places(session, schedule))


def _places(session: Session, schedule: Schedule) -> str:
    """As ``targets.words`` says it, of what was read with the schedule."""
    areas = [each.area.full_name for each in schedule.targets]
    groups = [each.group.called for each in schedule.groups]
    left_out = targets.left_out(session, schedule.where.except_ids)
    return words.join(", ", [*areas, *groups, *left_out])


def _is_named(line: Line, sought: str) -> bool:
    of = line.schedule
    return lists.finds(sought, of.bulletin.title, str(line.places), of.staff.name)
