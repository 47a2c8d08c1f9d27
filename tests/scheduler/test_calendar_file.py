"""The calendar file, read back by another's library: the same occurrences, to the second."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import icalendar
import pytest
from dateutil.rrule import rrulestr
from sqlalchemy.orm import Session

from content import bulletins
from loa.database import Database
from loa.times import DAY, Instant, after, instant, local
from scheduler import calendar_file, context, one_day, regulation, schedules
from scheduler.exceptions import Kind, Otherwise
from scheduler.schedules import Kind as ScheduleKind
from scheduler.schedules import Rule, Schedule
from scheduler.sources import Rules
from tests.cast import NOON, ZONE, Cast, approved_bulletin, settle_in

TODAY = date(2026, 11, 21)
MOON = "RSCALE=VIETNAMESE;FREQ="
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture
def session(database: Database) -> Session:
    with database.write() as opened:
        yield opened


@pytest.fixture
def cast(session: Session) -> Cast:
    regulation.set_quiet(session, None, [], NOON)
    return settle_in(session)


def schedule(session: Session, cast: Cast, zone: ZoneInfo = ZONE, **changes: object) -> Schedule:
    usual = {"kind": ScheduleKind.DAILY, "at": time(17), "start_date": TODAY,
             "area_ids": (cast.commune.id,)}  # fmt: skip
    bulletin = approved_bulletin(session, cast)
    rule = Rule(**{**usual, **changes})
    return schedules.add(session, bulletin, cast.hoa, rule, now=NOON, zone=zone)


def heard(
    session: Session, made: Schedule, zone: ZoneInfo = ZONE, days: int = 360
) -> set[tuple[Instant, str]]:
    """(start, title) of what is to be heard, as the planner asks."""
    known = context.read(session, Rules(zone=zone, horizon=0, late=0))
    wishes = schedules.wanted(made, NOON, after(NOON, days * DAY), known)
    return {(wish.starts_at, wish.bulletin.title) for wish in wishes if wish.why_not is None}


def read_back(session: Session, zone: ZoneInfo = ZONE, days: int = 360) -> set[tuple[Instant, str]]:
    """The same from the file, by what RFC 5545 says of its parts."""
    calendar = icalendar.Calendar.from_ical(calendar_file.write(session, "Xã Mẫu", NOON, zone))
    assert not calendar.errors
    events = calendar.walk("VEVENT")
    series = [event for event in events if "RECURRENCE-ID" not in event]
    found: dict[Instant, tuple[Instant, str]] = {}
    for event in series:
        for moment in _starts(event, zone):
            found[instant(moment)] = (instant(moment), str(event["SUMMARY"]))
    for event in events:
        if "RECURRENCE-ID" in event:
            stands_for = instant(event["RECURRENCE-ID"].dt)
            assert stands_for in found
            found[stands_for] = (instant(event["DTSTART"].dt), str(event["SUMMARY"]))
    return {one for one in found.values() if NOON <= one[0] < after(NOON, days * DAY)}


def _starts(event: icalendar.Event, zone: ZoneInfo) -> list[datetime]:
    first = event["DTSTART"].dt
    starts = {first}
    if "RRULE" in event:
        rule = rrulestr(event["RRULE"].to_ical().decode(), dtstart=first)
        starts |= set(rule.between(first, first + timedelta(days=800), inc=True))
    starts |= set(_dates(event, "RDATE"))
    return sorted(starts - set(_dates(event, "EXDATE")))


def _dates(event: icalendar.Event, name: str) -> list[datetime]:
    found = event.get(name, [])
    lists = found if isinstance(found, list) else [found]
    return [each.dt for one in lists for each in one.dts]


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": ScheduleKind.ONCE},
        {},
        {"end_date": date(2026, 12, 3)},
        {"kind": ScheduleKind.WEEKDAYS, "weekdays": (0, 3)},
        *({"kind": ScheduleKind.OTHER, "recurs": recurs} for recurs in (
            "FREQ=DAILY;INTERVAL=3", "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO", "FREQ=MONTHLY;BYMONTHDAY=1,31,-1",
            "FREQ=MONTHLY;INTERVAL=3;BYDAY=-1FR", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=3",
            MOON + "MONTHLY;BYMONTHDAY=1,15", MOON + "YEARLY;BYMONTH=3;BYMONTHDAY=10",
        )),
        {"skips": ("weekend", "holiday")},
    ],
)  # fmt: skip
def test_it_says_what_is_planned(session: Session, cast: Cast, changes: dict[str, object]) -> None:
    made = schedule(session, cast, **changes)
    assert read_back(session) == heard(session, made)
    assert heard(session, made)


def test_what_is_otherwise_on_single_days_goes_with_it(session: Session, cast: Cast) -> None:
    made = schedule(session, cast)
    other = approved_bulletin(session, cast, title="Thư chúc mừng")
    for wanted in (
        Otherwise(day=date(2026, 11, 22), kind=Kind.SKIP),
        Otherwise(day=date(2026, 11, 23), kind=Kind.MOVE, to_time=time(9, 30)),
        Otherwise(
            day=date(2026, 11, 24), kind=Kind.MOVE, to_day=date(2026, 11, 29), to_time=time(8)
        ),
        Otherwise(day=date(2026, 11, 25), kind=Kind.REPLACE, bulletin_id=other.id),
    ):
        one_day.make(session, made, cast.hoa, wanted, now=NOON, zone=ZONE)
    found = read_back(session)
    assert found == heard(session, made)
    assert [f"{local(at, ZONE):%d %H:%M}" for at, _ in sorted(found)][:6] == [
        "21 17:00", "23 09:30", "25 17:00", "26 17:00", "27 17:00", "28 17:00",
    ]  # fmt: skip
    assert "Thư chúc mừng" in {title for _, title in found}


def test_a_moved_day_of_the_moon_is_in_it_too(session: Session, cast: Cast) -> None:
    made = schedule(session, cast, kind=ScheduleKind.OTHER, recurs=MOON + "MONTHLY;BYMONTHDAY=15")
    wanted = Otherwise(day=date(2026, 11, 23), kind=Kind.MOVE, to_time=time(9))
    one_day.make(session, made, cast.hoa, wanted, now=NOON, zone=ZONE)
    assert read_back(session) == heard(session, made)


def test_the_wall_clock_holds_through_summer_time(session: Session, cast: Cast) -> None:
    made = schedule(session, cast, BERLIN, at=time(18))
    assert read_back(session, BERLIN) == heard(session, made, BERLIN)
    text = calendar_file.write(session, "Xã Mẫu", NOON, BERLIN).decode()
    assert "BEGIN:VTIMEZONE" in text
    assert "BEGIN:DAYLIGHT" in text


def test_what_was_ended_or_withdrawn_is_left_out(session: Session, cast: Cast) -> None:
    ended, gone = schedule(session, cast), schedule(session, cast, at=time(18))
    schedules.end(session, ended, cast.hoa, NOON)
    bulletins.withdraw(session, gone.bulletin, cast.minh, NOON)
    assert read_back(session) == set()


def test_it_names_title_place_and_who(session: Session, cast: Cast) -> None:
    made = schedule(session, cast)
    calendar = icalendar.Calendar.from_ical(calendar_file.write(session, "Xã Mẫu", NOON, ZONE))
    (event,) = calendar.walk("VEVENT")
    assert str(event["UID"]) == f"{made.uid}@loa"
    assert str(event["SUMMARY"]) == "Lịch tiêm chủng"
    assert str(event["LOCATION"]) == "xã Mẫu"
    assert str(event["DESCRIPTION"]) == "Hằng ngày lúc 17:00. Hoa đặt."
