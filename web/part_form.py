"""One part of the form a bulletin is written with: words, a recording, or a chime between them."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from typing import Any

from flask_wtf.file import FileField
from werkzeug.datastructures import FileStorage
from wtforms import BooleanField, HiddenField, IntegerField, RadioField, SelectField, TextAreaField

from content import corrections, drafts, parts, voices
from content.parts import Part
from loa.errors import ContentError
from loa.words import say
from web import current, uploads
from web.forms import Form, choices, optional

PART_KINDS = {
    "text": say("văn bản đọc bằng máy"),
    "recorded": say("bản ghi âm"),
    "chime": say("nhạc hiệu"),
}
CHIMES = {
    "ding-dong": say("chuông “đinh đoong”"),
    "opening": say("nhạc hiệu mở đầu"),
    "closing": say("nhạc hiệu kết thúc"),
}
# Which fields a part of that kind has: what is wrong with the others concerns nobody.
FIELDS_OF = {
    "text": {"kind", "body", "voice", "speed"},
    "recorded": {"kind", "upload", "kept", "kept_name", "music"},
    "chime": {"kind", "chime"},
}


@dataclass
class Losses:
    """What an edit could not keep."""

    corrections: list[str] = field(default_factory=list)
    """Words whose own reading is gone, for they are not in the text any more."""
    cuts: list[str] = field(default_factory=list)
    """Names of recordings that were replaced, with the pieces cut out of them."""

    @property
    def sentences(self) -> list[str]:
        """What people are told of it."""
        told: list[str] = []
        if self.corrections:
            words = ", ".join(f"“{each}”" for each in self.corrections)
            told.append(
                say(
                    "Đã bỏ cách đọc riêng của %(words)s vì chữ đó không còn trong văn bản.",
                    words=words,
                )
            )
        if self.cuts:
            names = ", ".join(f"“{each}”" for each in self.cuts)
            told.append(
                say("Các đoạn cắt của %(names)s không còn vì tệp đã được thay.", names=names)
            )
        return told


class PartForm(Form):
    """One part. ``kept`` names a file received by an earlier sending, so that it need not be chosen again."""

    kind = RadioField(say("Nguồn âm thanh"), choices=choices(PART_KINDS.items()), default="text")
    body = TextAreaField(say("Nội dung"), filters=[lambda text: (text or "").replace("\r\n", "\n")])
    voice = SelectField(say("Giọng đọc"), default="")
    speed = IntegerField(say("Tốc độ đọc"), [optional()])
    upload = FileField(say("Tệp ghi âm"))
    kept = HiddenField()
    kept_name = HiddenField()
    music = BooleanField(say("Đây là nhạc"))
    chime = SelectField(say("Nhạc hiệu"), choices=choices(CHIMES.items()), default="ding-dong")
    was = HiddenField()
    """Which part of the version this form began with, from 0."""

    def __init__(self, *args: Any, gone: frozenset[str] = frozenset(), **kwargs: Any) -> None:
        """``gone``: voices that may stay chosen, though the station has them no more."""
        super().__init__(*args, **kwargs)
        self.gone = gone
        self.voice.choices = _voice_choices(gone & {self.voice.data})
        if self.kind.data not in PART_KINDS:
            self.kind.data = "text"
        if self.speed.data is None and not self.speed.raw_data:
            self.speed.data = current.config().content.speed

    @property
    def place(self) -> str:
        """The N of its names."""
        return str(self._prefix).removeprefix("parts-").removesuffix("-")

    @property
    def was_number(self) -> int | None:
        return number(self.was.data)

    def validate(self, extra_validators: Any = None) -> bool:
        """Keep a file that came along before anything else: no other mistake may cost it."""
        refusal = self.keep_file()
        super().validate(extra_validators)
        if refusal is not None:
            self.take(refusal)
        for name in self._fields.keys() - FIELDS_OF[self.kind.data]:
            self._fields[name].errors = []
        if not self.errors:
            self._check()
        return not self.errors

    def keep_file(self) -> ContentError | None:
        """Receive the file chosen, if one was; why it was refused."""
        file, config = self.upload.data, current.config()
        if not isinstance(file, FileStorage) or not file.filename:
            if not uploads.is_kept(config, self.kept.data or ""):
                self.kept.data = self.kept_name.data = ""
            return None
        try:
            self.kept.data, self.kept_name.data = uploads.keep(config, file)
        except ContentError as error:
            return error
        return None

    def _check(self) -> None:
        if self.kind.data == "chime":
            return
        try:
            part = self.part(None, Losses())
            parts.check((part,), max_characters=current.config().content.max_characters)
        except ContentError as error:
            self.take(error)

    def part(self, former: Part | None, losses: Losses) -> Part:
        """What it says, with what ``former`` carried that the form does not show."""
        if self.kind.data == "chime":
            return parts.Chime(chime=self.chime.data or "")
        if self.kind.data == "recorded":
            return self._recorded(former, losses)
        return self._text(former, losses)

    def _text(self, former: Part | None, losses: Losses) -> parts.Text:
        body = tidy(self.body.data or "")
        kept: tuple[corrections.Correction, ...] = ()
        if isinstance(former, parts.Text):
            kept, lost = corrections.carry_over(former.corrections, former.body, body)
            losses.corrections += [each.written for each in lost]
        speed = self.speed.data or current.config().content.speed
        return parts.Text(body=body, voice=self.voice.data or "", speed=speed, corrections=kept)

    def _recorded(self, former: Part | None, losses: Losses) -> parts.Recorded:
        upload = self.kept.data or ""
        cuts: parts.Cuts = ()
        if isinstance(former, parts.Recorded) and former.cuts:
            if former.upload == upload:
                cuts = former.cuts
            else:
                losses.cuts.append(former.name)
        name, music = uploads.plain_name(self.kept_name.data or ""), bool(self.music.data)
        return parts.Recorded(upload=upload, name=name, music=music, cuts=cuts)

    def moved_to(self, number: int) -> PartForm:
        """The same, as part ``number`` of the form."""
        return PartForm(None, prefix=f"parts-{number}", data=self.data, gone=self.gone)


def blank(number: int, kind: str = "text") -> PartForm:
    """A new part."""
    return PartForm(None, prefix=f"parts-{number}", data={"kind": kind})


def number(text: str | None) -> int | None:
    return int(text) if text and re.fullmatch(r"\d{1,9}", text) else None


def tidy(body: str) -> str:
    """A text as it is stored, so that places in it are those of the stored one."""
    return unicodedata.normalize("NFC", drafts.plain(body)).strip()


def values(part: Part, number: int) -> dict[str, Any]:
    match part:
        case parts.Text():
            found = {"kind": "text", "body": part.body, "voice": part.voice, "speed": part.speed}
        case parts.Recorded():
            found = {
                "kind": "recorded", "kept": part.upload, "kept_name": part.name, "music": part.music,
            }  # fmt: skip
        case parts.Chime():
            found = {"kind": "chime", "chime": part.chime}
    return {**found, "was": str(number)}


def _voice_choices(gone: frozenset[str]) -> Any:
    """The station's voices, its default first, and those that are gone but still chosen."""
    registry = voices.registry(current.config())
    default = registry.get(registry.default)
    found: dict[str, str] = {"": say("giọng mặc định của đài (%(label)s)", label=default.label)}
    found |= {name: say("%(name)s (không còn trên máy chủ)", name=name) for name in sorted(gone)}
    found |= {voice.name: voice.label for voice in registry}
    return choices(found.items())
