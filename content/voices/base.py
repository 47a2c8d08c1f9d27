"""What a voice is, and the registry that falls back to the offline one and says so."""

from __future__ import annotations

import logging
import threading
import unicodedata
import wave
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Protocol

import msgspec

from loa.errors import ContentError
from loa.words import say

log = logging.getLogger(__name__)

MAX_CHARACTERS = 150_000
"""Of the words as they are spoken: figures and abbreviations grow to several times their written length."""
MIN_SPEED, DEFAULT_SPEED, MAX_SPEED = 110, 135, 175
"""Speed is eSpeak's scale for every voice: 110 → 148, 135 → 183, 175 → 239 syllables a minute."""
MOST_SYLLABLES_PER_SECOND = 8
"""Nobody speaks faster: a shorter sound is not the whole text."""
PARAGRAPH_PAUSE_SECONDS = 0.9
"""Silence at a line break, whichever voice speaks; that after a sentence is about half as long."""

Progress = Callable[[float], None]


def last_time(failure: str) -> str:
    """What a voice says of itself after it failed."""
    return say("Lần đọc gần nhất không thành: %(failure)s", failure=failure)


class VoiceFailed(ContentError):
    """This voice cannot speak now: use another one, or do as the sentence says."""


class Cancelled(ContentError):
    """Whoever asked for the speech took it back."""


class Voice(Protocol):
    """Turns text into a WAV of any sample rate, silent for 0.9 s at each line break."""

    @property
    def name(self) -> str:
        """As kept with a bulletin; at most 32 characters."""
        ...

    @property
    def label(self) -> str:
        """For people."""
        ...

    @property
    def offline(self) -> bool:
        """Whether it speaks without a network, so that it may stand in for another."""
        ...

    def facts(self) -> tuple[str, ...]:
        """Vietnamese lines for whoever chooses a voice: licence, terms, what leaves the machine."""
        ...

    def trouble(self) -> str | None:
        """Why it cannot speak now, in a sentence; None when nothing is known to be wrong."""
        ...

    def speak(
        self,
        text: str,
        out: Path,
        *,
        speed: int = DEFAULT_SPEED,
        timeout: float | None = None,
        cancel: threading.Event | None = None,
        progress: Progress | None = None,
    ) -> None:
        """Write ``text`` as speech to ``out``, whole or not at all.

        ``timeout`` in seconds; None: the voice's own, by the length of the text. ``progress`` gets 0.0
        to 1.0. Raises VoiceFailed when it could not, Cancelled once ``cancel`` is set, ContentError when
        the text is at fault.
        """
        ...


class Spoken(msgspec.Struct, frozen=True):
    """Which voice really spoke, and what a person should be told about it."""

    voice: str
    notes: tuple[str, ...] = ()


class Registry:
    """The voices offered, in order. ``default`` speaks when none is named; an offline one stands in.

    ``spare`` is not offered, but stands in when all others fail; and it is found by its name, for what it
    has spoken before.
    """

    def __init__(
        self, voices: Iterable[Voice], default: str = "", *, spare: Voice | None = None
    ) -> None:
        """``default``: the first voice unless named. ContentError when there is none of that name."""
        self._voices = {voice.name: voice for voice in voices}
        self._all = ({spare.name: spare} if spare else {}) | self._voices
        self.default = self.get(default or next(iter(self._voices or self._all))).name

    def __iter__(self) -> Iterator[Voice]:
        return iter(self._voices.values())

    def get(self, name: str) -> Voice:
        """The voice of that name, or ContentError naming those there are."""
        if name not in self._all:
            known = ", ".join(self._voices)
            raise ContentError(
                say(
                    "Không có giọng đọc “%(name)s”. Hãy chọn một trong các giọng: %(known)s.",
                    name=name,
                    known=known,
                ),
                field="voice",
            )
        return self._all[name]

    def speak(
        self,
        text: str,
        out: Path,
        *,
        voice: str = "",
        speed: int = DEFAULT_SPEED,
        timeout: float | None = None,
        cancel: threading.Event | None = None,
        progress: Progress | None = None,
    ) -> Spoken:
        """Speak all of ``text`` with one voice: ``voice``, else the default, else one that stands in.

        The answer says which did and, in its notes, why it was another one. Raises VoiceFailed when
        no voice could, Cancelled, and ContentError when the text is at fault.
        """
        text = checked(text, speed)
        wanted, notes = self._wanted(voice)
        told = progress and _Rising(progress)
        try:
            wanted.speak(text, out, speed=speed, timeout=timeout, cancel=cancel, progress=told)
        except VoiceFailed as error:
            for stand_in in self._stand_ins(wanted):
                log.warning("voice %s failed, %s speaks: %s", wanted.name, stand_in.name, error)
                if _spoke(stand_in, text, out, speed, cancel, told):
                    note = say(
                        "%(sentence)s Bản này được đọc bằng “%(label)s”.",
                        sentence=error.sentence,
                        label=stand_in.label,
                    )
                    return Spoken(stand_in.name, (*notes, note))
            raise
        return Spoken(wanted.name, notes)

    def _wanted(self, name: str) -> tuple[Voice, tuple[str, ...]]:
        """The voice of that name; the default one and a note, when it is gone since."""
        if not name or name in self._all:
            return self.get(name or self.default), ()
        default = self.get(self.default)
        log.warning("voice %s is gone, %s is asked instead", name, default.name)
        return default, (
            say(
                "Giọng “%(name)s” không còn trên máy chủ nên đã dùng giọng mặc định “%(label)s”.",
                name=name,
                label=default.label,
            ),
        )

    def _stand_ins(self, wanted: Voice) -> list[Voice]:
        """Offline voices in order, the spare one last."""
        offered = [*self._voices.values(), *self._all.values()]
        others = {voice.name: voice for voice in offered if voice.offline}
        return [voice for voice in others.values() if voice is not wanted]


