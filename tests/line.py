"""A line to the broker that can be cut, or fall silent without anybody being told."""

from __future__ import annotations

import contextlib
import socket
import threading

HOST = "127.0.0.1"


class Line:
    """Passes bytes between whoever connects to ``port`` and the broker at ``target``."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.silent = False
        """What is sent is lost; connections stand, as on a mast that has lost its radio."""
        self.passed = 0
        """How often something was sent, by either end."""
        self.ends: list[socket.socket] = []
        self.server = socket.create_server((HOST, 0))
        self.port = self.server.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                near, _ = self.server.accept()
                far = socket.create_connection((HOST, self.target))
                self.ends += [near, far]
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65_536):
                self.passed += 1
                if not self.silent:
                    sink.sendall(data)
        self._shut(source, sink)

    @staticmethod
    def _shut(*ends: socket.socket) -> None:
        for end_ in ends:
            with contextlib.suppress(OSError):
                end_.shutdown(socket.SHUT_RDWR)

    def cut(self) -> None:
        """End every connection; new ones are taken."""
        ends, self.ends = self.ends, []
        self._shut(*ends)
        for end_ in ends:
            end_.close()

    def stop(self) -> None:
        self._shut(self.server)
        self.server.close()
        self.cut()
