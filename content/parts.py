"""Part: what a bulletin is made of, in order: words to be read out, a recording, a chime between them.

parts.spoken("Mời bà con đến trạm y tế.")          one part of words, the usual bulletin
parts.Text(body=…), parts.Recorded(upload=…, name=…), parts.Chime(chime="ding-dong")
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.types import TypeDecorator

from content import corrections
from content.corrections import Correction
from content.voices import base
from loa.errors import ContentError
from loa.words import say

MOST = 12
"""Parts of one bulletin: more is a programme."""
MIN_SPEED, USUAL_SPEED, MAX_SPEED = base.MIN_SPEED, base.DEFAULT_SPEED, base.MAX_SPEED
CHIMES = ("ding-dong", "opening", "closing")

Cuts = tuple[tuple[int, int], ...]
"""Spans to leave out, [from, to) in ms of the decoded upload, sorted and apart."""


class Text(msgspec.Struct, frozen=True, kw_only=True, tag="text"):
    """Words to be read out; ``voice`` empty: the station's default when the sound is made."""

    body: str
    voice: str = ""
    speed: int = USUAL_SPEED
    corrections: tuple[Correction, ...] = ()
    """How pieces of ``body`` are said in this bulletin only."""


class Recorded(msgspec.Struct, frozen=True, kw_only=True, tag="recorded"):
    """A recording somebody sent: ``upload`` is its sha256 in the uploads folder, ``name`` what its sender called it."""

    upload: str
    name: str
    music: bool = False
    """Loud and soft are left as they are."""
    cuts: Cuts = ()


class Chime(msgspec.Struct, frozen=True, kw_only=True, tag="chime"):
    """A short signal between two parts."""

    chime: str = "ding-dong"


class Translation(msgspec.Struct, frozen=True, kw_only=True):
    """The bulletin in another language, as a recording: heard in the areas of that language."""

    language: str
    """Code of ``loa.languages``."""
    upload: str
    name: str
    music: bool = False
    cuts: Cuts = ()


Part = Text | Recorded | Chime
Parts = tuple[Part, ...]
Translations = tuple[Translation, ...]


def spoken(body: str, voice: str = "", speed: int = USUAL_SPEED) -> Parts:
    """The parts of a bulletin that is one text."""
    return (Text(body=body, voice=voice, speed=speed),)


def recorded(upload: str, name: str = "ghi âm.mp3") -> Parts:
    """The parts of a bulletin that is one recording."""
    return (Recorded(upload=upload, name=name),)


def texts(found: Iterable[Part]) -> list[Text]:
    return [part for part in found if isinstance(part, Text)]


def uploads(found: Iterable[Part], translations: Iterable[Translation] = ()) -> list[str]:
    """Names of all uploaded files in use."""
    return [part.upload for part in found if isinstance(part, Recorded)] + [
        translation.upload for translation in translations
    ]


def body(found: Iterable[Part]) -> str:
    """All words that are read out."""
    return "\n\n".join(part.body for part in texts(found))


def tidy(found: Iterable[Part]) -> Parts:
    """As they are stored: composed letters, no blank ends; corrections that no longer fit their text are dropped."""
    return tuple(_tidy(part) for part in found)


def _tidy(part: Part) -> Part:
    if not isinstance(part, Text):
        return part
    text = unicodedata.normalize("NFC", part.body).replace("\r\n", "\n").strip()
    kept, _ = corrections.carry_over(part.corrections, part.body, text)
    return msgspec.structs.replace(part, body=text, corrections=kept)


def check(found: Sequence[Part], *, max_characters: int) -> None:
    """Raise ContentError, naming the field, where staff must put something right."""
    if not found:
        raise ContentError(
            say("Bản tin chưa có nội dung. Hãy nhập văn bản hoặc chọn tệp ghi âm."), field="body"
        )
    if len(found) > MOST:
        raise ContentError(
            say(
                "Bản tin có %(n)s phần; tối đa %(most)s. Hãy chia thành nhiều bản tin.",
                n=len(found),
                most=MOST,
            ),
            field="parts",
        )
    if all(isinstance(part, Chime) for part in found):
        raise ContentError(
            say("Bản tin chỉ có nhạc hiệu. Hãy thêm văn bản hoặc bản ghi âm."), field="parts"
        )
    for number, part in enumerate(found, start=1):
        where = say("Phần %(number)s: ", number=number) if len(found) > 1 else ""
        _check_one(part, where)
    characters = len(body(found))
    if characters > max_characters:
        raise ContentError(
            say(
                "Nội dung dài %(n)s ký tự; tối đa %(most)s. Hãy chia thành nhiều bản tin.",
                n=base.dotted(characters),
                most=base.dotted(max_characters),
            ),
            field="body",
        )


def _check_one(part: Part, where: str) -> None:
    match part:
        case Text():
            if not part.body.strip():
                raise ContentError(
                    say("%(where)sHãy nhập hoặc dán nội dung bản tin.", where=where), field="body"
                )
            if not MIN_SPEED <= part.speed <= MAX_SPEED:
                raise ContentError(
                    say(
                        "%(where)sTốc độ đọc %(speed)s nằm ngoài khoảng %(min_speed)s–%(max_speed)s.",
                        where=where,
                        speed=part.speed,
                        min_speed=MIN_SPEED,
                        max_speed=MAX_SPEED,
                    ),
                    field="speed",
                )
        case Recorded():
            if not part.upload:
                raise ContentError(
                    say("%(where)sHãy chọn tệp ghi âm để tải lên.", where=where), field="upload"
                )
            check_cuts(part.cuts)
        case Chime():
            if part.chime not in CHIMES:
                raise ContentError(
                    say("%(where)sKhông có nhạc hiệu “%(chime)s”.", where=where, chime=part.chime),
                    field="parts",
                )


def check_cuts(cuts: Cuts) -> None:
    """Raise ContentError unless the spans are sorted, apart and longer than nothing."""
    last = 0
    for begin, end in cuts:
        if begin < last or end <= begin:
            raise ContentError(
                say(
                    "Các đoạn cắt phải có đầu trước cuối và không chồng lên nhau. Hãy xem lại các mốc."
                ),
                field="cuts",
            )
        last = end


def check_translations(found: Sequence[Translation], known: Iterable[str]) -> None:
    """Raise ContentError when a language is unknown, named twice, or has no recording."""
    languages, seen = set(known), set()
    for each in found:
        if each.language not in languages:
            raise ContentError(
                say("Không có ngôn ngữ “%(language)s”.", language=each.language), field="language"
            )
        if each.language in seen:
            raise ContentError(
                say("Mỗi ngôn ngữ chỉ có một bản ghi. Hãy bỏ bản thừa."), field="language"
            )
        if not each.upload:
            raise ContentError(say("Hãy chọn tệp ghi âm của bản dịch."), field="upload")
        check_cuts(each.cuts)
        seen.add(each.language)


class Stored(TypeDecorator[Any]):
    """A msgspec value of one type, kept as JSON text."""

    impl = sa.Text
    cache_ok = True

    def __init__(self, kind: Any) -> None:
        super().__init__()
        self.kind = kind

    def process_bind_param(self, value: Any, _dialect: sa.Dialect) -> str | None:
        return None if value is None else msgspec.json.encode(value).decode()

    def process_result_value(self, value: str | None, _dialect: sa.Dialect) -> Any:
        return None if value is None else msgspec.json.decode(value, type=self.kind)
