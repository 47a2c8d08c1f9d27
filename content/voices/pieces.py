"""A text cut into what a voice takes at once, and the silence before each piece."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from content.voices import base

SENTENCE_PAUSE_SECONDS = 0.35
CLAUSE_PAUSE_SECONDS = 0.15
SENTENCE_END = re.compile(r"(?:(?<=[.!?…])|(?<=[.!?…][”\"’»)]))\s+")
FINER = (re.compile(r"(?<=[,;:–—])\s+"), re.compile(r"\s+"))
"""Where a sentence too long is cut: at the end of a clause, else of a word."""


def paragraphs(text: str) -> list[str]:
    """The lines of ``text`` that have something to say."""
    return [line for line in map(str.strip, text.splitlines()) if _spoken(line)]


def packed(paragraph: str, most: int) -> list[str]:
    """Cut into pieces of at most ``most`` characters, as few as will do, every mark of punctuation kept.

    A cut is heard as a pause, so it falls at the end of a sentence, else of a clause, else of a word.
    """
    pieces: list[str] = []
    for sentence in SENTENCE_END.split(paragraph.strip()):
        _add(pieces, sentence, FINER, most)
    return [piece for piece in pieces if _spoken(piece)]


def sentences(paragraph: str, most: int) -> list[str]:
    """A sentence a piece, only those of over ``most`` characters cut further."""
    return [
        piece
        for sentence in SENTENCE_END.split(paragraph.strip())
        for piece in packed(sentence, most)
    ]


def with_pauses(text: Iterable[Sequence[str]]) -> list[tuple[float, str]]:
    """(seconds of silence before it, piece) of each piece of each paragraph; none before the first."""
    plan: list[tuple[float, str]] = []
    for paragraph in text:
        for number, piece in enumerate(paragraph):
            plan.append((_pause(plan[-1][1], number) if plan else 0.0, piece))
    return plan


def _pause(before: str, number: int) -> float:
    if number == 0:
        return base.PARAGRAPH_PAUSE_SECONDS
    ended = before.rstrip('”"’»)').endswith((".", "!", "?", "…"))
    return SENTENCE_PAUSE_SECONDS if ended else CLAUSE_PAUSE_SECONDS


def _add(pieces: list[str], text: str, finer: Sequence[re.Pattern[str]], most: int) -> None:
    """Append to the last piece while there is room, else cut finer, else begin a new one."""
    if pieces and len(pieces[-1]) + 1 + len(text) <= most:
        pieces[-1] = f"{pieces[-1]} {text}".strip()
    elif len(text) <= most:
        pieces.append(text)
    elif finer:
        for part in finer[0].split(text):
            _add(pieces, part, finer[1:], most)
    else:
        pieces += [text[i : i + most] for i in range(0, len(text), most)]


def _spoken(text: str) -> bool:
    return any(letter.isalnum() for letter in text)
