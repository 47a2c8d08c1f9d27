"""Reach: the share of households covered by receivers that played a campaign at least so often. Pure.

A receiver whose households are not known (0) is no part of it, and is told apart.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from typing import NamedTuple


class Share(NamedTuple):
    """Households reached of all that could be."""

    reached: int
    of: int
    uncounted: int = 0
    """Receivers whose households nobody has entered."""

    @property
    def per_cent(self) -> float | None:
        """None where no households are known: that is not 0 %."""
        return 100 * self.reached / self.of if self.of else None

    def meets(self, per_cent: int) -> bool:
        """Whether so much is reached, exactly."""
        return bool(self.of) and 100 * self.reached >= per_cent * self.of


def share(households: Mapping[str, int], plays: Mapping[str, int], times: int) -> Share:
    """What is reached where each receiver has played so often."""
    reached = sum(
        number for receiver_id, number in households.items() if plays.get(receiver_id, 0) >= times
    )
    uncounted = sum(not number for number in households.values())
    return Share(reached, sum(households.values()), uncounted)


def choose(
    households: Mapping[str, int],
    plays: Mapping[str, int],
    times: int,
    per_cent: int,
    unable: Collection[str] = (),
) -> list[str]:
    """The receivers that are to play it ``times`` times, so that ``per_cent`` of all households are reached.

    Those that have done so already count first; then those with the most households, which takes the fewest
    plays; whoever is not needed once the last is chosen is left out again. ``unable`` have no room for it. Where
    not even all the others reach the target, it is all of them.
    """
    whole = sum(households.values())
    done = [each for each, number in households.items() if number and plays.get(each, 0) >= times]
    rest = [each for each, number in households.items() if number and each not in done]
    able = sorted(
        (each for each in rest if each not in unable), key=lambda each: (-households[each], each)
    )
    covered = sum(households[each] for each in done)
    chosen = []
    for each in able:
        if 100 * covered >= per_cent * whole:
            break
        chosen.append(each)
        covered += households[each]
    for each in sorted(chosen, key=lambda each: (households[each], each)):
        if 100 * (covered - households[each]) >= per_cent * whole:
            chosen.remove(each)
            covered -= households[each]
    return sorted(chosen)


def curve(
    households: Mapping[str, int],
    plays: Iterable[tuple[date, str]],
    times: int,
    days: Sequence[date],
) -> list[Share]:
    """What was reached by the end of each of these days, which are in order; ``plays`` in any order."""
    by_day: dict[date, list[str]] = {}
    for day, receiver_id in plays:
        by_day.setdefault(day, []).append(receiver_id)
    counted: dict[str, int] = {}
    found = []
    waiting = sorted(by_day)
    for day in days:
        while waiting and waiting[0] <= day:
            for receiver_id in by_day[waiting.pop(0)]:
                counted[receiver_id] = counted.get(receiver_id, 0) + 1
        found.append(share(households, counted, times))
    return found
