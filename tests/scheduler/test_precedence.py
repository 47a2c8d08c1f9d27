"""Which of two goes first, held against the reference receiver itself."""

from __future__ import annotations

import random
from itertools import permutations
from pathlib import Path
from typing import NamedTuple

import pytest

from content.bulletins import Priority
from loa.times import MINUTE, SECOND, Instant, after
from scheduler import channel, precedence
from scheduler.channel import Fate, Turn
from tests.devices.receiver_rig import T0, Bench, tone

N, P, E = Priority.NORMAL, Priority.PRIORITY, Priority.EMERGENCY
CLASSES = {N: "N", P: "P", E: "E"}
AT = Instant(T0 + 10 * MINUTE)
LATE = 3 * SECOND


class One(NamedTuple):
    name: str
    starts_at: Instant
    ms: int
    priority: Priority = N
    resumes: bool = False
    is_relay: bool = False
    broadcast_id: int | None = None

    @property
    def ends_at(self) -> Instant:
        return after(self.starts_at, self.ms)


def one(name: str, start: int, seconds: int, priority: Priority = N, **more: object) -> One:
    """Begins ``start`` seconds after AT."""
    return One(name, after(AT, start * SECOND), seconds * SECOND, priority, **more)


def play(*sounds: One, **more: object) -> dict[str, Turn[One]]:
    return {turn.sound.name: turn for turn in channel.play(sounds, LATE, **more)}


def seconds(turn: Turn[One]) -> list[tuple[int, int]]:
    return [((start - AT) // SECOND, (end - AT) // SECOND) for start, end in turn.heard]


def test_the_class_decides_then_the_earlier_start_then_the_name() -> None:
    in_order = [
        one("z", 5, 9, E), one("b", 0, 9, P), one("y", 1, 9, P), one("a", 0, 9), one("c", 0, 9),
    ]  # fmt: skip
    for first, second in permutations(range(len(in_order)), 2):
        found = precedence.goes_before(in_order[first], in_order[second])
        assert found is (first < second), (in_order[first], in_order[second])


def test_an_officer_decides_between_two_priority_ones_and_between_no_others() -> None:
    early, late = one("a", 0, 30, P, broadcast_id=1), one("b", 5, 30, P, broadcast_id=2)
    assert precedence.goes_before(late, early, {(2, 1)})
    assert not precedence.goes_before(early, late, {(2, 1)})
    alarm, usual = early._replace(priority=E), early._replace(priority=N)
    assert precedence.goes_before(alarm, late, {(2, 1)})
    assert not precedence.goes_before(usual, late, {(1, 2)})


def test_what_an_officer_put_behind_another_gives_way() -> None:
    turns = play(
        one("a", 0, 30, P, broadcast_id=1), one("b", 5, 30, P, broadcast_id=2), decided={(2, 1)}
    )
    assert (turns["a"].fate, turns["a"].heard, turns["a"].by.name) == (Fate.GAVE_WAY, [], "b")
    assert seconds(turns["b"]) == [(5, 35)]


def test_they_do_not_give_way_where_they_do_not_meet() -> None:
    turns = play(
        one("a", 0, 5, P, broadcast_id=1), one("b", 5, 5, P, broadcast_id=2), decided={(2, 1)}
    )
    assert {turn.fate for turn in turns.values()} == {Fate.PLAYED}


def test_an_emergency_silences_and_what_resumes_begins_again() -> None:
    turns = play(one("a", 0, 20, resumes=True), one("b", 2, 20), one("e", 5, 10, E))
    assert seconds(turns["e"]) == [(5, 15)]
    assert (seconds(turns["a"]), turns["a"].fate) == ([(0, 5), (15, 35)], Fate.PLAYED)
    assert (turns["b"].fate, turns["b"].by.name) == (Fate.MISSED, "e")


def test_what_does_not_resume_stays_interrupted() -> None:
    turns = play(one("a", 0, 20), one("e", 5, 10, E))
    assert (turns["a"].fate, turns["a"].by.name, seconds(turns["a"])) == (
        Fate.INTERRUPTED, "e", [(0, 5)],
    )  # fmt: skip


def test_a_relay_ends_when_it_was_to_end_however_late_it_began() -> None:
    turns = play(one("a", 0, 10), one("r", 8, 10, is_relay=True))
    assert seconds(turns["r"]) == [(10, 18)]


def test_what_began_late_does_not_reach_into_quiet_hours() -> None:
    night = after(AT, 20 * SECOND)
    turns = play(one("a", 0, 12), one("b", 10, 10), is_quiet=lambda _start, end: end > night)
    assert (turns["b"].fate, turns["b"].heard) == (Fate.QUIET, [])


@pytest.mark.parametrize("seed", range(60))
def test_it_foretells_what_a_receiver_does(tmp_path: Path, seed: int) -> None:
    bench, dice = Bench(tmp_path).boot(), random.Random(seed)
    sounds, orders = [], []
    for number in range(dice.randint(2, 7)):
        data = tone(dice.choice((1, 2, 4)), dice.choice((300, 440)))
        found = One(
            f"{dice.randrange(36**6):08x}.{number}", after(AT, dice.randrange(0, 12_000, 250)),
            bench.station.ms(bench.station.keep(data)), dice.choice((N, N, P, E)), dice.random() < 0.3,
        )  # fmt: skip
        sounds.append(found)
        orders.append(
            bench.occ(
                found.name,
                found.starts_at,
                data,
                late=LATE,
                cls=CLASSES[found.priority],
                end=found.ends_at + LATE,
                onint="restart" if found.resumes else "stop",
            )
        )
    bench.give(*orders)
    bench.until(AT + 10 * MINUTE, serve=True)
    foretold = sorted(
        (start, turn.sound.name, end - start)
        for turn in channel.play(sounds, LATE)
        for start, end in turn.heard
    )
    assert [(heard.at, heard.occ, heard.ms) for heard in bench.speaker.heard] == foretold
