"""The text while the reading rules work on it: what is found so far, and what is still plain.

Every rule looks at the same written text and yields `Found` pieces; a piece once taken is hidden from
later rules by MASK, so no rule ever sees what another one says. The plain copy of the text has exactly
the length of the written one, so positions are shared.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from content.dictionary import Dictionary

MASK = "\ue000"

# One character for one character, or positions would shift.
_SAME = str.maketrans(
    {
        "Ð": "Đ",  # Icelandic eth: old Vietnamese fonts and scanned papers
        "ð": "đ",
        "‐": "-",
        "‑": "-",
        "−": "-",
        "‒": "–",
        "—": "–",
        "―": "–",
        "º": "°",
        "⁰": "°",
        "ᵒ": "°",
        "˚": "°",
        "′": "'",
        "’": "'",
        "‘": "'",
        "⁄": "/",
        "∕": "/",
        "％": "%",
        "：": ":",
        "，": ",",
        "．": ".",
        "（": "(",
        "）": ")",
        "\t": " ",
        MASK: "\ufffd",
    }
)


class Found(NamedTuple):
    """One piece of the written text and how it is said; `warning` is a Vietnamese sentence."""

    start: int
    end: int
    spoken: str
    rule: str
    warning: str | None = None


Rule = Callable[["Draft"], Iterable[Found]]


_RUN = re.compile(r"\d\d*")
_CAPITAL = re.compile(r"[A-ZĐƯÂÔ](?<!\w[A-ZĐƯÂÔ])")
_SIGNS_BEFORE = 3

# Odd numbers (½, ①, Ⅲ) count as letters in a regular expression; here they are signs.
ODD = "\ufffd"
_LONE_POWER = re.compile("(?<!m)[²³]")


class _SameLength(dict[int, str]):
    """For `str.translate`: works a character out when it is first met."""

    def __missing__(self, code: int) -> str:
        self[code] = _same_length(chr(code))
        return self[code]


def _same_length(char: str) -> str:
    if char.isdecimal():
        return str(unicodedata.decimal(char))
    kind = unicodedata.category(char)
    if kind in ("No", "Nl") and char not in "²³":
        return ODD
    return " " if kind == "Zs" else char


_TABLE = _SameLength(_SAME)


class Draft:
    """`text` is the plain copy, `masked` the same with everything taken hidden."""

    def __init__(self, written: str, dictionary: Dictionary) -> None:
        self.written = written
        self.dictionary = dictionary
        self.text = _LONE_POWER.sub(ODD, written.translate(_TABLE))
        self.masked = self.text
        runs = [match.span() for match in _RUN.finditer(self.text)]
        self._numbers = [start for start, _ in runs]
        self._tails = {start: self.text[end : end + 2].lstrip(" ")[:1] for start, end in runs}
        self._capitals = [match.start() for match in _CAPITAL.finditer(self.text)]
        self._chars = list(self.text)
        self._starts: dict[int, Found] = {}
        self._ends: dict[int, Found] = {}

    def apply(self, rule: Rule) -> None:
        """Take what the rule finds, first come first served; overlapping pieces are left out."""
        taken = False
        for found in list(rule(self)):
            hidden = self._chars[found.start : found.end]
            if not hidden or MASK in hidden:
                continue
            self._chars[found.start : found.end] = MASK * len(hidden)
            self._starts[found.start] = found
            self._ends[found.end] = found
            taken = True
        if taken:
            masked = self.masked = "".join(self._chars)
            self._numbers = [at for at in self._numbers if masked[at] != MASK]

    def at_numbers(
        self, pattern: re.Pattern[str], behind: str = "", then: str = ""
    ) -> Iterator[re.Match[str]]:
        """What `finditer` finds of a pattern that starts with a number, or with one of `behind` before it.

        Trying where numbers stand costs next to nothing; searching a whole text for each rule does not.
        `then` holds every character that can follow the digits, or the one space behind them.
        """
        if behind:
            yield from self._at_signed_numbers(pattern, behind, then)
            return
        end, masked, match_at = 0, self.masked, pattern.match
        for number in self._followed(then):
            if number >= end and (match := match_at(masked, number)) is not None:
                end = match.end()
                yield match

    def _followed(self, then: str) -> list[int]:
        if not then:
            return self._numbers
        tails = self._tails
        return [number for number in self._numbers if tails[number] in then]

    def _at_signed_numbers(
        self, pattern: re.Pattern[str], behind: str, then: str
    ) -> Iterator[re.Match[str]]:
        end = 0
        for number in self._followed(then):
            start = number
            while start > end and self.text[start - 1] in behind and number - start < _SIGNS_BEFORE:
                start -= 1
            for position in range(max(start, end), number + 1):
                match = pattern.match(self.masked, position)
                if match is not None:
                    end = match.end()
                    yield match
                    break

    def at_capitals(
        self, pattern: re.Pattern[str], text: str | None = None
    ) -> Iterator[re.Match[str]]:
        """What `finditer` finds of a pattern that starts with a word's capital (A to Z, Đ, Ư)."""
        end = 0
        text = text or self.masked
        for position in self._capitals:
            if position < end or text[position] == MASK:
                continue
            match = pattern.match(text, position)
            if match is not None:
                end = match.end()
                yield match

    def starting(self, position: int) -> Found | None:
        return self._starts.get(position)

    def ending(self, position: int) -> Found | None:
        return self._ends.get(position)

    def before(self, position: int, length: int = 40) -> str:
        """The plain text just before, within the line."""
        text = self.text[max(0, position - length) : position]
        return text[text.rfind("\n") + 1 :]

    def after(self, position: int, length: int = 40) -> str:
        """The plain text just behind, within the line."""
        return self.text[position : position + length].partition("\n")[0]

    def spaces_before(self, position: int, most: int = 3) -> int:
        """Where up to `most` spaces before the position begin."""
        start = position
        while start > 0 and position - start < most and self.masked[start - 1] == " ":
            start -= 1
        return start

    def spaces_after(self, position: int, most: int = 3) -> int:
        end = position
        while end < len(self.masked) and end - position < most and self.masked[end] == " ":
            end += 1
        return end

    def pieces(self) -> Iterator[Found]:
        """Everything taken so far, in the order of the text."""
        for _, found in sorted(self._starts.items()):
            yield found
