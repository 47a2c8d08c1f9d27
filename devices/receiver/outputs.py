"""Where the sound goes: nowhere (``null``), into a WAV file (``wav``), or out of the sound card (card.py)."""

from __future__ import annotations

import wave
from array import array
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

import miniaudio

from loa.times import SECOND

RATE = 24_000
"""Frames a second, mono, 16 bit: what the station's recordings are; anything else is resampled."""
AHEAD_FRAMES = RATE // 4
FADE_FRAMES = RATE // 100
"""10 ms: a loudspeaker clicks where a sound begins or ends at once."""
Health = Literal["ok", "fault", "unk"]
Level = Literal["none", "E1", "E2", "E3"]
"""What an end proves: nothing; a decoder gave the whole sound to a card or a file; the amplifier was sensed; a
microphone heard it."""


class OutputFault(Exception):
    """The sound card is gone or will not take the sound."""


class Undecodable(Exception):
    """These bytes are no sound we play, though they are the bytes that were approved."""


class Pieces(Protocol):
    """A sound's samples, piece after piece; ``next`` never waits, and may raise Undecodable."""

    def __iter__(self) -> Iterator[array[int]]: ...

    def __next__(self) -> array[int]: ...

    def close(self) -> None:
        """No more is wanted."""
        ...


@dataclass
class Sound:
    """What is to be heard: bytes whose hash was right, kept so that no file can change under us.

    All but ``level`` stays as it is.
    """

    occ: str
    data: bytes
    ms: int
    level: float = 1.0
    """Factor on the samples: volume and gain; 0 when muted. It may change while the sound is heard: an output looks
    at it for each piece."""
    live: Callable[[], Pieces] | None = None
    """Opens a stream that is to be heard instead of ``data``; it is as long as ``ms`` says."""

    def pieces(self) -> Pieces:
        """The samples, the first already decoded. Raises Undecodable."""
        return self.live() if self.live else decode(self.data)


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

    @property
    def level(self) -> Level:
        """What the sound heard now would prove, if it ended now."""
        ...

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


class Untended:
    """An output with nothing to look after."""

    def tend(self) -> tuple[int | None, str]:
        return None, ""

    def shut(self) -> None:
        pass


@runtime_checkable
class Waking(Protocol):
    """An output that may sleep."""

    @property
    def delay_ms(self) -> int:
        """How long a sound begun now would still have to wait."""
        ...


def delay_of(output: Output) -> int:
    """Milliseconds from beginning a sound now to its first sample."""
    return output.delay_ms if isinstance(output, Waking) else 0


def factor(vol: int, gain: float) -> float:
    """What the samples are multiplied by at volume ``vol`` of 100 and ``gain`` dB."""
    return vol / 100 * float(10 ** (gain / 20))


def decode(data: bytes) -> Generator[array[int], None, None]:
    """The samples in pieces, the first already decoded. Raises Undecodable."""
    try:
        pieces = miniaudio.stream_memory(
            data, nchannels=1, sample_rate=RATE, frames_to_read=AHEAD_FRAMES
        )
        first = next(pieces)
    except (miniaudio.MiniaudioError, StopIteration) as error:
        raise Undecodable(str(error)) from error
    return _from(first, pieces)


def _from(first: array[int], rest: Iterator[array[int]]) -> Generator[array[int], None, None]:
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


class NullOutput(Untended):
    """No sound, but it lasts as long: for simulated receivers."""

    name = "null"
    level: Level = "none"
    lead_ms = 0
    health: Health = "unk"

    def __init__(self, mono: Callable[[], int]) -> None:
        self._mono = mono

    def open(self, sound: Sound) -> Playing:
        return _Timed(sound.ms, self._mono)


class WavOutput(Untended):
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
        ms = sound.ms if sound.live else _length(sound.data)
        return _WavPlaying(self._folder / f"{sound.occ}.wav", sound, ms, self._mono)


def _length(data: bytes) -> int:
    """Milliseconds, by the file's head. Raises Undecodable."""
    info = miniaudio.wav_get_info if data[:4] == b"RIFF" else miniaudio.mp3_get_info
    try:
        return round(float(info(data).duration) * SECOND)
    except miniaudio.MiniaudioError as error:
        raise Undecodable(str(error)) from error


class _WavPlaying(_Timed):
    def __init__(self, path: Path, sound: Sound, ms: int, mono: Callable[[], int]) -> None:
        super().__init__(ms, mono)
        self._path, self._sound = path, sound
        self._is_live = sound.live is not None
        self._pieces = sound.pieces()
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
        # A file's length is rounded to milliseconds; a stream goes on, but we do not.
        whole = ended and not self._is_live
        self._write(None if whole else self.played_ms() * RATE // SECOND)

    def _write(self, until: int | None) -> None:
        """Write the frames up to number ``until``; all that are left for None."""
        while self._file and (until is None or self._written < until):
            piece = self._rest or next(self._pieces, array("h"))
            if not piece:
                return
            take = len(piece) if until is None else min(len(piece), until - self._written)
            try:
                level = 1.0 if self._sound.level else 0.0
                self._file.writeframes(scaled(piece[:take], level).tobytes())
            except OSError as error:
                raise OutputFault(str(error)) from error
            self._written, self._rest = self._written + take, piece[take:]

    def close(self) -> None:
        if self._file:
            self._file.close()
            self._file = None
        self._pieces.close()
