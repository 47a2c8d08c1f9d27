from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from loa.processes import Child
from tests.parts import wait_until

ROOT = Path(__file__).parent.parent.parent
OBEDIENT = "import threading; from loa import processes; s = threading.Event(); processes.stop_on_signals(s); s.wait()"
STUBBORN = "import signal, threading; signal.signal(signal.SIGTERM, signal.SIG_IGN); threading.Event().wait()"


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat").read_text()
    return stat.rpartition(")")[2].split()[0] != "Z"


def test_a_child_does_not_outlive_a_parent_killed_without_warning() -> None:
    parent_source = (
        "import sys, time; from loa.processes import Child\n"
        f"child = Child('c', [sys.executable, '-c', {OBEDIENT!r}]); child.start()\n"
        "print(child.pid, flush=True); time.sleep(600)"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", parent_source],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    wait_until(lambda: not is_running(pid), "the child to end")


def test_a_child_that_died_is_started_again_after_a_pause() -> None:
    child = Child("c", [sys.executable, "-c", STUBBORN])
    child.start()
    first = child.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: not is_running(first), "the child to die")

    def started_again() -> bool:
        child.keep_alive()
        return child.pid != first

    began = time.monotonic()
    wait_until(started_again, "another child")
    assert time.monotonic() - began >= 0.4
    child.stop(timeout=0.2)


def test_a_child_that_will_not_stop_is_killed() -> None:
    child = Child("c", [sys.executable, "-c", STUBBORN])
    child.start()
    pid = child.pid
    child.stop(timeout=0.2)
    assert pid is not None
    assert not is_running(pid)
