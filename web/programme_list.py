"""The list of programmes: which are asked for, in what order, and what each needs looking at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from flask import request
from sqlalchemy.orm import Session
from wtforms import SelectField, StringField

from loa import words
from loa.times import Instant
from loa.words import say
from scheduler import programmes, recurrence, regulation, targets
from scheduler.level_views import View
from scheduler.programmes import Programme
from web import current, labels, lists, programme_lines, running_list
from web.forms import choices
from web.programme_lines import Laid
from web.running_list import ALL, OVER, RUNNING, Filter, Page

PER_PAGE = 20
MOST = 2_000
STATES = {
    RUNNING: say("đang dùng"),
    OVER: say("đã xong hoặc đã kết thúc"),
    ALL: say("tất cả"),
}
ORDERS = {
    "gio": lambda entry: (entry.next is None, entry.next or 0, -entry.programme.id),
    "ten": lambda entry: lists.by_letters(entry.programme.name),
    "moi": lambda entry: -entry.programme.id,
}
"""What the list is sorted by, as the address names it."""
HEAD = ("Chương trình", "Khi nào", "Nơi phát", "Số mục", "Lần tới", "Cần xem lại", "Người lập")


class ProgrammesForm(Filter):
    """The filter; its answers stand in the address."""

    search = StringField(say("Tìm chương trình theo tên, bản tin hoặc người lập"), name="tim")
    state = SelectField(say("Tình trạng"), name="tinh_trang", choices=choices(STATES.items()))


@dataclass(frozen=True)
class Entry:
    """A programme in the list."""

    programme: Programme
    laid: Laid
    when: str

    @property
    def next(self) -> Instant | None:
        return programme_lines.next_of(self.laid)

    @property
    def is_running(self) -> bool:
        return self.programme.ended_at is None and bool(self.laid.next)


def form() -> ProgrammesForm:
    """What was asked."""
    return ProgrammesForm(request.args, data={"search": "", "state": RUNNING})


def page(session: Session, asked: ProgrammesForm) -> Page[Entry]:
    """The page of it that this request asks for."""
    return running_list.page(_known(session), asked, ORDERS, _is_named, PER_PAGE)


def rows(session: Session, asked: ProgrammesForm) -> Iterator[tuple[str, ...]]:
    """All of them as a table in Vietnamese, its head first."""
    yield HEAD
    for each in running_list.rows(_known(session), asked, ORDERS, _is_named):
        of, places = each.programme, targets.words(session, each.programme.where)
        notices = [str(notice.words) for notice in programme_lines.warnings(each.laid)]
        told = (of.name, each.when, places, len(of.items), labels.moment(each.next, current.zone()),
                "; ".join(notices) if each.is_running else "", of.staff.name)  # fmt: skip
        yield tuple(str(value) for value in told)


def entry(session: Session, programme: Programme) -> Entry:
    """With its running order as it is next heard."""
    return Entry(programme, programme_lines.of(session, programme), _when(session, programme))


def _when(session: Session, programme: Programme) -> str:
    """khung giờ Sáng, hằng ngày."""
    days = recurrence.words(programme.rule, programme.start_date)
    if programme.slot is None:
        return words.join(", ", (f"{programme.at:%H:%M}", days))
    slots = regulation.rules_at(session, current.now()).slots
    name = next((slot.name for slot in slots if slot.key == programme.slot), programme.slot)
    return say("khung giờ %(name)s, %(days)s", name=name, days=days)


def _known(session: Session) -> list[Entry]:
    """Those its reader may see."""
    found = View(session, current.staff()).sources(programmes.listing(session, limit=MOST))
    return [entry(session, each) for each in found]


def _is_named(each: Entry, sought: str) -> bool:
    of = each.programme
    titles = (item.bulletin.title for item in of.items if item.bulletin is not None)
    return lists.finds(sought, of.name, of.staff.name, *titles)
