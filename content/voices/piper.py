"""A better offline voice: Piper, a program of its own, with a voice file somebody dropped in.

Piper is GPL-3.0-or-later and takes up to 1 GB while it speaks: it is never imported, and runs as a child that
ends afterwards. It gets a sentence a line and writes a WAV for each, so that one load of the voice serves
a whole text; the options used are those that its old (C++) and its new (Python) program have in common.
"""

from __future__ import annotations

import functools
import importlib.util
import logging
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import wave
from collections.abc import Callable, Sequence
from pathlib import Path

from content import confined
from content.voices import base, children, joining, pieces
from content.voices.cache import Cache, key
from content.voices.piper_model import Model, models
from loa.words import say

log = logging.getLogger(__name__)

MOST_CHARACTERS = 200
"""A longer sentence in one run takes up to 1 GB; 200 characters half of that."""
MEMORY_BYTES = 2 << 30  # of addresses: its libraries alone take 330 MB of them
LOAD_SECONDS = 60.0
CHARACTERS_PER_SECOND = 4.0  # a small box speaks at about 13
STALL_SECONDS = 60.0
"""Without a sentence more for so long, it hangs; a small box needs half of that to load the voice."""
MOST_WAV_BYTES = 64 << 20
ABSENT = say(
    "Chưa cài chương trình Piper nên giọng này chưa đọc được. "
    "Hãy báo quản trị viên cài gói bổ sung “piper” của Loa."
)
SLOW = say("Giọng Piper chạy quá lâu nên đã dừng. Hãy thử lại khi máy chủ bớt bận.")


def found(folder: Path, cache: Cache) -> list[Piper]:
    """A voice for each voice file in ``folder``."""
    return [Piper(model, cache) for model in models(folder)]


@functools.cache
def program() -> tuple[str, ...] | None:
    """How Piper is started; None when it is not installed."""
    spec = importlib.util.find_spec("piper")  # finds it, does not import it
    for place in (spec.submodule_search_locations if spec else None) or ():
        if (Path(place) / "__main__.py").is_file():
            return sys.executable, "-I", "-X", "utf8", "-m", "piper"
    on_path = shutil.which("piper")
    return (on_path,) if on_path and _speaks(on_path) else None


