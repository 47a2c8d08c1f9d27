"""The offline voice, always there: eSpeak NG in a child process, a robot's voice in northern Vietnamese.

eSpeak NG (GPL-3.0-or-later) comes as a shared library in the wheel espeakng-loader. Loa neither links nor
imports it: ``espeak_worker.py``, a program of its own, loads it, one process for one text.
"""

from __future__ import annotations

import contextlib
import logging
import subprocess
import sys
import threading
import time
from pathlib import Path

import espeakng_loader

from content.voices import base
from loa.words import say

log = logging.getLogger(__name__)

WORKER = Path(__file__).with_name("espeak_worker.py")
BROKEN = say(
    "Giọng đọc ngoại tuyến không chạy được. "
    "Hãy báo quản trị viên cài lại gói espeakng-loader và xem nhật ký máy chủ."
)


class Espeak:
    """Needs no network and about a thousandth of the time it speaks, so nothing is remembered of it."""

    name = "espeak"
    label = say("Giọng máy miền Bắc (ngoại tuyến)")
    offline = True

    def __init__(self, library: Path | None = None, data: Path | None = None) -> None:
        """``library`` and ``data`` (the folder espeak-ng-data): those of the wheel unless given."""
        self._library, self._data = library, data

    def facts(self) -> tuple[str, ...]:
        return (
            say("Có sẵn, không cần mạng và không gửi văn bản ra khỏi máy này."),
            say("Giọng tổng hợp, nghe như rô-bốt nhưng phân biệt được các thanh; luôn dùng được."),
            say("Chương trình eSpeak NG, giấy phép GPL-3.0-or-later."),
        )

    def trouble(self) -> str | None:
        try:
            library, data = self._files()
        except base.VoiceFailed as error:
            return error.sentence
        return None if library.is_file() and data.is_dir() else BROKEN

    def speak(
        self,
        text: str,
        out: Path,
        *,
        speed: int = base.DEFAULT_SPEED,
        timeout: float | None = None,
        cancel: threading.Event | None = None,
        progress: base.Progress | None = None,
    ) -> None:
        """See ``base.Voice.speak``. 22,050 Hz."""
        text = base.checked(text, speed)
        part = out.with_name(out.name + ".part")
        try:
            self._run(text, part, speed, timeout or 30 + len(text) / 300, cancel)
            if base.wav_seconds(part) < max(0.05, base.shortest_seconds(text)):
                raise base.VoiceFailed(BROKEN)
            part.replace(out)
            if progress:
                progress(1.0)
        finally:
            part.unlink(missing_ok=True)

    def _run(
        self, text: str, out: Path, speed: int, timeout: float, cancel: threading.Event | None
    ) -> None:
        with self._start(out, speed) as child:
            try:
                complaint = _converse(child, text, timeout, cancel)
            finally:
                child.kill()
        if child.returncode != 0:
            log.error("espeak worker gave %s: %s", child.returncode, complaint)
            raise base.VoiceFailed(BROKEN)

    def _start(self, out: Path, speed: int) -> subprocess.Popen[bytes]:
        library, data = self._files()
        python = [sys.executable, "-I", "-S", str(WORKER)]
        pause = str(base.PARAGRAPH_PAUSE_SECONDS)
        try:
            return subprocess.Popen(
                [*python, str(library), data.name, str(out.resolve()), str(speed), pause],
                # The engine fails on a data path of 160 characters and more; from its own folder the name will do.
                cwd=data.parent,
                env={"LC_ALL": "C"},
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            log.error("espeak worker did not start: %s", error)
            raise base.VoiceFailed(BROKEN) from error

    def _files(self) -> tuple[Path, Path]:
        try:
            library = self._library or Path(espeakng_loader.get_library_path())
            data = self._data or Path(espeakng_loader.get_data_path())
            return library.resolve(), data.absolute()
        except RuntimeError as error:
            log.error("espeak data is missing: %s", error)
            raise base.VoiceFailed(BROKEN) from error


def _converse(
    child: subprocess.Popen[bytes], text: str, timeout: float, cancel: threading.Event | None
) -> str:
    """Hand over the text and wait; what the child complained of."""
    deadline = time.monotonic() + timeout
    given: bytes | None = text.encode()
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            _, complaint = child.communicate(given, timeout=0.2)
            return complaint.decode("utf-8", "replace")[-2000:]
        given = None
        if cancel is not None and cancel.is_set():
            raise base.Cancelled(say("Đã dừng đọc theo yêu cầu."))
        if time.monotonic() > deadline:
            raise base.VoiceFailed(
                say(
                    "Giọng đọc ngoại tuyến chạy quá lâu nên đã dừng. Hãy thử lại khi máy chủ bớt bận."
                )
            )
