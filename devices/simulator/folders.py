"""Receivers of folders, many in one process: the demo's. Each is the reference receiver, whole, with its files."""

from __future__ import annotations

import logging
import queue
import sqlite3
import threading
import time
from pathlib import Path
from typing import cast

from devices.link import Incoming
from devices.receiver.identity import IDENTITY, STATION, OutputName
from devices.receiver.run import WAKE, Running
from loa.errors import DeviceError

log = logging.getLogger(__name__)

LOOK = 0.5
"""Seconds between two looks for new folders."""
AGAIN = 10.0
"""Seconds before a receiver that failed is started again."""


class _Box(queue.Queue[Incoming]):
    """A link's inbox that passes everything on to the one all share, saying whose it is."""

    def __init__(self, folder: Path, shared: queue.Queue[tuple[_Box, Incoming]]) -> None:
        super().__init__()
        self.folder, self._shared = folder, shared

    def put(self, item: Incoming, block: bool = True, timeout: float | None = None) -> None:  # noqa: ARG002
        self._shared.put_nowait((self, item))


class Fleet:
    """Runs every receiver folder under ``folder``, and those that appear later, in one loop.

    ``output`` empty: each folder's own.
    """

    def __init__(self, folder: Path, output: str = "") -> None:
        self._folder = folder
        self._output = cast(OutputName, output) if output else None
        self._inbox: queue.Queue[tuple[_Box, Incoming]] = queue.Queue(50_000)
        self._members: dict[Path, Running] = {}
        self._not_before: dict[Path, float] = {}
        self._orders: queue.SimpleQueue[tuple[str, threading.Event]] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    # -- from another thread ----------------------------------------------------------------------

    def start(self) -> None:
        """Run in a thread of its own."""
        self._thread = threading.Thread(
            target=self.run, args=(self._stop,), name="fleet", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """End all receivers in good order."""
        self._stop.set()
        if self._thread:
            self._thread.join()

    def kill(self, rid: str) -> None:
        """Cut one receiver's power: what it sounded stays unfinished in its journal; it is not started again."""
        done = threading.Event()
        self._orders.put((rid, done))
        done.wait(30)

    def revive(self, rid: str) -> None:
        """Give a killed receiver its power back."""
        self._not_before.pop(self._folder / rid, None)

    @property
    def running(self) -> list[str]:
        """Ids of the receivers at work."""
        return sorted(running.identity.rid for running in list(self._members.values()))

    # -- the loop ---------------------------------------------------------------------------------

    def run(self, stop: threading.Event) -> None:
        """Run until ``stop``."""
        look = 0.0
        try:
            while not stop.is_set():
                if time.monotonic() >= look:
                    self._look()
                    look = time.monotonic() + LOOK
                self._obey()
                self._step()
                self._wait(look)
        finally:
            for folder in list(self._members):
                self._end(folder)

    def _look(self) -> None:
        now = time.monotonic()
        folders = {path.parent for path in self._folder.glob(f"*/{STATION}")}
        for folder in self._members.keys() - folders:
            self._end(folder)
        for folder in sorted(folders - self._members.keys()):
            if (folder / IDENTITY).exists() and self._not_before.get(folder, 0.0) <= now:
                self._begin(folder)

    def _begin(self, folder: Path) -> None:
        try:
            self._members[folder] = Running(folder, self._output, _Box(folder, self._inbox))
        except (DeviceError, OSError, sqlite3.Error) as error:
            log.warning("%s", error)
            self._not_before[folder] = time.monotonic() + AGAIN

    def _end(self, folder: Path) -> None:
        running = self._members.pop(folder)
        try:
            running.stop()
        except Exception:
            # One receiver's broken disk must not keep the others from ending well.
            log.exception("%s did not end well", folder.name)

    def _obey(self) -> None:
        while not self._orders.empty():
            rid, done = self._orders.get()
            folder = self._folder / rid
            self._not_before[folder] = float("inf")
            if folder in self._members:
                self._members.pop(folder).kill()
            done.set()

    def _step(self) -> None:
        now = time.monotonic()
        for folder, running in list(self._members.items()):
            if running.due <= now:
                self._guard(folder, running, None)
                if folder in self._members and running.receiver.wants_restart:
                    self._end(folder)  # the next look begins it anew

    def _guard(self, folder: Path, running: Running, incoming: Incoming | None) -> None:
        try:
            if incoming is None:
                running.step()
            else:
                running.take(incoming)
        except Exception:
            # What is one box's crash in the field must stay one here: it starts anew from its journal.
            log.exception("%s failed and is started again", folder.name)
            del self._members[folder]
            running.kill()
            self._not_before[folder] = time.monotonic() + AGAIN

    def _wait(self, look: float) -> None:
        """Wait for a message, a deadline or the next look; then take all messages that are there."""
        due = min((running.due for running in self._members.values()), default=look)
        wait = min(due, look) - time.monotonic()
        try:
            self._take(
                self._inbox.get(timeout=min(wait, WAKE)) if wait > 0 else self._inbox.get_nowait()
            )
            while True:
                self._take(self._inbox.get_nowait())
        except queue.Empty:
            return

    def _take(self, tagged: tuple[_Box, Incoming]) -> None:
        box, incoming = tagged
        running = self._members.get(box.folder)
        # A word from the link of an earlier life must not reach the present one.
        if running and running.link.inbox is box:
            self._guard(box.folder, running, incoming)


def run(folder: Path, output: str, stop: threading.Event) -> None:
    """Run every receiver found under ``folder``, and those that appear, until ``stop``."""
    Fleet(folder, output).run(stop)
