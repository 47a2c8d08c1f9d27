"""Run as a program, confined: an MP3 stream on standard input, samples on standard output."""

from __future__ import annotations

import os
import sys

import miniaudio


class _Input(miniaudio.StreamableSource):  # type: ignore[misc]
    def read(self, num_bytes: int) -> bytes:
        return os.read(
            0, num_bytes
        )  # what has come, not all that was asked for: it is a live stream


def _run(rate: int) -> None:
    pieces = miniaudio.stream_any(
        _Input(), miniaudio.FileFormat.MP3, nchannels=1, sample_rate=rate, frames_to_read=rate // 20
    )
    for piece in pieces:
        sys.stdout.buffer.write(piece.tobytes())
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    _run(int(sys.argv[1]))
