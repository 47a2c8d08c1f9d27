"""The receiver's clocks: the wall, which may step, and the one that never does."""

from __future__ import annotations

import time
from typing import Literal, Protocol

from loa import times
from loa.times import Instant

Source = Literal["ntp", "rtc", "none"]
SET_AFTER = Instant(1_735_689_600_000)
"""2025-01-01: a wall clock before this was never set, whatever should have set it."""
STEP = 1_000
"""Milliseconds by which the wall may differ from the steady clock before it counts as a step."""


class Clock(Protocol):
    """What a receiver takes the time from; a test hands it one of its own."""

    def wall(self) -> Instant: ...

    def mono(self) -> int:
        """Milliseconds since this boot."""
        ...

    def source(self) -> Source: ...


class SystemClock:
    """This machine's clocks. ``kept_by`` says who keeps the wall clock right, as the folder's owner knows it."""

    def __init__(self, kept_by: Literal["ntp", "rtc"] = "ntp") -> None:
        self._kept_by: Literal["ntp", "rtc"] = kept_by
        self._born = time.monotonic_ns()

    def wall(self) -> Instant:
        return times.now()

    def mono(self) -> int:
        return (time.monotonic_ns() - self._born) // 1_000_000

    def source(self) -> Source:
        return self._kept_by if self.wall() >= SET_AFTER else "none"


class StepWatch:
    """Notices that the wall clock was set, and remembers since when it is to be believed."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._wall, self._mono = clock.wall(), clock.mono()
        self.trusted_since = self._wall
        """Windows before this instant passed under a wall clock that was wrong."""

    def step(self) -> int | None:
        """Milliseconds the wall clock was stepped by since the last call, if it was."""
        wall, mono = self._clock.wall(), self._clock.mono()
        stepped = (wall - self._wall) - (mono - self._mono)
        self._wall, self._mono = wall, mono
        if abs(stepped) <= STEP:
            return None
        self.trusted_since = wall
        return stepped

    def boot(self) -> Instant:
        """When this boot began, by the wall clock as it is now."""
        return times.after(self._clock.wall(), -self._clock.mono())
