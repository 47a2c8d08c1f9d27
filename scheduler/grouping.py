"""Grouping: receivers that hear the same of some sounds are looked at as one. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from scheduler.context import Fleet
from scheduler.projection import Sound
from scheduler.targets import Where


class Groups:
    """The receivers asked about; remembers how places divide them."""

    def __init__(self, fleet: Fleet, receivers: Collection[str]) -> None:
        self._fleet, self._receivers = fleet, receivers
        self._known: dict[frozenset[Where], list[tuple[frozenset[Where], list[str]]]] = {}

    def apart(self, sounds: Sequence[Sound]) -> Iterator[tuple[list[str], list[Sound]]]:
        """Each group that hears any of them, with those it hears."""
        places = frozenset(sound.where for sound in sounds)
        if places not in self._known:
            self._known[places] = self._alike(places)
        for heard, receivers in self._known[places]:
            yield receivers, [sound for sound in sounds if sound.where in heard]

    def _alike(self, places: Collection[Where]) -> list[tuple[frozenset[Where], list[str]]]:
        meant = {where: self._fleet.resolve(where) for where in places}
        alike: dict[frozenset[Where], list[str]] = {}
        for receiver in self._receivers:
            heard = frozenset(where for where, ids in meant.items() if receiver in ids)
            if heard:
                alike.setdefault(heard, []).append(receiver)
        return list(alike.items())
