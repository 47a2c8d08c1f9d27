"""What was said once and stored as text, told in another language.

A row keeps a sentence as it was said (``loa.database.Sentence``), not what it was made of. The catalogue knows all that
the rooms say, so the sentence is found again by its shape, and its values by their places.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

Tell = Callable[[str, int | None], str]
"""A template of the catalogue, and the number that decides, → that of the other language."""

VALUE = re.compile(r"%\((\w+)\)s")
LEAST_LETTERS = 3
"""A sentence with fewer letters of its own is taken for one only where its values are figures."""
MOST_DEPTH = 6
NUMBER, DAY, CLOCK = r"-?\d[\d.,]*", r"\d\d?/\d\d?(?:/\d{4})?", r"\d\d:\d\d(?::\d\d)?"
FIGURES = {
    **dict.fromkeys(
        ("n", "number", "seconds", "minutes", "days", "months", "year", "times"), NUMBER
    ),
    **dict.fromkeys(("day", "to_day"), DAY),
    "clock": CLOCK,
    "numbers": r"\d+(?:, \d+)*",
}
TYPED = frozenset({"name", "title", "text", "staff", "who", "by", "note", "names", "file", "path"})
"""Values that people typed: they are never looked at."""
_BETWEEN_PARTS = re.compile(r"(, |; | \(|\))")
_DAY_AT_END = re.compile(rf" {DAY}$")
_BETWEEN_SENTENCES = re.compile(r"(?<=[.!?]) (?=\S)|(?<=: )")


@dataclass(frozen=True)
class Shape:
    """What a sentence of the catalogue looks like when it is said."""

    template: str
    pattern: re.Pattern[str]
    hint: str
    """Its longest piece without a value: a text without it is another."""
    letters: int
    is_counted: bool


def shapes(templates: Iterable[tuple[str, bool]]) -> list[Shape]:
    """Of all that hold values, the most telling first. Each with whether it is counted."""
    found = (shape(template, is_counted) for template, is_counted in templates)
    kept = [each for each in found if each is not None]
    return sorted(kept, key=lambda each: (-each.letters, -len(each.template)))


def shape(template: str, is_counted: bool = False) -> Shape | None:
    """None of a sentence without values, or of too few words to be known by."""
    pieces = VALUE.split(template)
    own, names = pieces[::2], pieces[1::2]
    letters = sum(map(str.isalpha, "".join(own)))
    if not names or (letters < LEAST_LETTERS and not (letters and set(names) <= FIGURES.keys())):
        return None
    pattern = re.compile("".join(_pattern(names, own)), re.DOTALL)
    hint = max(own, key=len).replace("%%", "%")
    return Shape(template, pattern, hint, letters, is_counted)


def _pattern(names: list[str], own: list[str]) -> Iterable[str]:
    seen: set[str] = set()
    for name, before in zip([*names, ""], own, strict=True):
        yield re.escape(before.replace("%%", "%"))
        if name in seen:
            yield f"(?P={name})"
        elif name:
            yield f"(?P<{name}>{FIGURES.get(name, '.*?')})"
            seen.add(name)


class Recaller:
    """Tells stored text in one language."""

    def __init__(self, known: Iterable[Shape], tell: Tell) -> None:
        self._shapes, self._tell = list(known), tell

    def told(self, text: str, depth: int = 0) -> str:
        """The text itself where nobody knows it."""
        exact = self._tell(text, None)
        if exact != text or depth > MOST_DEPTH or not any(map(str.isalpha, text)):
            return exact
        return (
            self._by_shape(text, depth, is_one=True)
            or self._by_shape(text, depth, is_one=False)
            or self._by_sentence(text, depth)
            or self._without_end(text, depth)
            or (self._by_part(text, depth) if depth else None)
            or text
        )

    def _by_shape(self, text: str, depth: int, *, is_one: bool) -> str | None:
        """``is_one``: no value may hold the end of a sentence, so that what follows it is not taken for a part."""
        for each in self._shapes:
            if each.hint in text and (found := each.pattern.fullmatch(text)):
                if is_one and any(map(_holds_an_end, found.groupdict().values())):
                    continue
                values = {
                    name: self._value(name, value, depth)
                    for name, value in found.groupdict().items()
                }
                return (
                    self._tell(each.template, _number(values) if each.is_counted else None) % values
                )
        return None

    def _value(self, name: str, value: str, depth: int) -> str:
        return value if name in TYPED or name in FIGURES else self.told(value, depth + 1)

    def _by_sentence(self, text: str, depth: int) -> str | None:
        """Several sentences, or one after the name of the part it is about."""
        pieces = _BETWEEN_SENTENCES.split(text)
        if len(pieces) < 2:
            return None
        between = _BETWEEN_SENTENCES.findall(text)
        told = [self.told(each, depth + 1) for each in pieces]
        if told == pieces:
            return None
        return "".join(a + b for a, b in zip(told, [*between, ""], strict=True))

    def _by_part(self, text: str, depth: int) -> str | None:
        """What was joined: a list, something in parentheses, or words after others that need no more between."""
        told = [self.told(each, depth + 1) for each in _BETWEEN_PARTS.split(text)]
        if len(told) > 1:
            return "".join(told)
        for blank in re.finditer(" ", text):
            head, tail = text[: blank.start()], text[blank.end() :]
            if (known := self._tell(tail, None)) != tail:
                return f"{self.told(head, depth + 1)} {known}"
        return None

    def _without_end(self, text: str, depth: int) -> str | None:
        """A clause that was made a sentence, or that something follows."""
        for bare in (text.rstrip(".: "), _DAY_AT_END.sub("", text)):
            told = self.told(bare, depth + 1) if bare != text else bare
            if told != bare:
                return told + text[len(bare) :]
        return None


def _holds_an_end(value: str) -> bool:
    return ". " in value or value.endswith(".")


def _number(values: dict[str, str]) -> int | None:
    digits = re.sub(r"\D", "", values.get("n", ""))
    return int(digits) if digits else None
