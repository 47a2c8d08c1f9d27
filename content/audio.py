"""The only file that knows pydub: chimes made from numbers, and speech joined between two of them.

pydub never calls ffmpeg here, as it is handed finished samples; and it never holds a whole recording,
as it needs three times its size: recordings are copied a window at a time.
"""

from __future__ import annotations

import contextlib
import functools
import warnings
import wave
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from content.levels import SAMPLE_RATE
from loa.errors import ContentError
from loa.words import say

with warnings.catch_warnings():
    # pydub says on import that it found no ffmpeg, which it is never given reason to call here.
    warnings.simplefilter("ignore")
    from pydub import AudioSegment

EDGE_SILENCE_MS = 300
"""Silence left at each end of the speech."""
AFTER_OPENING_MS = 500
BETWEEN_PARTS_MS = 700
BEFORE_CLOSING_MS = 500
WINDOW_MS = 10_000
FADE = SAMPLE_RATE // 100
"""Samples over which the sound before a cut passes into the one after it: 10 ms, so that it does not click."""
SHORTEST_MS = 100

Cuts = Sequence[tuple[int, int]]
"""Spans to leave out, from and to in ms, sorted and not overlapping."""

Chime = Literal["opening", "closing", "ding-dong"]

PARTIALS = ((1.0, 1.0), (2.0, 0.5), (2.76, 0.3), (4.07, 0.15))
"""A bell: (multiple of the note, level); the higher, the sooner it dies away."""

# Pentatonic on G, above 600 Hz, as a horn has little below. Our own notes: no station's tune.
G5, A5, B5, D6, E6 = 783.99, 880.0, 987.77, 1174.66, 1318.51
NOTES: dict[Chime, tuple[tuple[float, float], ...]] = {
    "opening": ((0.0, G5), (0.5, B5), (1.0, A5), (1.5, D6)),
    "closing": ((0.0, D6), (0.5, A5), (1.0, G5)),
    "ding-dong": ((0.0, E6), (0.6, B5)),
}
"""(seconds from the start, Hz) of each stroke."""
LENGTHS: dict[Chime, float] = {"opening": 3.6, "closing": 3.0, "ding-dong": 2.2}
PEAKS: dict[Chime, float] = {"opening": 0.673, "closing": 0.673, "ding-dong": 0.65}
"""Highest sample, chosen so that each chime measures -16 LUFS, like the speech."""


@functools.cache
def chime(name: Chime) -> AudioSegment:
    """A chime at -16 LUFS, 24 kHz mono 16-bit."""
    length = int(LENGTHS[name] * SAMPLE_RATE)
    sound = np.zeros(length)
    for start, note in NOTES[name]:
        first = int(start * SAMPLE_RATE)
        sound[first:] += _stroke(note, length - first)
    sound *= PEAKS[name] / np.max(np.abs(sound))
    return _segment(np.rint(sound * 32_767).astype("<i2").tobytes()).fade_out(400)


def write_chime(name: Chime, out: Path) -> None:
    """Write a chime as a WAV, a part like any other."""
    with _writing(out) as file:
        file.writeframes(chime(name).raw_data)


def join(parts: Sequence[Path], out: Path, *, chimes: bool = True) -> int:
    """Write opening chime, ``parts``, closing chime to ``out``; returns the length in ms.

    Parts are 24 kHz mono 16-bit WAV files, with a pause between two. Raises ContentError when a part is
    of another kind.
    """
    with _writing(out) as file:
        if chimes:
            file.writeframesraw((chime("opening") + _pause(AFTER_OPENING_MS)).raw_data)
        for number, part in enumerate(parts):
            if number:
                file.writeframesraw(_pause(BETWEEN_PARTS_MS).raw_data)
            with _reading(part) as whole:
                _copy(whole, file, 0, whole.getnframes())
        if chimes:
            file.writeframesraw((_pause(BEFORE_CLOSING_MS) + chime("closing")).raw_data)
        return round(file.tell() * 1000 / SAMPLE_RATE)


