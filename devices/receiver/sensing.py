"""Whether the loudspeaker really sounds: asked of programs of the owner's, who has a sensor or a microphone there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from devices.receiver.hooks import LOOK, Ended, Hook
from devices.receiver.outputs import Health, Level, Output, Playing, Sound, delay_of
from loa.times import SECOND

FIRST = SECOND // 2
"""After the sound began."""
EVERY = 10 * SECOND
HEARD = 0.5
"""What a microphone's program must say at least, of 0 to 1."""
FAULT_AFTER = 2
"""Times in a row that nothing was noticed: speech has pauses."""


class Sensor:
    """One program, asked now and then while a sound lasts. Told the time by ``mono``, it never waits."""

    def __init__(
        self, name: str, program: Path, notices: Callable[[Ended], bool | None], mono: Callable[[], int]
    ) -> None:  # fmt: skip
        """``notices``: what an answer means, None for one that means nothing."""
        self._name, self._program, self._notices, self._mono = name, program, notices, mono
        self._hook: Hook | None = None
        self._is_stale = False
        """What runs was asked of an earlier sound."""
        self._next: int | None = None
        self._asked = self._noticed = self._silent = 0
        self._complaint = ""
        self.is_fault = False

    @property
    def is_claimed(self) -> bool:
        """Each time it was asked of this sound, it noticed it."""
        return 0 < self._noticed == self._asked

    def begin(self, in_ms: int) -> None:
        """A sound begins in so many milliseconds."""
        self._next = self._mono() + in_ms + FIRST
        self._is_stale = self._hook is not None
        self._asked = self._noticed = self._silent = 0

    def end(self) -> None:
        """It is over; an answer that is still to come is none of it."""
        self._next = None

    def tend(self) -> tuple[int | None, str]:
        """(milliseconds until it wants to be tended again, what is wrong since it was tended last)."""
        mono = self._mono()
        if self._hook and (ended := self._hook.ended(mono)):
            self._hook = None
            if self._next is not None and not self._is_stale:
                self._judge(ended)
            self._is_stale = False
        if self._hook is None and self._next is not None and mono >= self._next:
            self._ask(mono)
        complaint, self._complaint = self._complaint, ""
        if self._hook:
            return LOOK, complaint
        return (None if self._next is None else max(0, self._next - mono)), complaint

    def _ask(self, mono: int) -> None:
        self._next = mono + EVERY
        try:
            self._hook = Hook(self._program, "check", mono, listen=True)
        except OSError as error:
            self._asked += 1
            self._complain(error.strerror or "cannot be run")

    def _judge(self, ended: Ended) -> None:
        self._asked += 1
        noticed = self._notices(ended)
        if noticed is None:
            self._complain(ended.trouble or "no answer")
            return
        self._silent = 0 if noticed else self._silent + 1
        self._noticed += noticed
        if noticed:
            self.is_fault = False
        elif self._silent == FAULT_AFTER:
            self.is_fault = True
            self._complain("nothing noticed")

    def _complain(self, why: str) -> None:
        self._complaint = f"{self._name}: {why}"


def current(program: Path, mono: Callable[[], int]) -> Sensor:
    """Senses the amplifier: exit 0, it draws current; 1, it does not."""
    return Sensor("amplifier", program, _is_sensed, mono)


def microphone(program: Path, mono: Callable[[], int]) -> Sensor:
    """Hears the sound: prints from 0 to 1 how sure it is."""
    return Sensor("microphone", program, _is_heard, mono)


def _is_sensed(ended: Ended) -> bool | None:
    return ended.code == 0 if ended.code in (0, 1) else None


def _is_heard(ended: Ended) -> bool | None:
    try:
        sure = float(ended.output) if ended.code == 0 else -1.0
    except ValueError:
        return None
    return sure >= HEARD if 0.0 <= sure <= 1.0 else None


class Sensed:
    """An output with sensors beside it: what they notice is what an end proves."""

    def __init__(self, output: Output, amplifier: Sensor | None, microphone: Sensor | None) -> None:
        self._output, self._amplifier, self._microphone = output, amplifier, microphone
        self._sensors = [sensor for sensor in (amplifier, microphone) if sensor]
        self.name, self.lead_ms = output.name, output.lead_ms

    @property
    def level(self) -> Level:
        if self._output.level == "none":
            return "none"
        if self._microphone and self._microphone.is_claimed:
            return "E3"
        return "E2" if self._amplifier and self._amplifier.is_claimed else self._output.level

    @property
    def health(self) -> Health:
        return "fault" if any(one.is_fault for one in self._sensors) else self._output.health

    @property
    def delay_ms(self) -> int:
        return delay_of(self._output)

    def open(self, sound: Sound) -> Playing:
        return _Watched(self._output.open(sound), sound, self._sensors)

    def tend(self) -> tuple[int | None, str]:
        tended = [self._output.tend(), *(one.tend() for one in self._sensors)]
        waits = [wait for wait, _ in tended if wait is not None]
        complaints = [complaint for _, complaint in tended if complaint]
        return min(waits, default=None), "; ".join(complaints)

    def shut(self) -> None:
        self._output.shut()


class _Watched:
    """A sound whose sensors are asked while it lasts."""

    def __init__(self, playing: Playing, sound: Sound, sensors: list[Sensor]) -> None:
        self._playing, self._sound, self._sensors = playing, sound, sensors
        self._is_watched = False
        self.played_ms, self.left_ms = playing.played_ms, playing.left_ms

    def begin(self, in_ms: int) -> None:
        self._watch(in_ms)
        self._playing.begin(in_ms)

    def advance(self) -> None:
        self._playing.advance()
        if self._is_watched and not self._sound.level:
            self._leave()

    def _watch(self, in_ms: int) -> None:
        if self._sound.level:  # of silence nothing can be noticed
            self._is_watched = True
            for sensor in self._sensors:
                sensor.begin(in_ms)

    def _leave(self) -> None:
        self._is_watched = False
        for sensor in self._sensors:
            sensor.end()

    def close(self) -> None:
        if self._is_watched:
            self._leave()
        self._playing.close()
