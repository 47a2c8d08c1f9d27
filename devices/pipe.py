"""A socket read and written in large pieces, for whoever does both a few bytes at a time.

At every call of the system other threads may take the interpreter, and a busy one keeps it for milliseconds: a packet
that costs five calls waits five times.
"""

from __future__ import annotations

import contextlib
import socket
import ssl

READ_BYTES = 65_536
MOST_UNSENT = 8_192
"""Bytes held back at most: what is held here, nothing urgent can overtake. What is larger is not held at all."""
LATER = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class Pipe:
    """Around a socket that does not block. What is sent leaves with ``flush``, or when it has become much."""

    __slots__ = ("_at", "_sock", "_unread", "_unsent", "is_full")

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._unread, self._at = b"", 0
        self._unsent = bytearray()
        self.is_full = False
        """The network did not take all at the last try: wait until it takes more, then ``flush``."""

    @property
    def is_unread(self) -> bool:
        """Whether bytes wait that were read from the network already, of which epoll knows nothing."""
        if self._at < len(self._unread):
            return True
        sock = self._sock
        return isinstance(sock, ssl.SSLSocket) and sock.fileno() >= 0 and sock.pending() > 0

    def recv(self, buffer_size: int) -> bytes:
        """Up to ``buffer_size`` bytes; none at the end. Raises what the socket raises when none is there yet."""
        if self._at == len(self._unread):
            self._unread, self._at = b"", 0
            self._unread = self._sock.recv(READ_BYTES)
        piece = self._unread[self._at : self._at + buffer_size]
        self._at += len(piece)
        return piece

    def send(self, buffer: bytes | bytearray) -> int:
        """How many bytes were taken. Raises BlockingIOError when none can be."""
        if len(self._unsent) + len(buffer) > MOST_UNSENT:
            self.flush()
            if self._unsent:
                raise BlockingIOError
            if len(buffer) > MOST_UNSENT:
                return self._sock.send(buffer)
        self._unsent += buffer
        return len(buffer)

    def flush(self) -> None:
        """Give the network what it will take now. Raises OSError when the connection is lost."""
        self.is_full = False
        if not self._unsent:
            return
        with contextlib.suppress(*LATER):
            del self._unsent[: self._sock.send(self._unsent)]
        self.is_full = bool(self._unsent)

    def close(self) -> None:
        """With what was sent before, if the network takes it at once."""
        with contextlib.suppress(OSError):
            self.flush()
        self._sock.close()

    def drop(self) -> None:
        """Close, and send nothing more."""
        self._sock.close()

    def fileno(self) -> int:
        return self._sock.fileno()

    def setblocking(self, flag: bool) -> None:
        self._sock.setblocking(flag)
