"""Reading: Vietnamese text → the words a voice should say, with a mark on everything it changed.

    reading = read("Họp lúc 7h30 ngày 5/6 tại UBND xã.")
    reading.spoken     "Họp lúc bảy giờ ba mươi phút ngày mùng năm tháng sáu tại ủy ban nhân dân xã."
    reading.warnings   the spans a person should look at before the bulletin is approved

Own rules plus a dictionary the commune can change. Rules run in the order of RULES and never see each
other's words: what one has taken is hidden from the rest.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

import msgspec

from content import (
    reading_codes,
    reading_dates,
    reading_days,
    reading_documents,
    reading_marks,
    reading_own,
    reading_per,
    reading_phones,
    reading_quantities,
    reading_ranges,
    reading_senses,
    reading_slashes,
    reading_times,
    reading_words,
)
from content.corrections import Correction
from content.debris import SuspiciousLine, suspicious_lines, without
from content.dictionary import Dictionary, shipped
from content.reading_draft import Draft, Found, Rule

__all__ = ["Reading", "Span", "SuspiciousLine", "read", "suspicious_lines", "without"]

# The order matters: what is longer and more certain goes first, single numbers and letters last.
RULES: tuple[Rule, ...] = (
    reading_own.own_signs,
    reading_marks.web_addresses,
    reading_documents.document_numbers,
    reading_documents.symbols_without_number,
    reading_documents.short_numbers,
    reading_documents.document_types,
    reading_codes.plates,
    reading_codes.military_plates,
    reading_times.bulletin_times,
    reading_dates.day_ranges,
    reading_dates.full_dates,
    reading_times.round_the_clock,
    reading_codes.house_numbers,
    reading_dates.months,
    reading_phones.keypads,
    reading_phones.phones,
    reading_codes.roads,
    reading_phones.short_phones,
    reading_codes.accounts,
    reading_codes.births,
    reading_codes.kilometre_posts,
    reading_ranges.scores,
    reading_slashes.slashes,
    reading_dates.dashed_dates,
    reading_times.races,
    reading_times.hour_spans,
    reading_times.clock_times,
    reading_times.worded_times,
    reading_days.date_words,
    reading_days.ordinals,
    reading_senses.texted,
    reading_senses.senses,
    reading_senses.streets,
    reading_senses.chat,
    reading_words.roman_numerals,
    reading_words.dictionary_words,
    reading_quantities.worded_numbers,
    reading_quantities.lone_units,
    reading_quantities.spaced_thousands,
    reading_quantities.quantities,
    reading_per.per_units,
    reading_quantities.left_over_units,
    reading_ranges.ranges,
    reading_ranges.comparisons,
    reading_words.initials,
    reading_words.acronyms,
    reading_marks.fillers,
    reading_marks.glued_stops,
    reading_marks.separators,
    reading_marks.signs,
)


_SHOWN = frozenset({"correction", "own"})  # also where they say what is written


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


def read(
    text: str, dictionary: Dictionary | None = None, corrections: Iterable[Correction] = ()
) -> Reading:
    """What a voice should say for a Vietnamese text; without a dictionary, with the shipped one.

    A correction wins over every rule; one that does not fit the text (in NFC) is left out.
    Text outside the spans is the same in both; line breaks are kept. Takes time in step with the length.
    """
    draft = Draft(
        unicodedata.normalize("NFC", text), dictionary if dictionary is not None else shipped()
    )
    for rule in (reading_own.corrected(corrections), *RULES):
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
        if said != original or found.warning is not None or found.rule in _SHOWN:
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
