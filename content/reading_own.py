"""What people decided goes before every rule: corrections of one bulletin, the commune's own signs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from content.corrections import Correction
from content.dictionary import Entry
from content.reading_draft import Draft, Found, Rule

OTHER_MEANINGS = "“{}” đọc là “{}”; {}."

# What joins a form to something longer: "06/CP" stands neither in "106/CP" nor in "06/CP-KT".
_JOINED_LEFT = re.compile(r"\w$|[\w)][-/_@&+%°]$|\d[.,:]$")
_JOINED_RIGHT = re.compile(r"\w|'|[-/_@&+]\w|[.,:]\d|\.[a-zđ]")
_MORE_DIGITS = (re.compile(r"\d $"), re.compile(r" \d{2}|[%°‰]"))


def corrected(corrections: Iterable[Correction]) -> Rule:
    """The rule that puts these corrections; one that does not fit the text is passed over."""

    def rule(draft: Draft) -> Iterator[Found]:
        for correction in corrections:
            if correction.fits(draft.written):
                yield Found(correction.start, correction.end, correction.spoken, "correction")

    return rule


def own_signs(draft: Draft) -> Iterator[Found]:
    """Own forms with a digit or a sign ("7h30", "06/CP"), the longest first, at true borders only."""
    signed = draft.dictionary.signed
    if signed is None:
        return
    found: list[Found] = []
    for start in range(len(draft.written)):
        found += _at(draft, start, signed.candidates(draft.text, start))
        if (
            draft.written[start] != draft.text[start]
        ):  # odd signs (½) stand in the written text only
            found += _at(draft, start, signed.candidates(draft.written, start))
    yield from sorted(found, key=lambda piece: (piece.start - piece.end, piece.start))


def _at(draft: Draft, start: int, candidates: Iterable[tuple[int, Entry]]) -> Iterator[Found]:
    for end, entry in candidates:
        if _stands_alone(draft, start, end):
            yield Found(start, end, entry.spoken + closing(draft, end), "own", doubt(entry))


def closing(draft: Draft, end: int) -> str:
    """The point of an abbreviation at the end of a line, or "v.v..." before a capital, closes more."""
    rest = draft.after(end).strip(' \r)"”')
    dots = draft.text[end - 2 : end] == ".." or draft.text[end - 1] == "…"
    last = draft.text[end - 1] in ".…" and (not rest or (dots and rest[0].isupper()))
    return "." if last else ""


def _stands_alone(draft: Draft, start: int, end: int) -> bool:
    form = draft.text[start:end]
    before, after = draft.before(start, 2), draft.after(end, 3)
    if form[0].isalnum() and _JOINED_LEFT.search(before):
        return False
    if form[-1].isalnum() and _JOINED_RIGHT.match(after):
        return False
    if not form.isdigit():
        return True
    left, right = _MORE_DIGITS
    return not (left.search(before) or right.match(after))


def doubt(entry: Entry) -> str | None:
    """The warning of an entry that has other meanings too."""
    if not entry.doubtful:
        return None
    return OTHER_MEANINGS.format(entry.form, entry.spoken, entry.note)
