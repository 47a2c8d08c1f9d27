"""The only file that knows pydub: chimes made from numbers, and speech joined between two of them.

pydub never calls ffmpeg here, as it is handed finished samples; and it never holds a whole recording,
as it needs three times its size: the ends are examined in pieces, the middle is copied as it is.
"""

from __future__ import annotations

import functools
import warnings
import wave
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from loa.errors import ContentError

with warnings.catch_warnings():
    # pydub says on import that it found no ffmpeg, which it is never given reason to call here.
    warnings.simplefilter("ignore")
    from pydub import AudioSegment
    from pydub.silence import detect_leading_silence

SAMPLE_RATE = 24_000
EDGE_SILENCE_MS = 300
"""Silence left at each end of the speech."""
AFTER_OPENING_MS = 500
BETWEEN_PARTS_MS = 700
BEFORE_CLOSING_MS = 500
SILENCE_DBFS = -50.0
WINDOW_MS = 10_000

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


def join(parts: Sequence[Path], out: Path, *, chimes: bool = True) -> int:
    """Write opening chime, ``parts``, closing chime to ``out``; returns the length in ms.

    Parts are 24 kHz mono 16-bit WAV files; silence at their ends is cut to 0.3 s. Raises ContentError
    when a part is of another kind or silent all through.
    """
    with wave.open(str(out), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        if chimes:
            file.writeframesraw((chime("opening") + _pause(AFTER_OPENING_MS)).raw_data)
        for number, part in enumerate(parts):
            if number:
                file.writeframesraw(_pause(BETWEEN_PARTS_MS).raw_data)
            for piece in _trimmed(part):
                file.writeframesraw(piece)
        if chimes:
            file.writeframesraw((_pause(BEFORE_CLOSING_MS) + chime("closing")).raw_data)
        return round(file.tell() * 1000 / SAMPLE_RATE)


def _trimmed(path: Path) -> Iterator[bytes]:
    """The samples of a WAV without the silence at its ends, a window at a time."""
    with wave.open(str(path), "rb") as file:
        if (file.getnchannels(), file.getsampwidth(), file.getframerate()) != (1, 2, SAMPLE_RATE):
            raise ContentError(
                "Đoạn âm thanh để ghép không đúng dạng 24 kHz một kênh. Hãy tạo lại bản ghi."
            )
        total = file.getnframes()
        start = _silence(file, total, ahead=True)
        if start >= total:
            raise ContentError(
                "Bản ghi im lặng, không có gì để phát. Hãy ghi âm lại hoặc chọn tệp khác."
            )
        edge = _frames(EDGE_SILENCE_MS)
        start = max(0, start - edge)
        left = min(total, total - _silence(file, total, ahead=False) + edge) - start
        file.setpos(start)
        while left > 0:
            piece = file.readframes(min(left, _frames(WINDOW_MS)))
            left -= len(piece) // 2
            yield piece


def _silence(file: wave.Wave_read, total: int, *, ahead: bool) -> int:
    """Frames of silence at the start (``ahead``) or the end of a WAV."""
    window = _frames(WINDOW_MS)
    silent = 0
    while silent < total:
        size = min(window, total - silent)
        file.setpos(silent if ahead else total - silent - size)
        piece = _segment(file.readframes(size))
        ms = detect_leading_silence(piece if ahead else piece.reverse(), SILENCE_DBFS)
        if ms < len(piece):
            return silent + _frames(ms)
        silent += size
    return total


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
