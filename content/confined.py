"""Runs a child that may be fed anything: little memory, time, disk; nothing of ours; never outliving us.

Knows nothing of sound: transcode says what to run.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import IO, cast

import msgspec

MEMORY_BYTES = 1 << 30
KEPT_LOG_BYTES = 32_768

# Where the programs of util-linux are missing. preexec_fn is not an option: it can deadlock in a threaded server.
LIMITING_CHILD = """
import os, resource, sys
for name, value in zip(("AS", "CPU", "FSIZE", "NOFILE"), sys.argv[1:5]):
    try:
        resource.setrlimit(getattr(resource, "RLIMIT_" + name), (int(value), int(value)))
    except (ValueError, OSError):
        pass
try:
    import ctypes
    ctypes.CDLL(None).prctl(1, 9)
except (ImportError, OSError, AttributeError):
    pass
os.nice(10)
os.execv(sys.argv[5], sys.argv[5:])
"""


class Ended(msgspec.Struct, frozen=True):
    """How the child ended: exit code, head and tail of what it wrote to standard error."""

    code: int
    report: str
    late: bool
    """The time limit struck."""


def limited(
    command: Sequence[str],
    *,
    cpu_seconds: float,
    file_bytes: int,
    memory_bytes: int = MEMORY_BYTES,
    files: int = 64,
) -> list[str]:
    """The command with limits in front: memory, processor time, file size, open files.

    ``command[0]`` is a whole path. It is killed when the thread that started it is gone, even by SIGKILL.
    """
    limits = {"as": memory_bytes, "cpu": int(cpu_seconds), "fsize": file_bytes, "nofile": files}
    prlimit, setpriv, nice = (shutil.which(name) for name in ("prlimit", "setpriv", "nice"))
    if prlimit and setpriv and nice:
        flags = [f"--{name}={value}" for name, value in limits.items()]
        return [prlimit, *flags, "--", setpriv, "--pdeathsig", "KILL", nice, "-n", "10", *command]
    python = [sys.executable, "-I", "-S", "-c", LIMITING_CHILD]
    return [*python, *map(str, limits.values()), *command]


def run(command: Sequence[str], take: Callable[[bytes], None], limit: float) -> Ended:
    """Run it for at most ``limit`` seconds; ``take`` gets its standard output, and by raising ends it."""
    deadline = time.monotonic() + limit
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={"LC_ALL": "C"},
        start_new_session=True,
    )
    output = cast("IO[bytes]", process.stdout)
    kept = _Kept(cast("IO[bytes]", process.stderr))
    timer = threading.Timer(limit, _kill, (process,))
    timer.start()
    try:
        while chunk := os.read(output.fileno(), 65_536):
            take(chunk)
        code = process.wait(max(0.1, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        code = -signal.SIGTERM
    finally:
        timer.cancel()
        if process.poll() is None:
            _kill(process)
        process.wait()
        report = kept.text()
        output.close()
        kept.pipe.close()
    return Ended(code, report, time.monotonic() >= deadline)


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End the child and whatever it started, which may outlive it and hold its pipes open."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


class _Kept(threading.Thread):
    """Reads a pipe to its end, keeping head and tail: a damaged file logs a line per broken frame."""

    def __init__(self, pipe: IO[bytes]) -> None:
        super().__init__(daemon=True)
        self.pipe, self.head, self.tail = pipe, b"", b""
        self.start()

    def run(self) -> None:
        while chunk := os.read(self.pipe.fileno(), 65_536):
            room = KEPT_LOG_BYTES - len(self.head)
            self.head += chunk[:room]
            self.tail = (self.tail + chunk[room:])[-KEPT_LOG_BYTES:]

    def text(self) -> str:
        self.join()
        return (self.head + self.tail).decode("utf-8", "replace")
