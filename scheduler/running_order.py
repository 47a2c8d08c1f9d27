"""Running order: what of a programme fits into its minutes, and when each entry begins. Pure: no database.

One function lays it out for the page where it is built and for the planner. What is as long as its sound comes
first: an entry that does not fit is left out whole, for nobody is served by half a bulletin, and what follows moves up
if it fits. Only a relay is shortened. Minutes for campaigns take what is left.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import NamedTuple

from loa.times import MINUTE, SECOND

GAP = 300
"""Milliseconds of silence between two entries. A receiver plays one sound at a time and needs a moment to end it: begun
without this, each entry would start later than the one before, and a priority one would cut off the last syllable."""
RELAY_LEAST = MINUTE
"""A relay is not worth beginning for less."""
FILL_LEAST = 5 * SECOND
"""Nor is any campaign's bulletin shorter."""


class Length(enum.StrEnum):
    """How an entry fills its time."""

    SOUND = "sound"
    """As long as it is."""
    RELAY = "relay"
    """May end sooner."""
    FILL = "fill"
    """At most so long."""


class Fate(enum.StrEnum):
    """What becomes of an entry."""

    HEARD = "heard"
    SHORTENED = "shortened"
    """A relay that ends sooner than asked."""
    PARTLY = "partly"
    """It would begin within the minutes and end beyond: not heard."""
    NOT = "not"
    """No time is left for it."""
    BARRED = "barred"
    """Not heard for a reason of its own, and takes no time."""


class Entry(NamedTuple):
    """What is asked for; ``ms`` is None while its sound is not made."""

    ms: int | None
    length: Length = Length.SOUND
    barred: bool = False


class Placed(NamedTuple):
    """An entry in its place: from ``at`` ms after the beginning, for ``ms``."""

    at: int
    ms: int
    fate: Fate
    over: int = 0
    """By how much it does not fit."""

    @property
    def is_heard(self) -> bool:
        return self.fate in (Fate.HEARD, Fate.SHORTENED)

    @property
    def ends(self) -> int:
        return self.at + self.ms


class Sum(NamedTuple):
    """The bar below a running order, in ms."""

    asked: int
    """All entries as they are, minutes for campaigns left out."""
    used: int
    """Until the end of the last that is heard."""
    room: int

    @property
    def over(self) -> int:
        return max(0, self.asked - self.room)

    @property
    def left(self) -> int:
        return max(0, self.room - self.used)


def lay(entries: Sequence[Entry], room: int) -> list[Placed]:
    """Each entry in its place within ``room`` ms, in order."""
    fixed = _walk(entries, [0] * len(entries), room)
    placed = _walk(entries, _fills(entries, fixed, room), room)
    return [
        # What is too long is so without campaigns: the time they take in what it leaves is not what it wants for.
        one if entry.length is Length.FILL else one._replace(fate=alone.fate, over=alone.over)
        for entry, alone, one in zip(entries, fixed, placed, strict=True)
    ]


def total(entries: Sequence[Entry], placed: Sequence[Placed], room: int) -> Sum:
    """What the bar shows."""
    asked = [
        entry.ms or 0 for entry in entries if entry.length is not Length.FILL and not entry.barred
    ]
    gaps = GAP * max(0, sum(1 for ms in asked if ms) - 1)
    used = max((each.ends for each in placed if each.is_heard), default=0)
    return Sum(sum(asked) + gaps, used, room)


def _walk(entries: Sequence[Entry], fills: Sequence[int], room: int) -> list[Placed]:
    placed, at = [], 0
    for entry, fill in zip(entries, fills, strict=True):
        one = _place(entry, fill, at, room)
        placed.append(one)
        if one.ms:
            at = one.ends + GAP
    return placed


def _place(entry: Entry, fill: int, at: int, room: int) -> Placed:
    if entry.barred:
        return Placed(at, 0, Fate.BARRED)
    if entry.length is Length.FILL:
        asked = entry.ms or 0
        fate = Fate.HEARD if fill == asked else Fate.SHORTENED if fill else Fate.NOT
        return Placed(at, fill, fate, asked - fill)
    return _place_fixed(entry.ms or 0, entry.length is Length.RELAY, at, room)


def _place_fixed(ms: int, is_relay: bool, at: int, room: int) -> Placed:
    left, over = room - at, at + ms - room
    if over <= 0 or ms == 0:  # nobody knows yet whether it fits
        return Placed(min(at, room), ms, Fate.HEARD)
    if is_relay and left >= RELAY_LEAST:
        return Placed(at, left, Fate.SHORTENED, over)
    return Placed(at, 0, Fate.PARTLY if left > 0 else Fate.NOT, over)


def _fills(entries: Sequence[Entry], fixed: Sequence[Placed], room: int) -> list[int]:
    """How long each of the minutes for campaigns is, in what the rest leaves; 0 for all other entries."""
    spare = room + GAP - sum(each.ms + GAP for each in fixed if each.ms)
    given = []
    for entry in entries:
        most = (
            min(entry.ms or 0, spare - GAP)
            if entry.length is Length.FILL and not entry.barred
            else 0
        )
        ms = most if most >= FILL_LEAST else 0
        spare -= ms + GAP if ms else 0
        given.append(ms)
    return given
