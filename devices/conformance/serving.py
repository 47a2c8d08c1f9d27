"""The station's side of audio: blocks asked for and handed out, honestly or as a clause wants it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from devices import messages
from devices.conformance.sounds import Sound
from devices.messages import Get

Change = Callable[[str, int, bytes], bytes | None]
"""(sha, number, right bytes) → what to send; None: nothing."""
Publish = Callable[[str, bytes], None]
GET_BYTES = 512
GETS_AT_ONCE, GETS_EACH = 20, 0.25
SLACK = 4
"""Requests that a slow machine may let pass closer together than they were sent."""


@dataclass(frozen=True)
class Asked:
    """A request for blocks."""

    get: Get
    at: float


@dataclass
class Blocks:
    """What one receiver is offered. Answers at once, but for what ``change`` keeps back."""

    publish: Publish
    sounds: dict[str, Sound] = field(default_factory=dict)
    log: list[Asked] = field(default_factory=list)
    change: Change | None = None
    served: int = 0
    """Bytes handed out."""

    def offer(self, sound: Sound) -> None:
        self.sounds[sound.sha] = sound

    def asked(self, payload: bytes, fault: Callable[[str, str], None]) -> None:
        """Read a request and answer it."""
        if len(payload) > GET_BYTES:
            fault("audio.ask", f"a request of {len(payload)} bytes")
        try:
            get = messages.decode(payload, Get)
        except ValueError as error:
            fault("audio.ask", f"{payload[:200]!r}: {error}")
            return
        self.log.append(Asked(get, time.monotonic()))
        self._count(fault)
        sound = self.sounds.get(get.sha)
        if sound is None:
            fault("audio.ask", f"asked for {get.sha[:16]}…, which no plan names")
            return
        for number in get.want:
            self._send(sound, number, fault)

    def _send(self, sound: Sound, number: int, fault: Callable[[str, str], None]) -> None:
        data: bytes | None = sound.block(number)
        if not data:
            fault("audio.ask", f"asked for block {number} of {sound.blocks}")
            return
        if self.change:
            data = self.change(sound.sha, number, data)
        if data is not None:
            self.served += len(data)
            self.publish(messages.block_topic(sound.sha, number), data)

    def _count(self, fault: Callable[[str, str], None]) -> None:
        """At most 20 at once and 4 a second: no stretch of requests may be denser."""
        last = self.log[-1].at
        for back in range(GETS_AT_ONCE + SLACK + 1, min(len(self.log), 400) + 1):
            stretch = last - self.log[-back].at
            if back > GETS_AT_ONCE + SLACK + stretch / GETS_EACH:
                fault("limits.gets", f"{back} requests in {stretch:.1f} s")
                return

    def asks(self, sha: str, since: float = 0.0) -> list[Asked]:
        """The requests for one sound."""
        return [one for one in self.log if one.get.sha == sha and one.at >= since]
