"""A receiver whose power fails again and again: `python -m tests.pole FOLDER CUTS SEED`.

A child process runs the receiver; its parent kills it (-9) at random instants, then gives it its power for good
and waits to be ended. Each sound that begins is noted in FOLDER/heard by one write, beside the journal and whatever
the journal says.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path
from random import Random
from typing import Any

from devices.receiver import run

LONGEST = 2.0
"""Seconds a life lasts at most; most are shorter than a sound."""


class Heard:
    """A sound that leaves a line when it begins."""

    def __init__(self, playing: Any, occ: str, path: Path) -> None:
        self._playing, self._occ, self._path = playing, occ, path

    def begin(self, in_ms: int) -> None:
        handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.write(handle, f"{self._occ}\n".encode())
        os.close(handle)
        self._playing.begin(in_ms)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._playing, name)


class Ear:
    """An output with a witness."""

    def __init__(self, output: Any, path: Path) -> None:
        self._output, self._path = output, path

    def open(self, sound: Any) -> Heard:
        return Heard(self._output.open(sound), sound.occ, self._path)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._output, name)


def live(folder: Path) -> None:
    """Run the receiver until SIGTERM."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    sounding = run._sounding
    run._sounding = lambda *args: Ear(sounding(*args), folder / "heard")
    run.RECONNECT_MOST = 0.2
    run.run(folder, stop, "wav")


def start(folder: Path) -> int:
    """A child that lives; its process id."""
    child = os.fork()
    if child == 0:
        try:
            live(folder)
        finally:
            os._exit(1 if sys.exc_info()[0] else 0)
    return child


def cut(folder: Path, cuts: int, random: Random) -> None:
    """Kill it that many times. A life that ends by itself is a fault: exit with its number."""
    for number in range(cuts):
        child = start(folder)
        time.sleep(random.uniform(0.0, LONGEST) ** 2 / LONGEST)  # the first moments are the richest
        if os.waitpid(child, os.WNOHANG)[0]:
            sys.exit(f"life {number} ended by itself")
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def main(folder: Path, cuts: int, seed: int) -> None:
    cut(folder, cuts, Random(seed))
    child = start(folder)
    (folder / "steady").touch()
    signal.signal(signal.SIGTERM, lambda *_: os.kill(child, signal.SIGTERM))
    _, status = os.waitpid(child, 0)
    sys.exit(os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
