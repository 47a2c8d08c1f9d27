"""The simulated time: what is to happen, in order, and randomness that one fault cannot shift under another."""

from __future__ import annotations

import heapq
import itertools
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

from loa.times import Instant, after

Act = Callable[[], None]


class Plug:
    """Pulled at one of the places its owner passes by: before it acts, between two acts, after."""

    def __init__(self, cut: type[BaseException]) -> None:
        self._cut = cut
        self._left: int | None = None

    def arm(self, places: int) -> None:
        """Pull at the ``places``-th place from now on."""
        self._left = places

    def disarm(self) -> None:
        self._left = None

    def passes(self) -> None:
        """A place at which it may happen."""
        if self._left is None:
            return
        self._left -= 1
        if self._left <= 0:
            self._left = None
            raise self._cut


class Timeline:
    """True time in milliseconds. Nothing in it depends on the machine's own clock or randomness."""

    def __init__(self, seed: int, begins: Instant) -> None:
        self.seed = seed
        self.now = begins
        self._queue: list[tuple[int, int, bool, Act]] = []
        self._numbers = itertools.count()
        self._streams: dict[str, Random] = {}
        self.counts: Counter[str] = Counter()
        """What happened how often: a model in which nothing goes wrong proves nothing."""
        self.trace: list[tuple[Any, ...]] | None = None

    def random(self, name: str) -> Random:
        """A stream of its own for each purpose."""
        if name not in self._streams:
            self._streams[name] = Random(f"{self.seed} {name}")
        return self._streams[name]

    def at(self, when: int, act: Act, *, carried: bool = False) -> None:
        """Do it then. ``carried``: a message on its way, which ``hurry`` brings in."""
        heapq.heappush(self._queue, (max(when, self.now), next(self._numbers), carried, act))

    def within(self, ms: int, act: Act, *, carried: bool = False) -> None:
        self.at(self.now + ms, act, carried=carried)

    def run(self, until: int) -> None:
        """Let the time pass."""
        while self._queue and self._queue[0][0] <= until:
            when, _, _, act = heapq.heappop(self._queue)
            self.now = Instant(when)
            act()
        self.now = Instant(until)

    def hurry(self, most: int) -> None:
        """What is on its way arrives within ``most`` milliseconds, in any order."""
        random = self.random("hurry")
        queue = sorted(self._queue, key=lambda one: one[:2])
        self._queue = [
            (min(when, self.now + random.randrange(most)), number, carried, act)
            if carried
            else (when, number, carried, act)
            for when, number, carried, act in queue
        ]
        heapq.heapify(self._queue)

    def note(self, *what: Any) -> None:
        """Something happened: counted, and told when somebody reads along."""
        self.counts[str(what[0])] += 1
        if self.trace is not None:
            self.trace.append((after(self.now, 0), *what))
