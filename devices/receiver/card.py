"""The machine's sound card, through miniaudio: armed ahead of time, released on the clock, held to it."""

from __future__ import annotations

import threading
import time
from array import array
from collections.abc import Generator
from typing import Protocol, Self

import miniaudio

from devices.receiver.outputs import (
    RATE,
    Health,
    Level,
    OutputFault,
    Playing,
    Sound,
    Undecodable,
    Untended,
    faded_in,
    faded_out,
    scaled,
)
from devices.receiver.rate_match import CardTime, RateMatch
from loa.times import SECOND

BUFFER_MS = 50
TAIL_FRAMES = 3 * BUFFER_MS * RATE // SECOND
"""What a card may still hold when it has been given the last frame; a card closed sooner would swallow it."""
FADED_SECONDS = 0.3
"""A card that asks for nothing more is not waited for."""
STUCK_SECONDS = 3.0
"""A card asks twenty times a second."""


class Device(Protocol):
    """A card that was opened."""

    def start(self, feed: Generator[bytes, int, None]) -> None:
        """Ask ``feed`` for so many frames, again and again, in a thread of the card's own."""
        ...

    def close(self) -> None: ...


class SystemOutput(Untended):
    """The machine's sound card."""

    name = "system"
    level: Level = "E1"
    lead_ms = 500

    def __init__(self, backends: list[miniaudio.Backend] | None = None) -> None:
        self._backends = backends
        self.health: Health = "unk"

    @classmethod
    def imagined(cls) -> Self:
        """A card that asks for sound as a real one would, in real time, and throws it away."""
        return cls([miniaudio.Backend.NULL])

    def open(self, sound: Sound) -> Playing:
        return _SystemPlaying(self, sound)

    def device(self) -> Device:
        """Open the card. Raises OutputFault."""
        # Real time is had where the service may have it (docs/install.md), else it is a thread like any.
        try:
            device: Device = miniaudio.PlaybackDevice(
                nchannels=1, sample_rate=RATE, buffersize_msec=BUFFER_MS, backends=self._backends,
                app_name="loa", thread_prio=miniaudio.ThreadPriority.REALTIME,
            )  # fmt: skip
        except miniaudio.MiniaudioError as error:
            raise self.fault(str(error)) from error
        self.health = "ok"
        return device

    def fault(self, why: str) -> OutputFault:
        """Note that the card is out of order; to be raised."""
        self.health = "fault"
        return OutputFault(why)


class _SystemPlaying:
    """Silence until the release, then the sound, counted in frames: exact to the card's own buffer."""

    def __init__(self, output: SystemOutput, sound: Sound) -> None:
        self._output, self._sound = output, sound
        self._pieces = sound.pieces()
        self._rest: array[int] = array("h")
        self._decoded = 0
        self._device: Device | None = None
        self._card = CardTime(RATE)
        self._match = RateMatch(self._card, RATE)
        self._watch = _Watch()
        self._release = 0
        self._frames = 0
        self._ended = False
        self._fault = ""
        self._ending, self._faded = threading.Event(), threading.Event()

    def begin(self, in_ms: int) -> None:
        self._release = time.monotonic_ns() + in_ms * 1_000_000
        self._device = self._output.device()
        feed = self._feed()
        next(feed)
        try:
            self._device.start(feed)
        except miniaudio.MiniaudioError as error:
            raise self._output.fault(str(error)) from error

    # -- in the card's thread: nothing here may raise, or wait for anything -------------------------

    def _feed(self) -> Generator[bytes, int, None]:
        wanted = yield b""
        while (ahead := self._frames_ahead(wanted)) >= wanted:
            wanted = yield bytes(2 * wanted)
        samples = self._next(wanted - ahead)
        block = array("h", bytes(2 * ahead)) + samples
        while len(block) == wanted and not self._ending.is_set():
            self._frames += len(samples)
            wanted = yield block.tobytes()
            self._card.asked(time.monotonic_ns(), wanted)
            samples = block = self._match.fit(self._next, wanted)
        if self._ending.is_set():
            yield from self._fall_silent(faded_out(block), wanted)
        else:
            self._frames += len(samples)
            yield from self._end(block, wanted)

    def _frames_ahead(self, wanted: int) -> int:
        """How many frames of silence are to come before the sound."""
        asked = self._card.asked(time.monotonic_ns(), wanted)
        return max(0, self._release - asked) * RATE // 1_000_000_000

    def _next(self, frames: int) -> array[int]:
        """That many samples of the sound, fewer when it has come to its end."""
        try:
            while len(self._rest) < frames:
                piece = next(self._pieces, None)
                if piece is None:
                    break
                self._rest += faded_in(scaled(piece, self._sound.level), self._decoded)
                self._decoded += len(piece)
        except Undecodable as error:
            self._fault = str(error)
        taken, self._rest = self._rest[:frames], self._rest[frames:]
        return taken

    def _end(self, block: array[int], wanted: int) -> Generator[bytes, int, None]:
        """The last block, and silence until all of it has left the card's buffer."""
        wanted = yield block.tobytes() + bytes(2 * (wanted - len(block)))
        silent = 0
        while silent < TAIL_FRAMES:
            silent += wanted
            wanted = yield from self._silence(wanted)
        self._ended = True

    def _fall_silent(self, block: array[int], wanted: int) -> Generator[bytes, int, None]:
        """Fade the block that would have come, and give silence for as long as the card asks."""
        silent, wanted = 0, (yield block.tobytes() + bytes(2 * (wanted - len(block))))
        while True:
            if silent >= TAIL_FRAMES:
                self._faded.set()
            silent += wanted
            wanted = yield from self._silence(wanted)

    def _silence(self, wanted: int) -> Generator[bytes, int, int]:
        wanted = yield bytes(2 * wanted)
        self._card.asked(time.monotonic_ns(), wanted)
        return wanted

    # -- in the receiver's ---------------------------------------------------------------------------

    def advance(self) -> None:
        if self._fault:
            raise Undecodable(self._fault)
        if self._device and not self._ended and self._watch.is_stuck(self._card.callbacks):
            raise self._output.fault("the card asks for nothing")

    def played_ms(self) -> int:
        return max(0, self._frames) * SECOND // RATE

    def left_ms(self) -> int:
        return 0 if self._ended else max(100, self._sound.ms - self.played_ms())

    def close(self) -> None:
        if self._device:
            if self._frames and not self._ended:
                self._ending.set()
                self._faded.wait(FADED_SECONDS)
            self._device.close()
            self._device = None
        self._pieces.close()


class _Watch:
    """Notices that a number stands still. A process that was itself stopped for a while accuses nobody."""

    def __init__(self) -> None:
        self._count, self._looked, self._still = -1, 0.0, 0.0

    def is_stuck(self, count: int) -> bool:
        now = time.monotonic()
        self._still += min(now - self._looked, 1.0)
        self._looked = now
        if count != self._count:
            self._count, self._still = count, 0.0
        return self._still > STUCK_SECONDS
