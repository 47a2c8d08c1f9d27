"""Corrections: how one piece of one bulletin is to be said, whatever the rules think of it.

Positions count characters of the text in NFC, as the reading does. Pure: nothing is kept here.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right, insort
from collections.abc import Iterable
from operator import attrgetter
from typing import NamedTuple

import msgspec

from content import wording
from loa.words import say

MAX_SPOKEN = 200

_LINE = re.compile(r"[^\n]*[^\n\s][^\n]*")
_WORD = re.compile(r"\w+|[^\w\s]")
_TOUCHED_LEFT = re.compile(r"\w[-/.:]?$|\d,$")
_TOUCHED_RIGHT = re.compile(r"[-/.:]?\w|,\d")


_START = attrgetter("start")


class Correction(msgspec.Struct, frozen=True):
    """The piece `written`, from `start` up to `end` of the text in NFC, is said as `spoken`."""

    start: int
    end: int
    written: str
    spoken: str

    def fits(self, text: str) -> bool:
        """Whether the piece stands in this text (NFC) at its place."""
        return 0 <= self.start < self.end and text[self.start : self.end] == self.written


class _Move(NamedTuple):
    """Characters `start` to `end` of the old text stand `by` further on in the new one."""

    start: int
    end: int
    by: int


def put(corrections: Iterable[Correction], new: Correction) -> tuple[Correction, ...]:
    """The corrections with the new one, in order; those it overlaps make way for it."""
    apart = [old for old in corrections if old.end <= new.start or new.end <= old.start]
    return tuple(sorted([*apart, new], key=lambda correction: correction.start))


def problem(correction: Correction, text: str) -> str | None:
    """What is wrong with a correction of this text, as a Vietnamese sentence; None if nothing."""
    said = correction.spoken
    if not said.strip():
        return say("Chưa điền cách đọc của “%(written)s”.", written=correction.written)
    if len(said) > MAX_SPOKEN:
        return say(
            "Cách đọc dài %(n)s ký tự; hãy rút xuống %(longest)s ký tự.",
            n=len(said),
            longest=MAX_SPOKEN,
        )
    if any(char.isdigit() for char in said):
        return say(
            "Cách đọc của “%(written)s” còn chữ số; hãy viết số bằng chữ.",
            written=correction.written,
        )
    if not all(char.isprintable() for char in said + correction.written):
        return say("Mỗi chỗ sửa chỉ nằm trên một dòng; hãy sửa từng dòng một.")
    if not correction.fits(unicodedata.normalize("NFC", text)):
        return say(
            "“%(written)s” không còn ở chỗ đã sửa; hãy tải lại trang và sửa lại.",
            written=correction.written,
        )
    return None


def carry_over(
    corrections: Iterable[Correction], before: str, after: str
) -> tuple[tuple[Correction, ...], tuple[Correction, ...]]:
    """After the text was edited: the corrections at their new places, and those whose piece is gone.

    The cost is bounded; two long texts that have too little in common lose what is not there exactly once.
    """
    made = sorted(corrections, key=_START)
    if not made:
        return (), ()
    before, after = (unicodedata.normalize("NFC", text) for text in (before, after))
    moves = _moves(before, after)
    kept: list[Correction] = []
    lost: list[Correction] = []
    for old in made:
        new = _moved(old, moves, before, after) or _only_one(old, before, after)
        if new is not None and _is_free(new, kept):
            insort(kept, new, key=_START)
        else:
            lost.append(old)
    return tuple(kept), tuple(lost)


def _is_free(new: Correction, kept: list[Correction]) -> bool:
    """Whether none of these, which are in order and apart, overlaps the new one."""
    at = bisect_right(kept, new.start, key=_START)
    return (at == 0 or kept[at - 1].end <= new.start) and (
        at == len(kept) or new.end <= kept[at].start
    )


def _moves(before: str, after: str) -> list[_Move]:
    """The stretches both texts share, in order: the two ends, then equal lines, then equal words."""
    most = min(len(before), len(after))
    head = _common(before, after, most)
    tail = _common(before[::-1], after[::-1], most - head)
    end = _Move(len(before) - tail, len(before), len(after) - len(before))
    moves, budget = [_Move(0, head, 0)], wording.Budget()
    for line in [*_same(_LINE, before, after, moves[0], end, budget), end]:
        moves += [*_same(_WORD, before, after, moves[-1], line, budget), line]
    return moves


def _common(one: str, other: str, most: int) -> int:
    """How many characters are the same from the start on, at most `most`."""
    low, high = 0, most
    while low < high:  # halving: comparing slices is far faster than comparing characters
        half = (low + high + 1) // 2
        if one[low:half] == other[low:half]:
            low = half
        else:
            high = half - 1
    return low


def _same(
    pattern: re.Pattern[str],
    before: str,
    after: str,
    left: _Move,
    right: _Move,
    budget: wording.Budget,
) -> list[_Move]:
    """The pieces (lines, words) equal in both texts between two stretches already known."""
    old = list(pattern.finditer(before, left.end, right.start))
    new = list(pattern.finditer(after, left.end + left.by, right.start + right.by))
    texts, others = [m.group() for m in old], [m.group() for m in new]
    return [
        _Move(*old[a].span(), new[b].start() - old[a].start())
        for a, b in wording.shared(texts, others, budget)
    ]


def _moved(old: Correction, moves: list[_Move], before: str, after: str) -> Correction | None:
    """The correction where its first character went, if the whole piece stands there."""
    at = bisect_right(moves, old.start, key=_START) - 1
    if at < 0 or old.start >= moves[at].end:
        return None
    by = moves[at].by
    new = msgspec.structs.replace(old, start=old.start + by, end=old.end + by)
    return new if new.fits(after) and _as_free(old, before, new, after) else None


def _as_free(old: Correction, before: str, new: Correction, after: str) -> bool:
    """Whether nothing was written straight to the piece: "12/4" became "12/40" or "12/4/2024"."""
    return _touched(after, new) <= _touched(before, old)


def _touched(text: str, piece: Correction) -> set[str]:
    """On which sides the piece only is a part of something longer."""
    left = _TOUCHED_LEFT.search(text[max(0, piece.start - 2) : piece.start])
    right = _TOUCHED_RIGHT.match(text[piece.end : piece.end + 2])
    return {side for side, found in (("left", left), ("right", right)) if found}


def _only_one(old: Correction, before: str, after: str) -> Correction | None:
    """The piece where it stands in the new text, if both texts have it exactly once."""
    if before.count(old.written) != 1 or after.count(old.written) != 1:
        return None
    start = after.index(old.written)
    new = msgspec.structs.replace(old, start=start, end=start + len(old.written))
    return new if _as_free(old, before, new, after) else None
