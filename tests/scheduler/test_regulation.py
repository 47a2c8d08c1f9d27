from __future__ import annotations

from datetime import time
from zoneinfo import ZoneInfo

import pytest

from loa.database import Database
from loa.errors import NotAllowed, ScheduleError
from loa.times import after
from scheduler import regulation
from scheduler.regulation import QuietHours
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
