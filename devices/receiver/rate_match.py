"""Holds a sound to the steady clock: a card's own clock is some 100 millionths off, 0.2 s in half an hour."""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Callable

WINDOW = 100
"""Callbacks looked back on, five seconds of them: one of so many comes in time even on a busy machine."""
SLACK_NS = 500_000
"""Half a millisecond off is left alone."""
LOOKED_THROUGH = 200
"""Samples among which the least audible place to mend is sought: 8 ms."""
_NS = 1_000_000_000


class CardTime:
    """When a card comes to each of its frames, seen through callbacks that may come late but never early."""

    def __init__(self, rate: int) -> None:
        self._rate, self._given = rate, 0
        self._seen: deque[int] = deque(maxlen=WINDOW)
        self.callbacks = 0

    def asked(self, now_ns: int, frames: int) -> int:
        """The card asks for ``frames`` more; the answer is when, in ns, without the lateness of this callback."""
        before = self._given * _NS // self._rate
        self._seen.append(now_ns - before)
        self._given += frames
        self.callbacks += 1
        return self.origin + before

    @property
    def origin(self) -> int:
        """When it would have asked for its first frame, at the pace it asks now."""
        return min(self._seen)


class RateMatch:
    """Says when a sample is to be left out or given twice, one in each block at most."""

    def __init__(self, time: CardTime, rate: int) -> None:
        self._time, self._rate = time, rate
        self._base: int | None = None
        self._mended = 0
        self._mending = False

    def correction(self) -> int:
        """1: take a sample more than is given to the card; -1: one less; 0: as many."""
        if self._time.callbacks < WINDOW:
            return 0
        if self._base is None:
            self._base = self._time.origin
        behind = self._time.origin - self._base - self._mended * _NS // self._rate
        # Once begun it is mended whole, so that half a millisecond is not mended back and forth.
        self._mending = abs(behind) > SLACK_NS or (self._mending and abs(behind) > SLACK_NS // 10)
        if not self._mending:
            return 0
        step = 1 if behind > 0 else -1
        self._mended += step
        return step

    def fit(self, take: Callable[[int], array[int]], frames: int) -> array[int]:
        """``frames`` samples for the card, made of as many as ``take`` is asked for; fewer at the sound's end."""
        step = self.correction()
        samples = take(frames + step)
        if step and len(samples) == frames + step:
            place = _smoothest(samples)
            if step > 0:
                del samples[place]
            else:
                samples.insert(place, samples[place])
        return samples[:frames]


def _smoothest(samples: array[int]) -> int:
    """Where a sample is most like the one before it."""
    near = range(1, min(len(samples), LOOKED_THROUGH))
    return min(near, key=lambda n: abs(samples[n] - samples[n - 1]), default=0)
