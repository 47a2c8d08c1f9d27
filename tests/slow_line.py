"""A line to the broker that is slow, and keeps nothing back for later: what it holds, nothing can overtake."""

from __future__ import annotations

import contextlib
import socket
import threading
import time

from tests.line import HOST, Line

PIECE = 1_024
TAIL = 64
"""Longer than a topic: one may come in two pieces."""


class SlowLine(Line):
    """Carries ``rate`` bytes a second from the broker; the other way as fast as it can."""

    def __init__(self, target: int, rate: int) -> None:
        self._rate = rate
        self._over = threading.Event()
        self._seen = threading.Lock()
        self.carried = 0
        """Bytes from the broker so far."""
        self._looked_for = b""
        self._found = -1
        super().__init__(target)

    def look_for(self, topic: str) -> int:
        """Look for a message on this topic from now on; how much was carried until now."""
        with self._seen:
            self._looked_for, self._found = topic.encode(), -1
            return self.carried

    @property
    def found(self) -> int:
        """How much had been carried when that message came; below 0 while it has not."""
        return self._found

    def stop(self) -> None:
        self._over.set()
        super().stop()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                near, _ = self.server.accept()
                far = socket.socket()
                far.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * PIECE)
                far.connect((HOST, self.target))
                self.ends += [near, far]
                for pump, ends in ((self._pump, (near, far)), (self._drip, (far, near))):
                    threading.Thread(target=pump, args=ends, daemon=True).start()

    def _drip(self, source: socket.socket, sink: socket.socket) -> None:
        tail, free_at = b"", time.monotonic()
        with contextlib.suppress(OSError):
            while data := source.recv(PIECE):
                free_at = max(free_at, time.monotonic()) + len(data) / self._rate
                self._over.wait(max(0.0, free_at - time.monotonic()))
                tail = self._note(tail + data, len(data))
                sink.sendall(data)
        self._shut(source, sink)

    def _note(self, seen: bytes, new: int) -> bytes:
        with self._seen:
            self.carried += new
            if self._looked_for and self._looked_for in seen:
                self._looked_for, self._found = b"", self.carried
        return seen[-TAIL:]
