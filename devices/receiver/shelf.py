"""The folder of sound files: whole ones as ``<sha256>.mp3``, unfinished ones as ``<sha256>.part``.

A ``.part`` is as long as the sound plus one byte per block that says whether the block is there, so a
power cut in the middle of a download loses nothing but the block being written.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Container
from pathlib import Path

from devices.messages import BLOCK_BYTES
from devices.receiver import tone

KEPT_BYTES = 256 * 1024 * 1024
"""Sounds no plan names any more are kept up to this, for tomorrow's plan may name them again."""
RESERVED_BYTES = 32 * 1024 * 1024
"""Left free on the disk: the journal must always find room."""


class Part:
    """A sound being fetched."""

    def __init__(self, path: Path, n: int) -> None:
        self._path, self._n = path, n
        blocks = -(-n // BLOCK_BYTES)
        if path.exists() and path.stat().st_size == n + blocks:
            with path.open("rb") as file:
                file.seek(n)
                self._have = bytearray(file.read(blocks))
        else:
            with path.open("wb") as file:
                file.truncate(n + blocks)
            self._have = bytearray(blocks)

    def missing(self) -> list[int]:
        return [block for block, have in enumerate(self._have) if not have]

    @property
    def is_complete(self) -> bool:
        return all(self._have)

    def lacks(self, block: int) -> bool:
        return block < len(self._have) and not self._have[block]

    def write(self, block: int, data: bytes) -> bool:
        """Keep a block if it is one we lack and has the size it must have."""
        start = block * BLOCK_BYTES
        if not self.lacks(block) or len(data) != min(BLOCK_BYTES, self._n - start):
            return False
        with self._path.open("r+b") as file:
            file.seek(start)
            file.write(data)
            file.seek(self._n + block)
            file.write(b"\1")
        self._have[block] = 1
        return True


class Shelf:
    """Where sounds lie. Nothing leaves it to be heard without its hash being checked again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def path(self, sha: str) -> Path:
        return self._folder / f"{sha}.mp3"

    def _part(self, sha: str) -> Path:
        return self._folder / f"{sha}.part"

    def has(self, sha: str, n: int) -> bool:
        """A file of that name and size; says nothing about what is in it."""
        if sha == tone.SHA:
            return n == len(tone.data())
        try:
            return self.path(sha).stat().st_size == n
        except FileNotFoundError:
            return False

    def read(self, sha: str, n: int) -> bytes | None:
        """The very bytes the hash was computed over; a wrong file is deleted."""
        try:
            # Sizes first: a file swapped for an endless one must not fill the memory.
            if not self.has(sha, n):
                raise FileNotFoundError
            if sha == tone.SHA:
                return tone.data()
            data = self.path(sha).read_bytes()
        except OSError:
            self.path(sha).unlink(missing_ok=True)
            return None
        if hashlib.sha256(data).hexdigest() == sha:
            return data
        self.path(sha).unlink(missing_ok=True)
        return None

    def part(self, sha: str, n: int) -> Part:
        """The unfinished file, begun or taken up again. Raises OSError when the disk is full."""
        path = self._part(sha)
        if not path.exists() and shutil.disk_usage(self._folder).free < n + RESERVED_BYTES:
            raise OSError("disk full")
        return Part(path, n)

    def finish(self, sha: str, n: int) -> bool:
        """Turn a complete part into a file; False, and nothing left of it, when its hash is wrong."""
        part = self._part(sha)
        with part.open("r+b") as file:
            file.truncate(n)
            good = hashlib.file_digest(file, "sha256").hexdigest() == sha
            if good:
                file.flush()
                os.fsync(file.fileno())
        if not good:
            part.unlink()
            return False
        part.rename(self.path(sha))
        _sync(self._folder)
        return True

    def drop_unnamed(self, named: Container[str]) -> None:
        """Delete parts that no plan names, and the oldest sounds of those no plan names beyond KEPT_BYTES."""
        unnamed = [path for path in self._folder.iterdir() if path.stem not in named]
        kept = 0
        scarce = shutil.disk_usage(self._folder).free < 2 * RESERVED_BYTES
        most = 0 if scarce else KEPT_BYTES
        for path in sorted(unnamed, key=lambda path: path.stat().st_mtime, reverse=True):
            kept += path.stat().st_size
            if path.suffix == ".part" or kept > most:
                path.unlink(missing_ok=True)

    def disk(self) -> float:
        """Part of the disk in use, 0 to 1."""
        usage = shutil.disk_usage(self._folder)
        return round(usage.used / usage.total, 2)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
