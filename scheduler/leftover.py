"""Leftover: what fixed items leave of a day for campaigns, worked out once for all receivers that hear the same. Pure.

What is heard is a set of places as bits: of a day, and of each of its sessions, only the places of which anything
sounds there matter, so that most receivers share most days.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from operator import itemgetter

from loa.times import MINUTE, Instant, after
from scheduler import frames
from scheduler.board import BETWEEN, DayRoom, Gap, SessionRoom, without
from scheduler.context import Context
from scheduler.fixed import Fixed
from scheduler.frames import Frame, Held
from scheduler.programmes import Fill
from scheduler.targets import Where

Line = frozenset[int]
"""Of the areas above a receiver, those that sessions name."""


Item = tuple[Instant, Instant, int]
"""A fixed item, or the minutes of a fill: start, end, and the bit of where it is heard."""


def _touches(item: Item, since: Instant, until: Instant) -> bool:
    """Whether it sounds in [since, until), with the silence it is owed before and after."""
    return item[0] < until + BETWEEN and since < item[1] + BETWEEN


class Items:
    """All fixed items and fills, in order of time; ``places`` gives each place its bit."""

    def __init__(self, fixed: Iterable[Fixed], fills: Iterable[Fill]) -> None:
        self.places: dict[Where, int] = {}
        self._fixed = sorted((a, b, self._bit(where)) for a, b, where in fixed)
        self._fills = [
            (each[0], after(each[0], each[1]), self._bit(each[2])) for each in _ordered(fills)
        ]
        self._longest = max((b - a for a, b, _ in self._fixed), default=0)

    def _bit(self, where: Where) -> int:
        return self.places.setdefault(where, 1 << len(self.places))

    def fills(self, since: Instant, until: Instant) -> Sequence[Item]:
        """Those that begin in [since, until)."""
        return self._fills[_place(self._fills, since) : _place(self._fills, until)]

    def about(self, since: Instant, until: Instant) -> list[Item]:
        """Fixed items that touch [since, until), or begin in it."""
        begin = _place(self._fixed, after(since, -self._longest - BETWEEN))
        end = _place(self._fixed, after(until, BETWEEN))
        return [each for each in self._fixed[begin:end] if _touches(each, since, until)]


def _ordered(fills: Iterable[Fill]) -> list[Fill]:
    """By time; those that begin at once by place, and there as the programmes stand."""
    found = list(fills)
    places = list(dict.fromkeys(fill.where for fill in found))
    return sorted(found, key=lambda fill: (fill.starts_at, places.index(fill.where)))


def _place(items: Sequence[Item], moment: Instant) -> int:
    return bisect_left(items, moment, key=itemgetter(0))


class Day:
    """One day."""

    def __init__(self, context: Context, frame: Frame, items: Items) -> None:
        self._context, self._frame = context, frame
        self._fills = items.fills(frame.starts_at, frame.ends_at)
        ends = [
            frame.ends_at,
            *(end for _, end, _ in self._fills),
            *(end for held in frame.sessions for _, end in held.gaps),
        ]
        self._about = items.about(frame.starts_at, max(ends))
        self._sessions = [_Session(held, self._about) for held in frame.sessions]
        self._matters = self._mattering()
        self._known: dict[tuple[Line, int], DayRoom] = {}

    def _mattering(self) -> int:
        """The places of all that may change what is left."""
        if self._fills or self._frame.rules.most_minutes is not None:
            return _places([*self._fills, *self._about])
        found = 0
        for session in self._sessions:
            found |= session.places
        return found

    def room(self, line: Line, heard: int) -> DayRoom:
        """What is left where receivers stand in ``line`` and hear what is heard at these places."""
        known = line, heard & self._matters
        if known not in self._known:
            self._known[known] = self._room(*known)
        return self._known[known]

    def _room(self, line: Line, heard: int) -> DayRoom:
        rules = self._frame.rules
        held = [each for each in self._sessions if each.held.slot.is_for(line)]
        held = _allowed(held, rules.most_sessions, heard)
        given = [gap for fill in self._fills if fill[2] & heard for gap in self._free(fill, heard)]
        sessions = [each.room(heard, given) for each in held]
        sessions += [(gap,) for gap in given if not any(each.has(gap) for each in held)]
        full = tuple(each for each in sessions if each)
        return DayRoom(self._frame.day, full, self._left(heard), self._frame.plays)

    def _left(self, heard: int) -> int | None:
        most = self._frame.rules.most_minutes
        if most is None:
            return None
        begin, end = self._frame.starts_at, self._frame.ends_at
        taken = sum(b - a for a, b, place in self._about if begin <= a < end and place & heard)
        return max(0, most * MINUTE - taken)

    def _free(self, fill: Item, heard: int) -> list[Gap]:
        """The minutes a programme gives to campaigns, where nothing else sounds."""
        since, until, _ = fill
        quiet = frames.quiet(self._context, since, self._frame.day)
        # The item before it ends where it begins: its own silence must not shorten it here.
        taken = [(a, b) for a, b, place in self._about if place & heard]
        return without([(since, until)], [*quiet, *taken])


class _Session:
    """A session on that day."""

    def __init__(self, held: Held, about: Sequence[Item]) -> None:
        self.held = held
        begin, end = (held.gaps[0][0], held.gaps[-1][1]) if held.gaps else (Instant(0), Instant(0))
        inside = [each for each in about if held.gaps and _touches(each, begin, end)]
        self.places = _places(inside)
        self._taken = [(after(a, -BETWEEN), after(b, BETWEEN), place) for a, b, place in inside]
        self._known: dict[int, SessionRoom] = {}

    def room(self, heard: int, given: Sequence[Gap]) -> SessionRoom:
        """What is left of it: fills before all, then what fixed items leave."""
        first = [gap for gap in given if self.has(gap)]
        if first:
            return self._room(heard, first)
        known = heard & self.places
        if known not in self._known:
            self._known[known] = self._room(known, ())
        return self._known[known]

    def _room(self, heard: int, first: Sequence[Gap]) -> SessionRoom:
        taken = [(since, until) for since, until, place in self._taken if place & heard]
        return *first, *without(self.held.gaps, [*taken, *first])

    def has(self, gap: Gap) -> bool:
        """Whether a fill begins in it."""
        return any(since <= gap[0] < until for since, until in self.held.gaps)


def _allowed(held: list[_Session], most: int | None, heard: int) -> list[_Session]:
    """No more sessions than a receiver may have in a day: those in use anyway, then the earliest."""
    if most is None or len(held) <= most:
        return held
    in_use = [bool(each.places & heard) for each in held]
    order = sorted(range(len(held)), key=lambda at: (not in_use[at], at))
    return [held[at] for at in sorted(order[:most])]


def _places(items: Iterable[Item]) -> int:
    found = 0
    for _, _, place in items:
        found |= place
    return found
