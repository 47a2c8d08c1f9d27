"""A card that is off, callbacks that come late, a machine that is busy: the sound keeps the time."""

from __future__ import annotations

import random
from array import array
from collections.abc import Generator, Iterator

import pytest

from devices import skew
from devices.receiver.card import SystemOutput
from devices.receiver.outputs import RATE, OutputFault, Playing, Sound
from devices.receiver.rate_match import WINDOW, CardTime, RateMatch
from devices.skew import Start
from loa import cli
from loa.times import MINUTE, SECOND

NS = 1_000_000_000
BLOCK = 1_200
PERIODS = 3
"""What a card asks for at once when it is started, before it asks in real time."""


class Card:
    """A card whose own clock is ``ppm`` fast; its callbacks come up to ``late_ms`` after they should."""

    def __init__(self, ppm: float, late_ms: float = 0.0) -> None:
        self._rate = RATE * (1 + ppm / 1e6)
        self._late, self._random = late_ms, random.Random(4)
        self.now = self._begun = 5 * NS
        self._given = 0
        self._feed: Generator[bytes, int, None] | None = None

    def start(self, feed: Generator[bytes, int, None]) -> None:
        self._feed = feed

    def close(self) -> None:
        self._feed = None

    def ask(self) -> array[int]:
        """One callback; the answer is what it was given."""
        assert self._feed
        due = max(0, self._given - PERIODS * BLOCK) / self._rate
        late = self._random.uniform(0, self._late) if self._random.random() < 0.9 else 0
        self.now = self._begun + round(due * NS + late * 1_000_000)
        self._given += BLOCK
        return array("h", self._feed.send(BLOCK))

    def heard_at(self, frame: int) -> float:
        """Steady ns at which it comes to its frame, as far ahead as it asks for it."""
        return self._begun + (frame - PERIODS * BLOCK) / self._rate * NS


class Ramp:
    """A sound whose samples are numbers: which of them is heard tells where in the sound one is."""

    piece = array("h", range(20_000))

    def __iter__(self) -> Iterator[array[int]]:
        return self

    def __next__(self) -> array[int]:
        return self.piece

    def close(self) -> None:
        pass


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[Card]:
    cards: list[Card] = []
    monkeypatch.setattr("devices.receiver.card.time.monotonic_ns", lambda: cards[0].now)
    monkeypatch.setattr(SystemOutput, "device", lambda self: cards[0])
    return cards


def start(cards: list[Card], card: Card, in_ms: int) -> Playing:
    cards.append(card)
    playing = SystemOutput().open(Sound("b1", b"", 40 * MINUTE, live=Ramp))
    playing.begin(in_ms)
    return playing


def off_ms(card: Card, release: int, frame: int, position: int) -> float:
    """How far the sound is from where it should be when the card comes to its ``frame``."""
    return (card.heard_at(frame) - release - position * NS / RATE) / 1e6


@pytest.mark.parametrize("ppm", [200, -200, 60])
def test_after_half_an_hour_it_is_where_it_should_be(clock: list[Card], ppm: int) -> None:
    """Uncorrected, 200 millionths are 360 ms by then."""
    card = Card(ppm, late_ms=15)
    playing = start(clock, card, 500)
    release, frame, worst, position = card.now + 500_000_000, 0, 0.0, 0
    while frame < 30 * 60 * RATE:
        block = card.ask()
        frame += BLOCK
        if frame > RATE:
            # The last sample's number, counted on by what the block can have advanced.
            position += (block[-1] - position) % 20_000
            worst = max(worst, abs(off_ms(card, release, frame - 1, position)))
    assert worst < 5
    assert playing.played_ms() == pytest.approx(30 * MINUTE - 500, abs=200)


def test_a_card_that_is_right_is_left_alone(clock: list[Card]) -> None:
    card = Card(0, late_ms=10)
    start(clock, card, 0)
    sound = array("h", [one for _ in range(2_000) for one in card.ask()])
    steps = {(b - a) % 20_000 for a, b in zip(sound[RATE:], sound[RATE + 1 :], strict=False)}
    assert steps == {1}


@pytest.mark.parametrize("late_ms", [0, 30])
def test_it_begins_on_the_cards_own_frame_however_late_its_callbacks(
    clock: list[Card], late_ms: int
) -> None:
    card = Card(0, late_ms)
    start(clock, card, 500)
    release = card.now + 500_000_000
    sound = array("h", [one for _ in range(20) for one in card.ask()])
    first = next(n for n, one in enumerate(sound) if one)
    # The tenth of all callbacks that come in time says when; the ramp's first samples fade in from 0.
    assert abs(card.heard_at(first) - release) < 3_000_000


