"""Where the sound goes: nowhere (``null``), into a WAV file (``wav``), or out of the sound card (``system``)."""

from __future__ import annotations

import logging
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
Health = Literal["ok", "fault", "unk"]


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
    health: Health

    def open(self, sound: Sound) -> Playing:
        """Decode ahead. Raises Undecodable or OutputFault."""
        ...


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


class NullOutput:
    """No sound, but it lasts as long: for simulated receivers."""

    name = "null"
    lead_ms = 0
    health: Health = "unk"

    def __init__(self, mono: Callable[[], int]) -> None:
        self._mono = mono

    def open(self, sound: Sound) -> Playing:
        return _Timed(sound.ms, self._mono)


class WavOutput:
    """One WAV file per occurrence, written as it would be heard and no further than it got.

    At full level whatever the volume, so that it can be held against the recording; silence when muted.
    """

    name = "wav"
    lead_ms = 0
    health: Health = "unk"

    def __init__(self, folder: Path, mono: Callable[[], int]) -> None:
        self._folder, self._mono = folder, mono

    def open(self, sound: Sound) -> Playing:
        try:
            ms = round(miniaudio.mp3_get_info(sound.data).duration * SECOND)
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


class SystemOutput:
    """The machine's sound card, through miniaudio."""

    name = "system"
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
                nchannels=1, sample_rate=RATE, buffersize_msec=50, backends=self._backends,
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
        rest = bytes(2 * ahead)
        try:
            for piece in self._pieces:
                rest += scaled(piece, self._sound.level).tobytes()
                while len(rest) >= 2 * wanted:
                    self._frames += wanted
                    block, rest = rest[: 2 * wanted], rest[2 * wanted :]
                    wanted = yield block
        except Undecodable as error:
            self._fault = str(error)
        self._frames += len(rest) // 2
        self._ended = True
        yield rest

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
        if self._device:
            self._device.close()
            self._device = None
