"""The form a recording is cut with: points of time as people type them, and pieces between them."""

from __future__ import annotations

import re
from typing import Any

from wtforms import BooleanField, FieldList, FormField, HiddenField, StringField
from wtforms.validators import Optional

from content.parts import Cuts
from loa.errors import ContentError
from loa.words import say
from web.forms import Form

MOST = 100
"""Pieces cut out of one recording."""
LEAST_LEFT_MS = 500
MOMENT = re.compile(r"(?:(?:(\d{1,2}):)?(\d{1,3}):)?(\d{1,5})(?:[.,](\d{1,3}))?")


def milliseconds(text: str) -> int | None:
    """A point of a recording as people type it: 65,5 or 1:05,5 or 1:02:03; None for anything else."""
    found = MOMENT.fullmatch(text.strip().replace(" ", ""))
    if found is None:
        return None
    hours, minutes, seconds, rest = found.groups()
    whole = int(hours or 0) * 3600 + int(minutes or 0) * 60 + int(seconds)
    return whole * 1000 + int((rest or "0").ljust(3, "0"))


def point(ms: int) -> str:
    """01:05,5: minutes, seconds, and as much of a second as there is."""
    minutes, rest = divmod(ms, 60_000)
    thousandths = f"{rest % 1000:03d}".rstrip("0") or "0"
    return f"{minutes:02d}:{rest // 1000:02d},{thousandths}"


class PointField(StringField):
    """A point of a recording, in ms."""

    data: Any

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return point(self.data) if self.data is not None else ""

    def process_formdata(self, valuelist: list[str]) -> None:
        self.data = None
        if valuelist and valuelist[0].strip():
            self.data = milliseconds(valuelist[0])
            if self.data is None:
                raise ValueError(say("Hãy nhập theo dạng phút:giây, ví dụ 01:05,5."))


class SpanForm(Form):
    """One piece to leave out."""

    begin = PointField(say("Từ"), [Optional()])
    end = PointField(say("Đến"), [Optional()])


class CutsForm(Form):
    """``version`` is that of the bulletin the page was opened with."""

    cuts = FieldList(FormField(SpanForm), max_entries=MOST)
    music = BooleanField(say("Đây là nhạc, không phải tiếng nói"))
    version = HiddenField()

    def spans(self, ms: int) -> Cuts:
        """The pieces in order, those that touch joined. Raises ContentError; what is wrong in a row stands there."""
        found = [span for entry in self.cuts if (span := _span(entry.form, ms))]
        if any(entry.form.errors for entry in self.cuts):
            raise ContentError(say("Hãy xem lại các mốc có lời nhắc màu đỏ."))
        joined: list[tuple[int, int]] = []
        for begin, end in sorted(found):
            if joined and begin <= joined[-1][1]:
                joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
            else:
                joined.append((begin, end))
        if ms - sum(end - begin for begin, end in joined) < LEAST_LEFT_MS:
            raise ContentError(
                say("Các đoạn cắt chiếm hết bản ghi. Hãy bỏ bớt đoạn cắt."), field="cuts"
            )
        return tuple(joined)


def _span(row: SpanForm, ms: int) -> tuple[int, int] | None:
    """What a row says; None for an empty one, or one that is wrong, which is then said in it."""
    begin, end = row.begin.data, row.end.data
    if begin is None and end is None:
        return None
    for field in (row.begin, row.end):
        if field.data is None:
            field.errors = [*field.errors, say("Hãy nhập mốc này, hoặc xoá trắng cả hai ô.")]
            return None
    if begin >= ms:
        row.begin.errors = [say("Bản ghi chỉ dài đến %(point)s.", point=point(ms))]
    elif end <= begin:
        row.end.errors = [say("Mốc cuối phải sau mốc đầu.")]
    else:
        return begin, min(end, ms)
    return None