def test_one_sample_in_a_block_is_all_that_is_mended() -> None:
    card = CardTime(RATE)
    match = RateMatch(card, RATE)
    for n in range(WINDOW):
        card.asked(n * 50_000_000, BLOCK)
    assert match.correction() == 0
    for n in range(WINDOW, 3 * WINDOW):
        card.asked(n * 50_000_000 + 10_000_000, BLOCK)  # ten milliseconds behind, at once
    steps = [match.correction() for _ in range(1_000)]
    assert set(steps) == {0, 1}
    assert sum(steps) == pytest.approx(10 * RATE / SECOND, abs=2)


def test_samples_are_mended_where_it_is_heard_least() -> None:
    sound = array("h", [0, 5_000, -5_000, 300, 305, 9_000, 0, 1])

    class Behind(RateMatch):
        step = 1

        def correction(self) -> int:
            return self.step

    match = Behind(CardTime(RATE), RATE)
    assert match.fit(lambda n: sound[:n], 6) == array("h", [0, 5_000, -5_000, 300, 9_000, 0])
    match.step = -1
    given = match.fit(lambda n: sound[:n], 6)
    assert given == array("h", [0, 5_000, -5_000, 300, 305, 305])[:6]
    match.step = 1
    assert match.fit(lambda n: sound[:3], 6) == sound[:3], "its end is left as it is"


# -- a card that stands still -----------------------------------------------------------------------


def test_a_card_that_asks_for_nothing_is_a_fault(
    clock: list[Card], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr("devices.receiver.card.time.monotonic", lambda: now[0])
    card = Card(0)
    playing = start(clock, card, 0)
    for _ in range(20):
        card.ask()
        now[0] += 1.0
        playing.advance()
    now[0] += 60.0  # the whole process was stopped, the card's thread with it
    playing.advance()
    card.ask()
    playing.advance()
    for _ in range(3):
        now[0] += 1.0
        playing.advance()
    now[0] += 1.0
    with pytest.raises(OutputFault):
        playing.advance()


# -- measured ---------------------------------------------------------------------------------------


def test_receivers_in_processes_of_their_own_start_together() -> None:
    """The figures are for ``loa bench skew``; here only: they all start, and none a second early."""
    outcome = skew.measure(2, 2, busy=False)
    assert [len(row) for row in outcome.receivers] == [2, 2]
    assert outcome.expected == 4
    assert all(-1_000 < one.asked < 60_000 for row in outcome.receivers for one in row)
    assert [len(row) for row in outcome.bare] == [2, 2]


@pytest.mark.parametrize(("off", "met"), [(5.0, True), (45.0, False)])
def test_the_figures_are_held_to_the_goal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], off: float, met: bool
) -> None:
    row = [Start(n=0, asked=one, card=0.1, realtime=False) for one in (0.0, off)]
    outcome = skew.Outcome(receivers=[row], bare=[[1.0, 2.0]], expected=2)
    monkeypatch.setattr(skew, "measure", lambda receivers, starts, *, busy: outcome)
    code = cli.main(["bench", "skew", "-n", "2", "--starts", "1"])
    assert code == (0 if met else 1)
    shown = capsys.readouterr().out
    assert ("KHÔNG đạt" in shown) is not met
    assert "Đã bắt đầu 2 trên 2 lượt" in shown


def test_a_start_that_was_not_is_no_success(monkeypatch: pytest.MonkeyPatch) -> None:
    row = [Start(n=0, asked=0.0, card=0.1, realtime=False)]
    outcome = skew.Outcome(receivers=[row], bare=[[1.0, 2.0]], expected=2)
    monkeypatch.setattr(skew, "measure", lambda receivers, starts, *, busy: outcome)
    assert cli.main(["bench", "skew"]) == 1


def test_a_number_out_of_range_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["bench", "skew", "-n", "0"]) != 0
    assert "từ 1 đến 200" in capsys.readouterr().err


def test_shares_and_pairs_are_counted_right() -> None:
    assert skew.share(list(range(1, 101)), 0.95) == 95
    assert skew.share(list(range(1, 101)), 0.99) == 99
    assert skew.share([7.0], 0.99) == 7
    assert skew.share([1, 2, 3, 4], 0.5) == 2
    assert sorted(skew.pairs([1.0, 4.0, 2.0])) == [1.0, 2.0, 3.0]
