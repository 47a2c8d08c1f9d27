"""Counts the bytes of this month: what a SIM card is paid for."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from devices import messages
from devices.receiver.clock import Clock
from devices.receiver.fetch import Wire
from devices.receiver.store import Change, Saved, Store
from loa import times
from loa.times import MINUTE

KEEP_EVERY = 15 * MINUTE
"""A power cut loses the count of so much time at most; each keeping is a write to the flash."""


class Meter:
    """Topics and payloads both ways; what TCP and TLS add to them is not seen here."""

    def __init__(self, store: Store, clock: Clock, saved: Saved) -> None:
        self._store, self._clock = store, clock
        month, _, count = str(saved.facts.get("net", "")).partition(" ")
        self._month, self._bytes = month, int(count or 0)
        self._kept, self._keep_at = self._bytes, clock.mono() + KEEP_EVERY
        self.zone = ZoneInfo(messages.Settings().tz)
        self._elsewhere: list[int] = []

    def add_elsewhere(self, count: int) -> None:
        """Bytes came by another way than the broker's; any thread may say so."""
        self._elsewhere.append(count)

    def _take_elsewhere(self) -> None:
        if not self._elsewhere:
            return
        self._turn()
        while self._elsewhere:
            self._bytes += self._elsewhere.pop()

    def add(self, topic: str, payload: bytes) -> None:
        """A message went by."""
        self._turn()
        self._bytes += len(topic) + len(payload)

    def _turn(self) -> None:
        """Begin a new month. Without a clock the last one known goes on."""
        if self._clock.source() == "none":
            return
        month = f"{times.local(self._clock.wall(), self.zone):%Y-%m}"
        if month != self._month:
            # What came before anyone knew the month belongs to the first that is known.
            self._bytes = self._bytes if not self._month else 0
            self._month = month

    @property
    def reading(self) -> tuple[str, int] | None:
        """(month, bytes), None before any month is known."""
        self._take_elsewhere()
        return (self._month, self._bytes) if self._month else None

    def step(self) -> None:
        """Keep the count if it is time."""
        if self._clock.mono() >= self._keep_at:
            self.keep()

    def keep(self) -> None:
        """Write it down, if it changed."""
        self._keep_at = self._clock.mono() + KEEP_EVERY
        self._take_elsewhere()
        if self._bytes != self._kept:
            self._store.commit(Change(facts={"net": f"{self._month} {self._bytes}"}))
            self._kept = self._bytes


class MeteredWire:
    """A way out that is counted."""

    def __init__(self, wire: Wire, meter: Meter) -> None:
        self._wire, self._meter = wire, meter
        self.subscribe, self.unsubscribe = wire.subscribe, wire.unsubscribe

    def publish(self, topic: str, payload: bytes, *, qos: int, retain: bool = False) -> None:
        self._meter.add(topic, payload)
        self._wire.publish(topic, payload, qos=qos, retain=retain)
