"""Sentences for people: Vietnamese text that remembers what it was made of, so that a page can say it otherwise.

``say`` gives a ``str`` like any other. What is stored, compared, signed, logged or sent is the Vietnamese; only what
a page prints (``__html__``, which templates ask for) goes through the reader's ``translator``.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from functools import partial
from typing import Any

Edit = Callable[[str], str]


Translator = Callable[[str, int | None], str]
"""From a Vietnamese template, and the number that decides between one and many, to that of the reader's language."""


def as_it_is(template: str, _number: int | None) -> str:
    """The Translator of whoever reads Vietnamese."""
    return template


translator: ContextVar[Translator] = ContextVar("translator", default=as_it_is)
"""Of who reads what is made now; a page's request sets it."""


class Said(str):
    """A sentence said in Vietnamese. Make it by ``say``, ``counted``, ``join`` or ``recall``."""

    template: str
    values: dict[str, Any]
    number: int | None
    edits: tuple[Edit, ...]
    is_sentence: bool
    """False for what only holds others together: it has no translation of its own."""

    def told(self) -> str:
        """The text in the language of who reads now."""
        return self._filled(_told, str)

    def __html__(self) -> str:
        return self._filled(_shown, html.escape)

    def _filled(self, value: Callable[[Any], Any], text: Callable[[str], str]) -> str:
        known = translator.get()(self.template, self.number) if self.is_sentence else self.template
        filled = text(known)
        if self.values:
            filled %= {name: value(one) for name, one in self.values.items()}
        for edit in self.edits:
            filled = edit(filled)
        return filled

    def _edited(self, edit: Edit) -> Said:
        return _said(self.template, self.values, self.number, (*self.edits, edit), self.is_sentence)

    def lower(self) -> Said:
        return self._edited(str.lower)

    def upper(self) -> Said:
        return self._edited(str.upper)

    def capitalize(self) -> Said:
        return self._edited(str.capitalize)

    def __mod__(self, values: Any) -> Any:
        """For libraries that fill in what they are given; without anything to fill in it stays as said."""
        return self._edited(partial(_filled_later, values=values))

    def __reduce__(self) -> tuple[Any, ...]:
        return _said, (self.template, self.values, self.number, self.edits, self.is_sentence)


def say(template: str, /, **values: Any) -> Said:
    """The sentence, its ``%(name)s`` filled in; without values a ``%`` is a ``%``.

    >>> say("Đầu thu %(name)s im lặng.", name="Cột 3")
    'Đầu thu Cột 3 im lặng.'
    """
    return _said(template, values, None, (), True)


def counted(template: str, n: int, /, **values: Any) -> Said:
    """As ``say``, with ``%(n)s``; languages that tell one from many take the form for ``n``."""
    return _said(template, {"n": n, **values}, n, (), True)


def join(between: str, parts: Iterable[object]) -> Said:
    """``between.join(parts)``, each of them still in its reader's language."""
    values = {f"p{at}": part for at, part in enumerate(parts)}
    template = "%(between)s".join(f"%({name})s" for name in values)
    return _said(template, {**values, "between": between}, None, (), False)


def first_upper(text: str) -> str:
    """As at the head of a sentence: only the first letter becomes large, names within keep theirs."""
    return text._edited(_first_upper) if isinstance(text, Said) else _first_upper(text)


def _first_upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def _filled_later(text: str, values: object) -> str:
    return text % values


def recall(text: str, /) -> Said:
    """What was said once and stored, said again: whose page it is may know what it was made of."""
    return text if isinstance(text, Said) else _said(text, {}, None, (), bool(text))


def told(value: object) -> Any:
    """Text for a program's page (JSON): every sentence within ``value`` in the language of who reads now."""
    if isinstance(value, Said):
        return value.told()
    if isinstance(value, dict):
        return {key: told(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [told(one) for one in value]
    return value


def _said(
    template: str,
    values: dict[str, Any],
    number: int | None,
    edits: tuple[Edit, ...],
    is_sentence: bool,
) -> Said:
    values = {name: _kept(value) for name, value in values.items()}
    text = template % values if values else template
    for edit in edits:
        text = edit(text)
    said = Said(text)
    said.template, said.values, said.number = template, values, number
    said.edits, said.is_sentence = edits, is_sentence
    return said


def _kept(value: object) -> object:
    """As it is now: what a row or a date says may change, and must not go with a pickle. It may be a sentence too."""
    is_kept = isinstance(value, str | int | float) or hasattr(value, "__html__")
    return value if is_kept else str(value)


def _told(value: object) -> object:
    return value.told() if isinstance(value, Said) else value


def _shown(value: object) -> object:
    """Safe within a page; numbers stay numbers, for ``%(n)d``."""
    if hasattr(value, "__html__"):
        return value.__html__()
    return value if isinstance(value, int | float) else html.escape(str(value))
