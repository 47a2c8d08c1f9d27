"""Places in a text that a person points at: what is written there, what is said of it, and by which rule."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from content.reading import Reading, Span
from loa.errors import ContentError
from loa.words import say

MOST_CHARACTERS = 200
"""Longest stretch that is corrected at once: about two lines."""
MOST_FOUND = 20
"""Places listed when words stand at several."""
AROUND = 30
"""Characters shown on either side of a place."""


@dataclass(frozen=True)
class Place:
    """The stretch [start, end) of a text in NFC."""

    start: int
    end: int
    written: str
    spoken: str
    """What is said of it now, without blanks around."""
    span: Span | None
    """The changed span, where the place is just one."""
    before: str
    after: str

    @property
    def rule(self) -> str:
        """The reading rule; empty where it is read as written, or by several rules."""
        return self.span.rule if self.span else ""


def at(reading: Reading, start: int, end: int) -> Place:
    """The place pointed at, widened to whole words and whole changed spans.

    Raises ContentError when it is outside the text, blank, too long, or on several lines.
    """
    start, end = _trimmed(reading.written, start, end)
    start, end = _widened(reading, start, end)
    written = reading.written[start:end]
    if "\n" in written:
        raise ContentError(
            say("Chỗ chọn nằm trên nhiều dòng. Hãy chọn và sửa từng dòng một."), field="chu"
        )
    if len(written) > MOST_CHARACTERS:
        raise ContentError(
            say(
                "Chỗ chọn dài %(count)s ký tự; hãy chọn ngắn hơn %(most_characters)s ký tự.",
                count=len(written),
                most_characters=MOST_CHARACTERS,
            ),
            field="chu",
        )
    return _place(reading, start, end)


def find(reading: Reading, words: str) -> list[Place]:
    """Where the words stand, in any case of letters; at most MOST_FOUND places."""
    wanted = unicodedata.normalize("NFC", words).strip().casefold()
    text = _folded(reading.written)
    found: list[Place] = []
    position = text.find(wanted) if wanted else -1
    while position >= 0 and len(found) < MOST_FOUND:
        place = at(reading, position, position + len(wanted))
        found.append(place)
        position = text.find(wanted, max(place.end, position + 1))
    return found


def _folded(text: str) -> str:
    # Letter by letter: casefold() of a whole text may be longer, and positions would shift.
    return "".join(low if len(low := char.casefold()) == 1 else char for char in text)


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    if not 0 <= start < end <= len(text):
        raise ContentError(say("Chỗ này không còn trong văn bản. Hãy tải lại trang và chọn lại."))
    piece = text[start:end]
    start += len(piece) - len(piece.lstrip())
    end -= len(piece) - len(piece.rstrip())
    if start >= end:
        raise ContentError(say("Chỗ chọn chỉ có khoảng trắng. Hãy chọn chữ cần sửa cách đọc."))
    return start, end


def _widened(reading: Reading, start: int, end: int) -> tuple[int, int]:
    while True:
        wider = _to_spans(reading, *_to_words(reading.written, start, end))
        if wider == (start, end):
            return wider
        start, end = wider


def _to_words(text: str, start: int, end: int) -> tuple[int, int]:
    while start > 0 and text[start].isalnum() and text[start - 1].isalnum():
        start -= 1
    while end < len(text) and text[end - 1].isalnum() and text[end].isalnum():
        end += 1
    return start, end


def _to_spans(reading: Reading, start: int, end: int) -> tuple[int, int]:
    touched = [span for span in reading.spans if span.start < end and start < span.end]
    return (
        min([start, *(span.start for span in touched)]),
        max([end, *(span.end for span in touched)]),
    )


def _place(reading: Reading, start: int, end: int) -> Place:
    text = reading.written
    exact = [span for span in reading.spans if (span.start, span.end) == (start, end)]
    said = reading.spoken[_in_spoken(reading, start) : _in_spoken(reading, end)]
    return Place(
        start, end, text[start:end], said.strip(), exact[0] if exact else None,
        before=_around(text[max(0, start - AROUND) : start][::-1])[::-1],
        after=_around(text[end : end + AROUND]),
    )  # fmt: skip


def _around(text: str) -> str:
    """The rest of the line, as far as it holds whole words."""
    line, more, _ = text.partition("\n")
    return line if more or len(text) < AROUND else line.rpartition(" ")[0]


def _in_spoken(reading: Reading, position: int) -> int:
    """Where a place of the written text that no span cuts through stands in the spoken one."""
    before = [span for span in reading.spans if span.end <= position]
    return before[-1].spoken_end + position - before[-1].end if before else position
