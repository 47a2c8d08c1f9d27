"""The receiver under test as a process: started on its folder, ended, cut from its power."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Literal, Protocol

from devices.conformance.clauses import Broken, Untested
from loa.errors import DeviceError

END_SECONDS = 10.0


class Program(Protocol):
    """How a receiver is switched on and off."""

    def start(self) -> None: ...

    def stop(self) -> None:
        """Ask it to end. Raises Broken when it does not."""
        ...

    def kill(self) -> None:
        """Cut its power."""
        ...

    def complaint(self) -> str:
        """Why it is not running, if it should be and is not."""
        ...


class Process:
    """``command FOLDER``, in a process group of its own."""

    def __init__(self, command: str, folder: Path, clock: Literal["ntp", "rtc"]) -> None:
        self._arguments = [*shlex.split(command), str(folder)]
        self._output = folder / "output.txt"
        self._environment = {**os.environ, "LOA_CLOCK": "ntp" if clock == "ntp" else "none"}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Switch it on. Raises DeviceError when there is no such program."""
        try:
            with self._output.open("ab") as output:
                self._process = subprocess.Popen(
                    self._arguments, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                    env=self._environment, start_new_session=True,
                )  # fmt: skip
        except OSError as error:
            raise DeviceError(
                f"Không chạy được “{self._arguments[0]}” ({error.strerror}). Hãy kiểm tra lệnh sau --receiver.",
                field="receiver",
            ) from error

    def stop(self) -> None:
        """SIGTERM, and at last SIGKILL."""
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            _kill(process)
            raise Broken(f"still running {END_SECONDS:.0f} s after SIGTERM") from None
        _kill(process)

    def kill(self) -> None:
        """SIGKILL, to all of it."""
        process, self._process = self._process, None
        if process is not None:
            _kill(process)

    def complaint(self) -> str:
        """Its exit status and the end of what it said, when it ended by itself."""
        if self._process is None or self._process.poll() is None:
            return ""
        said = self._output.read_text(errors="replace")[-400:].strip()
        return f"the program ended by itself with {self._process.returncode}: {said}"


def _kill(process: subprocess.Popen[bytes]) -> None:
    # The leader may be gone while its children live on.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


class ByHand:
    """A box on the network, switched by whoever stands beside it; nobody there: nothing of that is tested."""

    def __init__(self, ask: Callable[[str], None] | None) -> None:
        self._ask = ask

    def start(self) -> None:
        self._tell("Hãy cấp điện lại cho đầu thu")

    def stop(self) -> None:
        raise Untested("a box on the network is not asked to end in good order")

    def kill(self) -> None:
        self._tell("Hãy rút điện đầu thu")

    def _tell(self, wish: str) -> None:
        if self._ask is None:
            raise Untested("needs power cuts: run with --by-hand, or with --receiver")
        self._ask(wish)

    def complaint(self) -> str:
        return ""
