"""Child processes that speak: under limits, and never left behind."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable

from content.voices import base
from loa.words import say

POLL_SECONDS = 0.1


def wait(
    child: subprocess.Popen[bytes],
    seconds: float,
    cancel: threading.Event | None,
    look: Callable[[], None] = lambda: None,
) -> int:
    """The exit code; ``look`` is called now and then meanwhile.

    Raises TimeoutError after ``seconds`` and Cancelled once ``cancel`` is set: the child, and what it started
    in its own session, is then ended.
    """
    deadline = time.monotonic() + seconds
    try:
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                return child.wait(POLL_SECONDS)
            look()
            if cancel is not None and cancel.is_set():
                raise base.Cancelled(say("Đã dừng đọc theo yêu cầu."))
            if time.monotonic() > deadline:
                raise TimeoutError
    finally:
        if child.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
        child.wait()
