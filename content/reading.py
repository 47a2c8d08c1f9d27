"""Reading: Vietnamese text → the words a voice should say, with a mark on everything it changed.

    reading = read("Họp lúc 7h30 ngày 5/6 tại UBND xã.")
    reading.spoken     "Họp lúc bảy giờ ba mươi phút ngày mùng năm tháng sáu tại ủy ban nhân dân xã."
    reading.warnings   the spans a person should look at before the bulletin is approved

Own rules plus a dictionary the commune can change. Rules run in the order of RULES and never see each
other's words: what one has taken is hidden from the rest.
"""

from __future__ import annotations

import unicodedata

import msgspec

from content import (
    reading_codes,
    reading_dates,
    reading_documents,
    reading_marks,
    reading_quantities,
    reading_times,
    reading_words,
)
from content.debris import SuspiciousLine, suspicious_lines
from content.dictionary import Dictionary, shipped
from content.reading_draft import Draft, Found, Rule

__all__ = ["Reading", "Span", "SuspiciousLine", "read", "suspicious_lines"]

# The order matters: what is longer and more certain goes first, single numbers and letters last.
RULES: tuple[Rule, ...] = (
    reading_marks.web_addresses,
    reading_documents.document_numbers,
    reading_documents.symbols_without_number,
    reading_documents.short_numbers,
    reading_documents.document_types,
    reading_codes.plates,
    reading_times.bulletin_times,
    reading_dates.day_ranges,
    reading_dates.full_dates,
    reading_times.round_the_clock,
    reading_codes.house_numbers,
    reading_dates.months,
    reading_codes.phones,
    reading_codes.short_phones,
    reading_codes.accounts,
    reading_codes.roads,
    reading_codes.births,
    reading_codes.kilometre_posts,
    reading_quantities.scores,
    reading_dates.slashes,
    reading_dates.dashed_dates,
    reading_times.hour_spans,
    reading_times.clock_times,
    reading_times.worded_times,
    reading_dates.date_words,
    reading_dates.ordinals,
    reading_words.roman_numerals,
    reading_words.dictionary_words,
    reading_quantities.lone_units,
    reading_quantities.quantities,
    reading_quantities.per_units,
    reading_quantities.left_over_units,
    reading_quantities.ranges,
    reading_quantities.comparisons,
    reading_words.acronyms,
    reading_marks.fillers,
    reading_marks.glued_stops,
    reading_marks.separators,
    reading_marks.signs,
)


class Span(msgspec.Struct, frozen=True):
    """One changed piece: where it stands in the written text (NFC) and in the spoken one."""

    start: int
    end: int
    spoken_start: int
    spoken_end: int
    written: str
    spoken: str
    rule: str
    warning: str | None = None


class Reading(msgspec.Struct, frozen=True):
    """The written text in NFC, what is said of it, and the changed spans in order."""

    written: str
    spoken: str
    spans: tuple[Span, ...]

    @property
    def warnings(self) -> tuple[Span, ...]:
        """The spans that need a person's eye."""
        return tuple(span for span in self.spans if span.warning is not None)


def read(text: str, dictionary: Dictionary | None = None) -> Reading:
    """What a voice should say for a Vietnamese text; without a dictionary, with the shipped one.

    Text outside the spans is the same in both; line breaks are kept. Takes time in step with the length.
    """
    draft = Draft(
        unicodedata.normalize("NFC", text), dictionary if dictionary is not None else shipped()
    )
    for rule in RULES:
        draft.apply(rule)
    return _assemble(draft)


def _assemble(draft: Draft) -> Reading:
    written = draft.written
    pieces: list[str] = []
    spans: list[Span] = []
    position = length = 0
    last = ""  # the last two characters said so far
    for found in draft.pieces():
        between = written[position : found.start]
        last = (last + between)[-2:]
        said = _spaced(draft, found, last)
        begin = length + len(between)
        original = written[found.start : found.end]
        if said != original or found.warning is not None:
            end = begin + len(said)
            spans.append(
                Span(found.start, found.end, begin, end, original, said, found.rule, found.warning)
            )
        pieces += between, said
        position, length, last = found.end, begin + len(said), (last + said)[-2:]
    pieces.append(written[position:])
    return Reading(written, "".join(pieces), tuple(spans))


def _spaced(draft: Draft, found: Found, last: str) -> str:
    """The words as they stand in the sentence.

    With a space towards a letter or number written straight beside them, and a capital behind a full
    stop: without it espeak takes the stop for that of an abbreviation and runs on.
    """
    said = found.spoken
    if len(last) == 2 and last[0] in ".!?" and last[1] == " ":
        said = said[:1].upper() + said[1:]
    if said[:1].isalnum() and (last[-1:].isalnum() or last[-1:] in tuple(".,;:!?…")):
        said = f" {said}"
    following = draft.written[found.end : found.end + 1]
    if said[-1:].isalnum() and following.isalnum() and draft.starting(found.end) is None:
        said += " "
    return said
