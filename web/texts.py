"""A bulletin's texts beside the words as they are read out, with what differs between them marked and linked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import zip_longest

import msgspec

from content import parts, reading, syllables, wording
from content.bulletins import Bulletin
from content.corrections import Correction
from content.dictionary import Dictionary
from content.parts import Part
from content.reading import Reading, Span, SuspiciousLine
from content.recordings import Recording
from loa.words import say

RULES = {
    "correction": say("sửa riêng trong bản tin này"),
    "own": say("từ điển của xã"),
    "dictionary": say("từ điển có sẵn"),
    "document_number": say("số hiệu văn bản"),
    "document_type": say("loại văn bản"),
    "date": say("ngày tháng"),
    "weekday": say("thứ trong tuần"),
    "time": say("giờ phút"),
    "ordinal": say("số thứ tự"),
    "number": say("con số"),
    "decimal": say("số thập phân"),
    "percent": say("phần trăm"),
    "money": say("số tiền"),
    "unit": say("đơn vị đo"),
    "temperature": say("nhiệt độ"),
    "range": say("khoảng từ … đến …"),
    "fraction": say("phân số"),
    "score": say("tỉ số"),
    "phone": say("số điện thoại"),
    "code": say("mã số, số tài khoản"),
    "plate": say("biển số xe"),
    "house_number": say("số nhà"),
    "road": say("tên đường"),
    "roman": say("số La Mã"),
    "acronym": say("chữ viết tắt chưa có trong từ điển, đọc từng chữ cái"),
    "letter": say("chữ cái"),
    "foreign": say("tiếng nước ngoài"),
    "email": say("địa chỉ thư điện tử"),
    "web": say("địa chỉ trang mạng"),
    "symbol": say("ký hiệu"),
    "spacing": say("tách câu dính liền"),
}


def rule_words(rule: str) -> str:
    """By which rule a piece is read, for people; a rule without words of its own is one of the programme."""
    return RULES.get(rule, say("quy tắc đọc của chương trình"))


@dataclass(frozen=True)
class Piece:
    """A stretch of text; ``span`` where reading changed it."""

    text: str
    span: Span | None = None


@dataclass(frozen=True)
class Warned:
    """One doubt, and at how many places it stands; ``span`` is the first."""

    span: Span
    places: int


@dataclass(frozen=True)
class Debris:
    """A line with debris in it: ``gone`` the pieces that may go, ``left`` what then stays of the line."""

    line: SuspiciousLine
    gone: tuple[str, ...]
    left: str


def _debris(line: SuspiciousLine, text: str) -> Debris:
    begin = text.rfind("\n", 0, line.cuts[0][0]) + 1
    end = text.find("\n", line.cuts[-1][1])
    whole = text[begin : end if end >= 0 else len(text)]
    here = msgspec.structs.replace(line, cuts=tuple((a - begin, b - begin) for a, b in line.cuts))
    gone = tuple(text[a:b].strip() for a, b in line.cuts)
    return Debris(line, gone, reading.without(whole, [here]).strip())


@dataclass(frozen=True)
class Said:
    """What the page shows of one text."""

    number: int
    """Of the part within its bulletin, from 1."""
    reading: Reading
    suspicious: tuple[SuspiciousLine, ...]

    @cached_property
    def written(self) -> tuple[Piece, ...]:
        marks = [(span.start, span.end, span) for span in self.reading.spans]
        return tuple(_pieces(self.reading.written, marks))

    @cached_property
    def spoken(self) -> tuple[Piece, ...]:
        marks = [(span.spoken_start, span.spoken_end, span) for span in self.reading.spans]
        return tuple(_pieces(self.reading.spoken, marks))

    @property
    def is_changed(self) -> bool:
        return bool(self.reading.spans)

    @cached_property
    def debris(self) -> list[Debris]:
        """Lines of which something may be taken out."""
        return [_debris(line, self.reading.written) for line in self.suspicious if line.cuts]

    @property
    def odd_lines(self) -> list[SuspiciousLine]:
        """Lines that a person has to look at, but nothing to take out."""
        return [line for line in self.suspicious if not line.cuts]

    @property
    def warnings(self) -> list[Warned]:
        """The same doubt is told once, however often it stands there."""
        doubts = self.reading.warnings
        places = Counter((span.written, span.warning) for span in doubts)
        first = {(span.written, span.warning): span for span in reversed(doubts)}
        found = [Warned(span, places[key]) for key, span in first.items()]
        return sorted(found, key=lambda warned: warned.span.start)


@dataclass(frozen=True)
class Change:
    """Words of the present sound that would be read otherwise today, and at how many places."""

    before: str
    after: str
    places: int = 1


@dataclass(frozen=True)
class Shown:
    """What the page shows of all texts of a bulletin."""

    texts: tuple[Said, ...]
    sounding: str | None
    """The words of the finished sound, where they are no longer those of today's reading."""

    def of(self, number: int) -> Said | None:
        """The text that is part ``number``, from 1."""
        return next((said for said in self.texts if said.number == number), None)

    @property
    def spoken(self) -> str:
        """All words read out, as a recording keeps them."""
        return _joined(said.reading for said in self.texts)

    @cached_property
    def changes(self) -> list[Change]:
        """How the finished sound differs from today's reading, equal changes together, the first of them first."""
        if self.sounding is None:
            return []
        found = differences(self.sounding, self.spoken)
        places = Counter((change.before, change.after) for change in found)
        return [Change(before, after, number) for (before, after), number in places.items()]

    @property
    def places(self) -> int:
        """At how many places it differs."""
        return sum(change.places for change in self.changes)


