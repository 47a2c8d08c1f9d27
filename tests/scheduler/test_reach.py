from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as some

from scheduler import reach

HOUSEHOLDS = {"a": 300, "b": 200, "c": 100, "d": 50, "e": 0}


def test_it_says_what_share_of_households_heard_it_often_enough() -> None:
    found = reach.share(HOUSEHOLDS, {"a": 2, "b": 3, "c": 1}, 2)
    assert found == reach.Share(500, 650, 1)
    assert round(found.per_cent or 0, 1) == 76.9


def test_without_known_households_there_is_no_share_not_one_of_zero() -> None:
    found = reach.share({"a": 0}, {"a": 9}, 1)
    assert (found.per_cent, found.meets(1), found.uncounted) == (None, False, 1)


def test_the_target_is_held_exactly() -> None:
    assert reach.Share(70, 100).meets(70)
    assert not reach.Share(6999, 10000).meets(70)


def test_it_takes_the_receivers_with_the_most_households() -> None:
    assert reach.choose(HOUSEHOLDS, {}, 2, 70) == ["a", "b"]


def test_those_who_heard_it_count_first() -> None:
    assert reach.choose(HOUSEHOLDS, {"c": 2, "d": 2}, 2, 70) == ["a", "b"]
    assert reach.choose(HOUSEHOLDS, {"a": 2, "b": 2}, 2, 70) == []


def test_who_is_not_needed_once_the_last_is_chosen_is_left_out() -> None:
    assert reach.choose({"a": 50, "b": 30, "c": 20}, {}, 1, 70) == ["a", "b"]
    assert reach.choose({"a": 60, "b": 20, "c": 20, "d": 1}, {"c": 1, "b": 1}, 1, 80) == ["a"]


def test_another_takes_the_place_of_one_without_room() -> None:
    assert reach.choose(HOUSEHOLDS, {}, 2, 50, unable={"a"}) == ["b", "c", "d"]


def test_a_receiver_without_households_is_never_needed() -> None:
    assert "e" not in reach.choose(HOUSEHOLDS, {}, 1, 100)


@settings(max_examples=300, deadline=None)
@given(
    some.dictionaries(some.text("abcdefgh", min_size=1, max_size=3), some.integers(0, 400), max_size=12),
    some.dictionaries(some.text("abcdefgh", min_size=1, max_size=3), some.integers(0, 4), max_size=12),
    some.integers(1, 3), some.integers(1, 100),
)  # fmt: skip
def test_what_is_chosen_reaches_the_target_and_no_one_of_it_is_needless(
    households, plays, times, per_cent
) -> None:
    chosen = reach.choose(households, plays, times, per_cent)
    after = {**plays, **dict.fromkeys(chosen, times)}
    if any(households.values()):
        assert reach.share(households, after, times).meets(per_cent)
    for each in chosen:
        without = {**after, each: 0}
        assert not reach.share(households, without, times).meets(per_cent)


def test_the_curve_rises_day_by_day() -> None:
    first = date(2026, 12, 1)
    days = [first + timedelta(days=number) for number in range(4)]
    plays = [(days[0], "a"), (days[1], "a"), (days[1], "b"), (days[3], "b")]
    found = reach.curve(HOUSEHOLDS, plays, 2, days)
    assert [each.reached for each in found] == [0, 300, 300, 500]
