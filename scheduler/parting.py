"""Parting: what is asked for, taken apart into parts that do nothing to each other. Pure.

Days that no span has in common can be dealt to one after the other; and where one day by itself is dealt to, another
receiver with the same room on it and the same asks comes to the same. So the work is done once for all of these.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from scheduler.board import Ask, DayRoom, Play, Span

Like = tuple[tuple[int, int], ...]
"""The asks for one day: (number of its kind, goal) of each, in turn."""


class Wish(NamedTuple):
    """One span of one ask, for the rooms from ``begin`` up to ``end``."""

    begin: int
    end: int
    number: int
    ask: Ask
    span: Span


class Part(NamedTuple):
    """Spans that may take from each other; ``begin`` is the first room of any."""

    begin: int
    wishes: Sequence[Wish]
    like: Like | None
    """None where more matters than the asks and the room of one day."""


Parts = tuple[list[Part], list[Part]]


class Known:
    """What has been dealt to some receivers, for others with rooms of the same days."""

    def __init__(self) -> None:
        self._plays: dict[Like, dict[DayRoom, tuple[Play, ...]]] = {}
        self._same: dict[Play, Play] = {}
        self._parts: dict[tuple[int, ...], tuple[Sequence[Ask], Parts]] = {}
        self._kinds: dict[object, int] = {}

    def dealt(self, like: Like, room: DayRoom) -> tuple[Play, ...] | None:
        """What was dealt there; None where nobody has asked yet."""
        return self._plays.get(like, {}).get(room)

    def keep(self, like: Like, room: DayRoom, plays: Iterable[Play]) -> tuple[Play, ...]:
        """Keep it for others. Most plays are the same whatever else the room holds: each is kept once."""
        found = tuple(self._same.setdefault(play, play) for play in plays)
        self._plays.setdefault(like, {})[room] = found
        return found

    def parts(self, rooms: Sequence[DayRoom], asks: Sequence[Ask]) -> Parts:
        """What is asked for as usual, and what comes last (Span.later)."""
        ids = tuple(id(ask) for ask in asks)
        if ids not in self._parts:
            index = _Index(rooms)
            back = {number for number, ask in enumerate(asks) if ask.looks_back}
            usual = [(number, ask, span.usual) for number, ask, span in _spans(asks)]
            later = [(number, ask, span.later) for number, ask, span in _spans(asks) if span.again]
            both = self._apart(usual, index, back), self._apart(later, index, back)
            self._parts[ids] = (
                tuple(asks),
                both,
            )  # with the asks, so that nothing else is given their ids
        return self._parts[ids][1]

    def _apart(
        self, spans: Iterable[tuple[int, Ask, Span]], index: _Index, back: Collection[int]
    ) -> list[Part]:
        """``back``: the numbers of asks all of whose days hang together."""
        found = [
            (*index.of(span), number, ask, span) for number, ask, span in spans if span.goal > 0
        ]
        wishes = [Wish(*each) for each in found if each[0] < each[1]]
        hulls = _hulls(wish for wish in wishes if wish.number in back)
        reach = [
            (*hulls.get(wish.number, (wish.begin, wish.end)), at) for at, wish in enumerate(wishes)
        ]
        parts: list[tuple[int, list[Wish]]] = []
        until = -1
        for begin, end, at in sorted(reach):
            if begin >= until:
                parts.append((begin, []))
            parts[-1][1].append(wishes[at])
            until = max(until, end)
        return [Part(begin, some, self._like(some, back)) for begin, some in parts]

    def _like(self, wishes: Sequence[Wish], back: Collection[int]) -> Like | None:
        if any(wish.end > wish.begin + 1 or wish.number in back for wish in wishes):
            return None
        ordered = sorted(wishes, key=lambda wish: (wish.number, wish.span.first))
        return tuple((self._kind(wish.ask), wish.span.goal) for wish in ordered)

    def _kind(self, ask: Ask) -> int:
        kind = ask.key, ask.sounds, ask.since, ask.weight, ask.in_ms
        return self._kinds.setdefault(kind, len(self._kinds))


def _spans(asks: Sequence[Ask]) -> Iterable[tuple[int, Ask, Span]]:
    return ((number, ask, span) for number, ask in enumerate(asks) for span in ask.spans)


def _hulls(wishes: Iterable[Wish]) -> dict[int, tuple[int, int]]:
    """From the first to the last room of each ask."""
    found: dict[int, tuple[int, int]] = {}
    for wish in wishes:
        begin, end = found.get(wish.number, (wish.begin, wish.end))
        found[wish.number] = min(begin, wish.begin), max(end, wish.end)
    return found


class _Index:
    """Where the days of a span are among the rooms."""

    def __init__(self, rooms: Sequence[DayRoom]) -> None:
        self._days = [room.day for room in rooms]
        self._places = {day: index for index, day in enumerate(self._days)}

    def of(self, span: Span) -> tuple[int, int]:
        if span.first == span.last:  # a year has many spans of one day
            index = self._places.get(span.first)
            return (0, 0) if index is None else (index, index + 1)
        begin = bisect_left(self._days, span.first)
        return begin, bisect_right(self._days, span.last)
