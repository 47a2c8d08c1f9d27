from __future__ import annotations

from datetime import time
from zoneinfo import ZoneInfo

import pytest

from devices.receiver import quiet
from loa.database import Database
from loa.errors import NotAllowed, ScheduleError
from loa.times import after
from scheduler import regulation
from scheduler.regulation import QuietHours, Regulation
from tests.cast import NOON, ZONE, settle_in, utc, vn

NIGHT = QuietHours(time(21), time(5))


@pytest.mark.parametrize(
    ("start", "seconds", "broken"),
    [
        ("2026-11-21 20:58", 120, False),  # ends on the stroke
        ("2026-11-21 20:58", 121, True),
        ("2026-11-21 21:00", 1, True),
        ("2026-11-21 23:59", 120, True),
        ("2026-11-22 03:15", 60, True),  # the hour a commune had to apologise for
        ("2026-11-22 04:59", 30, True),
        ("2026-11-22 05:00", 3600, False),
        ("2026-11-21 06:00", 15 * 3600, False),
        ("2026-11-21 06:00", 15 * 3600 + 1, True),
        ("2026-11-21 12:00", 0, False),
        ("2026-11-21 22:00", 0, True),
    ],
)
def test_it_knows_what_breaks_the_night(start: str, seconds: int, broken: bool) -> None:
    begins = vn(start)
    found = regulation.breach([NIGHT], begins, after(begins, seconds * 1000), ZONE)
    assert (found is not None) == broken


def test_it_reads_the_wall_clock_where_hours_are_skipped_and_doubled() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    span = QuietHours(time(22), time(6))
    # 29 March 2026: 02:00 becomes 03:00, so the night ends at 04:00 UTC instead of 05:00.
    assert regulation.breach([span], utc("2026-03-29 03:59"), utc("2026-03-29 03:59:30"), berlin)
    assert not regulation.breach([span], utc("2026-03-29 04:00"), utc("2026-03-29 04:10"), berlin)
    # 25 October 2026: 03:00 becomes 02:00 again.
    assert regulation.breach([span], utc("2026-10-25 04:59"), utc("2026-10-25 04:59:30"), berlin)
    assert not regulation.breach([span], utc("2026-10-25 05:00"), utc("2026-10-25 05:10"), berlin)


def test_it_names_the_rule_and_the_remedy() -> None:
    with pytest.raises(ScheduleError, match=r"21:00–05:00.*khẩn cấp") as caught:
        regulation.demand_allowed(
            [NIGHT], vn("2026-11-22 03:15"), vn("2026-11-22 03:16"), ZONE, emergency=False
        )
    assert "03:15" in caught.value.sentence
    regulation.demand_allowed(
        [NIGHT], vn("2026-11-22 03:15"), vn("2026-11-22 03:16"), ZONE, emergency=True
    )


@pytest.mark.parametrize("text", ["21:00", "21-5", "25:00-05:00", "21:00-21:00", "", "a-b"])
def test_it_refuses_hours_it_cannot_read(text: str) -> None:
    with pytest.raises(ScheduleError) as caught:
        regulation.parse_quiet(text)
    assert caught.value.field == "quiet"


def test_yesterday_is_judged_by_the_rule_of_yesterday(database: Database) -> None:
    with database.write() as session:
        cast = settle_in(session)
        regulation.set_quiet(session, None, [NIGHT], NOON)
        later = after(NOON, 1000)
        regulation.set_quiet(session, cast.admin, [QuietHours(time(22), time(6))], later)
        assert regulation.quiet_at(session, NOON) == (NIGHT,)
        assert regulation.quiet_at(session, later) == (QuietHours(time(22), time(6)),)
        assert regulation.quiet_at(session, after(NOON, -1)) == ()


def test_only_an_admin_changes_it(database: Database) -> None:
    with database.write() as session:
        cast = settle_in(session)
        with pytest.raises(NotAllowed):
            regulation.set_quiet(session, cast.minh, [], NOON)


@pytest.mark.parametrize(
    ("span", "night"),
    [("22:00-02:30", "2026-10-25"), ("02:30-05:00", "2026-10-25"), ("22:00-02:30", "2026-03-29"),
     ("02:30-05:00", "2026-03-29"), ("02:00-03:00", "2026-03-29"), ("02:15-02:45", "2026-10-25")],
)  # fmt: skip
def test_what_is_quiet_to_a_receiver_is_quiet_to_the_station_when_clocks_turn(
    span: str, night: str
) -> None:
    berlin = ZoneInfo("Europe/Berlin")
    hours = regulation.parse_quiet(span)
    since, until = span.split("-")
    midnight = utc(f"{night} 00:00")
    for minute in range(-240, 480):
        start = after(midnight, minute * 60_000)
        if quiet.touches(start, 30_000, [(since, until)], berlin):
            assert regulation.breach([hours], start, after(start, 30_000), berlin), minute


def version(since: str, *quiet_hours: str) -> Regulation:
    return Regulation(since=vn(since), quiet=[each.split("-") for each in quiet_hours])


def test_each_part_of_a_sound_is_judged_by_the_version_of_its_time() -> None:
    versions = [
        version("2026-01-01 00:00", "21:00-05:00"),
        version("2026-12-01 00:00", "22:00-06:00"),
    ]

    def breach(start: str, minutes: int) -> str | None:
        begins = vn(start)
        found = regulation.breach_by(versions, begins, after(begins, minutes * 60_000), ZONE)
        return str(found) if found else None

    assert breach("2026-11-30 21:30", 10) == "21:00–05:00"
    assert breach("2026-12-01 21:30", 10) is None
    assert breach("2026-12-01 05:30", 10) == "22:00–06:00"
    assert breach("2026-11-30 05:30", 10) is None
    assert breach("2026-11-30 23:59", 2) is not None
    assert breach("2025-12-31 23:59", 1) is None  # before the first: none was in force
    assert breach("2025-12-31 23:59", 2) == "21:00–05:00"


def test_the_version_in_force_is_the_last_that_has_begun() -> None:
    first, second = version("2026-01-01 00:00"), version("2026-12-01 00:00")
    assert regulation.in_force([first, second], vn("2025-12-31 23:59")) is None
    assert regulation.in_force([first, second], vn("2026-11-30 23:59")) is first
    assert regulation.in_force([first, second], vn("2026-12-01 00:00")) is second
