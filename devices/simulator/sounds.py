"""Sounds in memory: the bytes once for all simulated receivers, but to each only those blocks that it was sent.

What a receiver has is a list of references to blocks. Two receivers share a block only after their bytes were found
equal, and share a verdict on the hash only when they have the very same blocks; a receiver that was sent something
else has blocks of its own and its own hash. So each gets the answer its own hashing would give, at the price of one.
"""

from __future__ import annotations

import hashlib
from collections import Counter, OrderedDict
from collections.abc import Container
from pathlib import Path

from devices.messages import BLOCK_BYTES
from devices.receiver import tone
from devices.receiver.shelf import KEPT_BYTES, Part, Shelf

WORTH_SHARING = 4_096
LATELY = 32


class Sounds:
    """The shared bytes: blocks as first seen, and sounds whose hash was right."""

    def __init__(self) -> None:
        self._blocks: dict[str, dict[int, bytes]] = {}
        self._whole: dict[str, tuple[list[bytes], bytes]] = {}
        self._holders: Counter[str] = Counter()
        self._lately: OrderedDict[str, bytes] = OrderedDict()
        self.hashed = 0
        """Hashes computed."""

    def same(self, topic: str, payload: bytes) -> bytes:
        """The payload another has just been sent on that topic, if it is the same: thousands get it at once."""
        if len(payload) < WORTH_SHARING:
            return payload
        if self._lately.get(topic) == payload:
            return self._lately[topic]
        self._lately[topic] = payload
        self._lately.move_to_end(topic)
        if len(self._lately) > LATELY:
            self._lately.popitem(last=False)
        return payload

    def hold(self, sha: str) -> None:
        """One more shelf has something of it."""
        self._holders[sha] += 1

    def release(self, sha: str) -> None:
        """One fewer; what nobody has is forgotten."""
        self._holders[sha] -= 1
        if self._holders[sha] <= 0:
            del self._holders[sha]
            self._blocks.pop(sha, None)
            self._whole.pop(sha, None)

    def shared(self, sha: str, block: int, data: bytes) -> bytes:
        """The block others have, if its bytes are the same; else the caller's own."""
        known = self._blocks.setdefault(sha, {}).setdefault(block, data)
        return known if known == data else data

    def judge(self, sha: str, blocks: list[bytes]) -> bool:
        """Whether the hash of these blocks is right."""
        known = self._whole.get(sha)
        if known and all(one is other for one, other in zip(blocks, known[0], strict=False)):
            return len(blocks) == len(known[0])
        data = b"".join(blocks)
        self.hashed += 1
        if hashlib.sha256(data).hexdigest() != sha:
            if not known:
                self._blocks.pop(sha, None)  # perhaps the first block seen was the wrong one
            return False
        self._whole[sha] = (list(blocks), data)
        self._blocks[sha] = dict(enumerate(blocks))
        return True

    def data(self, sha: str) -> bytes:
        """The whole sound. Only for who passed ``judge``."""
        return self._whole[sha][1]


class MemoryPart(Part):
    """A sound being fetched by one receiver."""

    def __init__(self, sha: str, n: int, sounds: Sounds) -> None:
        self.n = n
        self._sha, self._sounds = sha, sounds
        self.blocks: list[bytes | None] = [None] * -(-n // BLOCK_BYTES)
        self._left = len(self.blocks)

    def missing(self) -> list[int]:
        return [number for number, block in enumerate(self.blocks) if block is None]

    @property
    def is_complete(self) -> bool:
        return not self._left

    def lacks(self, block: int) -> bool:
        return block < len(self.blocks) and self.blocks[block] is None

    def write(self, block: int, data: bytes) -> bool:
        size = min(BLOCK_BYTES, self.n - block * BLOCK_BYTES)
        if not self.lacks(block) or len(data) != size:
            return False
        self.blocks[block] = self._sounds.shared(self._sha, block, data)
        self._left -= 1
        return True


class MemoryShelf(Shelf):
    """One receiver's sounds. It outlives a power cut, as a disk does."""

    def __init__(self, sounds: Sounds) -> None:
        self._sounds = sounds
        self._parts: dict[str, MemoryPart] = {}
        self._sizes: dict[str, int] = {}
        """Whole sounds, the oldest first."""

    def path(self, sha: str) -> Path:
        raise NotImplementedError("a sound in memory has no path")

    def has(self, sha: str, n: int) -> bool:
        return n == (len(tone.data()) if sha == tone.SHA else self._sizes.get(sha))

    def read(self, sha: str, n: int) -> bytes | None:
        if not self.has(sha, n):
            return None
        # Nothing rots in this memory: what was right when it was hashed still is.
        return tone.data() if sha == tone.SHA else self._sounds.data(sha)

    def part(self, sha: str, n: int) -> MemoryPart:
        part = self._parts.get(sha)
        if part is None or part.n != n:
            if part is None and sha not in self._sizes:
                self._sounds.hold(sha)
            part = self._parts[sha] = MemoryPart(sha, n, self._sounds)
        return part

    def finish(self, sha: str, n: int) -> bool:
        part = self._parts.pop(sha)
        if self._sounds.judge(sha, [block for block in part.blocks if block is not None]):
            self._sizes[sha] = n
            return True
        self._drop(sha)
        return False

    def drop_unnamed(self, named: Container[str]) -> None:
        for sha in [sha for sha in self._parts if sha not in named]:
            del self._parts[sha]
            self._drop(sha)
        kept = 0
        for sha in [sha for sha in reversed(self._sizes) if sha not in named]:
            kept += self._sizes[sha]
            if kept > KEPT_BYTES:
                del self._sizes[sha]
                self._drop(sha)

    def _drop(self, sha: str) -> None:
        if sha not in self._parts and sha not in self._sizes:
            self._sounds.release(sha)

    def disk(self) -> float:
        return 0.0
