"""Says to systemd that a service is ready and that it still goes round (sd_notify(3)). Elsewhere it says nothing."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import time
from collections.abc import Callable, Mapping

log = logging.getLogger(__name__)


class Notifier:
    """Made from the environment systemd starts a service with; where there is none, every word goes nowhere."""

    def __init__(
        self, environment: Mapping[str, str] = os.environ, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._address, self._now = environment.get("NOTIFY_SOCKET", ""), now
        self._every = _seconds(environment) / 4
        self._next = 0.0

    def ready(self) -> None:
        """What had to be done before it works has been done."""
        self._say("READY=1")

    def beat(self) -> None:
        """It goes round. May be called as often as one likes; said four times per patience of the watchdog."""
        if self._every and self._now() >= self._next:
            self._next = self._now() + self._every
            self._say("WATCHDOG=1")

    def stopping(self) -> None:
        """It ends on purpose."""
        self._say("STOPPING=1")

    def _say(self, word: str) -> None:
        if not self._address:
            return
        # "@": a name that lies in no file system.
        address = "\0" + self._address[1:] if self._address[0] == "@" else self._address
        with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as sock:
            sock.settimeout(1.0)
            try:
                sock.sendto(word.encode(), address)
            except OSError as error:
                log.warning("systemd does not hear %s: %s", word, error)


def _seconds(environment: Mapping[str, str]) -> float:
    """The watchdog's patience; 0.0: it does not watch us."""
    if environment.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return 0.0
    patience = environment.get("WATCHDOG_USEC", "")
    return int(patience) / 1e6 if patience.isascii() and patience.isdigit() else 0.0
