"""The bench runs, and what it says of itself is so; how fast anything is, is for the bench to say."""

from __future__ import annotations

import pytest

from devices.simulator import Sounded
from loa.benches import fleet, soak
from loa.benches.fleet import Figure
from loa.times import Instant
from tests.parts import need


def test_it_measures_a_station_beside_its_ceilings(monkeypatch) -> None:
    need("mosquitto")
    monkeypatch.setattr(fleet, "IDLE_SECONDS", 0.2)
    monkeypatch.setattr(fleet, "QUIET_SECONDS", 0.2)
    monkeypatch.setattr(fleet, "FEW", 3)
    found = {figure.what: figure for figure in fleet.measure(8)}
    assert all(figure.value >= 0 for figure in found.values())
    with_ceiling = [figure for figure in found.values() if figure.ceiling is not None]
    assert len(with_ceiling) == 6
    at_rest = [figure for figure in with_ceiling if figure.unit.startswith("%")]
    assert len(at_rest) == 1  # in so short a time it may have cost nothing
    assert all(
        figure.ratio and figure.ratio > 0 for figure in with_ceiling if figure not in at_rest
    )
    assert found["  mỗi khối được phát trung bình"].value >= 1


def test_a_figure_says_its_ratio_and_its_goal() -> None:
    assert str(Figure("Gửi", 3.0, "s", 1.5, "≤ 2 lần")) == (
        "Gửi: 3 s; mức trần 1.5 s, tỉ lệ 2.00 (mục tiêu ≤ 2 lần)"
    )


def sounded(*, whole: bool, ms: int = 10) -> Sounded:
    return Sounded(at=Instant(0), rid="r", occ="o", ms=ms, whole=whole)


WHOLE, PARTLY = sounded(whole=True), sounded(whole=False)


@pytest.mark.parametrize(
    ("state", "truth", "words"),
    [
        ("played", [], "did not sound to its end"),
        ("played", [PARTLY], "did not sound to its end"),
        ("missed", [PARTLY], "and it sounded 10 ms"),
        ("cancelled", [WHOLE], "it sounded to its end"),
        ("played", [WHOLE, WHOLE], "sounded 2 times"),
        ("unknown", [], "still unknown"),
        ("accepted", [], "still accepted"),
        (soak.NEVER_HEARD_OF, [PARTLY], "and it sounded 10 ms"),
    ],
)
def test_a_contradiction_is_named(state: str, truth: list[Sounded], words: str) -> None:
    (line,) = soak.contradictions({("r", "o"): (state, None)}, truth)
    assert words in line


@pytest.mark.parametrize(
    ("state", "truth"),
    [
        ("played", [WHOLE]),
        ("interrupted", [PARTLY]),
        ("interrupted", []),  # cut between the journal and the first sample
        ("interrupted", [WHOLE]),  # cut between the last sample and the journal
        ("cancelled", [PARTLY]),
        ("cancelled", []),
        ("missed", []),
        (soak.NEVER_HEARD_OF, []),
    ],
)
def test_what_agrees_is_not(state: str, truth: list[Sounded]) -> None:
    assert list(soak.contradictions({("r", "o"): (state, None)}, truth)) == []


def test_a_sound_the_log_does_not_know_is_named() -> None:
    (line,) = soak.contradictions({}, [WHOLE])
    assert "the log does not know it" in line
