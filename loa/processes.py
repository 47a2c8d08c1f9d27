"""Child processes that never outlive their parent, and the parent that starts them again."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

log = logging.getLogger(__name__)
PARENT = "LOA_HAS_PARENT"
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
STEADY_SECONDS = 60.0
"""A child that ran so long has recovered: the next restart is quick again."""


def stop_on_signals(stop: threading.Event) -> None:
    """Set ``stop`` on Ctrl-C, on SIGTERM, and when a parent that started us is gone."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    if os.environ.get(PARENT):
        threading.Thread(
            target=_watch_parent, args=(stop,), name="parent-watch", daemon=True
        ).start()


def _watch_parent(stop: threading.Event) -> None:
    # The pipe ends when the parent dies, by whatever cause: no polling, no pid that may be reused.
    while os.read(sys.stdin.fileno(), 1024):
        pass
    stop.set()


class Child:
    """A process of ours: started, watched, started again with growing pauses, stopped."""

    def __init__(self, name: str, arguments: Sequence[str], log_file: Path | None = None) -> None:
        self.name = name
        self._arguments = list(arguments)
        self._log_file = log_file
        """Where its output goes; None: where ours goes."""
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._pause = FIRST_PAUSE
        self._not_before = 0.0

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def code(self) -> int | None:
        """With what it ended; None: it has not, or never began."""
        return self._process.poll() if self._process else None

    def start(self) -> None:
        """Start it now."""
        with contextlib.ExitStack() as files:
            output = files.enter_context(self._log_file.open("ab")) if self._log_file else None
            self._process = subprocess.Popen(
                self._arguments,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                env={**os.environ, PARENT: "1"},
                start_new_session=True,  # a Ctrl-C at the terminal is for the parent, which stops us in order
            )
        self._started = time.monotonic()

    def keep_alive(self) -> None:
        """Start it again if it has ended; call about every second."""
        moment = time.monotonic()
        if self._process is None or self._process.poll() is None:
            return
        if self._not_before == 0.0:
            steady = moment - self._started > STEADY_SECONDS
            self._pause = FIRST_PAUSE if steady else min(self._pause * 2, LONGEST_PAUSE)
            self._not_before = moment + self._pause
            log.error(
                "%s ended with code %s; starting it again in %.1f s",
                self.name, self._process.returncode, self._pause,
            )  # fmt: skip
        if moment >= self._not_before:
            self._not_before = 0.0
            if self._process.stdin:
                self._process.stdin.close()
            self.start()

    def stop(self, timeout: float = 10.0) -> None:
        """End it: by closing its pipe, then by SIGTERM, at last by SIGKILL."""
        if self._process is None:
            return
        if self._process.stdin:
            self._process.stdin.close()
        for strike in (self._process.terminate, self._process.kill):
            try:
                self._process.wait(timeout)
                break
            except subprocess.TimeoutExpired:
                strike()
        self._process.wait()
