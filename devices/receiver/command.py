"""What ``loa receiver`` does; the command line itself is the front door's."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from types import FrameType

from devices.receiver import control, identity
from devices.receiver import run as runner
from devices.receiver.identity import OutputName


def init(folder: Path, rid: str, output: OutputName = "null") -> str:
    """Make the folder of a receiver; returns the public key to enter at the station. Raises DeviceError."""
    return identity.create(folder, rid, output)


def run(
    folder: Path, output: OutputName | None = None, stop: threading.Event | None = None
) -> None:
    """Run the receiver of ``folder`` until SIGTERM or SIGINT, or until ``stop``. Raises DeviceError."""
    runner.run(folder, stop or stop_on_signals(), output)


def play_canned(folder: Path, n: int) -> None:
    """Have the receiver running in ``folder`` sound canned number ``n``; 0 is the test tone. Raises DeviceError."""
    control.tell(folder, "play", n)


def stop_canned(folder: Path) -> None:
    """Have it stop what was begun by hand. Raises DeviceError."""
    control.tell(folder, "stop")


def stop_on_signals() -> threading.Event:
    """Set at SIGTERM or SIGINT; only the main thread may ask for it."""
    stop = threading.Event()

    def set_it(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, set_it)
    return stop
