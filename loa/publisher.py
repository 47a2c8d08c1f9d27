"""The publisher: hands the plans that wait in the outbox to the link, so many at a time that none waits for nothing.

The database knows what the broker has not taken; here is only remembered what has been handed over and not yet
answered. An emergency has room of its own, and what is sent again (the broker was emptied, a receiver lags) keeps
to a rate, so that ten thousand plans at once drown nobody.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from devices import messages
from devices.link import Urgency
from loa.database import Database
from loa.times import MINUTE, SECOND, Instant
from scheduler import plans
from scheduler.plans import LANES, Parcel, Waiting

ROOM = {True: 2_000, False: 1_000}
"""Plans with the link at once: urgent ones, others."""
AT_ONCE = 1_000
"""Plans read together: those with the link are read over again each time."""
LOW = 500
"""Fewer than this with the link, and it is given more."""
AGAIN_A_SECOND = 500
GIVEN_UP_AFTER = MINUTE
"""What the link was given and nobody heard of since is given to it again; it replaces what may still wait there."""


class Outlet(Protocol):
    """The way to the broker; ``devices.link.Link`` is one."""

    @property
    def connected(self) -> bool: ...

    def publish(
        self, topic: str, payload: bytes, *, qos: int, retain: bool = False,
        urgency: Urgency = Urgency.PLAN, token: object = None,
    ) -> None: ...  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Handed:
    rev: int
    urgent: bool
    at: Instant


class Publisher:
    """Feeds the link. Any thread may call."""

    def __init__(self, database: Database, link: Outlet) -> None:
        self._database, self._link = database, link
        self._lock = threading.Lock()
        self._handed: dict[str, _Handed] = {}
        """By receiver, the oldest first."""
        self.alarm_at = Instant(0)
        """When the last urgent one was handed over."""
        self._more = True
        """Something may wait that was not handed over."""
        self._allowance = float(AGAIN_A_SECOND)
        self._allowed_at = Instant(0)

    def look(self) -> None:
        """Something new may wait: look at the next ``fill``."""
        self._more = True

    @property
    def is_waiting(self) -> bool:
        """Whether the broker has still to answer for any."""
        return bool(self._handed)

    def fill(self, now: Instant) -> None:
        """Hand over what waits, as far as there is room."""
        with self._lock:
            self._give_up(now)
            self._feed(now)

    def refill(self, now: Instant) -> None:
        """The same, once the link has little left; ``now`` may be a moment ago."""
        if self._more and len(self._handed) < LOW:
            with self._lock:
                self._feed(now)

    def answered(self, parcels: Iterable[Parcel]) -> None:
        """The broker answered these, and that is stored."""
        with self._lock:
            for parcel in parcels:
                handed = self._handed.get(parcel.receiver_id)
                if handed is not None and handed.rev == parcel.rev:
                    del self._handed[parcel.receiver_id]

    def forget(self) -> None:
        """Nobody knows what became of what was handed over: it is simply published again."""
        with self._lock:
            self._handed.clear()
            self._more = True

    def _feed(self, now: Instant) -> None:
        while self._link.connected and self._more:
            self._more = False
            if not self._hand_over(now):
                return

    def _hand_over(self, now: Instant) -> int:
        """Give the link one round of what waits; how many plans. ``_more`` says whether any was left for later."""
        room = self._room()
        lanes = [lane for lane in LANES if room[lane.is_urgent] > 0]
        if len(lanes) < len(LANES):
            self._more = True
        if not lanes:
            return 0
        most = len(self._handed) + AT_ONCE
        with self._database.read() as session:
            waiting = plans.waiting(session, most, lanes)
            new = [each for each in waiting if not self._is_with_link(each)]
            chosen = self._choose(new, room, now)
            if len(chosen) < len(new) or len(waiting) >= most:
                self._more = True
            parcels = plans.parcels(session, chosen)
        for parcel in parcels:
            # Anew, at the end: the oldest stay first.
            self._handed.pop(parcel.receiver_id, None)
            self._handed[parcel.receiver_id] = _Handed(parcel.rev, parcel.urgent, now)
            if parcel.urgent:
                self.alarm_at = now
            self._link.publish(
                messages.plan_topic(parcel.receiver_id), parcel.jws, qos=1, retain=True,
                urgency=Urgency.EMERGENCY if parcel.urgent else Urgency.PLAN, token=parcel,
            )  # fmt: skip
        return len(parcels)

    def _room(self) -> dict[bool, int]:
        """How many more the link may be given: urgent ones, others."""
        urgent = sum(handed.urgent for handed in self._handed.values())
        return {True: ROOM[True] - urgent, False: ROOM[False] - (len(self._handed) - urgent)}

    def _is_with_link(self, each: Waiting) -> bool:
        handed = self._handed.get(each.receiver_id)
        return handed is not None and handed.rev == each.rev

    def _choose(
        self, waiting: Iterable[Waiting], room: dict[bool, int], now: Instant
    ) -> list[Waiting]:
        """Those of ``waiting`` for which there is room."""
        allowed = self._allowed(now)
        chosen = []
        for each in waiting:
            lane = each.lane
            if room[lane.is_urgent] < 1:
                continue
            if lane.is_again and allowed < 1:
                continue
            room[lane.is_urgent] -= 1
            allowed -= lane.is_again
            chosen.append(each)
        self._allowance = allowed
        return chosen

    def _allowed(self, now: Instant) -> float:
        """How many plans may be sent again now."""
        passed = now - self._allowed_at
        if -MINUTE < passed < 0:  # it began a moment ago, as a long tick has
            return self._allowance
        self._allowed_at = now
        if passed < 0:  # the clock was set back
            return self._allowance
        return min(AGAIN_A_SECOND, self._allowance + passed * AGAIN_A_SECOND / SECOND)

    def _give_up(self, now: Instant) -> None:
        """Forget what was handed over so long ago that no answer will come."""
        while self._handed:
            receiver_id, oldest = next(iter(self._handed.items()))
            # A tick may have begun before others were given to the link; further ahead, the clock was set back.
            if abs(now - oldest.at) < GIVEN_UP_AFTER:
                return
            del self._handed[receiver_id]
            self._more = True
