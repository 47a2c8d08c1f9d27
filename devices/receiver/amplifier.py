"""Switches an amplifier by a program of the owner's: "on" before a sound, "off" after it. No shell, no waiting."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from devices.receiver.hooks import LOOK, Ended, Hook
from devices.receiver.outputs import Health, Level, Output, Playing, Sound, delay_of


class Switch:
    """Runs the program once for every change; told the time by ``mono``, it never blocks but in ``shut``."""

    def __init__(self, program: Path, tail_ms: int, mono: Callable[[], int]) -> None:
        self._program, self._tail, self._mono = program, tail_ms, mono
        self._wanted = False
        self._off_at = 0
        self._is_on: bool | None = None
        """None: an earlier life may have left it on."""
        self._running: Hook | None = None
        self._complaint = ""

    @property
    def is_on(self) -> bool:
        return self._is_on is True and self._running is None

    def on(self) -> None:
        """Now, and until ``off``."""
        self._wanted = True
        self._change()

    def off(self) -> None:
        """When the tail is over and nothing else has begun."""
        self._wanted, self._off_at = False, self._mono() + self._tail

    def tend(self) -> tuple[int | None, str]:
        """(milliseconds until it wants to be tended again, what went wrong since it was tended last)."""
        self._change()
        complaint, self._complaint = self._complaint, ""
        if self._running:
            return LOOK, complaint
        if self._is_on and not self._wanted:
            return max(0, self._off_at - self._mono()), complaint
        return None, complaint

    def _change(self) -> None:
        if self._running:
            ended = self._running.ended(self._mono())
            if ended is None:
                return
            self._note(ended)
        wanted = self._wanted or (bool(self._is_on) and self._mono() < self._off_at)
        if wanted is not self._is_on:
            self._is_on = wanted
            self._start("on" if wanted else "off")

    def _note(self, ended: Ended) -> None:
        self._running = None
        if ended.trouble:
            self._complaint = f"amplifier: {ended.trouble}"

    def _start(self, word: str) -> None:
        try:
            self._running = Hook(self._program, word, self._mono())
        except OSError as error:
            self._complaint = f"amplifier: {error.strerror}"

    def shut(self) -> None:
        """Off, and wait for it: the receiver ends."""
        self._wanted = False
        self._off_at = self._mono()
        for _ in range(2):  # what runs may be an "on"
            self._change()
            if self._running:
                self._note(self._running.wait())


class Amplified:
    """An output behind a switch: each sound waits until the amplifier had its time to wake."""

    def __init__(self, output: Output, switch: Switch, lead_ms: int) -> None:
        self._output, self._switch, self._lead = output, switch, lead_ms
        self.name, self.lead_ms = output.name, output.lead_ms + lead_ms

    @property
    def level(self) -> Level:
        return self._output.level

    @property
    def health(self) -> Health:
        return self._output.health

    @property
    def delay_ms(self) -> int:
        return delay_of(self._output) if self._switch.is_on else self._lead

    def open(self, sound: Sound) -> Playing:
        return _Behind(self._output.open(sound), self._switch, self._lead)

    def tend(self) -> tuple[int | None, str]:
        return self._switch.tend()

    def shut(self) -> None:
        self._switch.shut()
        self._output.shut()


class _Behind:
    """A sound that has the amplifier on while it lasts."""

    def __init__(self, playing: Playing, switch: Switch, lead_ms: int) -> None:
        self._playing, self._switch, self._lead = playing, switch, lead_ms
        self._begun = False
        self.advance, self.played_ms, self.left_ms = (
            playing.advance,
            playing.played_ms,
            playing.left_ms,
        )

    def begin(self, in_ms: int) -> None:
        was_on, self._begun = self._switch.is_on, True
        self._switch.on()
        self._playing.begin(in_ms if was_on else max(in_ms, self._lead))

    def close(self) -> None:
        self._playing.close()
        if self._begun:
            self._begun = False
            self._switch.off()
