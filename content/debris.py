"""Page debris: what came along when a text was pasted from a web page, and would be spoken.

Only reports; whether a line, or a piece of one, goes is for staff to decide.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from itertools import groupby

import msgspec

from content.debris_signs import AGAIN, AUTHOR, BLANK, GLUED, INSIDE, SIGNS

_LONG_ENOUGH_TO_REPEAT = 30  # characters of a sentence
_LONG_LINE_TO_REPEAT = 15  # characters of a whole line: a caption, a heading
_PROSE = 25  # words: so long a line that ends in a full stop is no menu


class SuspiciousLine(msgspec.Struct, frozen=True):
    """Line `number` (from 1) of the pasted text and, in Vietnamese, why it hardly belongs to it.

    `cuts` are the stretches (start, end) of the text in NFC that `without` takes out; none where a
    person has to see for themselves.
    """

    number: int
    line: str
    reason: str
    cuts: tuple[tuple[int, int], ...] = ()


_SENTENCE = re.compile(r"[^.!?…]+[.!?…]*")


def suspicious_lines(text: str) -> tuple[SuspiciousLine, ...]:
    """Lines of a pasted text that look like the web page around it, or say something twice."""
    text = unicodedata.normalize("NFC", text)
    lines = text.split("\n")
    seen: set[str] = set()
    found: list[SuspiciousLine] = []
    start = 0
    for number, raw in enumerate(lines, start=1):
        line = raw.strip()
        at = start + len(raw) - len(raw.lstrip())
        start += len(raw) + 1
        if line:
            last_lines = number > len(lines) * 2 // 3
            judged = _judged(line, seen, last_lines=last_lines)
            seen.update(key for key, _ in _repeatable(line))
            if judged is not None:
                reason, cuts = judged
                moved = tuple((a + at, b + at) for a, b in cuts)
                found.append(SuspiciousLine(number, line, reason, moved))
    return tuple(found)


def without(text: str, found: Iterable[SuspiciousLine]) -> str:
    """The text in NFC without what these point at; a line left empty goes, and no gap stays behind."""
    text = unicodedata.normalize("NFC", text)
    for start, end in sorted({cut for line in found for cut in line.cuts}, reverse=True):
        left, right = text[:start], text[end:]
        emptied = left[left.rfind("\n") + 1 :].strip() == "" and right[:1] in ("", "\n", "\r")
        if emptied:
            left, right = left[: left.rfind("\n") + 1], right.lstrip("\r").removeprefix("\n")
        elif left[-1:].isspace() or left[-1:] == "":
            right = right.lstrip(" ")
        elif right[:1].isalnum():
            right = f" {right}"
        text = left + right
    return re.sub(r"\n(?:[^\S\n]*\n){2,}", "\n\n", text).strip()


_Cuts = tuple[tuple[int, int], ...]


def _judged(line: str, seen: set[str], *, last_lines: bool) -> tuple[str, _Cuts] | None:
    """Why the line is suspicious, and what of it would go (positions in the line)."""
    whole = ((0, len(line)),)
    pieces = list(_pieces(line))
    rest = _rest(line, [piece for _, piece in pieces])
    if pieces and any(char.isalpha() for char in rest) and _sign(rest) is None:
        return pieces[0][0], tuple(piece for _, piece in pieces)
    reason = _sign(line)
    if reason is None and pieces:
        reason = _sign(rest) or pieces[0][0]
    if reason is not None:
        return reason, () if reason == BLANK or _prose(line) else whole
    if _byline(line, last_lines=last_lines):
        return AUTHOR, whole
    again = _said_before(line, seen)
    if again:
        return AGAIN, again
    return (GLUED, ()) if _glued(line) else None


def _sign(line: str) -> str | None:
    squeezed = " ".join(line.split())
    return next((reason for pattern, reason in SIGNS if pattern.search(squeezed)), None)


def _pieces(line: str) -> Iterator[tuple[str, tuple[int, int]]]:
    """Debris inside the line, with no two pieces overlapping."""
    end = 0
    found = [(m.start(), m.end(), reason) for sign, reason in INSIDE for m in sign.finditer(line)]
    for start, stop, reason in sorted(found):
        if start >= end and stop > start:
            end = stop
            yield reason, (start, stop)


def _rest(line: str, cuts: list[tuple[int, int]]) -> str:
    for start, end in reversed(cuts):
        line = f"{line[:start]} {line[end:]}"
    return line.strip()


def _prose(line: str) -> bool:
    return len(line.split()) >= _PROSE and line.endswith((".", "!", "?", "…", "”", '"'))


def _byline(line: str, *, last_lines: bool) -> bool:
    """A name alone near the end: two to four words, each with a capital."""
    words = line.split()
    return (
        last_lines
        and 2 <= len(words) <= 4
        and all(word.isalpha() and word.istitle() for word in words)
    )


def _repeatable(line: str) -> Iterator[tuple[str, tuple[int, int]]]:
    """The sentences of a line, and the line itself where it is but a caption, to be known again."""
    sentences = [
        (" ".join(match.group().rstrip(".!?… ").split()).casefold(), match.span())
        for match in _SENTENCE.finditer(line)
    ]
    least = _LONG_ENOUGH_TO_REPEAT if len(sentences) > 1 else _LONG_LINE_TO_REPEAT
    for key, span in sentences:
        if len(key) >= least:
            yield key, span


def _said_before(line: str, seen: set[str]) -> _Cuts:
    here: set[str] = set()
    cuts: list[tuple[int, int]] = []
    for key, span in _repeatable(line):
        if key in seen or key in here:
            cuts.append(span)
        here.add(key)
    return tuple(cuts)


def _glued(line: str) -> bool:
    """Two words or sentences run together: "thêmĐẩy", "số.Mục"."""
    inside: list[int] = []  # places of a capital within a word
    for at in range(1, len(line) - 1):
        left, char, right = line[at - 1], line[at], line[at + 1]
        if char in ".!?" and left.islower() and right.isupper():
            return True
        if left.islower() and char.isupper() and right.islower():
            inside.append(at)
        if left.isdigit() and char.isupper() and right.islower():
            return True
    # "VNeID", "iPhone", "YouTube" are names, but no Vietnamese letter with a mark stands in those.
    if not inside:
        return False
    ascii_only = _in_ascii_words(line)
    return any(not ascii_only[at] for at in inside)


def _in_ascii_words(line: str) -> list[bool]:
    """For each character, whether the run of letters it stands in has no mark at all."""
    found: list[bool] = []
    for _, run in groupby(line, str.isalpha):
        letters = "".join(run)
        found += [letters.isascii()] * len(letters)
    return found
