"""Heartbeats that say nothing new: kept in memory for some seconds, and written together.

A heartbeat that changes anything but its own time is none of them, nor is one that has not been answered for good:
only whoever is known, and has nothing to be told, may wait here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from devices.messages import State
from loa.times import SECOND, Instant

WAIT = 5 * SECOND
"""What a heartbeat may wait at least: as much as ``Presence.is_online`` allows beyond three heartbeats."""
LONGEST = 15 * SECOND
IN_TIME = 2
"""Heartbeats: one that comes so long after the last does not wait, or its sender would be called offline meanwhile."""


def wait_for(heartbeat_ms: int) -> int:
    """What a heartbeat may wait where one is sent so often. Each writing touches most of the table."""
    return max(WAIT, min(LONGEST, heartbeat_ms // 4))


class Heartbeats:
    """Who last said what, as a number each, and the heartbeats that wait. One thread may use it."""

    def __init__(self, heartbeat_ms: int = 60 * SECOND) -> None:
        self._wait, self._in_time = wait_for(heartbeat_ms), IN_TIME * heartbeat_ms
        self._said: dict[str, int] = {}
        self._heard: dict[str, Instant] = {}
        self._held: dict[str, tuple[State, Instant]] = {}
        self._since = Instant(0)

    def hold(self, receiver_id: str, state: State, now: Instant) -> bool:
        """Keep it for later if it says nothing new; False when it is to be looked at now."""
        before, self._heard[receiver_id] = self._heard.get(receiver_id), now
        if before is None or not 0 <= now - before <= self._in_time:
            self._said.pop(receiver_id, None)
        if self._said.get(receiver_id) != _digest(state):
            self._said.pop(receiver_id, None)
            if state.on:
                self._held.pop(receiver_id, None)
            return False
        if not self._held:
            self._since = now
        self._held[receiver_id] = (state, now)
        return True

    def settled(self, states: Mapping[str, State], but: Iterable[str] = ()) -> None:
        """These have been written, and nothing is left to be done about them except ``but``."""
        self._said.update({rid: _digest(state) for rid, state in states.items()})
        for rid in but:
            self._said.pop(rid, None)

    def due(self, now: Instant) -> bool:
        """Whether the oldest has waited long enough."""
        return bool(self._held) and not 0 <= now - self._since < self._wait

    def take(self) -> tuple[dict[str, State], dict[str, Instant]]:
        """All that wait, and when each was heard."""
        held, self._held = self._held, {}
        states = {rid: state for rid, (state, _) in held.items()}
        return states, {rid: at for rid, (_, at) in held.items()}


def _digest(state: State) -> int:
    """A number for all it says but how late it is, how long it runs, and what it has sent."""
    return hash(
        (
            state.on, state.sid, state.boot, state.jid, state.n, state.acked, state.head, state.rev, state.kv,
            state.src, state.nonce, state.fw, state.disk, state.pwr, state.out, state.vol, state.play, state.ready,
            state.want, state.can,
        )
    )  # fmt: skip
