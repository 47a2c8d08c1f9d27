"""Spoken pieces joined into one WAV, the silence between them as long as asked and no longer."""

from __future__ import annotations

import wave
from collections.abc import Sequence
from pathlib import Path

import numpy as np

QUIET = 100  # of 32,768: -50 dBFS
EDGE_SECONDS = 2.0
"""How much of each end is looked at: no voice leaves longer silence there."""
LEAD_SECONDS, TAIL_SECONDS = 0.02, 0.06
"""Kept of the silence at the ends, so that no consonant is cut."""
WINDOW_FRAMES = 1 << 18


class Mismatch(Exception):
    """Two pieces are of different kinds: they do not come from one voice."""


def join(parts: Sequence[tuple[float, Path]], out: Path) -> None:
    """Write ``parts``, (seconds of silence before it, 16-bit mono WAV), to ``out`` one after the other.

    Silence at the ends of a piece is its voice's habit, and cut. Raises Mismatch when the pieces have
    not one sample rate, or are no 16-bit mono.
    """
    with wave.open(str(out), "wb") as whole:
        for number, (pause, path) in enumerate(parts):
            with wave.open(str(path), "rb") as part:
                kind = (part.getnchannels(), part.getsampwidth(), part.getframerate())
                if number == 0:
                    whole.setnchannels(1)
                    whole.setsampwidth(2)
                    whole.setframerate(kind[2])
                if kind != (1, 2, whole.getframerate()):
                    raise Mismatch(f"{path.name}: {kind}")
                whole.writeframesraw(bytes(2 * int(pause * kind[2])))
                _copy(part, whole)


def _copy(part: wave.Wave_read, whole: wave.Wave_write) -> None:
    """The frames of ``part`` but for the silence at its ends, a window at a time."""
    first, last = _sounding(part)
    part.setpos(first)
    while first < last:
        data = part.readframes(min(WINDOW_FRAMES, last - first))
        if not data:
            break  # its header promised more
        whole.writeframesraw(data)
        first += len(data) // 2


def _sounding(part: wave.Wave_read) -> tuple[int, int]:
    """(first, last) frame to keep."""
    rate, total = part.getframerate(), part.getnframes()
    edge = min(total, int(EDGE_SECONDS * rate))
    ahead = _loud(part, 0, edge)
    behind = _loud(part, total - edge, edge)
    first = int(ahead[0]) if len(ahead) else edge
    last = int(behind[-1]) + 1 + total - edge if len(behind) else total - edge
    if first >= last:
        return 0, total
    return (
        max(0, first - int(LEAD_SECONDS * rate)),
        min(total, last + int(TAIL_SECONDS * rate)),
    )


def _loud(
    part: wave.Wave_read, start: int, count: int
) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    part.setpos(start)
    data = part.readframes(count)
    samples = np.frombuffer(data[: len(data) // 2 * 2], "<i2").astype(np.int32)
    return np.flatnonzero(np.abs(samples) > QUIET)
