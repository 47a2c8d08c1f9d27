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

log = logging.getLogger(__name__)

MAX_CHARACTERS = 30_000
MIN_SPEED, DEFAULT_SPEED, MAX_SPEED = 110, 135, 175
"""Speed is eSpeak's scale for every voice: 110 → 148, 135 → 183, 175 → 239 syllables a minute."""
MOST_SYLLABLES_PER_SECOND = 8
"""Nobody speaks faster: a shorter sound is not the whole text."""


Progress = Callable[[float], None]


class VoiceFailed(ContentError):
    """This voice cannot speak now: use another one, or do as the sentence says."""


class Cancelled(ContentError):
    """Whoever asked for the speech took it back."""


class Voice(Protocol):
    """Turns text into a WAV of any sample rate."""

    name: str
    label: str
    offline: bool

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
    """Voices by name. ``default`` speaks when none is named; an offline one steps in for an online one."""

    def __init__(self, voices: Iterable[Voice], default: str) -> None:
        self._voices = {voice.name: voice for voice in voices}
        self.default = self.get(default).name

    def __iter__(self) -> Iterator[Voice]:
        return iter(self._voices.values())

    def get(self, name: str) -> Voice:
        """The voice of that name, or ContentError naming those there are."""
        if name not in self._voices:
            known = ", ".join(self._voices)
            raise ContentError(
                f"Không có giọng đọc “{name}”. Hãy chọn một trong các giọng: {known}.",
                field="voice",
            )
        return self._voices[name]

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
        """Speak with ``voice``, else, should an online one fail, offline; the answer says which did."""
        wanted = self.get(voice or self.default)
        text = checked(text, speed)
        try:
            wanted.speak(text, out, speed=speed, timeout=timeout, cancel=cancel, progress=progress)
        except VoiceFailed as error:
            stand_in = next((v for v in self._voices.values() if v.offline), None)
            if wanted.offline or stand_in is None:
                raise
            log.warning("voice %s failed, %s speaks: %s", wanted.name, stand_in.name, error)
            stand_in.speak(text, out, speed=speed, timeout=timeout, cancel=cancel)
            note = f"{error.sentence} Bản này được đọc bằng “{stand_in.label}”."
            return Spoken(stand_in.name, (note,))
        return Spoken(wanted.name)


def checked(text: str, speed: int) -> str:
    """The text as voices need it: composed letters, no control characters. ContentError if unfit.

    Decomposed letters ("u" + horn + mark) are read as English by some engines.
    """
    if not MIN_SPEED <= speed <= MAX_SPEED:
        raise ContentError(
            f"Tốc độ đọc {speed} không hợp lệ. Hãy chọn từ {MIN_SPEED} đến {MAX_SPEED}.",
            field="speed",
        )
    lines = unicodedata.normalize("NFC", text).splitlines()
    text = "\n".join("".join(map(_speakable, line)).strip() for line in lines).strip()
    if not any(letter.isalnum() for letter in text):
        raise ContentError(
            "Nội dung chưa có chữ nào để đọc. Hãy nhập nội dung bản tin.", field="body"
        )
    if len(text) > MAX_CHARACTERS:
        raise ContentError(
            f"Nội dung dài {_dotted(len(text))} ký tự, quá {_dotted(MAX_CHARACTERS)} ký tự. "
            "Hãy chia thành nhiều bản tin.",
            field="body",
        )
    return text


def _dotted(number: int) -> str:
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
