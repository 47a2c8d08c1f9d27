"""Where the sound goes: nowhere (``null``), into a WAV file (``wav``), or out of the sound card (``system``)."""

from __future__ import annotations

import logging
import threading
import time
import wave
from array import array
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import miniaudio

from loa.times import SECOND

log = logging.getLogger(__name__)

RATE = 24_000
"""Frames a second, mono, 16 bit: what the station's recordings are; anything else is resampled."""
AHEAD_FRAMES = RATE // 4
FADE_FRAMES = RATE // 100
"""10 ms: a loudspeaker clicks where a sound begins or ends at once."""
BUFFER_MS = 50
FADED_SECONDS = 0.3
"""A card that asks for nothing more is not waited for."""
Health = Literal["ok", "fault", "unk"]
Level = Literal["none", "E1"]
"""What an end proves: nothing, or that a decoder gave the whole sound to a card or a file."""


class OutputFault(Exception):
    """The sound card is gone or will not take the sound."""


class Undecodable(Exception):
    """These bytes are no sound we play, though they are the bytes that were approved."""


@dataclass(frozen=True)
class Sound:
    """What is to be heard: bytes whose hash was right, kept so that no file can change under us."""

    occ: str
    data: bytes
    ms: int
    level: float = 1.0
    """Factor on the samples: volume and gain; 0 when muted."""


class Playing(Protocol):
    """One sound, opened: begun once, asked how far it is, closed."""

    def begin(self, in_ms: int) -> None:
        """Release the sound in that many milliseconds. Raises OutputFault."""
        ...

    def advance(self) -> None:
        """Do what has fallen due. Raises OutputFault or Undecodable."""
        ...

    def played_ms(self) -> int: ...

    def left_ms(self) -> int:
        """Milliseconds until the end, as far as is known; 0 when it has ended."""
        ...

    def close(self) -> None:
        """Silence, at once, whether it had ended or not."""
        ...


class Output(Protocol):
    """Opens sounds."""

    name: str
    lead_ms: int
    """How long before its time a sound is to be begun, so that it is heard at its time."""
    level: Level

    @property
    def health(self) -> Health: ...

    def open(self, sound: Sound) -> Playing:
        """Decode ahead. Raises Undecodable or OutputFault."""
        ...

    def tend(self) -> tuple[int | None, str]:
        """Look after what belongs to it: (milliseconds until the next look or None, what went wrong or "")."""
        ...

    def shut(self) -> None:
        """The receiver ends."""
        ...


class _Untended:
    """An output with nothing to look after."""

    def tend(self) -> tuple[int | None, str]:
        return None, ""

    def shut(self) -> None:
        pass


def decode(data: bytes) -> Iterator[array[int]]:
    """The samples in pieces, the first already decoded. Raises Undecodable."""
    try:
        pieces = miniaudio.stream_memory(
            data, nchannels=1, sample_rate=RATE, frames_to_read=AHEAD_FRAMES
        )
        first = next(pieces)
    except (miniaudio.MiniaudioError, StopIteration) as error:
        raise Undecodable(str(error)) from error
    return _from(first, pieces)


def _from(first: array[int], rest: Iterator[array[int]]) -> Iterator[array[int]]:
    yield first
    try:
        yield from rest
    except miniaudio.MiniaudioError as error:
        raise Undecodable(str(error)) from error


def scaled(samples: array[int], level: float) -> array[int]:
    """The samples times ``level``, clipped to 16 bits."""
    if level == 1.0:
        return samples
    if level <= 1.0:
        return array("h", [int(one * level) for one in samples])
    return array("h", [max(-32_768, min(32_767, int(one * level))) for one in samples])


