"""What a receiver says of itself: at birth, at every heartbeat and change. A hint, never evidence."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import msgspec

from devices import messages
from devices.receiver.clock import Clock, Nonce
from devices.receiver.fetch import Wire
from loa.times import SECOND

FIRMWARE = "loa-0.1"
HEARTBEAT_SPREAD = 0.2
ASK_SECONDS = 15
"""A receiver that does not know the time asks more often than its heart beats."""


class Presence:
    """Publishes the state when it is due. ``describe`` fills in all but the session."""

    def __init__(
        self,
        rid: str,
        wire: Wire,
        clock: Clock,
        random: Random,
        nonce: Nonce,
        describe: Callable[[str], messages.State],
    ) -> None:
        self._topic = messages.state_topic(rid)
        self._wire, self._clock, self._random, self._describe = wire, clock, random, describe
        self._nonce = nonce
        self.sid = ""
        self._new_session()
        self.online = False
        self._next = 0
        self._said_at = 0
        self._said: tuple[object, ...] = ()

    def _new_session(self) -> None:
        self.sid = f"{self._random.getrandbits(64):016x}"

    def will(self) -> tuple[str, bytes]:
        """(topic, payload) of the will for the next connection, which is a new session. Any thread may ask."""
        self._new_session()
        return self._topic, self._farewell()

    def _farewell(self) -> bytes:
        return messages.encode(messages.State(on=0, sid=self.sid))

    def birth(self, heartbeat: int) -> None:
        """The link is up: restate everything."""
        self.online = True
        self._say(heartbeat, qos=1)

    def leave(self) -> None:
        """We end on purpose: the broker sends no will after a clean disconnect."""
        if self.online:
            self._wire.publish(self._topic, self._farewell(), qos=1, retain=True)
        self.online = False

    def step(self, heartbeat: int) -> int | None:
        """Say it if a heartbeat or a change is due; the answer is the mono time of the next look."""
        if not self.online:
            return None
        mono = self._clock.mono()
        changed = _gist(self._describe(self.sid)) != self._said
        if mono >= self._next or (changed and mono >= self._said_at + SECOND):
            self._say(heartbeat, qos=0)
            return self._next
        return min(self._next, self._said_at + SECOND) if changed else self._next

    def _say(self, heartbeat: int, qos: int) -> None:
        state = msgspec.structs.replace(self._describe(self.sid), nonce=self._nonce.say())
        if state.nonce:
            heartbeat = min(heartbeat, ASK_SECONDS)
        self._wire.publish(self._topic, messages.encode(state), qos=qos, retain=True)
        mono = self._clock.mono()
        spread = self._random.uniform(1 - HEARTBEAT_SPREAD, 1 + HEARTBEAT_SPREAD)
        self._said, self._said_at = _gist(state), mono
        self._next = mono + int(heartbeat * SECOND * spread)


def _gist(state: messages.State) -> tuple[object, ...]:
    """What is worth a word before the next heartbeat; the journal's numbers travel with its batches."""
    return (
        state.rev,
        state.kv,
        state.play,
        state.out,
        state.vol,
        state.src,
        state.ready,
        state.want,
    )
