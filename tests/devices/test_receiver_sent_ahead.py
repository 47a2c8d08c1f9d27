"""Sounds a plan names without ordering them, while staff still decide."""

from __future__ import annotations

from pathlib import Path

import pytest

from devices.messages import Audio, Canned
from loa.times import MINUTE, SECOND
from tests.devices.receiver_rig import T0, Bench, sha, tone

ALARM = tone(2, 880)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path).boot()


def audio(bench: Bench) -> dict[str, Audio]:
    name = bench.station.keep(ALARM)
    return {name: Audio(n=len(ALARM), ms=bench.station.ms(name))}


def test_it_fetches_them_at_once_and_plays_nothing(bench: Bench) -> None:
    bench.give(aud=audio(bench))
    bench.serve()
    assert (bench.identity.audio / f"{sha(ALARM)}.mp3").read_bytes() == ALARM
    bench.until(T0 + 30 * MINUTE, serve=True)
    assert bench.speaker.heard == []


def test_what_was_sent_ahead_sounds_the_moment_it_is_ordered_without_a_byte_more(
    bench: Bench,
) -> None:
    bench.give(aud=audio(bench))
    bench.serve()
    bench.clock.advance(MINUTE)
    at = T0 + MINUTE + 3 * SECOND
    bench.give(bench.occ("alarm", at, ALARM, cls="E"))
    assert bench.codes("alarm") == ["accepted"]
    bench.until(at + SECOND)
    assert bench.wire.gets() == []
    assert [(heard.occ, heard.at) for heard in bench.speaker.heard] == [("alarm", at)]


def test_it_survives_a_power_cut_in_between(bench: Bench) -> None:
    bench.give(aud=audio(bench))
    bench.cut(MINUTE)
    bench.boot()
    bench.serve()
    assert (bench.identity.audio / f"{sha(ALARM)}.mp3").exists()


def test_what_is_off_or_canned_is_not_fetched_for_being_named(bench: Bench) -> None:
    bench.give(bench.occ("b1", T0 + MINUTE, ALARM, st="off"))
    bench.serve()
    assert not (bench.identity.audio / f"{sha(ALARM)}.mp3").exists()
    bench.give(aud=audio(bench), can=(Canned(n=1, sha=sha(ALARM), title="Lũ"),))
    bench.receiver.step()
    assert bench.wire.gets() == []  # canned sounds are fetched at a random moment of ten minutes


def test_a_later_plan_that_names_it_no_more_gives_it_up(bench: Bench) -> None:
    bench.give(aud=audio(bench))
    bench.give()
    bench.serve()
    assert bench.wire.filters == set()
