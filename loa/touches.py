"""When a file was written to, told by the kernel: whoever waits for it sleeps until then. Linux alone can."""

from __future__ import annotations

import ctypes
import os
import select
from pathlib import Path

IN_MODIFY = 0x2
MOST_BYTES = 65_536


class Touches:
    """A watch on one file that is there. Raises OSError where the system has no such thing."""

    def __init__(self, path: Path) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        if not hasattr(libc, "inotify_init1"):
            raise OSError("no inotify here")
        self._fd = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if self._fd < 0:
            raise OSError(ctypes.get_errno(), "inotify_init1")
        if libc.inotify_add_watch(self._fd, os.fsencode(path), IN_MODIFY) < 0:
            error = ctypes.get_errno()
            os.close(self._fd)
            raise OSError(error, "inotify_add_watch", str(path))
        self._poll = select.poll()
        self._poll.register(self._fd, select.POLLIN)

    def wait(self, seconds: float) -> bool:
        """Wait so long at most; True when it was written to since the last call."""
        if not self._poll.poll(seconds * 1_000):
            return False
        os.read(self._fd, MOST_BYTES)
        return True

    def close(self) -> None:
        """Watch no longer."""
        os.close(self._fd)
