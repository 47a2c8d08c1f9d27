"""Pacing alone: plain values in, plays out."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from itertools import pairwise

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as some

from loa.times import DAY, HOUR, MINUTE, SECOND, Instant, after
from scheduler import pacing
from scheduler.board import BETWEEN, Ask, DayRoom, Play, SessionRoom, Sound, Span, without
from tests.cast import vn

FIRST = date(2026, 12, 1)
MORNING = vn("2026-12-01 05:30")
NOON, EVENING = after(MORNING, 6 * HOUR), after(MORNING, 12 * HOUR)
LONG_AGO = Instant(0)
MANY = settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck))


def day(number: int) -> date:
    return FIRST + timedelta(days=number)


def room(number: int, *minutes: float, left: int | None = None, plays: str = "all") -> DayRoom:
    """Sessions of so many free minutes, six hours apart."""
    begin = after(MORNING, number * DAY)
    sessions = [
        ((after(begin, n * 6 * HOUR), after(begin, n * 6 * HOUR + int(each * MINUTE))),)
        for n, each in enumerate(minutes)
    ]
    return DayRoom(day(number), tuple(each for each in sessions), left, plays)


def sound(key: int = 1, seconds: float = 30, **more: object) -> Sound:
    return Sound(key=key, ms=int(seconds * SECOND), **more)


def ask(goal: int, days: int = 10, *sounds: Sound, key: int = 1, **more: object) -> Ask:
    usual = {"spans": (Span(day(0), day(days - 1), goal),), "since": LONG_AGO}
    return Ask(key=key, sounds=sounds or (sound(),), **{**usual, **more})


def dealt(rooms: list[DayRoom], *asks: Ask, held: list[Play] = ()) -> list[Play]:
    return sorted(pacing.deal(rooms, asks, held)[1])


def by_day(plays: list[Play], days: int = 10, key: int = 1) -> list[int]:
    counted = Counter(play.day for play in plays if play.key == key)
    return [counted[day(number)] for number in range(days)]


def overlap(plays: list[Play]) -> bool:
    ordered = sorted(plays)
    return any(a.starts_at + a.ms + BETWEEN > b.starts_at for a, b in pairwise(ordered))


def lies_free(play: Play, rooms: list[DayRoom]) -> bool:
    return any(
        since <= play.starts_at and play.starts_at + play.ms <= until
        for one in rooms if one.day == play.day for each in one.sessions for since, until in each
    )  # fmt: skip


# -- the case of the books ------------------------------------------------------------------------


def test_a_hundred_plays_in_ten_days_are_ten_a_day_at_each_of_fourteen_receivers() -> None:
    rooms = [room(number, 15, 15, 15) for number in range(10)]
    at_each = [dealt(rooms, ask(100)) for _ in range(14)]
    assert [by_day(plays) for plays in at_each] == [[10] * 10] * 14
    assert sum(len(plays) for plays in at_each) == 1400


def test_a_hundred_plays_in_all_are_seven_or_eight_at_each_of_fourteen() -> None:
    """Not a target one can set: what it would be is said in the docs."""
    shares = pacing.by_largest_remainder(100, [1] * 14)
    assert (sum(shares), set(shares)) == (100, {7, 8})
    rooms = [room(number, 15) for number in range(10)]
    for goal in shares:
        plays = by_day(dealt(rooms, ask(goal)))
        assert (sum(plays), max(plays)) == (goal, 1)


def test_what_does_not_divide_gives_some_days_one_more_and_they_lie_apart() -> None:
    plays = by_day(dealt([room(number, 45) for number in range(10)], ask(103)))
    assert (sum(plays), set(plays)) == (103, {10, 11})
    more = [number for number, each in enumerate(plays) if each == 11]
    assert min(b - a for a, b in pairwise(more)) >= 2


def test_plays_go_round_the_sessions_of_a_day() -> None:
    plays = dealt([room(0, 15, 15, 15)], ask(7, 1))
    hours = Counter((play.starts_at - MORNING) // (6 * HOUR) for play in plays)
    assert sorted(hours.values()) == [2, 2, 3]


def test_one_play_a_day_comes_in_another_session_from_day_to_day() -> None:
    plays = dealt([room(number, 15, 15, 15) for number in range(6)], ask(6, 6))
    hours = [(play.starts_at - MORNING) % DAY // (6 * HOUR) for play in plays]
    assert Counter(hours) == {0: 2, 1: 2, 2: 2}


def test_a_full_day_passes_its_plays_on_to_the_others() -> None:
    rooms = [room(0, 1), room(1, 45), room(2, 45)]
    plays = by_day(dealt(rooms, ask(21, 3)), 3)
    assert plays[0] == 1  # 30 seconds and the silence after them, twice, is more than a minute
    assert sum(plays) == 21
    assert plays[1] == plays[2] == 10


def test_what_finds_no_room_is_left_out_and_nothing_is_played_beside_it() -> None:
    plays = dealt([room(0, 5)], ask(100, 1))
    assert len(plays) == 9
    assert not overlap(plays)


def test_minutes_of_the_day_are_kept() -> None:
    plays = dealt([room(0, 15, 15, left=3 * MINUTE)], ask(100, 1))
    assert sum(play.ms for play in plays) == 3 * MINUTE


def test_a_day_that_lets_only_priority_sound_is_for_such_messages_alone() -> None:
    rooms = [room(0, 15, plays="priority"), room(1, 15, plays="emergency"), room(2, 15)]
    normal, urgent = sound(1), sound(2, is_priority=True)
    plays = dealt(rooms, ask(9, 3, normal, urgent))
    assert {play.sound for play in plays if play.day == day(0)} == {2}
    assert by_day(plays, 3)[1] == 0


def test_nothing_new_starts_before_it_may() -> None:
    since = after(NOON, 5 * MINUTE)
    plays = dealt([room(0, 15, 15, 15)], ask(6, 1, since=since))
    assert len(plays) == 6
    assert min(plays).starts_at == since


def test_starts_are_whole_seconds() -> None:
    rooms = [DayRoom(day(0), (((after(MORNING, 1), after(MORNING, 15 * MINUTE)),),))]
    plays = dealt(rooms, ask(5, 1, sound(seconds=30.4)))
    assert [play.starts_at % SECOND for play in plays] == [0] * 5
    assert min(plays).starts_at == after(MORNING, SECOND)


# -- messages -------------------------------------------------------------------------------------


def test_messages_share_the_plays_by_weight() -> None:
    plays = dealt(
        [room(n, 45) for n in range(10)],
        ask(60, 10, sound(1, weight=3), sound(2, weight=2), sound(3)),
    )
    assert Counter(play.sound for play in plays) == {1: 30, 2: 20, 3: 10}


def test_weights_hold_over_what_was_heard_before() -> None:
    one, two = sound(1), sound(2)
    plays = dealt([room(0, 45)], ask(10, 1, one, two, heard=((1, 10),)))
    assert Counter(play.sound for play in plays) == {2: 10}


def test_a_message_is_heard_on_its_days_alone() -> None:
    late = sound(1, first=day(5))
    plays = dealt([room(n, 15) for n in range(10)], ask(20, 10, late))
    assert by_day(plays) == [0] * 5 + [4] * 5


def test_a_message_is_not_heard_twice_within_its_hours() -> None:
    rare = sound(1, apart_ms=5 * HOUR)
    plays = dealt([room(n, 15, 15, 15) for n in range(2)], ask(100, 2, rare))
    starts = [play.starts_at for play in plays]
    assert len(starts) == 6
    assert min(b - a for a, b in pairwise(starts)) >= 5 * HOUR


def test_it_looks_within_a_session_for_a_start_far_enough_from_the_last() -> None:
    plays = dealt([room(0, 45)], ask(100, 1, sound(1, apart_ms=10 * MINUTE)))
    assert [(play.starts_at - MORNING) // MINUTE for play in plays] == [0, 10, 20, 30, 40]


def test_another_message_comes_where_one_must_wait() -> None:
    plays = dealt([room(0, 15)], ask(4, 1, sound(1, apart_ms=HOUR), sound(2, apart_ms=HOUR)))
    assert Counter(play.sound for play in plays) == {1: 1, 2: 1}


def test_a_target_of_minutes_is_never_exceeded() -> None:
    plays = dealt(
        [room(n, 15) for n in range(5)], ask(10 * MINUTE, 5, sound(seconds=45), in_ms=True)
    )
    assert len(plays) == 13
    assert sum(play.ms for play in plays) <= 10 * MINUTE


# -- several campaigns ----------------------------------------------------------------------------


def test_campaigns_with_room_for_all_each_get_what_they_ask() -> None:
    rooms = [room(n, 45, 45) for n in range(10)]
    plays = dealt(rooms, ask(50, key=1), ask(73, key=2), ask(20, key=3))
    assert Counter(play.key for play in plays) == {1: 50, 2: 73, 3: 20}
    assert not overlap(plays)
    for key in (1, 2, 3):
        assert max(by_day(plays, 10, key)) - min(by_day(plays, 10, key)) <= 1


def test_campaigns_that_compete_share_the_minutes_by_weight() -> None:
    rooms = [room(n, 16) for n in range(10)]  # 30 plays a day
    plays = dealt(rooms, ask(500, key=1, weight=3), ask(500, key=2, weight=1))
    got = Counter(play.key for play in plays)
    assert sum(got.values()) == 300
    assert abs(got[1] - 225) <= 10


def test_a_campaign_that_asks_for_little_is_not_made_to_wait_for_its_weight() -> None:
    rooms = [room(n, 16) for n in range(10)]
    plays = dealt(rooms, ask(1000, key=1, weight=9), ask(10, key=2, weight=1))
    assert Counter(play.key for play in plays)[2] == 10


# -- what is there already ------------------------------------------------------------------------


def test_planning_from_a_later_day_comes_to_the_same() -> None:
    rooms = [room(n, 15, 15, 15) for n in range(10)]
    whole = dealt(rooms, ask(57))
    for later in range(1, 10):
        before = [play for play in whole if play.day < day(later)]
        spans = (Span(day(0), day(9), 57 - len(before)),)
        rest = ask(0, spans=spans, since=rooms[later].sessions[0][0][0])
        again = dealt(rooms[later:], rest, held=before)
        assert by_day([*before, *again]) == by_day(whole)


def test_what_is_planned_stays_where_it_is() -> None:
    rooms = [room(n, 15, 15, 15) for n in range(4)]
    plays = dealt(rooms, ask(20, 4, sound(1, weight=2), sound(2)))
    kept, new = pacing.deal(rooms, [ask(20, 4, sound(1, weight=2), sound(2))], (), plays)
    assert (kept, new) == (plays, [])


def test_a_lost_play_is_made_up_for_and_moves_nothing_else() -> None:
    rooms = [room(n, 15, 15, 15) for n in range(4)]
    sounds = sound(1, weight=2), sound(2)
    plays = dealt(rooms, ask(20, 4, *sounds))
    ahead = [play for play in plays if play.day > day(0)]
    missed = 3
    rest = ask(len(ahead) + missed, 4, *sounds, since=rooms[1].sessions[0][0][0])
    kept, new = pacing.deal(rooms[1:], [rest], (), ahead)
    assert kept == ahead
    assert len(new) == missed
    assert by_day([*kept, *new], 4)[1:] == [6, 6, 6]


def test_what_no_longer_lies_free_moves_and_the_rest_stays() -> None:
    rooms = [room(0, 15, 15, 15)]
    plays = dealt(rooms, ask(6, 1))
    less = [room(0, 15, 15)]
    kept, new = pacing.deal(less, [ask(6, 1)], (), plays)
    assert kept == [play for play in plays if play.starts_at < EVENING]
    assert len(kept) + len(new) == 6
    assert not overlap([*kept, *new])


def test_a_smaller_target_takes_plays_away_evenly() -> None:
    rooms = [room(n, 15, 15, 15) for n in range(4)]
    plays = dealt(rooms, ask(40, 4))
    kept, new = pacing.deal(rooms, [ask(20, 4)], (), plays)
    assert (by_day(kept, 4), new) == ([5] * 4, [])


def test_nothing_takes_the_place_of_what_a_receiver_was_told_before_it_is_known_to_be_off() -> None:
    plays = dealt([room(0, 15, 15, 15)], ask(6, 1))
    gone = [play for play in plays if play.starts_at >= EVENING]
    kept, new = pacing.deal([room(0, 15, 15)], [ask(6, 1)], (), plays, frozenset(plays))
    assert (len(kept), new) == (6 - len(gone), [])


# -- laws -----------------------------------------------------------------------------------------

minutes = some.lists(some.sampled_from([0.0, 0.4, 1, 3, 7.5, 15, 45]), max_size=3)
stations = some.lists(minutes, min_size=1, max_size=14)
lengths = some.integers(5, 180)


def capacity(one: DayRoom, ms: int) -> int:
    """Plays of that length that fit into a day's sessions."""
    return sum(
        max(0, until - since + BETWEEN) // (ms + BETWEEN) for each in one.sessions for since, until in each
    )  # fmt: skip


