"""Kế hoạch: all that will sound in the next 24 hours, and the plan of any day, at a receiver or in an area."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta

from flask import Blueprint, make_response, render_template, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from loa.times import DAY, HOUR, MINUTE, Instant, after, instant, local
from loa.words import say
from scheduler import context, day_plan, days, targets
from scheduler.day_plan import Line
from scheduler.outlook import Outlook, session_at
from scheduler.targets import Where
from web import current, lists, plan_list, plan_places, spreadsheets
from web.plan_list import Entry
from web.plan_places import AheadForm, PlanForm, Scope

bp = Blueprint("plan", __name__)

EARLY, LATE = time(6), time(20)
"""Before the first and from the second on it is an odd hour to be spoken to."""
THINNEST = 4
"""Minutes: what is shorter would not be seen on the strip of a day."""


@dataclass(frozen=True)
class Hour:
    """An hour of the next day, or several in a row in which nothing is."""

    since: Instant
    until: Instant
    entries: list[Entry]
    quiet: str
    """The quiet hours it lies in, wholly or in part."""


@dataclass(frozen=True)
class Bar:
    """Something on the strip of a day: from ``x`` for ``width`` minutes."""

    x: float
    width: float
    tone: str
    title: str
    link: str = ""


@bp.get("/lich-phat/24-gio")
def ahead() -> Response:
    """Everything that will sound in the next 24 hours, hour by hour."""
    now = current.now()
    with current.read() as session:
        form = plan_places.fill(AheadForm(plan_places.asked()), session)
        scope = plan_places.scope(session, form)
        entries, outlook = _entries(session, scope, now, after(now, DAY))
    shown = plan_list.named(entries, form.tim.data or "")
    heard = [entry for entry in entries if entry.line.is_heard]
    page = render_template(
        "plan/ahead.html",
        form=form,
        scope=scope,
        hours=_hours(shown, outlook, now),
        shown=shown,
        heard=len(heard),
        odd=[entry for entry in heard if entry.odd],
        silent=len(entries) - len(heard),
        until=after(now, DAY),
        asked=lists.asked(),
    )
    return make_response(page, form.status)


@bp.get("/lich-phat/24-gio.csv")
def download_ahead() -> Response:
    """The same as a table."""
    now = current.now()
    with current.read() as session:
        form = plan_places.fill(AheadForm(plan_places.asked()), session)
        scope = plan_places.scope(session, form)
        entries, _ = _entries(session, scope, now, after(now, DAY))
    return _table(plan_list.named(entries, form.tim.data or ""), "24-gio-toi.csv")


@bp.get("/lich-phat/ngay")
def day() -> Response:
    """The plan of one day at a receiver or in an area."""
    now = current.now()
    with current.read() as session:
        form, scope, chosen = _asked_day(session)
        since, until = _span_of(chosen)
        entries, outlook = _entries(session, scope, since, until)
    page = render_template(
        "plan/day.html",
        form=form,
        scope=scope,
        chosen=chosen,
        before=chosen - timedelta(days=1),
        after=chosen + timedelta(days=1),
        kind=outlook.kind(chosen),
        sessions=outlook.sessions(chosen),
        quiet=sorted(
            {str(one.hours) for one in outlook.quiet if one.until > since and one.since < until}
        ),
        entries=entries,
        shown=plan_list.named(entries, form.tim.data or ""),
        bars=_bars(entries, outlook, since, until),
        length=(until - since) // MINUTE,
        now_at=(now - since) / MINUTE if since <= now < until else None,
        rule=plan_places.rule_in_words(),
        asked=lists.asked(),
    )
    return make_response(page, form.status)


@bp.get("/lich-phat/ngay.csv")
def download_day() -> Response:
    """The same as a table."""
    with current.read() as session:
        form, scope, chosen = _asked_day(session)
        entries, _ = _entries(session, scope, *_span_of(chosen))
    shown = plan_list.named(entries, form.tim.data or "")
    return _table(shown, f"ke-hoach-{chosen}.csv")


def _table(entries: Sequence[Entry], name: str) -> Response:
    with spreadsheets.writing() as (text, file):
        spreadsheets.rows(plan_list.rows(entries), text)
    return spreadsheets.answer(file, name)


def _asked_day(session: Session) -> tuple[PlanForm, Scope, date]:
    given = plan_places.asked(ngay=f"{local(current.now(), current.zone()):%d/%m/%Y}")
    form = plan_places.fill(PlanForm(given), session)
    form.validate()
    chosen = plan_places.chosen_day(form)
    return form, plan_places.scope(session, form), chosen


def _span_of(day: date) -> tuple[Instant, Instant]:
    zone = current.zone()
    return days.first_of(day, zone), days.first_of(day + timedelta(days=1), zone)


def _entries(
    session: Session, scope: Scope, since: Instant, until: Instant
) -> tuple[list[Entry], Outlook]:
    found = context.read(session, plan_places.rules())
    outlook = Outlook(found, since, until)
    words: dict[Where, str] = {}
    entries = []
    for line in day_plan.lines(session, found, scope.ids, since, until, current.now()):
        where = line.sound.where
        if where not in words:
            words[where] = targets.words(session, where)
        entries.append(Entry(line, words[where], _odd(line, outlook), _why(line, scope)))
    return entries, outlook


def _odd(line: Line, outlook: Outlook) -> list[str]:
    """What is unusual about its hour."""
    start = line.sound.starts_at
    clock = local(start, current.zone()).time()
    said: list[str] = (
        [say("trước 6 giờ")] if clock < EARLY else [say("sau 20 giờ")] if clock >= LATE else []
    )
    held = outlook.sessions(outlook.day(start))
    if outlook.rules_at(start).slots and session_at(held, start) is None:
        said.append(say("ngoài khung giờ"))
    return said


def _why(line: Line, scope: Scope) -> str:
    return url_for("why.show", **scope.asked, luc=plan_places.linked(line.sound.starts_at))


def _hours(entries: Sequence[Entry], outlook: Outlook, now: Instant) -> list[Hour]:
    """The hours from now on; what sounds already stands in the first."""
    since = instant(local(now, current.zone()).replace(minute=0, second=0, microsecond=0))
    end = after(now, DAY)
    found: list[Hour] = []
    while since < end:
        until = min(after(since, HOUR), end)
        from_when = since if found else Instant(0)
        here = [one for one in entries if from_when <= one.sound.starts_at < until]
        span = outlook.breach(since, until)
        hour = Hour(since, until, here, str(span) if span else "")
        if found and not here and not found[-1].entries and found[-1].quiet == hour.quiet:
            hour = Hour(found.pop().since, until, [], hour.quiet)
        found.append(hour)
        since = until
    return found


def _bars(
    entries: Collection[Entry], outlook: Outlook, since: Instant, until: Instant
) -> list[Bar]:
    """The strip of a day: sessions and quiet hours behind, what sounds before them."""

    def bar(begins: Instant, ends: Instant, tone: str, title: str, link: str = "") -> Bar:
        first, last = max(begins, since), min(ends, until)
        least = THINNEST if link else 0
        return Bar((first - since) / MINUTE, max((last - first) / MINUTE, least), tone, title, link)

    held = outlook.sessions(outlook.day(since))
    quiet = [one for one in outlook.quiet if one.since < until and since < one.until]
    return [
        *(
            bar(one.since, one.until, "session", say("Khung giờ %(name)s", name=one.slot))
            for one in held
        ),
        *(
            bar(one.since, one.until, "quiet", say("Giờ không phát %(hours)s", hours=one.hours))
            for one in quiet
        ),
        *(bar(*_span(each), _tone(each), _title(each), each.why) for each in entries),
    ]


def _span(entry: Entry) -> tuple[Instant, Instant]:
    return entry.line.heard[0] if entry.line.heard else (entry.sound.starts_at, entry.sound.ends_at)


def _tone(entry: Entry) -> str:
    return str(entry.sound.priority) if entry.line.is_heard else "silent"


def _title(entry: Entry) -> str:
    return f"{local(entry.sound.starts_at, current.zone()):%H:%M} {entry.sound.title}"
