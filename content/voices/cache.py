"""Sentences spoken before, so that an edit costs one sentence and an approval costs nothing.

Each entry is named by the hash of all that made it, and starts with the hash of what it holds. All of it can
be made again: whatever is wrong with the folder only means that nothing is remembered.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import tempfile
import threading
import time
from pathlib import Path

import msgspec

log = logging.getLogger(__name__)

MOST_BYTES = 500_000_000
CHECKSUM_BYTES = 32
LEFT_OVER_SECONDS = 3600
"""A file half written for so long belongs to a process that died."""


def key(*made_from: str | int) -> str:
    """Name of the entry made from exactly these: voice, its version, speed, text, format."""
    return hashlib.sha256(msgspec.json.encode(made_from)).hexdigest()


class Cache:
    """Bytes by key in a folder that several threads and processes share; the oldest used go first."""

    def __init__(self, folder: Path | None, most_bytes: int = MOST_BYTES) -> None:
        """``folder`` is made when needed; None remembers nothing."""
        self._folder, self._most = folder, most_bytes
        self._room = 0  # bytes to write before the folder is measured again
        self._lock = threading.Lock()
        self._complained = False

    def get(self, name: str) -> bytes | None:
        """What was put under ``name``; None when there is none, or only a damaged one."""
        if self._folder is None:
            return None
        path = self._path(self._folder, name)
        try:
            entry = path.read_bytes()
            content = entry[CHECKSUM_BYTES:]
            if not content or hashlib.sha256(content).digest() != entry[:CHECKSUM_BYTES]:
                log.warning("cache entry %s is damaged, removed", path)
                path.unlink(missing_ok=True)
                return None
        except FileNotFoundError:
            return None
        except OSError as error:
            self._complain(error)
            return None
        with contextlib.suppress(OSError):
            os.utime(path)  # used just now
        return content

    def put(self, name: str, content: bytes) -> None:
        """Remember ``content``, whole or not at all."""
        if self._folder is None or not content:
            return
        entry = hashlib.sha256(content).digest() + content
        try:
            with self._lock:
                self._make_room(self._folder, len(entry))
                _write(self._path(self._folder, name), entry)
        except OSError as error:
            self._complain(error)

    @staticmethod
    def _path(folder: Path, name: str) -> Path:
        return folder / name[:2] / name

    def _make_room(self, folder: Path, size: int) -> None:
        """Measure the folder now and then, rather than at each entry, and drop the oldest used."""
        self._room -= size
        if self._room < 0:
            slack = self._most // 20
            _evict(folder, self._most - slack - size)
            self._room = slack

    def _complain(self, error: OSError) -> None:
        """Once: a full disk would fill the log as well."""
        if not self._complained:
            self._complained = True
            log.warning("spoken sentences cannot be remembered in %s: %s", self._folder, error)


def _write(path: Path, entry: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".")
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(entry)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _evict(folder: Path, most: int) -> None:
    """Remove the entries used longest ago until at most ``most`` bytes are left."""
    entries = _entries(folder)
    total = sum(size for _, size, _ in entries)
    for _, size, path in sorted(entries):
        if total <= most:
            break
        path.unlink(missing_ok=True)
        total -= size


def _entries(folder: Path) -> list[tuple[float, int, Path]]:
    """(last used, bytes, file) of each entry; what a process that died left half written is removed."""
    found = []
    for path in folder.glob("??/*"):
        try:
            facts = path.stat()
        except FileNotFoundError:
            continue  # another process was quicker
        if not path.name.startswith("."):
            found.append((facts.st_mtime, facts.st_size, path))
        elif facts.st_mtime < time.time() - LEFT_OVER_SECONDS:
            path.unlink(missing_ok=True)
    return found
