"""The form a bulletin is written with: one part as a rule, up to twelve put together.

Parts are sent as ``parts-N-…`` and stand in the order in which they come, whatever their N.
"""

from __future__ import annotations

import re
from typing import Any

from flask import request
from wtforms import BooleanField, HiddenField, IntegerField, RadioField, SelectField, StringField

from content import drafts, parts
from content.bulletins import MAX_TITLE, Draft, Priority
from content.parts import Part, Parts
from content.relays import Stream
from loa import words
from loa.errors import ContentError, LoaError
from loa.times import MINUTE
from loa.words import say
from web import labels, part_form
from web.forms import AtMost, Day, Form, choices, optional, required
from web.part_form import PART_KINDS, Losses, PartForm, blank

_NAME = re.compile(r"parts-(\d{1,4})-kind")


class BulletinForm(Form):
    """A whole bulletin; ``version`` is the one that was there when the form was opened."""

    title = StringField(
        say("Tên bản tin"),
        [
            required(say("Hãy đặt tên cho bản tin.")),
            AtMost(MAX_TITLE, say("Tên bản tin dài quá %(most)s ký tự.", most=MAX_TITLE)),
        ],
    )
    field = SelectField(
        say("Lĩnh vực"),
        coerce=int,
        choices=choices((n, words.join(". ", (n, w))) for n, w in labels.FIELDS.items()),
    )
    priority = RadioField(say("Mức ưu tiên"), choices=choices(labels.PRIORITIES.items()))
    chimes = BooleanField(say("Nhạc hiệu mở đầu và kết thúc"))
    valid_from = Day(say("Có hiệu lực từ ngày"), [optional()])
    valid_until = Day(say("Hết hiệu lực sau ngày"), [optional()])
    relay_url = StringField(say("Địa chỉ luồng âm thanh"), [optional()])
    relay_minutes = IntegerField(say("Số phút tiếp sóng"), [optional()])
    relay_hosts = StringField(say("Máy chủ khác được dùng"), [optional()])
    version = HiddenField()
    overwrite = IntegerField(say("Tôi đã xem bản mới, vẫn lưu đè lên"), [optional()])
    """The version that was seen, and may be written over: no later one."""

    parts: list[PartForm]

    @classmethod
    def of(cls, draft: Draft | None, version: int | None = None) -> BulletinForm:
        """The form as it was sent; before that, filled with ``draft``, or new."""
        form = cls(data=_values(draft, version))
        found = draft.parts if draft else ()
        form.parts = _sent_parts(found) if request.method == "POST" else _parts_of(found)
        return form

    @property
    def errors(self) -> dict[Any, Any]:
        """Field → sentences, ``parts`` standing for all of its parts."""
        found: dict[Any, Any] = dict(super().errors)
        if any(part.errors for part in self.parts):
            found["parts"] = [part.errors for part in self.parts]
        return found

    def validate(self, extra_validators: Any = None) -> bool:
        well_formed = [part.validate() for part in self.parts]
        return bool(super().validate(extra_validators)) and all(well_formed)

    def take(self, error: LoaError) -> None:
        """An error of a part is shown at the part, if there is but one."""
        alone = self.parts[0] if len(self.parts) == 1 else None
        if alone is not None and error.field in part_form.FIELDS_OF[alone.kind.data]:
            alone.take(error)
        else:
            super().take(error)

    @property
    def version_number(self) -> int | None:
        return part_form.number(self.version.data)

    def draft(self, former: Draft | None) -> tuple[Draft, Losses]:
        """What it says; ``former`` is the draft the form was opened with."""
        losses = Losses()
        before = former.parts if former else ()
        found = tuple(part.part(_former(before, part.was_number), losses) for part in self.parts)
        draft = Draft(
            title=self.title.data or "", parts=found,
            translations=former.translations if former else (), chimes=self.chimes.data,
            field=self.field.data, priority=Priority(self.priority.data),
            relay=self._relay(), valid_from=self.valid_from.data, valid_until=self.valid_until.data,
        )  # fmt: skip
        return drafts.tidy(draft), losses

    @property
    def is_relay(self) -> bool:
        """Whether anything is said of a stream."""
        return bool(
            (self.relay_url.data or "").strip()
            or self.relay_minutes.data is not None
            or (self.relay_hosts.data or "").strip()
        )

    def _relay(self) -> Stream | None:
        """The stream it is; None where nothing is said of one. Raises ContentError."""
        if not self.is_relay:
            return None
        if not (self.relay_url.data or "").strip():
            raise ContentError(
                say("Hãy nhập địa chỉ luồng; không tiếp sóng thì để trống cả ba ô."),
                field="relay_url",
            )
        if self.relay_minutes.data is None:
            raise ContentError(say("Hãy nhập số phút tiếp sóng."), field="relay_minutes")
        hosts = tuple(re.split(r"[\s,;]+", self.relay_hosts.data or ""))
        return Stream(self.relay_url.data or "", hosts, self.relay_minutes.data * MINUTE)

    def change(self, what: str) -> None:
        """Add, move or take out a part, as the button ``what`` says; files that came along are kept."""
        refusals = [part.keep_file() for part in self.parts]
        for part, refusal in zip(self.parts, refusals, strict=True):
            if refusal is not None:
                part.take(refusal)
                return
        act, _, about = what.partition("-")
        if act == "add" and about in PART_KINDS:
            self._add(about)
        elif about.isdecimal() and int(about) < len(self.parts):
            self._move(act, int(about))
        self.parts = [part.moved_to(number) for number, part in enumerate(self.parts)]

    def _add(self, kind: str) -> None:
        if len(self.parts) >= parts.MOST:
            sentence = say(
                "Mỗi bản tin có tối đa %(most)s phần. Hãy chia thành nhiều bản tin.",
                most=parts.MOST,
            )
            self.form_errors = [*self.form_errors, sentence]
            return
        self.parts.append(blank(len(self.parts), kind))

    def _move(self, act: str, place: int) -> None:
        part = self.parts.pop(place)
        if act == "remove":
            self.parts = self.parts or [blank(0)]
        else:
            self.parts.insert(max(0, place + (-1 if act == "up" else 1)), part)