def _spoke(
    voice: Voice,
    text: str,
    out: Path,
    speed: int,
    cancel: threading.Event | None,
    progress: Progress | None,
) -> bool:
    try:
        voice.speak(text, out, speed=speed, cancel=cancel, progress=progress)
    except VoiceFailed as error:
        log.warning("voice %s failed as well: %s", voice.name, error)
        return False
    return True


class _Rising:
    """Progress that does not fall back to nothing when another voice begins anew."""

    def __init__(self, progress: Progress) -> None:
        self._progress, self._most = progress, 0.0

    def __call__(self, part: float) -> None:
        if part > self._most:
            self._most = part
            self._progress(part)


def checked(text: str, speed: int) -> str:
    """The text as voices need it: composed letters, no control characters. ContentError if unfit.

    Decomposed letters ("u" + horn + mark) are read as English by some engines.
    """
    if not MIN_SPEED <= speed <= MAX_SPEED:
        raise ContentError(
            say(
                "Tốc độ đọc %(speed)s không hợp lệ. Hãy chọn từ %(min_speed)s đến %(max_speed)s.",
                speed=speed,
                min_speed=MIN_SPEED,
                max_speed=MAX_SPEED,
            ),
            field="speed",
        )
    lines = unicodedata.normalize("NFC", text).splitlines()
    text = "\n".join("".join(map(_speakable, line)).strip() for line in lines).strip()
    if not any(letter.isalnum() for letter in text):
        raise ContentError(
            say("Nội dung chưa có chữ nào để đọc. Hãy nhập nội dung bản tin."), field="body"
        )
    if len(text) > MAX_CHARACTERS:
        raise ContentError(
            say(
                "Nội dung dài %(n)s ký tự, quá %(most)s ký tự. Hãy chia thành nhiều bản tin.",
                n=dotted(len(text)),
                most=dotted(MAX_CHARACTERS),
            ),
            field="body",
        )
    return text


def dotted(number: int) -> str:
    """A number as it is written in Vietnam: 30.000."""
    return f"{number:,}".replace(",", ".")


def _speakable(letter: str) -> str:
    """Without marks that show nothing: a soft hyphen would cut a word in two, a NUL end the text."""
    kind = unicodedata.category(letter)
    return "" if kind in ("Cf", "Cs") else " " if kind == "Cc" else letter


def shortest_seconds(text: str) -> float:
    """No honest reading of ``text`` is shorter than this; a Vietnamese word is one syllable."""
    words = sum(1 for word in text.split() if any(letter.isalnum() for letter in word))
    return words / MOST_SYLLABLES_PER_SECOND


def wav_seconds(path: Path) -> float:
    """Length of a WAV; 0.0 when it is none."""
    try:
        with wave.open(str(path), "rb") as file:
            return file.getnframes() / file.getframerate()
    except (wave.Error, EOFError, FileNotFoundError):
        return 0.0