def faded_in(samples: array[int], done: int) -> array[int]:
    """The samples with what falls into the first FADE_FRAMES ramped up; ``done``: frames that went before."""
    ramp = max(0, min(len(samples), FADE_FRAMES - done))
    head = [samples[n] * (done + n) // FADE_FRAMES for n in range(ramp)]
    return array("h", head) + samples[ramp:]


def faded_out(samples: array[int]) -> array[int]:
    """The first FADE_FRAMES ramped down, and silence."""
    ramp = min(len(samples), FADE_FRAMES)
    head = [samples[n] * (ramp - n) // ramp for n in range(ramp)]
    return array("h", head + [0] * (len(samples) - ramp))


class _Timed:
    """Takes the real time of the sound by the steady clock."""

    def __init__(self, ms: int, mono: Callable[[], int]) -> None:
        self._ms, self._mono = ms, mono
        self._from: int | None = None

    def begin(self, in_ms: int) -> None:
        self._from = self._mono() + in_ms

    def advance(self) -> None:
        pass

    def played_ms(self) -> int:
        return 0 if self._from is None else max(0, min(self._ms, self._mono() - self._from))

    def left_ms(self) -> int:
        return self._ms if self._from is None else max(0, self._from + self._ms - self._mono())

    def close(self) -> None:
        pass


class NullOutput(_Untended):
    """No sound, but it lasts as long: for simulated receivers."""

    name = "null"
    level: Level = "none"
    lead_ms = 0
    health: Health = "unk"

    def __init__(self, mono: Callable[[], int]) -> None:
        self._mono = mono

    def open(self, sound: Sound) -> Playing:
        return _Timed(sound.ms, self._mono)


class WavOutput(_Untended):
    """One WAV file per occurrence, written as it would be heard and no further than it got.

    At full level whatever the volume, so that it can be held against the recording; silence when muted.
    """

    name = "wav"
    level: Level = "E1"
    lead_ms = 0
    health: Health = "unk"

    def __init__(self, folder: Path, mono: Callable[[], int]) -> None:
        self._folder, self._mono = folder, mono

    def open(self, sound: Sound) -> Playing:
        info = miniaudio.wav_get_info if sound.data[:4] == b"RIFF" else miniaudio.mp3_get_info
        try:
            ms = round(info(sound.data).duration * SECOND)
        except miniaudio.MiniaudioError as error:
            raise Undecodable(str(error)) from error
        return _WavPlaying(self._folder / f"{sound.occ}.wav", sound, ms, self._mono)


class _WavPlaying(_Timed):
    def __init__(self, path: Path, sound: Sound, ms: int, mono: Callable[[], int]) -> None:
        super().__init__(ms, mono)
        self._path, self._level = path, 1.0 if sound.level else 0.0
        self._pieces = decode(sound.data)
        self._file: wave.Wave_write | None = None
        self._written = 0
        self._rest: array[int] = array("h")

    def begin(self, in_ms: int) -> None:
        super().begin(in_ms)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = wave.open(str(self._path), "wb")  # noqa: SIM115 - open while it sounds
            self._file.setparams((1, 2, RATE, 0, "NONE", ""))
        except OSError as error:
            raise OutputFault(str(error)) from error

    def advance(self) -> None:
        ended = self._from is not None and self.left_ms() == 0
        self._write(None if ended else self.played_ms() * RATE // SECOND)

    def _write(self, until: int | None) -> None:
        """Write the frames up to number ``until``; all that are left for None."""
        while self._file and (until is None or self._written < until):
            piece = self._rest or next(self._pieces, array("h"))
            if not piece:
                return
            take = len(piece) if until is None else min(len(piece), until - self._written)
            try:
                self._file.writeframes(scaled(piece[:take], self._level).tobytes())
            except OSError as error:
                raise OutputFault(str(error)) from error
            self._written, self._rest = self._written + take, piece[take:]

    def close(self) -> None:
        if self._file:
            self._file.close()
            self._file = None


class SystemOutput(_Untended):
    """The machine's sound card, through miniaudio."""

    name = "system"
    level: Level = "E1"
    lead_ms = 500

    def __init__(self, backends: list[miniaudio.Backend] | None = None) -> None:
        self._backends = backends
        self.health: Health = "unk"

    def open(self, sound: Sound) -> Playing:
        return _SystemPlaying(self, sound)

    def device(self) -> miniaudio.PlaybackDevice:
        """Open the card. Raises OutputFault."""
        try:
            device = miniaudio.PlaybackDevice(
                nchannels=1, sample_rate=RATE, buffersize_msec=BUFFER_MS, backends=self._backends,
                app_name="loa",
            )  # fmt: skip
        except miniaudio.MiniaudioError as error:
            self.health = "fault"
            raise OutputFault(str(error)) from error
        self.health = "ok"
        return device


class _SystemPlaying:
    """Silence until the release, then the sound, counted in frames: exact to the card's own buffer."""

    def __init__(self, output: SystemOutput, sound: Sound) -> None:
        self._output, self._sound = output, sound
        self._pieces = decode(sound.data)
        self._device: miniaudio.PlaybackDevice | None = None
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
            self._output.health = "fault"
            raise OutputFault(str(error)) from error

    def _feed(self) -> Generator[bytes, int, None]:
        """Runs in the card's thread: it must not raise, nor wait for anything."""
        wanted = yield b""
        while (ahead := self._frames_ahead()) >= wanted:
            wanted = yield bytes(2 * wanted)
        self._frames = -ahead
        rest, done = bytes(2 * ahead), 0
        try:
            for piece in self._pieces:
                rest += faded_in(scaled(piece, self._sound.level), done).tobytes()
                done += len(piece)
                while len(rest) >= 2 * wanted:
                    block, rest = rest[: 2 * wanted], rest[2 * wanted :]
                    if self._ending.is_set():
                        yield from self._fall_silent(block)
                    self._frames += wanted
                    wanted = yield block
        except Undecodable as error:
            self._fault = str(error)
        self._frames += len(rest) // 2
        self._ended = True
        yield rest

    def _fall_silent(self, block: bytes) -> Generator[bytes, int, None]:
        """Fade the block that would have come, and give silence until all of it has left the card's buffer."""
        wanted = yield faded_out(array("h", block)).tobytes()
        silent = 0
        while True:
            if silent >= BUFFER_MS * RATE // SECOND:
                self._faded.set()
            silent += wanted
            wanted = yield bytes(2 * wanted)

    def _frames_ahead(self) -> int:
        return max(0, self._release - time.monotonic_ns()) * RATE // 1_000_000_000

    def advance(self) -> None:
        if self._fault:
            raise Undecodable(self._fault)

    def played_ms(self) -> int:
        return max(0, self._frames) * SECOND // RATE

    def left_ms(self) -> int:
        return 0 if self._ended else max(100, self._sound.ms - self.played_ms())

    def close(self) -> None:
        if self._device is None:
            return
        if self._frames and not self._ended:
            self._ending.set()
            self._faded.wait(FADED_SECONDS)
        self._device.close()
        self._device = None
