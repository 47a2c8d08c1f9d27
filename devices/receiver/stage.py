"""The one sound that is heard: begun, looked after, ended; each step journalled before it is done."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from devices.messages import Class, Occurrence
from devices.receiver.clock import Clock
from devices.receiver.journal import Journal, Note
from devices.receiver.outputs import Output, OutputFault, Playing, Sound, Undecodable
from devices.receiver.relay import Order
from devices.receiver.store import Fact, Value
from loa.times import Instant

log = logging.getLogger(__name__)

RANK: dict[Class, int] = {"E": 0, "P": 1, "N": 2}
BY_HAND = ""
"""No key: the word of whoever stands at the box."""


@dataclass(frozen=True)
class Act:
    """A sound on the stage, or about to go there."""

    occ: Occurrence
    playing: Playing
    sound: Sound
    vol: int
    """The lowest volume it was heard at: of what was muted for a while, no more is claimed."""
    asked: int
    kid: str
    """The key by whose word it sounds."""
    relay: Order | None = None
    """The stream that is heard, which must not outlast what was asked."""

    def left_ms(self) -> int:
        """Milliseconds until its end, as far as is known; 0 when it has ended."""
        left = self.playing.left_ms()
        return min(left, max(0, self.asked - self.playing.played_ms())) if self.relay else left

    @property
    def heard(self) -> dict[str, str | int]:
        return self.relay.detail if self.relay else {}


class Stage:
    """Room for one. ``states`` is the agenda's: what became of each occurrence."""

    def __init__(
        self, journal: Journal, states: dict[str, str], output: Output, clock: Clock,
        ended: Callable[[], None],
    ) -> None:  # fmt: skip
        self._journal, self._states, self._output, self._clock = journal, states, output, clock
        self._ended = ended
        """Called when it is free again."""
        self.now: Act | None = None

    def is_free_for(self, cls: Class) -> bool:
        """True when a sound of that class may begin, though another make way for it."""
        return self.now is None or RANK[cls] < RANK[self.now.occ.cls]

    def commence(self, act: Act, release: Instant, late: int, **more: str | int) -> None:
        """Sound it at ``release``; what sounded before makes way."""
        before, occ = self.now, act.occ
        detail = {"late_ms": late, "vol": act.vol, "sha": occ.sha[:16], **more}
        notes, states = _interrupted(before, "preempt")
        states[occ.id] = "started"
        self._write([*notes, Note("started", occ.id, detail)], states)
        if before:
            before.playing.close()
        self.now = act
        try:
            act.playing.begin(max(0, release - self._clock.wall()))
        except OutputFault as error:
            self._fail(act, "out", error)

    def attend(self) -> None:
        """Look after it: it goes on, has ended, or has failed."""
        now = self.now
        if now is None:
            return
        try:
            now.playing.advance()
        except OutputFault as error:
            self._fail(now, "out", error)
        except Undecodable as error:
            self._fail(now, "decode", error)
        else:
            if now.left_ms() == 0:
                self._finish(now)

    def turn(self, vol: int, level: float) -> None:
        """What sounds goes on at that volume from here on, its samples multiplied by ``level``."""
        self.attend()  # what has sounded by now was at the old one
        now = self.now
        if now:
            now.sound.level = level
            self.now = replace(now, vol=min(now.vol, vol))

    def interrupt(self, why: str, facts: Mapping[Fact, Value] | None = None) -> None:
        """End it early, if there is one; ``facts`` are kept in any case."""
        notes, states = _interrupted(self.now, why)
        self._write(notes, states, facts)
        if self.now:
            self._clear(self.now)

    def drop(self) -> None:
        """End what another has journalled the end of."""
        if self.now:
            self.now.playing.close()
            self.now = None

    def _finish(self, now: Act) -> None:
        detail = {
            "ms": now.playing.played_ms(),
            "asked": now.asked,
            "level": self._output.level,
            "vol": now.vol,
            "out": self._output.name,
            **now.heard,
        }
        self._write([Note("played", now.occ.id, detail)], {now.occ.id: "played"})
        self._clear(now)

    def _fail(self, now: Act, why: str, error: Exception) -> None:
        log.warning("%s failed: %s", now.occ.id, error)
        detail = {"why": why, "at_ms": now.playing.played_ms(), **now.heard}
        notes = [Note("failed", now.occ.id, detail)]
        if why == "out":
            notes.append(Note("out_fault", detail={"why": str(error)[:100]}))
        self._write(notes, {now.occ.id: "failed"})
        self._clear(now)

    def _clear(self, now: Act) -> None:
        now.playing.close()
        self.now = None
        self._ended()

    def _write(
        self, notes: list[Note], states: dict[str, str], facts: Mapping[Fact, Value] | None = None
    ) -> None:
        self._journal.write(notes, states, facts)
        self._states.update(states)


def _interrupted(now: Act | None, why: str) -> tuple[list[Note], dict[str, str]]:
    if now is None:
        return [], {}
    detail = {"at_ms": now.playing.played_ms(), "why": why, **now.heard}
    return [Note("interrupted", now.occ.id, detail)], {now.occ.id: "interrupted"}
