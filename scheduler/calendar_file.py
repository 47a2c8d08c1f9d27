"""The schedules as an iCalendar file (RFC 5545), for the calendars people already have.

A rule of the sun goes out as its RRULE; one of the moon, which other programs do not reckon, as the dates of the coming
year. What is otherwise on single days goes with it: skipped and silent days as EXDATE, moved and replaced ones as
events of their own in place of the day's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from icalendar import Calendar, Event, vRecur
from sqlalchemy.orm import Session

from content.bulletins import Bulletin
from content.bulletins import State as BulletinState
from loa.times import DAY, MINUTE, Instant, after, instant, local
from loa.times import at as instant_at
from scheduler import context, recurrence, series, targets
from scheduler.context import Context
from scheduler.exceptions import Kind
from scheduler.schedule_tables import Schedule
from scheduler.series import Occasion
from scheduler.sources import Rules

AHEAD_DAYS = 366
"""So far dates are given one by one: of the moon, and days of a kind on which a schedule is silent."""
FAR = timedelta(days=20 * 366)
"""Within so many days a rule must begin, or it is left out."""
NUMBER, RULE, END = "X-LOA-BULLETIN", "X-LOA-RULE", "X-LOA-END"
EXCEPT, SKIPS, MINUTES, RESUMES = "X-LOA-EXCEPT", "X-LOA-SKIPS", "X-LOA-MINUTES", "X-LOA-RESUMES"
"""What RFC 5545 has no word for, so that scheduler.calendar_read finds it again."""
SILENT = (BulletinState.WITHDRAWN, BulletinState.REJECTED)


@dataclass(frozen=True)
class _Writing:
    """What all events of a file share."""

    session: Session
    context: Context
    now: Instant

    @property
    def zone(self) -> ZoneInfo:
        return self.context.rules.zone

    def wall(self, moment: Instant) -> datetime:
        """To the second: the format knows no less."""
        return local(moment, self.zone).replace(microsecond=0)

    def coming(self, schedule: Schedule) -> list[Occasion]:
        until = after(self.now, AHEAD_DAYS * DAY)
        return series.occasions(
            schedule, self.now, until, self.zone, schedule.exceptions, self.context
        )


def write(
    session: Session,
    name: str,
    now: Instant,
    zone: ZoneInfo,
    only: Callable[[Iterable[Schedule]], Iterable[Schedule]] = iter,
) -> bytes:
    """The schedules that were not ended, as the text of an .ics file.

    ``name``: of the station; ``only`` chooses those its reader may see.
    """
    writing = _Writing(session, context.read(session, Rules(zone, AHEAD_DAYS * DAY, 0)), now)
    calendar = Calendar()
    calendar.add("prodid", "-//Loa//Lich phat//VI")
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", f"Lịch phát, {name}")
    found = sa.select(Schedule).where(Schedule.ended_at.is_(None)).order_by(Schedule.id)
    for schedule in only(session.scalars(found).all()):
        if schedule.bulletin.state not in SILENT:
            for event in _events(writing, schedule):
                calendar.add_component(event)
    calendar.add_missing_timezones()
    text: bytes = calendar.to_ical()
    return text


def _events(writing: _Writing, schedule: Schedule) -> list[Event]:
    """The series, and an event in place of each of its days that is otherwise."""
    first = _first(writing, schedule)
    if first is None:
        return []
    event = _event(writing, schedule, schedule.bulletin, first)
    for name, value in _own(schedule):
        event.add(name, value)
    rule = recurrence.parse(schedule.rule)
    if rule.is_lunar:
        days = [each for each in _by_moon(writing, schedule) if each != first]
        if days:
            event.add("rdate", [writing.wall(each) for each in days])
    elif rule.freq != "ONCE":
        event.add("rrule", _recur(schedule, writing.zone))
    left_out = _left_out(writing, schedule)
    if left_out:
        event.add("exdate", [writing.wall(each) for each in left_out])
    return [event, *_in_place(writing, schedule)]


def _event(writing: _Writing, schedule: Schedule, bulletin: Bulletin, starts: Instant) -> Event:
    relay = series.relay_of(bulletin, schedule.minutes)
    ms = relay.ms if relay else writing.context.length_ms(bulletin, schedule.where)
    event = Event()
    event.add("uid", f"{schedule.uid}@loa")
    event.add("dtstamp", local(writing.now, UTC).replace(microsecond=0))
    event.add("dtstart", writing.wall(starts))
    event.add("duration", timedelta(milliseconds=max(ms, MINUTE)))
    event.add("summary", bulletin.title)
    event.add("location", targets.words(writing.session, schedule.where))
    when = series.words(schedule)
    event.add("description", f"{when[:1].upper()}{when[1:]}. {schedule.staff.name} đặt.")
    return event


def _own(schedule: Schedule) -> Iterator[tuple[str, str]]:
    """Properties of our own: what holds for the series and stands nowhere else."""
    yield NUMBER, str(schedule.bulletin_id)
    if recurrence.parse(schedule.rule).is_lunar:
        yield RULE, schedule.rule
        if schedule.end_date is not None:
            yield END, schedule.end_date.isoformat()
    if schedule.where.except_ids:
        yield EXCEPT, " ".join(schedule.where.except_ids)
    if schedule.skips:
        yield SKIPS, " ".join(schedule.skips)
    if schedule.minutes:
        yield MINUTES, str(schedule.minutes)
    if schedule.resumes:
        yield RESUMES, "1"


def _first(writing: _Writing, schedule: Schedule) -> Instant | None:
    """The first occurrence: what the others are counted from. Of the moon the first that is still to come."""
    if recurrence.parse(schedule.rule).is_lunar:
        return next(iter(_by_moon(writing, schedule)), None)
    days = series.dates(schedule, schedule.start_date, schedule.start_date + FAR)
    found = (instant_at(day, schedule.at, writing.zone) for day in days)
    return next((moment for moment in found if moment is not None), None)


def _by_moon(writing: _Writing, schedule: Schedule) -> list[Instant]:
    until = after(writing.now, AHEAD_DAYS * DAY)
    return list(series.occurrences(schedule, writing.now, until, writing.zone))


def _recur(schedule: Schedule, zone: ZoneInfo) -> vRecur:
    text = schedule.rule
    if schedule.end_date is not None:
        last = datetime.combine(schedule.end_date, schedule.at, tzinfo=zone)
        text += f";UNTIL={local(instant(last), UTC):%Y%m%dT%H%M%SZ}"
    recur: vRecur = vRecur.from_ical(text)
    return recur


def _left_out(writing: _Writing, schedule: Schedule) -> Sequence[Instant]:
    """Starts of the series that are not heard, at any time or in the year ahead."""
    skipped = {each.day for each in schedule.exceptions if each.kind is Kind.SKIP}
    silent = {
        each.day
        for each in writing.coming(schedule)
        if each.exception is None and not each.is_heard
    }
    there = (day for day in sorted(skipped | silent) if series.has_day(schedule, day))
    found = (instant_at(day, schedule.at, writing.zone) for day in there)
    return [moment for moment in found if moment is not None]


def _in_place(writing: _Writing, schedule: Schedule) -> list[Event]:
    """Events for the days that are moved or have another bulletin."""
    events = []
    for each in schedule.exceptions:
        own = instant_at(each.day, schedule.at, writing.zone)
        if each.kind is Kind.SKIP or own is None or not series.has_day(schedule, each.day):
            continue
        starts = series.target(each, schedule.at, writing.zone) or own
        event = _event(writing, schedule, each.bulletin or schedule.bulletin, starts)
        event.add("recurrence-id", writing.wall(own))
        events.append(event)
    return events
