"""Programs of the owner's, run beside the receiver: no shell, no waiting, five seconds and not more."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen, TimeoutExpired
from typing import IO, NamedTuple, cast

from loa.times import SECOND

LOOK = 50
"""Milliseconds between two looks at a program that runs."""
PATIENCE = 5 * SECOND
_MOST_OUTPUT = 256


class Ended(NamedTuple):
    """How a program ended."""

    code: int | None
    """None: it took too long and was ended."""
    output: str = ""

    @property
    def trouble(self) -> str:
        """What to complain of, or empty."""
        return "timeout" if self.code is None else f"exit {self.code}" if self.code else ""


class Hook:
    """A program that was started. Raises OSError when it cannot be."""

    def __init__(self, program: Path, word: str, mono: int, *, listen: bool = False) -> None:
        """``listen``: what it prints is wanted."""
        self._listen, self._until = listen, mono + PATIENCE
        self._process = Popen(
            [program, word], cwd=program.parent, stdin=DEVNULL, stdout=PIPE if listen else DEVNULL,
            stderr=DEVNULL, start_new_session=True,
        )  # fmt: skip

    def ended(self, mono: int) -> Ended | None:
        """How it ended; None while it runs and may."""
        code = self._process.poll()
        if code is None and mono < self._until:
            return None
        if code is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        return Ended(code, self._output() if self._listen else "")

    def _output(self) -> str:
        pipe = cast("IO[bytes]", self._process.stdout)
        os.set_blocking(pipe.fileno(), False)  # what it started may hold the pipe open
        with pipe:
            return (pipe.read(_MOST_OUTPUT) or b"").decode("ascii", "replace").strip()

    def wait(self) -> Ended:
        """Wait for it, as long as it may take at most."""
        with contextlib.suppress(TimeoutExpired):
            self._process.wait(PATIENCE / SECOND)
        return cast("Ended", self.ended(self._until))