def of(bulletin: Bulletin, recording: Recording | None, words: Dictionary | None = None) -> Shown:
    """The bulletin's texts, read as they would be now; ``words`` is the commune's dictionary."""
    numbered = enumerate(bulletin.parts, start=1)
    texts = [
        read(part.body, words, part.corrections, number=number)
        for number, part in numbered
        if isinstance(part, parts.Text)
    ]
    said = recording.spoken if recording else None
    today = _joined(text.reading for text in texts)
    same = said is None or said == today or not differences(said, today)
    return Shown(tuple(texts), None if same else said)


def read(
    body: str,
    words: Dictionary | None = None,
    corrections: Iterable[Correction] = (),
    *,
    number: int = 1,
) -> Said:
    """Any text, as the form shows it while it is being written."""
    return Said(number, reading.read(body, words, corrections), reading.suspicious_lines(body))


def spoken(found: Iterable[Part], words: Dictionary) -> str:
    """All that would be read out of these parts now."""
    return _joined(reading.read(part.body, words, part.corrections) for part in parts.texts(found))


def differences(before: str, after: str) -> list[Change]:
    """Groups of words that sound otherwise; line by line, for that keeps long texts quick."""
    found: list[Change] = []
    for old, new in zip_longest(before.split("\n"), after.split("\n"), fillvalue=""):
        if old != new:
            found += _word_changes(old.split(), new.split())
    return found


def _word_changes(old: list[str], new: list[str]) -> Iterator[Change]:
    heard = [_sound_of(word) for word in old], [_sound_of(word) for word in new]
    same = wording.shared(*heard, wording.Budget())
    before = after = 0
    for old_place, new_place in [*same, (len(old), len(new))]:
        if old_place > before or new_place > after:
            yield Change(" ".join(old[before:old_place]), " ".join(new[after:new_place]))
        before, after = old_place + 1, new_place + 1


def _sound_of(word: str) -> str:
    """The word apart from where its tone stands: "hoà" and "hòa", "uỷ" and "ủy" are the same syllable."""
    return " ".join(syllables.without_tone(word))


def _joined(readings: Iterable[Reading]) -> str:
    return "\n\n".join(each.spoken for each in readings)


def _pieces(text: str, marks: list[tuple[int, int, Span]]) -> Iterator[Piece]:
    position = 0
    for start, end, span in marks:
        if position < start:
            yield Piece(text[position:start])
        yield Piece(text[start:end], span)
        position = end
    if position < len(text):
        yield Piece(text[position:])
