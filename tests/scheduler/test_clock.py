from __future__ import annotations

import queue
import threading

from loa.times import Instant
from scheduler.clock import Clock

NEVER = 60.0
"""Seconds after which it does not come any more."""


def test_it_ticks_on_a_nudge_and_outlives_a_tick_that_fails() -> None:
    ticks: queue.Queue[Instant] = queue.Queue()
    moments = iter(range(1, 1000))

    def tick(now: Instant) -> None:
        ticks.put(now)
        if now == 1:
            raise ValueError("the first tick fails")

    clock = Clock(tick, now=lambda: Instant(next(moments)))
    clock.start()
    assert ticks.get(timeout=NEVER) == 1
    clock.nudge()
    assert ticks.get(timeout=NEVER) == 2
    assert ticks.get(timeout=NEVER) == 3  # by itself, within a second or so
    clock.stop()


def test_ticks_never_overlap() -> None:
    inside, most, done = 0, 0, threading.Event()
    enough = iter(range(20))

    def tick(now: Instant) -> None:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        clock.nudge()
        inside -= 1
        if next(enough, None) is None:
            done.set()

    clock = Clock(tick)
    clock.start()
    assert done.wait(NEVER)
    clock.stop()
    assert most == 1
