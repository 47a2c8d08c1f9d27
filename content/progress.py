"""How far a long piece of work is, told in percent that never fall."""

from __future__ import annotations

from collections.abc import Callable

from loa.words import join

Progress = Callable[[str, int], None]
"""Called with the step's Vietnamese name and the percent done of the whole, 0 to 100, never falling."""


class Told:
    """Passes progress on, and never lets it fall, as when the same step is done again."""

    def __init__(self, progress: Progress) -> None:
        self._progress, self._last = progress, ("", -1)

    def __call__(self, step: str, percent: int) -> None:
        news = (step, max(percent, self._last[1]))
        if news != self._last:
            self._last = news
            self._progress(*news)


class Step:
    """A stretch, ``first`` to ``last`` percent, of the whole."""

    def __init__(self, told: Told, first: float, last: float, where: str = "") -> None:
        self.told, self.first, self.last, self.where = told, first, last, where

    def __call__(self, name: str, part: float) -> None:
        percent = self.first + (self.last - self.first) * part
        self.told(join("", [self.where, name]), round(percent))

    def of(self, name: str, begin: float, end: float) -> Callable[[float], None]:
        """A callback for one thing done within it, whose 0.0 to 1.0 is ``begin`` to ``end``; begun at once."""
        self(name, begin)
        return lambda part: self(name, begin + (end - begin) * part)