def _former(before: Parts, number: int | None) -> Part | None:
    return before[number] if number is not None and number < len(before) else None


def _voices_of(found: Parts) -> frozenset[str]:
    return frozenset(part.voice for part in parts.texts(found) if part.voice)


def _sent_parts(before: Parts) -> list[PartForm]:
    """In the order in which they were sent; a few too many are taken in, to be told about."""
    numbers = [found[1] for name in request.form if (found := _NAME.fullmatch(name))]
    gone = _voices_of(before)
    return [PartForm(prefix=f"parts-{n}", gone=gone) for n in numbers[: 2 * parts.MOST]]


def _parts_of(found: Parts) -> list[PartForm]:
    if not found:
        return [blank(0)]
    gone = _voices_of(found)
    return [
        PartForm(None, prefix=f"parts-{number}", data=part_form.values(part, number), gone=gone)
        for number, part in enumerate(found)
    ]


def _values(draft: Draft | None, version: int | None) -> dict[str, Any]:
    if draft is None:
        return {"field": 1, "priority": Priority.NORMAL, "chimes": True}
    names = ("title", "field", "priority", "chimes", "valid_from", "valid_until")
    found = {name: getattr(draft, name) for name in names}
    return {**found, **_relay_values(draft.relay), "version": str(version)}


def _relay_values(stream: Stream | None) -> dict[str, Any]:
    if stream is None:
        return {}
    return {
        "relay_url": stream.url,
        "relay_minutes": stream.ms // MINUTE,
        "relay_hosts": " ".join(stream.hosts),
    }
