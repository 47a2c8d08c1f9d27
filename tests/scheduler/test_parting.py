"""Parting: what is dealt in parts, and remembered for others, is what would be dealt to each by itself."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from loa.times import DAY, HOUR, MINUTE, SECOND, Instant, after
from scheduler import pacing
from scheduler.board import Ask, DayRoom, Play, Sound, Span
from scheduler.parting import Known
from tests.cast import vn

FIRST = date(2026, 12, 1)
MORNING = vn("2026-12-01 05:30")
MANY = settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))


def day(number: int) -> date:
    return FIRST + timedelta(days=number)


def room(number: int, minutes: list[float]) -> DayRoom:
    begins = [after(MORNING, number * DAY + n * 6 * HOUR) for n in range(len(minutes))]
    sessions = tuple(
        ((begin, after(begin, int(each * MINUTE))),)
        for begin, each in zip(begins, minutes, strict=True)
    )
    return DayRoom(day(number), sessions)


def daily(key: int, days: int, goal: int = 1, *sounds: Sound, **more: object) -> Ask:
    spans = tuple(Span(day(n), day(n), goal) for n in range(days))
    usual = {"sounds": sounds or (Sound(key=1, ms=30 * SECOND),), "since": Instant(0)}
    return Ask(key=key, **{**usual, "spans": spans, **more})


def begins(rooms: list[DayRoom], *asks: Ask) -> list[tuple[int, int]]:
    usual, _ = Known().parts(rooms, asks)
    return [(part.begin, len(part.wishes)) for part in usual]


def test_days_that_no_span_has_in_common_are_parts_of_their_own() -> None:
    rooms = [room(n, [15]) for n in range(3)]
    assert begins(rooms, daily(1, 3), daily(2, 2)) == [(0, 2), (1, 2), (2, 1)]


def test_a_span_of_several_days_holds_them_together() -> None:
    rooms = [room(n, [15]) for n in range(4)]
    week = daily(2, 0, spans=(Span(day(1), day(2), 5),))
    assert begins(rooms, daily(1, 4), week) == [(0, 1), (1, 3), (3, 1)]


def test_a_choice_among_messages_holds_all_days_of_its_campaign_together() -> None:
    rooms = [room(n, [15]) for n in range(3)]
    two = (Sound(key=1, ms=SECOND), Sound(key=2, ms=SECOND))
    apart = Sound(key=1, ms=SECOND, apart_ms=HOUR)
    assert begins(rooms, daily(1, 3, 1, *two)) == [(0, 3)]
    assert begins(rooms, daily(1, 3, 1, apart), daily(2, 2)) == [(0, 5)]


def test_days_beyond_the_rooms_are_no_part_of_it() -> None:
    assert begins([room(0, [15])], daily(1, 5)) == [(0, 1)]
    assert begins([], daily(1, 5)) == []


def test_the_same_plays_are_kept_once() -> None:
    known, asked = Known(), [daily(1, 1)]
    (mine,) = pacing.deal([room(0, [15])], asked, known=known)[1]
    (yours,) = pacing.deal([room(0, [15, 45])], asked, known=known)[1]
    (theirs,) = pacing.deal([room(0, [15, 45])], asked, known=known)[1]
    assert yours is theirs
    assert mine == Play(MORNING, 1, 1, 30 * SECOND, FIRST)


minutes = some.lists(some.sampled_from([0.4, 1, 3, 15]), max_size=2)
stations = some.lists(some.lists(minutes, min_size=5, max_size=5), min_size=2, max_size=3)
asks = some.lists(
    some.tuples(
        some.integers(1, 3), some.integers(5, 90), some.integers(1, 3), some.booleans(), some.booleans(),
    ), min_size=1, max_size=3,
)  # fmt: skip


@MANY
@given(stations, asks, some.integers(0, 4))
def test_what_others_were_dealt_changes_nothing(every, wanted, lost) -> None:
    asked = []
    for key, (goal, seconds, weight, is_double, is_wide) in enumerate(wanted, start=1):
        sounds = [
            Sound(key=n, ms=seconds * SECOND, weight=n) for n in range(1, 3 if is_double else 2)
        ]
        wide = {"spans": (Span(day(0), day(4), goal * 3),)} if is_wide else {}
        asked.append(daily(key, 5, goal, *sounds, weight=weight, **wide))
    known = Known()
    for station in [*every, *every]:
        rooms = [room(number, each) for number, each in enumerate(station)]
        plays = sorted(pacing.deal(rooms, asked)[1])
        assert sorted(pacing.deal(rooms, asked, known=known)[1]) == plays
        held, loose = plays[:lost], plays[lost:-1]
        alone = pacing.deal(rooms, asked, held, loose)
        shared = pacing.deal(rooms, asked, held, loose, known=known)
        assert [sorted(each) for each in shared] == [sorted(each) for each in alone]
