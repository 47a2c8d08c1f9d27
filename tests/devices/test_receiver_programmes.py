"""A programme at the receiver: items that follow one another with the planner's gap, none missed, none cut off."""

from __future__ import annotations

from pathlib import Path

import pytest

from devices.messages import Occurrence, Settings
from loa.times import MINUTE
from scheduler.running_order import GAP
from tests.devices.receiver_rig import T0, Bench, sha, tone

AT = T0 + 10 * MINUTE
SOUNDS = [tone(seconds, 300 + 100 * number) for number, seconds in enumerate((1, 2.5, 0.7, 3, 1))]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path).boot()


def running_order(bench: Bench, gap: int = GAP, classes: str = "NNNNN") -> list[Occurrence]:
    """As the planner makes it: each begins when the one before has ended, and a moment later."""
    found, at = [], AT
    for number, (sound, cls) in enumerate(zip(SOUNDS, classes, strict=True), start=1):
        ms = bench.station.ms(bench.station.keep(sound))
        found.append(bench.occ(f"p.i{number}", at, sound, cls=cls, end=at + ms + MINUTE))
        at += ms + gap
    return found


def heard(bench: Bench, order: list[Occurrence], delay_ms: int = 0) -> list[int]:
    """By how much each began late."""
    assert [each.occ for each in bench.speaker.heard] == [occ.id for occ in order]
    for each, occ in zip(bench.speaker.heard, order, strict=True):
        assert each.ms == bench.station.ms(occ.sha)
    return [
        each.at - occ.at - delay_ms for each, occ in zip(bench.speaker.heard, order, strict=True)
    ]


@pytest.mark.parametrize("delay_ms", [0, 700, 1_000])
@pytest.mark.parametrize("classes", ["NNNNN", "PNNNN", "NNPNP"])
def test_items_follow_one_another_on_the_millisecond(
    bench: Bench, delay_ms: int, classes: str
) -> None:
    order = running_order(bench, classes=classes)
    bench.give(*order, set=Settings(delay_ms=delay_ms))
    bench.until(AT + 5 * MINUTE, serve=True)
    assert heard(bench, order, delay_ms) == [0] * 5
    for occ in order:
        assert bench.codes(occ.id) == ["accepted", "ready", "started", "played"]


def test_a_receiver_that_looks_late_catches_up_within_the_gap(bench: Bench) -> None:
    order = running_order(bench)
    bench.give(*order)
    bench.until(AT - MINUTE, serve=True)
    bench.clock.advance(MINUTE + 250)  # it was held up, and woke a quarter of a second too late
    bench.until(AT + 5 * MINUTE, serve=True)
    assert heard(bench, order) == [250, 0, 0, 0, 0]


def test_switched_on_in_the_middle_it_plays_what_is_left_in_order(bench: Bench) -> None:
    order = running_order(bench)
    bench.give(*order, set=Settings(delay_ms=0))
    bench.until(AT - MINUTE, serve=True)
    bench.cut(MINUTE + 1_500)
    bench.boot()
    bench.until(AT + 5 * MINUTE, serve=True)
    assert [each.occ for each in bench.speaker.heard] == [occ.id for occ in order]
    late = [each.at - occ.at for each, occ in zip(bench.speaker.heard, order, strict=True)]
    assert late[0] >= 1_500
    assert late == sorted(late, reverse=True)  # each gap makes up for a little


def test_without_a_gap_a_late_look_would_cut_off_what_comes_before_a_priority_item(
    bench: Bench,
) -> None:
    order = running_order(bench, gap=0, classes="NPNNN")
    bench.give(*order)
    bench.until(AT - MINUTE, serve=True)
    bench.clock.advance(MINUTE + 250)
    bench.until(AT + 5 * MINUTE, serve=True)
    assert "interrupted" in bench.codes("p.i1")
    assert sha(SOUNDS[0])[:16] == bench.detail("p.i1", "started")["sha"]
