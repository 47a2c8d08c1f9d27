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


# Odd numbers (½, ①, Ⅲ) count as letters in a regular expression; here they are signs.
ODD = "\ufffd"
_LONE_POWER = re.compile("(?<!m)[²³]")


def _same_length(char: str) -> str:
    if char.isdecimal():
        return str(unicodedata.decimal(char))
    kind = unicodedata.category(char)
    if kind in ("No", "Nl") and char not in "²³":
        return ODD
    return " " if kind == "Zs" else char


class Draft:
    """`text` is the plain copy, `masked` the same with everything taken hidden."""

    def __init__(self, written: str, dictionary: Dictionary) -> None:
        self.written = written
        self.dictionary = dictionary
        same = "".join(map(_same_length, written.translate(_SAME)))
        self.text = _LONE_POWER.sub(ODD, same)
        self.masked = self.text
        self._chars = list(self.text)
        self._starts: dict[int, Found] = {}
        self._ends: dict[int, Found] = {}

    def apply(self, rule: Rule) -> None:
        """Take what the rule finds, first come first served; overlapping pieces are left out."""
        for found in list(rule(self)):
            hidden = self._chars[found.start : found.end]
            if not hidden or MASK in hidden:
                continue
            self._chars[found.start : found.end] = MASK * len(hidden)
            self._starts[found.start] = found
            self._ends[found.end] = found
        self.masked = "".join(self._chars)

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