def cut(path: Path, out: Path, cuts: Cuts) -> None:
    """Write ``path``, a 24 kHz mono 16-bit WAV, to ``out`` without the spans ``cuts``.

    Spans may reach beyond the end. Raises ContentError when they are out of order or leave nothing.
    """
    _check(cuts)
    with _reading(path) as source, _writing(out) as file:
        total = source.getnframes()
        kept = _kept([(_frames(begin), _frames(end)) for begin, end in cuts], total)
        if sum(end - begin for begin, end in kept) < _frames(SHORTEST_MS):
            raise ContentError(
                say(
                    "Các đoạn cắt bỏ gần hết bản ghi, không còn gì để phát. Hãy để lại ít nhất một đoạn."
                ),
                field="cuts",
            )
        _write_kept(source, file, kept, total)


def cut_ms(cuts: Cuts) -> int:
    """How much they leave out, at most, in ms."""
    return sum(max(0, end - begin) for begin, end in cuts)


def _check(cuts: Cuts) -> None:
    last = 0
    for begin, end in cuts:
        if begin < last or end <= begin:
            raise ContentError(
                say(
                    "Các đoạn cắt phải có đầu trước cuối và không chồng lên nhau. Hãy xem lại các mốc."
                ),
                field="cuts",
            )
        last = end


def _kept(cuts: Iterable[tuple[int, int]], total: int) -> list[tuple[int, int]]:
    """What lies between the cuts, in frames; what is too short to fade in and out goes with them."""
    edges = [0, *(min(frame, total) for span in cuts for frame in span), total]
    spans = zip(edges[::2], edges[1::2], strict=True)
    return [(begin, end) for begin, end in spans if end - begin > 2 * FADE]


def _write_kept(
    source: wave.Wave_read, file: wave.Wave_write, kept: list[tuple[int, int]], total: int
) -> None:
    """Each kept span without half a fade at either cut edge, and between two of them the fade."""
    half = FADE // 2
    before: npt.NDArray[np.float64] = np.zeros(FADE)
    for begin, end in kept:
        if begin > 0:
            after = _samples(source, begin - half, FADE)
            rise = np.linspace(0, 1, FADE)
            faded = before * (1 - rise) + after * rise
            file.writeframesraw(np.rint(faded).astype("<i2").tobytes())
        last = end if end == total else end - half
        _copy(source, file, begin + half if begin else 0, last)
        before = _samples(source, last, FADE) if last < end else np.zeros(FADE)
    if kept[-1][1] < total:
        file.writeframesraw(np.rint(before * np.linspace(1, 0, FADE)).astype("<i2").tobytes())


def _samples(source: wave.Wave_read, first: int, count: int) -> npt.NDArray[np.float64]:
    """``count`` samples from ``first`` on; silence beyond either end."""
    source.setpos(max(0, first))
    read = np.frombuffer(source.readframes(count - max(0, -first)), "<i2").astype(np.float64)
    lead = max(0, -first)
    return np.pad(read, (lead, count - lead - len(read)))


def _copy(source: wave.Wave_read, file: wave.Wave_write, first: int, end: int) -> None:
    source.setpos(first)
    while first < end:
        piece = source.readframes(min(end - first, _frames(WINDOW_MS)))
        if not piece:
            return
        first += len(piece) // 2
        file.writeframesraw(piece)


@contextlib.contextmanager
def _writing(out: Path) -> Iterator[wave.Wave_write]:
    with wave.open(str(out), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        yield file


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[wave.Wave_read]:
    with wave.open(str(path), "rb") as file:
        if (file.getnchannels(), file.getsampwidth(), file.getframerate()) != (1, 2, SAMPLE_RATE):
            raise ContentError(
                say("Đoạn âm thanh để ghép không đúng dạng 24 kHz một kênh. Hãy tạo lại bản ghi.")
            )
        yield file


def _stroke(note: float, length: int) -> npt.NDArray[np.float64]:
    """One stroke of a bell, ``length`` samples; the first 4 ms rise, so that it does not click."""
    seconds = np.arange(length) / SAMPLE_RATE
    bell = sum(
        level * np.exp(-1.6 * multiple * seconds) * np.sin(2 * np.pi * note * multiple * seconds)
        for multiple, level in PARTIALS
    )
    return np.asarray(bell * np.minimum(1.0, seconds / 0.004))


def _segment(data: bytes) -> AudioSegment:
    return AudioSegment(data=data, sample_width=2, frame_rate=SAMPLE_RATE, channels=1)


def _pause(ms: int) -> AudioSegment:
    return AudioSegment.silent(duration=ms, frame_rate=SAMPLE_RATE)


def _frames(ms: int) -> int:
    return ms * SAMPLE_RATE // 1000
