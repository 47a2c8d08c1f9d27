"""How much is asked for at once: no more than the line brings in a second, for an emergency waits behind all of it."""

from __future__ import annotations

import pytest

from devices import messages
from devices.messages import BLOCK_BYTES
from devices.receiver.pace import GATHERED, TIMEOUT, TIMEOUT_MOST, Pace
from loa.times import HOUR, MINUTE, SECOND
from tests.devices.receiver_rig import T0, Bench, tone

SLOW = 64_000 // 8
"""Bytes a second."""


def came(pace: Pace, bytes_a_second: int) -> int:
    """One question is answered by such a line; how many blocks were asked for."""
    asked = pace.size
    pace.came(asked, GATHERED + asked * BLOCK_BYTES * SECOND // bytes_a_second)
    return asked


@pytest.mark.parametrize(
    ("kilobit", "sizes"),
    [
        (64, [1, 1, 1, 1]),
        (1_000, [1, 1, 1, 1]),
        (2_000, [1, 2, 3, 3]),
        (20_000, [1, 2, 4, 8, 8]),
    ],
)
def test_no_more_is_asked_for_than_comes_within_a_second(kilobit: int, sizes: list[int]) -> None:
    pace = Pace()
    assert [came(pace, kilobit * 1_000 // 8) for _ in sizes] == sizes


def test_a_line_that_has_grown_slow_is_asked_for_less_at_once() -> None:
    pace = Pace()
    while pace.size < messages.MAX_WANTED_BLOCKS:
        came(pace, 10_000_000)
    came(pace, SLOW)
    assert pace.size == 1


def test_a_loss_halves_what_is_asked_for() -> None:
    pace = Pace()
    while pace.size < messages.MAX_WANTED_BLOCKS:
        came(pace, 10_000_000)
    pace.lost()
    assert pace.size == messages.MAX_WANTED_BLOCKS // 2


def test_a_slow_line_is_waited_for_and_never_more_than_a_minute() -> None:
    pace = Pace()
    assert pace.timeout(0) == TIMEOUT
    came(pace, SLOW)
    assert pace.timeout(0) > 2 * BLOCK_BYTES * SECOND // SLOW
    assert pace.timeout(9) == TIMEOUT_MOST


class Line:
    """Brings one block after the other, as fast as it can and no faster, to one receiver."""

    def __init__(self, bench: Bench, bytes_a_second: int) -> None:
        self.bench, self._rate = bench, bytes_a_second
        self.asked: list[int] = []
        """Numbers of the blocks, in the order in which they were asked for."""
        self.most = 0
        """Blocks on their way at once, at the most."""
        self._coming: list[tuple[int, str, bytes]] = []

    def until(self, moment: int) -> None:
        while (now := self.bench.clock.wall()) < moment:
            for get in self.bench.wire.gets():
                self.asked += get.want
                self._send(get, now)
            while self._coming and self._coming[0][0] <= now:
                self.bench.receiver.handle(*self._coming.pop(0)[1:])
            self.bench.until(now + 100)

    def _send(self, get: messages.Get, now: int) -> None:
        for topic, data in self.bench.station.blocks(get):
            free = max([now, *(at for at, _, _ in self._coming)])
            self._coming.append((free + len(data) * SECOND // self._rate, topic, data))
        self.most = max(self.most, len(self._coming))


def test_over_a_slow_line_blocks_come_once_and_one_at_a_time(tmp_path) -> None:
    bench = Bench(tmp_path).boot()
    bench.give(bench.occ("b1", T0 + 10 * SECOND, tone(200), late=HOUR, end=T0 + 2 * HOUR))
    bench.receiver.step()
    line = Line(bench, SLOW)
    line.until(T0 + 10 * MINUTE)
    assert set(line.asked) == set(range(max(line.asked) + 1))
    assert len(line.asked) - len(set(line.asked)) <= 3, "asked again though it was on its way"
    assert line.most <= 3
    assert "ready" in bench.codes("b1")