def _speaks(candidate: str) -> bool:
    """Whether it is this Piper: another program of that name sets up computer mice."""
    try:
        told = subprocess.run(
            [candidate, "--help"], capture_output=True, timeout=20, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return b"length_scale" in told.stdout + told.stderr


class Piper:
    """One voice file; 10 to 20 times faster than it speaks on a server, about as fast on a small box."""

    offline = True

    def __init__(
        self,
        model: Model,
        cache: Cache | None = None,
        command: Sequence[str] | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``command`` starts Piper: the one installed unless given."""
        self._model, self._cache, self._given = model, cache or Cache(None), command
        self._clock = clock
        self._failure: str | None = None
        self.name = model.name
        self.label = say("Giọng Piper %(name)s (ngoại tuyến)", name=model.path.stem)

    def facts(self) -> tuple[str, ...]:
        name = self._model.path.name
        try:
            size = f"{self._model.size() / 1e6:.1f}".replace(".", ",")
            lines: tuple[str, ...] = (
                say(
                    "Tệp %(name)s, %(size)s MB, sha256 %(sha256)s",
                    name=name,
                    size=size,
                    sha256=self._model.sha256(),
                ),
                say("Giấy phép của giọng: %(licence)s", licence=self._model.licence()),
            )
        except OSError as error:
            lines = (say("Không đọc được tệp %(name)s: %(why)s.", name=name, why=error.strerror),)
        return (
            *filter(None, lines),
            say("Chạy trên máy này, không gửi văn bản đi đâu."),
            say("Chương trình Piper, giấy phép GPL-3.0-or-later."),
        )

    def trouble(self) -> str | None:
        if self._command() is None:
            return ABSENT
        if not self._model.path.is_file() or not self._model.config.is_file():
            return self._broken()
        return self._failure and base.last_time(self._failure)

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
        """See ``base.Voice.speak``. At the sample rate of the voice file."""
        text = base.checked(text, speed).replace("[[", "[")  # would begin phonemes
        plan = pieces.with_pauses(
            pieces.sentences(line, MOST_CHARACTERS) for line in pieces.paragraphs(text)
        )
        seconds = timeout or LOAD_SECONDS + len(text) / CHARACTERS_PER_SECOND
        try:
            with tempfile.TemporaryDirectory(dir=out.parent, prefix="piper-") as folder:
                errand = _Errand(self._model, self._cache, Path(folder), speed)
                missing = errand.recall(dict.fromkeys(words for _, words in plan))
                if missing:
                    self._say(errand, missing, seconds, cancel, progress)
                part = Path(folder) / "speech.wav"
                joining.join([(pause, errand.sounds[words]) for pause, words in plan], part)
                part.replace(out)
        except base.VoiceFailed as error:
            self._failure = error.sentence
            raise
        self._failure = None
        if progress:
            progress(1.0)

    def _say(
        self,
        errand: _Errand,
        missing: Sequence[str],
        seconds: float,
        cancel: threading.Event | None,
        progress: base.Progress | None,
    ) -> None:
        """Have Piper speak what is missing; what it finished stays, should it fail later."""

        done, since = 0, self._clock()

        def look() -> None:
            nonlocal done, since
            now = len(errand.spoken())
            if now > done:
                done, since = now, self._clock()
            elif self._clock() - since > STALL_SECONDS:
                raise TimeoutError
            if progress:
                progress(min(1.0, done / len(missing)))

        code = None
        with self._start(errand, missing) as child:
            try:
                code = children.wait(child, seconds, cancel, look)
            except TimeoutError as error:
                raise base.VoiceFailed(SLOW) from error
            finally:
                errand.keep(missing, whole=code == 0)
        if len(errand.sounds) < errand.wanted:
            log.error("piper gave %s: %s", code, errand.complaint())
            raise base.VoiceFailed(self._broken())

    def _start(self, errand: _Errand, missing: Sequence[str]) -> subprocess.Popen[bytes]:
        command = self._command()
        if command is None:
            raise base.VoiceFailed(ABSENT)
        text, report = errand.folder / "text", errand.folder / "report"
        text.write_text("".join(f"{line}\n" for line in missing), encoding="utf-8")
        arguments = ["--model", str(self._model.path), "--output_dir", str(errand.said)]
        scale = f"{base.DEFAULT_SPEED / errand.speed:.4f}"
        with text.open("rb") as given, report.open("wb") as told:
            try:
                return subprocess.Popen(
                    confined.limited(
                        [*command, *arguments, "--length_scale", scale],
                        memory_bytes=MEMORY_BYTES,
                        cpu_seconds=int(2 * LOAD_SECONDS + len(text.read_bytes())),
                        file_bytes=MOST_WAV_BYTES,
                        files=256,
                    ),
                    cwd=errand.folder,
                    env={"LC_ALL": "C.UTF-8", "MALLOC_ARENA_MAX": "2"},
                    stdin=given,
                    stdout=subprocess.DEVNULL,
                    stderr=told,
                    start_new_session=True,
                )
            except OSError as error:
                log.error("piper did not start: %s", error)
                raise base.VoiceFailed(ABSENT) from error

    def _command(self) -> Sequence[str] | None:
        return self._given or program()

    def _broken(self) -> str:
        return say(
            "Giọng Piper %(name)s không chạy được: tệp giọng hỏng hoặc không hợp. "
            "Hãy báo quản trị viên chép lại tệp giọng và xem nhật ký máy chủ.",
            name=self._model.path.stem,
        )


class _Errand:
    """The sentences of one text, some remembered, the others to be spoken into ``said``."""

    def __init__(self, model: Model, cache: Cache, folder: Path, speed: int) -> None:
        self.folder, self.speed = folder, speed
        self.said = folder / "said"
        self.said.mkdir()
        self.sounds: dict[str, Path] = {}
        self.wanted = 0
        self._model, self._cache = model, cache

    def recall(self, sentences: dict[str, None]) -> list[str]:
        """Those not remembered."""
        self.wanted = len(sentences)
        for number, words in enumerate(sentences):
            known = self._cache.get(self._key(words))
            if known:
                self.sounds[words] = self.folder / f"{number}.wav"
                self.sounds[words].write_bytes(known)
        return [words for words in sentences if words not in self.sounds]

    def spoken(self) -> list[Path]:
        """Files so far, in the order of the lines: Piper names them by a clock in nanoseconds."""
        return sorted(self.said.glob("*.wav"), key=lambda path: (len(path.name), path.name))

    def keep(self, missing: Sequence[str], *, whole: bool) -> None:
        """Take what was spoken and is good. Unless it ended well, the last file may be half written."""
        files = self.spoken()
        if whole and len(files) != len(missing):
            return  # a line gave no sound: nobody knows whose each file is
        for words, path in zip(missing, files if whole else files[:-1], strict=False):
            if not _good(path, words):
                return
            self._cache.put(self._key(words), path.read_bytes())
            self.sounds[words] = path

    def complaint(self) -> str:
        return (self.folder / "report").read_bytes()[-2000:].decode("utf-8", "replace")

    def _key(self, words: str) -> str:
        try:
            return key("piper", self._model.version(), self.speed, "wav", words)
        except OSError as error:
            log.error("the voice file is gone: %s", error)
            raise base.VoiceFailed(
                say(
                    "Không đọc được tệp giọng %(name)s: %(why)s. "
                    "Hãy chép lại tệp giọng, hoặc chọn giọng khác.",
                    name=self._model.path.name,
                    why=error.strerror,
                )
            ) from error


def _good(path: Path, words: str) -> bool:
    """A WAV as long as ``words`` may take, with something to hear in it."""
    least = max(0.05, base.shortest_seconds(words))
    try:
        with wave.open(str(path), "rb") as file:
            data = file.readframes(file.getnframes())
            kind = (file.getnchannels(), file.getsampwidth())
            seconds = len(data) / 2 / file.getframerate()
            whole = len(data) == 2 * file.getnframes()
    except (wave.Error, EOFError):
        return False
    return kind == (1, 2) and whole and least <= seconds <= 20 * least + 10 and any(data)
