from __future__ import annotations

import queue
import threading
from datetime import datetime, timedelta

import pytest

from loa.times import Instant
from scheduler import clock as clocks
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


def test_where_the_wall_clock_was_set_back_it_ticks_though_the_scheduler_sleeps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(clocks, "SILENT_SECONDS", 0.05)
    ticks: queue.Queue[Instant] = queue.Queue()
    clock = Clock(ticks.put)
    clock.start()
    clock._scheduler.pause()
    for _ in range(5):
        ticks.get(timeout=NEVER)
    clock.stop()


def test_a_clock_put_right_by_years_costs_one_tick() -> None:
    clock = Clock(lambda _: None)
    clock.start()
    (job,) = clock._scheduler.get_jobs()
    began = job.next_run_time
    assert isinstance(began, datetime)
    later = began + timedelta(days=3650)
    assert job._get_run_times(later) == [began]
    assert job.trigger.get_next_fire_time(began, later) == later + timedelta(seconds=1)
    clock.stop()
