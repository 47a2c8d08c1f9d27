"""Draft: all that a person fills in of a bulletin; one draft is one version of it."""

from __future__ import annotations

import enum
import re
from collections.abc import Collection
from datetime import date
from typing import TypeVar

import msgspec

from content import corrections, parts, relays
from content.parts import Chime, Part, Parts, Recorded, Text, Translation, Translations
from content.relays import Stream
from loa import languages
from loa.errors import ContentError
from loa.words import say

MAX_TITLE = 200
MAX_FILE_NAME = 255
FIELDS = range(1, 7)

# Pages and records end a line too: the words on both sides are two words.
_BREAK = re.compile(r"\r\n|[\r\x0b\x0c\x1c-\x1f\x85]")
_UNSEEN = re.compile(r"[\x00-\x08\x0e-\x1b\x7f-\x9f\ud800-\udfff]")


class Priority(enum.StrEnum):
    """Thông tư 39/2020/TT-BTTTT."""

    NORMAL = "normal"
    PRIORITY = "priority"
    EMERGENCY = "emergency"


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """The content of a bulletin."""

    title: str
    parts: Parts = ()
    translations: Translations = ()
    chimes: bool = True
    """Opening and closing chime around all parts."""
    field: int = 1
    """Lĩnh vực, 1 to 6: code list of the upper system."""
    priority: Priority = Priority.NORMAL
    relay: Stream | None = None
    """Heard instead of the sound wherever it can be had."""
    valid_from: date | None = None
    valid_until: date | None = None
    """Last day, in the station's zone, on which it may be broadcast."""


AUDIBLE = ("parts", "translations", "chimes")
"""What the sound is made of: a change of anything else leaves the sound as it is."""
NAMES = tuple(Draft.__struct_fields__)


_Named = TypeVar("_Named", Recorded, Translation)


def tidy(draft: Draft) -> Draft:
    """As it is stored."""
    return msgspec.structs.replace(
        draft,
        title=" ".join(plain(draft.title).split()),
        parts=parts.tidy(map(_plain_part, draft.parts)),
        translations=tuple(map(_plain_name, draft.translations)),
        relay=draft.relay and relays.tidy(draft.relay),
    )


def plain(text: str) -> str:
    """The text without control characters, which nobody sees and PostgreSQL refuses; lines end with "\\n"."""
    return _UNSEEN.sub("", _BREAK.sub("\n", text))


def _plain_part(part: Part) -> Part:
    if isinstance(part, Recorded):
        return _plain_name(part)
    if not isinstance(part, Text):
        return part
    body = plain(part.body)
    kept, _ = corrections.carry_over(part.corrections, part.body, body)
    return msgspec.structs.replace(part, body=body, corrections=kept)


def _plain_name(named: _Named) -> _Named:
    """The name of its file, of which the end tells more than the beginning."""
    name = "".join(char for char in named.name if char.isprintable())
    return msgspec.structs.replace(named, name=name[-MAX_FILE_NAME:])


def check(draft: Draft, max_characters: int, relay_hosts: Collection[str] = ()) -> None:
    """Raise ContentError naming the field that must be put right; ``relay_hosts`` as in ``relays.check``."""
    if not draft.title.strip():
        raise ContentError(say("Hãy đặt tên cho bản tin."), field="title")
    if len(draft.title.strip()) > MAX_TITLE:
        raise ContentError(
            say(
                "Tên bản tin dài %(n)s ký tự; tối đa %(most)s.", n=len(draft.title), most=MAX_TITLE
            ),
            field="title",
        )
    if draft.relay is not None:
        relays.check(draft.relay, relay_hosts)
        _check_fallback(draft)
    parts.check(draft.parts, max_characters=max_characters)
    parts.check_translations(draft.translations, set(languages.NAMES) - {languages.KINH})
    if draft.field not in FIELDS:
        raise ContentError(
            say("Lĩnh vực %(field)s không có; hãy chọn từ 1 đến 6.", field=draft.field),
            field="field",
        )
    if draft.valid_from and draft.valid_until and draft.valid_until < draft.valid_from:
        raise ContentError(
            say("Ngày hết hiệu lực đứng trước ngày bắt đầu hiệu lực."), field="valid_until"
        )


def _check_fallback(draft: Draft) -> None:
    if all(isinstance(part, Chime) for part in draft.parts):
        raise ContentError(
            say(
                "Tiếp sóng cần một bản dự phòng để bà con không phải nghe im lặng khi mất sóng. Hãy nhập văn bản hoặc "
                "chọn tệp ghi âm."
            ),
            field="body",
        )
