"""A receiver's output that hears what really sounds, whatever any journal says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from devices.receiver.outputs import Level, Playing, Sound, decode

if TYPE_CHECKING:
    from tests.model.pole import Pole


class TwoAtOnce(Exception):
    """One horn gave forth two sounds."""


@dataclass
class Heard:
    """One sound as the neighbours heard it, whatever any journal says."""

    occ: str
    sha: str
    ms: int
    level: float
    begun: int
    """True time at which it was released."""
    starts: int
    """True time of the first sample."""
    wall: int
    """The same by the receiver's clock as it was then."""
    skew: int
    source: str
    rev: int
    """The plan the receiver had stored."""
    until: int | None = None
    """True time at which it fell silent."""

    @property
    def sounded(self) -> bool:
        return self.until is None or self.until > self.starts

    @property
    def whole(self) -> bool:
        return self.until is not None and self.until - self.starts >= self.ms


class Horn:
    """An output that hears what really sounds."""

    name = "null"
    level: Level = "E1"
    lead_ms = 0
    health: Any = "ok"

    def __init__(self, pole: Pole) -> None:
        self.pole = pole

    def open(self, sound: Sound) -> Playing:
        decode(sound.data)
        return _Voice(self.pole, sound)

    def tend(self) -> tuple[int | None, str]:
        return None, ""

    def shut(self) -> None:
        pass


class _Voice:
    def __init__(self, pole: Pole, sound: Sound) -> None:
        self._pole, self._sound = pole, sound
        self._heard: Heard | None = None

    def begin(self, in_ms: int) -> None:
        pole = self._pole
        pole.plug.passes()
        self._heard = pole.hear(self._sound, in_ms)
        pole.plug.passes()

    def advance(self) -> None:
        self._pole.plug.passes()

    def played_ms(self) -> int:
        heard = self._heard
        return max(0, min(heard.ms, self._pole.time.now - heard.starts)) if heard else 0

    def left_ms(self) -> int:
        heard = self._heard
        if heard is None:
            return self._sound.ms
        return max(0, heard.starts + heard.ms - self._pole.time.now)

    def close(self) -> None:
        if self._heard and self._heard.until is None:
            self._heard.until = self._pole.time.now
