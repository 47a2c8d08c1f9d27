"""What is in a receiver's box: a clock that may be wrong, and a store that keeps what was committed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from devices.receiver.clock import SET_AFTER, Source
from devices.receiver.store import Change, MemoryStore
from loa.times import Instant
from tests.model.timeline import Plug, Timeline

Keeper = Literal["ntp", "bare", "rtc"]
"""``bare``: no clock before the network gives the time; ``rtc``: none but the station puts it right."""


class PowerCut(BaseException):
    """The plug was pulled."""


class PoleClock:
    def __init__(self, time: Timeline, keeper: Keeper) -> None:
        self._time, self.keeper = time, keeper
        self.skew = 0
        self.boot_at = time.now

    def wall(self) -> Instant:
        return Instant(self._time.now + self.skew)

    def mono(self) -> int:
        return self._time.now - self.boot_at

    def source(self) -> Source:
        if self.wall() < SET_AFTER:
            return "none"
        return "rtc" if self.keeper == "rtc" else "ntp"


class CutStore(MemoryStore):
    """What was committed stays, what was not is gone: the plug may be pulled on either side of a commit."""

    def __init__(self, plug: Plug, seen: Callable[[Change], None]) -> None:
        super().__init__()
        self._plug, self._seen = plug, seen
        self.written: list[int] = []
        """True time of each line."""

    def commit(self, change: Change) -> None:
        self._plug.passes()
        super().commit(change)
        self._seen(change)
        self._plug.passes()

    def fact(self, name: str) -> Any:
        return self._facts.get(name)  # type: ignore[call-overload]

    def raws(self) -> list[bytes]:
        return [line.raw for line in self._lines]
