from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.receiver.quiet import touches
from loa import times
from loa.times import DAY, HOUR, MINUTE, SECOND, Instant

HANOI = ZoneInfo("Asia/Ho_Chi_Minh")
BERLIN = ZoneInfo("Europe/Berlin")
NIGHT = (("22:00", "05:00"),)


def at(text: str, zone: ZoneInfo = HANOI, fold: int = 0) -> Instant:
    return times.instant(datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold))


@pytest.mark.parametrize(
    ("start", "ms", "quiet"),
    [
        ("2026-11-21T21:50", 5 * MINUTE, False),
        ("2026-11-21T21:55", 5 * MINUTE, False),  # ends as the quiet begins
        ("2026-11-21T21:55", 5 * MINUTE + 1, True),
        ("2026-11-21T22:00", 1, True),
        ("2026-11-21T23:59:59", 2 * SECOND, True),
        ("2026-11-22T00:00", 1, True),
        ("2026-11-22T04:59:59.999", 1, True),
        ("2026-11-22T05:00", 5 * MINUTE, False),
        ("2026-11-22T12:00", 12 * HOUR, True),  # long enough to reach the night
        ("2026-11-22T05:00", 17 * HOUR, False),
        ("2026-11-22T05:00", 3 * DAY, True),
    ],
)
def test_it_keeps_a_night_that_passes_midnight(start: str, ms: int, quiet: bool) -> None:
    assert touches(at(start), ms, NIGHT, HANOI) is quiet


def test_it_is_never_quiet_without_hours() -> None:
    assert not touches(at("2026-11-22T03:00"), 3 * DAY, (), HANOI)


def test_it_takes_equal_ends_for_the_whole_day() -> None:
    assert touches(at("2026-11-22T12:00"), SECOND, (("06:00", "06:00"),), HANOI)


def test_a_sound_of_no_length_is_judged_by_its_start() -> None:
    assert touches(at("2026-11-22T22:00"), 0, NIGHT, HANOI)


def test_it_jumps_with_the_spring_gap() -> None:
    """On 29 March 2026 in Berlin 02:00 is followed by 03:00."""
    before = at("2026-03-29T01:59:30", BERLIN)
    assert not touches(before, MINUTE, (("02:00", "03:00"),), BERLIN)
    assert touches(before, MINUTE, (("03:00", "03:01"),), BERLIN)
    assert touches(before, 31 * SECOND, (("02:30", "03:30"),), BERLIN)
    assert not touches(before, 30 * SECOND, (("02:30", "03:30"),), BERLIN)


def test_it_is_quiet_both_times_the_autumn_hour_comes() -> None:
    """On 25 October 2026 in Berlin 02:00 to 03:00 comes twice."""
    quiet = (("02:15", "02:45"),)
    first, second = (at("2026-10-25T02:30", BERLIN, fold) for fold in (0, 1))
    assert second - first == HOUR
    assert touches(first, SECOND, quiet, BERLIN)
    assert touches(second, SECOND, quiet, BERLIN)
    between = at("2026-10-25T02:45", BERLIN)
    assert not touches(between, 30 * MINUTE, quiet, BERLIN)
    assert touches(between, 30 * MINUTE + 1, quiet, BERLIN)


def test_the_night_of_the_fold_lasts_an_hour_longer() -> None:
    night = (("22:00", "05:00"),)
    assert touches(at("2026-10-25T04:59", BERLIN), SECOND, night, BERLIN)
    assert not touches(at("2026-10-25T05:00", BERLIN), SECOND, night, BERLIN)


clocks = st.integers(0, 1439).map(lambda minute: f"{minute // 60:02}:{minute % 60:02}")


@settings(max_examples=150, deadline=None)
@given(
    start=st.integers(at("2026-03-28T12:00", BERLIN), at("2026-03-30T12:00", BERLIN))
    | st.integers(at("2026-10-24T12:00", BERLIN), at("2026-10-26T12:00", BERLIN)),
    ms=st.integers(1, 2 * HOUR),
    hours=st.lists(st.tuples(clocks, clocks), max_size=2),
)
def test_it_agrees_with_asking_every_few_seconds(
    start: int, ms: int, hours: list[tuple[str, str]]
) -> None:
    def is_quiet(instant: int) -> bool:
        clock = times.local(Instant(instant), BERLIN).strftime("%H:%M")
        return any(a <= clock < b if a < b else clock >= a or clock < b for a, b in hours)

    asked = any(is_quiet(t) for t in [*range(start, start + ms, 20_000), start + ms - 1])
    assert touches(Instant(start), ms, hours, BERLIN) is asked
