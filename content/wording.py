"""Wording: what was taken out of a text and what was put in, for people to see, at a bounded cost.

Lines are compared first, then the words of the lines that differ. Comparing two texts exactly takes time squared, so
the work is counted: where it would be too much, a stretch is simply taken out and put in whole.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Literal, NamedTuple

STEPS = 400_000
"""Steps of one comparison, each well under a microsecond."""
_FEW = 4_000  # pairs of equal words: so few, and the longest run of them may be looked for
_APART = (
    40  # words taken out and put in at one place, beyond which nobody looks for where both go on
)
_ENOUGH = 3  # equal words in a row: there both texts go on

_LINES = re.compile(r"[^\n]+\n*|\n+")
_WORDS = re.compile(r"\S+\s*|\s+")


class Piece(NamedTuple):
    """A stretch of both texts, or of the one that it was taken out of or put in."""

    kind: Literal["same", "added", "removed"]
    text: str


class Budget:
    """How many steps a comparison may still take; many small ones can share it."""

    def __init__(self, steps: int = STEPS) -> None:
        self.left = steps

    def take(self, steps: int) -> bool:
        """Whether so many can be taken; they then are."""
        if steps > self.left:
            return False
        self.left -= steps
        return True


class _Run(NamedTuple):
    """So many equal items, from ``old`` of the one list and ``new`` of the other."""

    old: int
    new: int
    size: int


class _Gap(NamedTuple):
    """What of both lists is still to be compared: from, to; from, to."""

    old: int
    old_end: int
    new: int
    new_end: int


def compare(old: str, new: str, budget: Budget | None = None) -> list[Piece]:
    """The pieces of both texts in order: same and removed joined are ``old``, same and added ``new``."""
    budget = budget or Budget()
    written = _Written()
    _weave(written, _LINES, old, new, budget)
    return written.pieces()


def shared(old: Sequence[str], new: Sequence[str], budget: Budget) -> list[tuple[int, int]]:
    """Places (in old, in new) of equal items, in an order that both lists have."""
    runs: list[_Run] = []
    gaps = [_Gap(0, len(old), 0, len(new))]
    while gaps:
        gap = gaps.pop()
        head, tail, left = _ends(old, new, gap)
        inner = _runs(old, new, left, budget) if left.old < left.old_end else []
        runs += [head, *inner, tail]
        gaps += _between(left, inner) if inner else []
    return sorted((run.old + at, run.new + at) for run in runs for at in range(run.size))


# --- putting the pieces down ---------------------------------------------------------------------


class _Written:
    """Pieces as they come; what was taken out at one place stands before what was put in."""

    def __init__(self) -> None:
        self._pieces: list[Piece] = []
        self._same: list[str] = []
        self._removed: list[str] = []
        self._added: list[str] = []

    def same(self, text: str) -> None:
        if text and (self._removed or self._added):
            self._settle()
        self._same += [text] if text else []

    def changed(self, removed: str, added: str) -> None:
        self._removed += [removed] if removed else []
        self._added += [added] if added else []

    def pieces(self) -> list[Piece]:
        self._settle()
        return self._pieces

    def _settle(self) -> None:
        """What comes next is the same again."""
        for kind, texts in (
            ("same", self._same), ("removed", self._removed), ("added", self._added),
        ):  # fmt: skip
            if texts:
                self._pieces.append(Piece(kind, "".join(texts)))  # type: ignore[arg-type] # kinds are from the tuple above
                texts.clear()


def _weave(written: _Written, pattern: re.Pattern[str], old: str, new: str, budget: Budget) -> None:
    olds, news = pattern.findall(old), pattern.findall(new)
    places = shared([each.rstrip() for each in olds], [each.rstrip() for each in news], budget)
    ends = [(-1, -1), *places, (len(olds), len(news))]
    for (a, b), (c, d) in pairwise(ends):
        removed, added = "".join(olds[a + 1 : c]), "".join(news[b + 1 : d])
        if removed and added and pattern is _LINES:
            _weave(written, _WORDS, removed, added, budget)
        else:
            written.changed(removed, added)
        if (c, d) != ends[-1]:
            _put(written, olds[c], news[d])


def _put(written: _Written, old: str, new: str) -> None:
    """A word both have; of the blanks behind it, as many as both have."""
    least = min(len(old), len(new))
    both = next((at for at in range(least) if old[at] != new[at]), least)
    written.same(old[:both])
    written.changed(old[both:], new[both:])


# --- finding what is equal -----------------------------------------------------------------------


def _ends(old: Sequence[str], new: Sequence[str], gap: _Gap) -> tuple[_Run, _Run, _Gap]:
    """What is equal at both ends of a gap, and what is left between."""
    a, b, c, d = gap
    while a < b and c < d and old[a] == new[c]:
        a, c = a + 1, c + 1
    head = _Run(gap.old, gap.new, a - gap.old)
    while a < b and c < d and old[b - 1] == new[d - 1]:
        b, d = b - 1, d - 1
    return head, _Run(b, d, gap.old_end - b), _Gap(a, b, c, d)


def _between(gap: _Gap, runs: Sequence[_Run]) -> Iterator[_Gap]:
    a, c = gap.old, gap.new
    for run in [*runs, _Run(gap.old_end, gap.new_end, 0)]:
        if a < run.old and c < run.new:
            yield _Gap(a, run.old, c, run.new)
        a, c = run.old + run.size, run.new + run.size


def _runs(old: Sequence[str], new: Sequence[str], gap: _Gap, budget: Budget) -> list[_Run]:
    """Runs of equal items in a gap, in order; none where there are none, or where it costs too much."""
    if not budget.take(gap.old_end - gap.old + gap.new_end - gap.new):
        return []
    places: dict[str, list[int]] = {}
    for at in range(gap.new, gap.new_end):
        places.setdefault(new[at], []).append(at)
    pairs = sum(len(places.get(old[at], ())) for at in range(gap.old, gap.old_end))
    if pairs == 0:
        return []
    if pairs <= _FEW and budget.take(pairs):
        return [_longest(old, gap, places)]
    return _only_ones(old, gap, places) or _further_on(old, new, gap, budget)


def _longest(old: Sequence[str], gap: _Gap, places: dict[str, list[int]]) -> _Run:
    """The first of the longest runs."""
    best = _Run(gap.old, gap.new, 0)
    lengths: dict[int, int] = {}  # place in the new list → length of the run that ends there
    for at in range(gap.old, gap.old_end):
        here: dict[int, int] = {}
        for place in places.get(old[at], ()):
            size = here[place] = lengths.get(place - 1, 0) + 1
            if size > best.size:
                best = _Run(at - size + 1, place - size + 1, size)
        lengths = here
    return best


def _only_ones(old: Sequence[str], gap: _Gap, places: dict[str, list[int]]) -> list[_Run]:
    """Items that both lists have exactly once: the most of them that are in order."""
    counts = Counter(old[gap.old : gap.old_end])
    found = [
        (at, places[old[at]][0])
        for at in range(gap.old, gap.old_end)
        if counts[old[at]] == 1 and len(places.get(old[at], ())) == 1
    ]
    return [_Run(at, place, 1) for at, place in _rising(found)]


def _rising(found: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The longest choice of these whose second numbers rise, as the first ones do."""
    lasts: list[int] = []  # by length less one: the least second number that a choice ends with
    ends: list[int] = []  # and which of `found` that is
    before: list[int] = []
    for number, (_, place) in enumerate(found):
        length = bisect_left(lasts, place)
        lasts[length : length + 1], ends[length : length + 1] = [place], [number]
        before.append(ends[length - 1] if length else -1)
    chosen: list[tuple[int, int]] = []
    number = ends[-1] if ends else -1
    while number >= 0:
        chosen.append(found[number])
        number = before[number]
    return chosen[::-1]


def _further_on(old: Sequence[str], new: Sequence[str], gap: _Gap, budget: Budget) -> list[_Run]:
    """From the front on, wherever both lists go on alike after a few changes."""
    found: list[_Run] = []
    while (run := _next_run(old, new, gap, budget)) is not None:
        found.append(run)
        gap = gap._replace(old=run.old + run.size, new=run.new + run.size)
    return found


def _next_run(old: Sequence[str], new: Sequence[str], gap: _Gap, budget: Budget) -> _Run | None:
    """The nearest run that is long enough: Myers' greedy search, left off at the first good place."""
    reach = {1: 0}  # diagonal (items removed less items added) → the furthest place in the old list
    for changes in range(_APART + 1):
        if not budget.take(changes + 1):
            return None
        for k in range(-changes, changes + 1, 2):
            down = k == -changes or (k != changes and reach[k - 1] < reach[k + 1])
            begin = reach[k + 1] if down else reach[k - 1] + 1
            a, c = gap.old + begin, gap.new + begin - k
            size = 0
            while (
                a + size < gap.old_end and c + size < gap.new_end and old[a + size] == new[c + size]
            ):
                size += 1
            if size >= _ENOUGH:
                return _Run(a, c, size)
            reach[k] = begin + size
    return None
