"""Searching Vietnamese with and without marks: "tiem chung" finds "Tiêm chủng"; "tiêm" does not find "tiệm"."""

from __future__ import annotations

import unicodedata

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute

_STROKES = str.maketrans("đĐ", "dD")


def without_marks(text: str) -> str:
    """The text in plain letters: no tones, no hats, no horns."""
    plain = unicodedata.normalize("NFD", text.translate(_STROKES))
    return "".join(char for char in plain if not unicodedata.combining(char))


def _folded(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())


def key(*texts: str) -> str:
    """What is stored beside a row to be found by any of these texts: without marks, and as written.

    It begins with the first text in plain letters, so that rows sorted by it stand as in a dictionary.
    """
    folded = [_folded(text) for text in texts]
    return "\n".join([*map(without_marks, folded), *folded])


def matches(column: InstrumentedAttribute[str], query: str) -> sa.ColumnElement[bool]:
    """Every word of the query stands in the key; a word typed with marks must have just these."""
    found = (column.contains(word, autoescape=True) for word in _folded(query).split())
    return sa.and_(sa.true(), *found)


def holds(key: str, query: str) -> bool:
    """``matches`` for a key in hand, where a list is too short to trouble the database."""
    return all(word in key for word in _folded(query).split())
