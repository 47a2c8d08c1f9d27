"""The receiver's clocks: the wall, which may step, and the one that never does."""

from __future__ import annotations

import ctypes
import time
from random import Random
from typing import Literal, Protocol

from loa import times
from loa.times import HOUR, SECOND, Instant

Source = Literal["ntp", "rtc", "none"]
Keeper = Literal["ntp", "rtc", "kernel"]
SET_AFTER = Instant(1_735_689_600_000)
"""2025-01-01: a wall clock before this was never set, whatever should have set it."""
STEP = 1_000
"""Milliseconds by which the wall may differ from the steady clock before it counts as a step."""

TIME_ERROR = 5
"""adjtimex(2): the clock is not synchronised."""
BELIEVED = 24 * HOUR
"""A cheap rtc may go wrong by some seconds in this time."""
RENEWED = 12 * HOUR
NONCE_LIFE = 4 * SECOND
"""Half of it is the greatest error of a time taken from a plan."""


class Clock(Protocol):
    """What a receiver takes the time from; a test hands it one of its own."""

    def wall(self) -> Instant: ...

    def mono(self) -> int:
        """Milliseconds since this boot."""
        ...

    def source(self) -> Source: ...


class SystemClock:
    """This machine's clocks. ``kept_by`` says who keeps the wall clock right, as the folder's owner knows it.

    ``kernel``: NTP, but not before the kernel says that it has set the clock in this boot. A board without an rtc
    starts with the time at which it was last switched off.
    """

    def __init__(self, kept_by: Keeper = "ntp") -> None:
        self._kept_by: Keeper = kept_by
        self._was_set = False
        self._born = time.monotonic_ns()

    def wall(self) -> Instant:
        return times.now()

    def mono(self) -> int:
        return (time.monotonic_ns() - self._born) // 1_000_000

    def source(self) -> Source:
        if self.wall() < SET_AFTER:
            return "none"
        if self._kept_by != "kernel":
            return self._kept_by
        # Once set it stays good for days, also when NTP is out of reach for longer than the kernel likes.
        self._was_set = self._was_set or is_synchronised()
        return "ntp" if self._was_set else "none"


def is_synchronised() -> bool:
    """True when the kernel says that NTP keeps its clock (Linux; anyone may ask)."""
    timex = ctypes.create_string_buffer(256)  # struct timex of zeros: change nothing, tell all
    state = ctypes.CDLL(None).adjtimex(timex)
    return bool(0 <= state < TIME_ERROR)


class KeptClock:
    """The machine's clock, put right by the station's word where nobody else keeps it.

    ``ntp`` is believed. What an ``rtc`` says is believed for a day after the station last put it right, and so is
    the steady clock of a machine that has no other.
    """

    def __init__(self, machine: Clock, synced: int = 0, shift: int = 0) -> None:
        self._machine = machine
        self.synced = Instant(synced)
        """When it was last put right; 0: never."""
        self.shift = shift
        """Milliseconds to add to the machine's rtc."""
        self._bare: int | None = None
        """Wall minus steady clock, for a machine whose wall clock is not set."""
        self.err = 0
        """Milliseconds by which the station's word may be wrong."""

    def wall(self) -> Instant:
        match self._machine.source():
            case "rtc":
                return times.after(self._machine.wall(), self.shift)
            case "none" if self._bare is not None:
                return Instant(self._machine.mono() + self._bare)
        return self._machine.wall()

    def mono(self) -> int:
        return self._machine.mono()

    def source(self) -> Source:
        kept_by = self._machine.source()
        if kept_by == "ntp" or (kept_by == "none" and self._bare is None):
            return kept_by
        return "rtc" if 0 <= self.wall() - self.synced <= BELIEVED else "none"

    def wants_time(self) -> bool:
        """True when the station should be asked."""
        source = self.source()
        return source == "none" or (source == "rtc" and self.wall() - self.synced >= RENEWED)

    def put_right(self, moment: Instant, err: int) -> None:
        """It is ``moment`` now, give or take ``err`` milliseconds."""
        machine = self._machine
        if machine.source() == "rtc":
            self.shift = moment - machine.wall()
        else:
            self._bare = moment - machine.mono()
        self.synced, self.err = moment, err


class Nonce:
    """A number nobody could foresee: a plan that repeats it was signed after we said it, so its time is now."""

    def __init__(self, clock: KeptClock, random: Random) -> None:
        self._clock, self._random = clock, random
        self._said = ""
        self._said_at = 0

    def say(self) -> str:
        """What to put into the state; empty while the time is known."""
        if not self._clock.wants_time():
            return ""
        mono = self._clock.mono()
        # Said again within its life it keeps its age: what is measured can only come out too long.
        if not self._said or mono - self._said_at >= NONCE_LIFE:
            self._said, self._said_at = f"{self._random.getrandbits(128):032x}", mono
        return self._said

    def moment(self, echo: str, signed_at: Instant) -> tuple[Instant, int] | None:
        """(now, possible error in ms) by a plan that repeats our number soon enough; None for any other."""
        waited = self._clock.mono() - self._said_at
        if not echo or echo != self._said or not self._clock.wants_time() or waited > NONCE_LIFE:
            return None
        return times.after(signed_at, waited // 2), (waited + 1) // 2


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

    def put_right(self) -> int:
        """The same, when the wall clock was set on purpose: it is to be believed from here on."""
        stepped = self.step() or 0
        self.trusted_since = self._clock.wall()
        return stepped

    def boot(self) -> Instant:
        """When this boot began, by the wall clock as it is now."""
        return times.after(self._clock.wall(), -self._clock.mono())
