"""What simulated receivers share, and the clocks they have to do with."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field

from devices.loop import Loop
from devices.receiver.clock import Source
from devices.receiver.identity import Mqtt
from devices.receiver.relay import Relays
from devices.simulator.faults import Deviation, Faults
from devices.simulator.sounds import Sounds
from devices.simulator.tally import Tally
from loa import times
from loa.times import Instant


class SkewedClock:
    """A box's clock: wrong by a constant and by a drift, or never set."""

    def __init__(self, deviation: Deviation, begun: Instant) -> None:
        self._deviation, self._begun = deviation, begun
        self._rate = 1 + deviation.ppm / 1_000_000
        self._born = time.monotonic_ns()

    def wall(self) -> Instant:
        if self._deviation.keeper == "none":
            return Instant(self.mono())  # a board without a battery wakes in 1970
        passed = times.now() - self._begun
        return Instant(self._begun + self._deviation.offset_ms + int(passed * self._rate))

    def mono(self) -> int:
        return int((time.monotonic_ns() - self._born) * self._rate) // 1_000_000

    def source(self) -> Source:
        return self._deviation.keeper


@dataclass
class World:
    """What all members share."""

    loop: Loop
    mqtt: Mqtt
    faults: Faults
    tally: Tally
    sounds: Sounds
    keepalive: int = 60
    relays: Relays = field(default_factory=Relays)
    """Never tuned in to: a null output opens no stream."""
    begun: float = field(default_factory=time.monotonic)
    """Monotonic seconds at which the simulation began; mishaps count from here."""
    begun_at: Instant = field(default_factory=times.now)
    random: random.Random = field(default_factory=random.SystemRandom)
    """Not the seed's: journals must never have the same id twice, not even in two runs of one seed."""