@MANY
@given(stations, lengths, some.integers(0, 300))
def test_planned_plays_are_the_target_exactly_where_there_is_room(station, seconds, goal) -> None:
    rooms = [room(number, *each) for number, each in enumerate(station)]
    days, ms = len(rooms), seconds * SECOND
    plays = dealt(rooms, ask(goal, days, sound(seconds=seconds)))
    caps = [capacity(each, ms) for each in rooms]
    counts = by_day(plays, days)
    assert len(plays) == min(goal, sum(caps))
    below = [count for count, cap in zip(counts, caps, strict=True) if count < cap]
    assert not below or max(counts) - min(below) <= 1
    assert counts == pacing.even(goal, caps, [pacing.rank(1, day(n)) for n in range(days)])
    assert not overlap(plays)
    assert all(lies_free(play, rooms) for play in plays)


@MANY
@given(
    stations,
    some.lists(
        some.tuples(lengths, some.integers(1, 60), some.integers(1, 5)), min_size=1, max_size=4
    ),
)
def test_no_campaign_gets_more_than_it_asks_and_none_overlaps_another(station, wanted) -> None:
    rooms = [room(number, *each) for number, each in enumerate(station)]
    asks = [
        ask(goal, len(rooms), sound(key, seconds), key=key, weight=weight)
        for key, (seconds, goal, weight) in enumerate(wanted, start=1)
    ]
    plays = dealt(rooms, *asks)
    got = Counter(play.key for play in plays)
    assert all(got[each.key] <= each.spans[0].goal for each in asks)
    assert not overlap(plays)
    assert all(lies_free(play, rooms) for play in plays)
    short = [each for each in asks if got[each.key] < each.spans[0].goal]
    for each in short:  # starving is for want of room alone
        left = [
            one._replace(sessions=tuple(_rest(free, plays) for free in one.sessions))
            for one in rooms
        ]
        assert sum(capacity(one, each.sounds[0].ms + 2 * BETWEEN) for one in left) == 0


