"""Room: what is left of the sessions ahead for something that is to be heard somewhere, and where it would begin."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import NamedTuple

from sqlalchemy.orm import Session

from loa.times import DAY, MINUTE, SECOND, Instant, after, local
from scheduler.neighbours import Neighbours, Span
from scheduler.outlook import Held
from scheduler.projection import Sound
from scheduler.rulebook import Slot
from scheduler.sources import Rules
from scheduler.targets import Where

APART = 1 * SECOND
"""Between the end of one and the start of the next."""
SOONEST = 2 * MINUTE
"""Before a start: somebody still has to press the button, and the plan has to reach the receivers."""


class Room(NamedTuple):
    """A session ahead, as it is held on one day."""

    slot: Slot
    since: Instant
    until: Instant
    left_ms: int
    """Not taken yet, at the receiver where most is."""
    starts_at: Instant | None
    """The first whole minute at which it would be heard to its end; None where it does not fit any more."""


def ahead(
    session: Session, where: Where, ms: int, now: Instant, rules: Rules, *, days: int
) -> list[Room]:
    """The sessions there until the end of the day after so many days, soonest first; ``ms``: how long it sounds."""
    around = Neighbours(session, where, [now, after(now, days * DAY)], rules)
    sounds = around.near([Span(0, DAY - 1)])
    return [
        _room(held, ms, now, _heard_in(held, sounds), around)
        for held in _sessions(around, now, days)
        if held.until > now
    ]


def _sessions(around: Neighbours, now: Instant, days: int) -> Iterator[Held]:
    """Those that any of the receivers meant has, and none of their hours twice."""
    fleet = around.context.fleet
    lines = {frozenset(fleet.line(fleet.receivers[each].area_id)) for each in around.here}
    first = local(now, around.context.rules.zone).date()
    for offset in range(days + 1):
        for held in around.outlook.sessions(first + timedelta(days=offset)):
            if not lines or any(held.slot.is_for(line) for line in lines):
                yield held


def _heard_in(held: Held, sounds: Sequence[Sound]) -> list[tuple[Instant, Instant]]:
    """What is taken of the session, in order and without gaps counted twice."""
    taken: list[tuple[Instant, Instant]] = []
    for sound in sounds:
        since, until = max(sound.starts_at, held.since), min(sound.ends_at, held.until)
        if since >= until:
            continue
        if taken and since <= taken[-1][1]:
            since, until = taken[-1][0], max(until, taken.pop()[1])
        taken.append((since, until))
    return taken


def _room(
    held: Held, ms: int, now: Instant, taken: list[tuple[Instant, Instant]], around: Neighbours
) -> Room:
    soonest = max(held.since, _whole_minute(after(now, SOONEST)))
    starts = [soonest, *(_whole_minute(after(end, APART)) for _, end in taken)]
    fitting = (
        start
        for start in starts
        if start >= soonest and after(start, ms) <= held.until and _is_free(start, ms, taken)
        and not around.outlook.is_quiet(start, ms)
    )  # fmt: skip
    busy = sum(until - since for since, until in taken)
    left = held.until - max(held.since, now) - busy
    return Room(held.slot, held.since, held.until, max(0, left), min(fitting, default=None))


def _is_free(start: Instant, ms: int, taken: Sequence[tuple[Instant, Instant]]) -> bool:
    return all(end <= start or after(start, ms) <= since for since, end in taken)


def _whole_minute(moment: Instant) -> Instant:
    """That minute or the next."""
    return Instant(-(-moment // MINUTE) * MINUTE)
