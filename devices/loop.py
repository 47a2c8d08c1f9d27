"""One thread for any number of connections: epoll, a heap of deadlines, a bell for other threads.

No event costs more for there being many: what is driven is looked at when its socket, its deadline or somebody
calls for it, and at no other time. It knows nothing of MQTT; ``devices.link.Link`` is what it drives.
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
import logging
import queue
import selectors
import socket
import threading
import time
from collections import deque
from collections.abc import Callable

logger = logging.getLogger(__name__)

NEVER = float("inf")
STALL_SECONDS = 90.0
"""The thread shows life at least every 15 s, but a name may take a minute to resolve."""
A_ROUND = 15.0
"""Seconds: the thread goes round at least so often."""


class Driven:
    """Something with a deadline, and perhaps a socket. Only the loop's thread calls ``turn``."""

    due = NEVER
    """``time.monotonic()`` at which it is to be turned at the latest."""
    heaped = NEVER
    """The earliest entry it has in the loop's heap; the loop's own."""
    called = False
    """It waits to be turned; the loop's own."""

    def turn(self, mask: int) -> None:
        """Do what is due; ``mask`` says what its socket is ready for. Sets ``due``. Must not raise."""
        raise NotImplementedError


class Loop:
    """Turns what it drives. Either a thread of its own (``start``), or its owner's calls of ``turn``.

    ``workers``: threads for what may block (``aside``); none: it is done in the loop's thread, which then waits.
    """

    def __init__(self, workers: int = 0) -> None:
        self._selector = selectors.DefaultSelector()
        self._bell = _Bell()
        self._selector.register(self._bell, selectors.EVENT_READ)
        self._calls: deque[Driven] = deque()
        self._heap: list[tuple[float, int, Driven]] = []
        self._numbers = itertools.count()
        self._owner = 0
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()
        self._alive_at = time.monotonic()
        self._works: queue.SimpleQueue[tuple[Callable[[], None], Driven] | None] = (
            queue.SimpleQueue()
        )
        self._workers = workers
        for number in range(workers):
            # Daemons: a name that does not resolve must not hold up the end of the program.
            threading.Thread(target=self._work, name=f"aside-{number}", daemon=True).start()

    # -- from any thread --------------------------------------------------------------------------

    @property
    def healthy(self) -> bool:
        """Whether its thread lives and goes round."""
        thread = self._thread
        return (thread is None or thread.is_alive()) and (
            time.monotonic() - self._alive_at < STALL_SECONDS
        )

    def call(self, driven: Driven) -> None:
        """Have it turned soon."""
        if driven.called:
            return
        driven.called = True
        self._calls.append(driven)
        if threading.get_ident() != self._owner:
            self._bell.ring()

    def wake(self) -> None:
        """End its wait, if it waits."""
        self._bell.ring()

    def start(self, name: str) -> None:
        """Go round in a thread of its own from now on."""
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def stop(self, patience: float) -> bool:
        """End its own thread, and close; False when the thread did not end within ``patience`` seconds."""
        self._stopping.set()
        self._bell.ring()
        if self._thread is not None:
            self._thread.join(patience)
            if self._thread.is_alive():
                return False
        self.close()
        return True

    def close(self) -> None:
        """Give up what it holds. Nothing is driven any more."""
        for _ in range(self._workers):
            self._works.put(None)
        self._selector.close()
        self._bell.close()

    # -- from the loop's thread, and what it drives -----------------------------------------------

    def turn(self, patience: float) -> None:
        """Wait up to ``patience`` seconds for something to do, and do all of it once."""
        self._owner = threading.get_ident()
        self._alive_at = now = time.monotonic()
        wait = 0.0 if self._calls else max(0.0, min(patience, self._next() - now))
        for key, mask in self._selector.select(wait):
            if key.data is None:
                self._bell.hush()
            else:
                self._drive(key.data, mask)
        for _ in range(len(self._calls)):
            driven = self._calls.popleft()
            driven.called = False  # before the turn: a call during it is not lost
            self._drive(driven, 0)
        self._drive_due(time.monotonic())

    def watch(self, fd: int, mask: int, driven: Driven) -> None:
        """Turn it when its socket is ready for reading (1), writing (2) or either (3)."""
        self._selector.register(fd, mask, driven)

    def rewatch(self, fd: int, mask: int, driven: Driven) -> None:
        """The same, with another mask."""
        self._selector.modify(fd, mask, driven)

    def forget(self, fd: int) -> None:
        """Watch it no longer; it may have been closed already."""
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(fd)

    def aside(self, work: Callable[[], None], driven: Driven) -> None:
        """Do something that may block and must not raise; then turn ``driven``."""
        if self._workers:
            self._works.put((work, driven))
        else:
            work()
            self.call(driven)

    def _work(self) -> None:
        while (job := self._works.get()) is not None:
            work, driven = job
            work()
            self.call(driven)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self.turn(A_ROUND)

    def _next(self) -> float:
        return self._heap[0][0] if self._heap else NEVER

    def _drive(self, driven: Driven, mask: int) -> None:
        driven.turn(mask)
        if driven.due < driven.heaped:
            self._push(driven)

    def _push(self, driven: Driven) -> None:
        driven.heaped = driven.due
        heapq.heappush(self._heap, (driven.due, next(self._numbers), driven))

    def _drive_due(self, now: float) -> None:
        while self._heap and self._heap[0][0] <= now:
            when, _, driven = heapq.heappop(self._heap)
            if when != driven.heaped:
                continue  # an earlier entry has taken its place
            driven.heaped = NEVER
            if driven.due <= now:
                self._drive(driven, 0)
            elif driven.due < NEVER:
                self._push(driven)


class _Bell:
    """Ends the loop's wait, from any thread."""

    def __init__(self) -> None:
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)
        self._rung = False

    def fileno(self) -> int:
        return self._reader.fileno()

    def ring(self) -> None:
        if self._rung:
            return
        self._rung = True
        with contextlib.suppress(OSError):  # full: rung well enough; closed: nobody waits
            self._writer.send(b"!")

    def hush(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._reader.recv(4096)
        # After the read: a ring in between may be swallowed, but what it announced is seen this turn.
        self._rung = False

    def close(self) -> None:
        self._reader.close()
        self._writer.close()
