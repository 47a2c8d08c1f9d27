"""Kế hoạch: all that will sound in the next 24 hours, and the plan of any day, at a receiver or in an area."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import time, timedelta

from flask import Blueprint, make_response, render_template, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from loa.times import DAY, HOUR, MINUTE, Instant, after, instant, local
from scheduler import context, day_plan, days, targets
from scheduler.day_plan import Line
from scheduler.outlook import Outlook, session_at
from scheduler.projection import Sound
from scheduler.targets import Where
from web import current, plan_places
from web.plan_places import DayForm, PlaceForm, Scope

bp = Blueprint("plan", __name__)

EARLY, LATE = time(6), time(20)
"""Before the first and from the second on it is an odd hour to be spoken to."""
THINNEST = 4
"""Minutes: what is shorter would not be seen on the strip of a day."""


@dataclass(frozen=True)
class Entry:
    """One line of a plan."""

    line: Line
    places: str
    odd: list[str]
    """Why its hour is an odd one; nothing where it is not."""
    why: str
    """Address of its "Vì sao?"."""

    @property
    def sound(self) -> Sound:
        return self.line.sound


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
        form = plan_places.fill(PlaceForm(plan_places.asked()), session)
        scope = plan_places.scope(session, form)
        entries, outlook = _entries(session, scope, now, after(now, DAY))
    heard = [entry for entry in entries if entry.line.is_heard]
    page = render_template(
        "plan/ahead.html",
        form=form,
        scope=scope,
        hours=_hours(entries, outlook, now),
        heard=len(heard),
        odd=[entry for entry in heard if entry.odd],
        silent=len(entries) - len(heard),
        until=after(now, DAY),
    )
    return make_response(page, form.status)


@bp.get("/lich-phat/ngay")
def day() -> Response:
    """The plan of one day at a receiver or in an area."""
    now, zone = current.now(), current.zone()
    with current.read() as session:
        given = plan_places.asked(ngay=f"{local(now, zone):%d/%m/%Y}")
        form = plan_places.fill(DayForm(given), session)
        form.validate()
        chosen = plan_places.chosen_day(form)
        scope = plan_places.scope(session, form)
        since, until = days.first_of(chosen, zone), days.first_of(chosen + timedelta(days=1), zone)
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
        bars=_bars(entries, outlook, since, until),
        length=(until - since) // MINUTE,
        now_at=(now - since) / MINUTE if since <= now < until else None,
        rule=plan_places.rule_in_words(),
    )
    return make_response(page, form.status)


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
    said = ["trước 6 giờ"] if clock < EARLY else ["sau 20 giờ"] if clock >= LATE else []
    held = outlook.sessions(outlook.day(start))
    if outlook.rules_at(start).slots and session_at(held, start) is None:
        said.append("ngoài khung giờ")
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
        *(bar(one.since, one.until, "session", f"Khung giờ {one.slot}") for one in held),
        *(bar(one.since, one.until, "quiet", f"Giờ không phát {one.hours}") for one in quiet),
        *(bar(*_span(each), _tone(each), _title(each), each.why) for each in entries),
    ]


def _span(entry: Entry) -> tuple[Instant, Instant]:
    return entry.line.heard[0] if entry.line.heard else (entry.sound.starts_at, entry.sound.ends_at)


def _tone(entry: Entry) -> str:
    return str(entry.sound.priority) if entry.line.is_heard else "silent"


def _title(entry: Entry) -> str:
    return f"{local(entry.sound.starts_at, current.zone()):%H:%M} {entry.sound.title}"
