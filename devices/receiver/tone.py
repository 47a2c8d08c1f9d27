"""The self-test tone every receiver carries: three short notes, the same bytes everywhere, so that it has a hash."""

from __future__ import annotations

import functools
import struct
from array import array

RATE = 8_000
MS = 1_500
CT = "audio/wav"
_PERIOD = (0, 8_485, 12_000, 8_485, 0, -8_485, -12_000, -8_485)
"""1 kHz at 8,000 frames a second, as whole numbers: no machine rounds them otherwise."""
_NOTE, _GAP, _FADE = 2_400, 1_600, 80
"""Frames: 300 ms of sound, 200 ms without, 10 ms of fading at each end of a note."""
SHA = "4a7603764d1b03f10464168a79b0bbe62499463e435dcf7f0ce8b22968b1aa3b"


@functools.cache
def data() -> bytes:
    """The tone as a WAV file: mono, 16 bit."""
    note = [_PERIOD[frame % 8] * _fade(frame) // _FADE for frame in range(_NOTE)]
    frames = array("h", (note + [0] * _GAP) * 3)
    sound = struct.pack(f"<{len(frames)}h", *frames)
    head = struct.pack("<IHHIIHH", 16, 1, 1, RATE, 2 * RATE, 2, 16)
    return (
        b"RIFF" + struct.pack("<I", 36 + len(sound)) + b"WAVEfmt " + head
        + b"data" + struct.pack("<I", len(sound)) + sound
    )  # fmt: skip


def _fade(frame: int) -> int:
    return min(frame, _NOTE - 1 - frame, _FADE)
