"""What goes wrong, and when: for each receiver drawn from the seed and its id, so that it can be had again."""

from __future__ import annotations

import random
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

from loa.times import HOUR, SECOND

DRIFT_PPM = 50
"""A cheap quartz; only where the clock is said to be wrong at all."""
_WORD = 0xFFFFFFFFFFFFFFFF


class Mishap(NamedTuple):
    """Something that happens to one receiver."""

    at_ms: int
    """Milliseconds since the start of the simulation."""
    kind: Literal["power", "link"]
    for_ms: int
    """How long the power is away; 0 for a link, which comes back when it can."""


class Deviation(NamedTuple):
    """How one receiver's clock differs from the true one."""

    offset_ms: int
    ppm: float
    keeper: Literal["ntp", "none"]
    """none: it does not know the time until the station tells it (nonce)."""


@dataclass(frozen=True)
class Faults:
    """How much goes wrong. Rates are per receiver; everything is drawn from ``seed``."""

    loss: float = 0.0
    """Part of the messages lost, each way, 0 to 1: above TCP, as by a broker that forgets."""
    latency_ms: int = 0
    """A message takes this long at most, half of it at least, each way; the order on one line stays."""
    power_cuts: float = 0.0
    """Per receiver and hour."""
    link_cuts: float = 0.0
    """Per receiver and hour: the connection breaks without goodbye."""
    clock_error_ms: int = 0
    """Clocks are up to so much before or behind, and drift besides."""
    no_clock: float = 0.0
    """Part of the receivers, 0 to 1, that know no time but what the station tells them."""
    seed: int = 0
    down_ms: tuple[int, int] = (2 * SECOND, 60 * SECOND)
    """A power cut lasts from so long to so long."""

    def of(self, rid: str) -> Trouble:
        """One receiver's share."""
        return Trouble(self, rid)


class Trouble:
    """One receiver's faults: the same for the same faults and id."""

    def __init__(self, faults: Faults, rid: str) -> None:
        self._faults, self._rid = faults, rid
        self._salt = (zlib.crc32(rid.encode()) << 32) ^ (faults.seed & _WORD)

    @property
    def clock(self) -> Deviation:
        """Its clock, for the whole run."""
        draw, faults = random.Random(f"clock {self._faults.seed} {self._rid}"), self._faults  # noqa: S311
        keeper: Literal["ntp", "none"] = "none" if draw.random() < faults.no_clock else "ntp"
        most = faults.clock_error_ms
        ppm = draw.uniform(-DRIFT_PPM, DRIFT_PPM) if most else 0.0
        return Deviation(draw.randint(-most, most), ppm, keeper)

    def mishaps(self) -> Iterator[Mishap]:
        """Cuts in order of time, without end while there is a rate; none happens during another."""
        faults = self._faults
        rate = faults.power_cuts + faults.link_cuts
        draw = random.Random(f"cuts {faults.seed} {self._rid}")  # noqa: S311
        at = 0.0
        while rate > 0:
            at += draw.expovariate(rate) * HOUR
            is_power = draw.random() * rate < faults.power_cuts
            down = draw.randint(*faults.down_ms) if is_power else 0
            yield Mishap(int(at), "power" if is_power else "link", down)
            at += down

    def loses(self, number: int) -> bool:
        """Whether its message of that number, counted over both ways, is lost."""
        return self._faults.loss > 0 and self._draw(number) < self._faults.loss

    def delay_ms(self, number: int) -> float:
        """How long that message takes."""
        most = self._faults.latency_ms
        return most * (0.5 + 0.5 * self._draw(~number)) if most else 0.0

    def _draw(self, number: int) -> float:
        """A number from 0 to 1 that depends on nothing but seed, id and ``number`` (splitmix64)."""
        mixed = (self._salt + (number + 1) * 0x9E3779B97F4A7C15) & _WORD
        mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & _WORD
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _WORD
        return ((mixed ^ (mixed >> 31)) >> 11) / 2**53
