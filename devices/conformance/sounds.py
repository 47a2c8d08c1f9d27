"""Sounds made for the test: MPEG audio of silence in any length and size, without an encoder."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from random import Random

from devices import messages
from devices.receiver import tone

FRAME_MS = 24
"""576 samples at 24 kHz: one frame of MPEG-2 layer III."""
_SIDE = 9
"""Bytes of side information of a mono frame; all zero, it says that no sound follows."""
_RATES = {32: 4, 64: 8, 160: 14}
"""kbit/s → index in the frame's header."""


@dataclass(frozen=True)
class Sound:
    """Bytes a plan may name."""

    data: bytes
    ms: int
    ct: str = "audio/mpeg"

    @property
    def sha(self) -> str:
        return hashlib.sha256(self.data).hexdigest()

    @property
    def audio(self) -> messages.Audio:
        return messages.Audio(n=len(self.data), ms=self.ms, ct=self.ct)

    @property
    def blocks(self) -> int:
        return -(-len(self.data) // messages.BLOCK_BYTES)

    def block(self, number: int) -> bytes:
        """Block ``number``; empty beyond the end."""
        start = number * messages.BLOCK_BYTES
        return self.data[start : start + messages.BLOCK_BYTES]


def tone_sound() -> Sound:
    """The test tone every receiver has: nothing is fetched for it."""
    return Sound(tone.data(), tone.MS, tone.CT)


def silence(ms: int, seed: str, kbits: int = 32) -> Sound:
    """``ms`` (rounded up to whole frames) of silence; another ``seed`` gives other bytes and so another hash.

    What follows the side information of such a frame is not decoded: there lies what makes the bytes differ.
    """
    frames, size = -(-ms // FRAME_MS), kbits * 3
    head = bytes([0xFF, 0xF3, _RATES[kbits] << 4 | 0x04, 0xC4]) + bytes(_SIDE)
    random = Random(seed)  # noqa: S311 - not a secret, and the same for everybody
    parts = []
    for _ in range(frames):
        # No byte 0xFF: a decoder that looks for the next frame must not find one here.
        filling = bytes(one & 0x7F for one in random.randbytes(size - len(head)))
        parts.append(head + filling)
    return Sound(b"".join(parts), frames * FRAME_MS)
