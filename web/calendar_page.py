"""Lịch: a week or a month of all that is to sound, to be moved by hand; the same as a list below."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from flask import Blueprint, jsonify, render_template, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from content import library
from content.bulletins import Bulletin, Priority
from content.bulletins import State as BulletinState
from content.library import Wanted
from loa.errors import ScheduleError
from loa.staff import May
from loa.times import Instant, local
from loa.words import say, told
from scheduler import context, days
from scheduler.outlook import Held, Outlook, session_at
from web import calendar_feed, current, live, plan_places
from web.calendar_events import DayHead, Event, Feed, as_json, wall
from web.forms import is_near
from web.live import Part

bp = Blueprint("calendar_page", __name__)

MOST_DAYS = 62
"""Days shown at once: a month with the weeks it begins and ends in, and some."""
OFFERED = 30
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Listed:
    """A day of the list below the calendar."""

    head: DayHead
    events: list[Event]


@bp.get("/lich-phat/lich")
def show() -> str:
    chosen = _date(request.args.get("ngay", "")) or _today()
    monday = chosen - timedelta(days=chosen.weekday())
    shown = _list(monday, monday + timedelta(days=7))
    return render_template(
        "calendar/show.html",
        before=monday - timedelta(days=7), chosen=chosen, first=monday, last=monday + timedelta(days=7), shown=shown,
        wall_now=wall(current.now()), view=request.args.get("kieu", ""),
    )  # fmt: skip


@bp.get("/lich-phat/lich/du-lieu")
def events() -> Response:
    """What the calendar shows of the days ``tu`` to before ``den``, as JSON."""
    first, last = _span()
    return jsonify(told(as_json(_feed(first, last))))


@bp.get("/lich-phat/lich/danh-sach")
def listed() -> Response:
    """The same as a list, kept live."""
    return live.answer(_list(*_span()))


@bp.get("/lich-phat/lich/them")
@current.needs(May.SCHEDULE)
def new() -> str:
    """An empty place of the calendar was pressed: what is to sound then?"""
    moment = plan_places.linked_moment() or current.now()
    sought = request.args.get("tim", "").strip()
    with current.read() as session:
        outlook = Outlook(context.read(session, plan_places.rules()), moment, moment)
        day = outlook.day(moment)
        return render_template(
            "calendar/new.html", at=moment, day=day, is_over=moment <= current.now(), sought=sought,
            held=_held(outlook, day, moment), quiet=outlook.breach(moment, moment), kind=outlook.kind(day),
            found=_offered(session, day, sought), linked=plan_places.linked(moment),
        )  # fmt: skip


def _held(outlook: Outlook, day: date, moment: Instant) -> Held | None:
    return session_at(outlook.sessions(day), moment)


def _offered(session: Session, day: date, sought: str) -> list[Bulletin]:
    """Approved bulletins that could be heard that day, those changed last first."""
    wanted = Wanted(state=BulletinState.APPROVED, valid_on=day, search=sought)
    found = library.listing(session, wanted, limit=OFFERED)
    return [each for each in found if each.priority is not Priority.EMERGENCY]


def _list(first: date, last: date) -> Part:
    feed = _feed(first, last)
    return live.part(
        "calendar/listed.html", found=list(_by_day(feed)), first=first, last=last - ONE_DAY, number=len(feed.events)
    )  # fmt: skip


def _by_day(feed: Feed) -> Iterable[Listed]:
    zone = current.zone()
    for head in feed.days:
        here = [each for each in feed.events if local(each.since, zone).date() == head.day]
        if here or head.name or head.mark:
            yield Listed(head, here)


def _feed(first: date, last: date) -> Feed:
    zone = current.zone()
    with current.read() as session:
        return calendar_feed.read(session, days.first_of(first, zone), days.first_of(last, zone))


def _span() -> tuple[date, date]:
    """From the address: the first day, and the one after the last. Raises ScheduleError."""
    first = _date(request.args.get("tu", "")) or _today()
    last = _date(request.args.get("den", "")) or first + timedelta(days=7)
    if not ONE_DAY <= last - first <= timedelta(days=MOST_DAYS):
        raise ScheduleError(
            say("Lịch chỉ xem được từ 1 đến %(most)s ngày một lần. Hãy chọn lại.", most=MOST_DAYS),
            field="den",
        )
    return first, last


def _date(text: str) -> date | None:
    """The day of 2026-11-21 or 2026-11-21T00:00:00; None where it is none. Raises ScheduleError for years away."""
    try:
        found = datetime.fromisoformat(text).date()
    except ValueError:
        return None
    if not is_near(found):
        raise ScheduleError(
            say("Lịch không xem được ngày xa như vậy. Hãy chọn ngày khác."), field="ngay"
        )
    return found


def _today() -> date:
    return local(current.now(), current.zone()).date()