def _rest(free: SessionRoom, plays: list[Play]) -> SessionRoom:
    taken = [(play.starts_at, play.ends_at) for play in plays]
    return tuple(without(free, taken))


@MANY
@given(
    some.integers(2, 14),
    some.integers(1, 120),
    some.lists(some.tuples(some.integers(0, 13), some.integers(1, 6)), max_size=6),
    some.integers(0, 13),
)
def test_after_outages_the_rest_is_spread_over_the_days_left(days, goal, outages, today) -> None:
    """Plays are lost at random on days gone by; what is planned anew and what was heard come to the target."""
    assume(today < days)
    rooms = [room(number, 45, 45, 45) for number in range(days)]
    heard: list[Play] = []
    lost = dict(outages)
    for number in range(today):
        since = rooms[number].sessions[0][0][0]
        plan = dealt(rooms[number:], ask(goal - len(heard), days, since=since), held=heard)
        of_today = [play for play in plan if play.day == day(number)]
        heard += of_today[lost.get(number, 0) :]
    since = rooms[today].sessions[0][0][0]
    rest = dealt(rooms[today:], ask(goal - len(heard), days, since=since), held=heard)
    assert len(heard) + len(rest) == goal
    counts = by_day(rest, days)[today:]
    assert max(counts) - min(counts) <= 1
    assert not overlap([*heard, *rest])


@MANY
@given(some.integers(0, 500), some.lists(some.integers(0, 60), min_size=1, max_size=20))
def test_even_comes_to_the_goal_or_to_all_there_is(goal, caps) -> None:
    found = pacing.even(goal, caps, list(range(len(caps))))
    assert sum(found) == min(goal, sum(caps))
    assert all(each <= cap for each, cap in zip(found, caps, strict=True))


@MANY
@given(some.integers(0, 10_000), some.lists(some.integers(0, 50), min_size=1, max_size=30))
def test_largest_remainder_sums_to_the_goal_and_no_share_is_off_by_one(goal, weights) -> None:
    found = pacing.by_largest_remainder(goal, weights)
    whole = sum(weights)
    assert sum(found) == (goal if whole else 0)
    for share, weight in zip(found, weights, strict=True):
        assert not whole or abs(share - goal * weight / whole) < 1
