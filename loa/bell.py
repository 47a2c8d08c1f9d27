"""A bell for processes that wait to write to one SQLite database, so that who has just written lets them.

SQLite's own wait is a sleep of up to a tenth of a second between two looks: one that writes without a pause longer
than that would keep all others out, for as long as it goes on. A stop pressed on a page has to get in between.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
import weakref
from collections.abc import Iterator
from pathlib import Path

LOOK_SECONDS = 0.002
MOST_SECONDS = 0.15
"""Longer than SQLite sleeps: who rings has looked by then."""


class Bell:
    """One at a time may use it: whoever holds this process's turn to write. It never waits for a lock.

    It is a courtesy: where its file cannot be opened or locked, nobody rings, and all write as before.
    """

    def __init__(self, path: Path) -> None:
        """``path``: a file for this alone. SQLite's own would lose its locks whenever another handle is closed."""
        self._path, self._file = path, -1
        self.rings = True
        """False: this process lets all others go first, and asks nobody to wait for it."""

    @contextlib.contextmanager
    def rung(self) -> Iterator[None]:
        """Let those that ring go first, for a moment; then ring until the block ends."""
        with contextlib.suppress(OSError):
            self._let_others_go()
            self._lock(fcntl.LOCK_SH if self.rings else fcntl.LOCK_UN)
        try:
            yield
        finally:
            if self._file >= 0:
                with contextlib.suppress(OSError):
                    fcntl.flock(self._file, fcntl.LOCK_UN)

    def _let_others_go(self) -> None:
        if self._file < 0:
            self._file = os.open(self._path, os.O_RDONLY | os.O_CREAT, 0o644)
            weakref.finalize(self, os.close, self._file)
            with contextlib.suppress(OSError):
                # Whoever made it, a command of root's or the station, the others may lock what they may read.
                os.fchmod(self._file, 0o644)
        until = time.monotonic() + MOST_SECONDS
        while not self._lock(fcntl.LOCK_EX) and time.monotonic() < until:
            time.sleep(LOOK_SECONDS)

    def _lock(self, kind: int) -> bool:
        """All that ring share it; nobody rings while one may have it alone."""
        try:
            fcntl.flock(self._file, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
