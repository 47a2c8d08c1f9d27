"""Neighbours: what else sounds at the receivers of something that is to be scheduled, near its times.

A year of all sources would take too long while a person waits. What cannot come near by its clock is left aside
unasked; of the rest every occurrence is asked for, through ``wanted`` as everywhere. Campaigns are no neighbours:
they take what is left and make room.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from loa.times import DAY, HOUR, MINUTE, Instant, after, local
from scheduler import alerts, context, programmes, projection, schedules
from scheduler.context import Context
from scheduler.outlook import Outlook
from scheduler.projection import LONGEST, Asking, Sound
from scheduler.rulebook import minute_of
from scheduler.sources import Rules
from scheduler.targets import Where

CHAIN = 30 * MINUTE
"""One that waits may make the next wait: what begins so long after the end is looked at as well."""
SKEW = 2 * HOUR
"""Where the zone turns its clocks within the span, wall clocks are compared this loosely."""
COLUMNS = (alerts.KIND.column, schedules.KIND.column, programmes.KIND.column)


class SourceId(NamedTuple):
    """A column of Broadcast and an id."""

    column: str
    id: int


class Span(NamedTuple):
    """A time of day, by the wall clock: from ``since`` for ``ms``, both in milliseconds."""

    since: int
    ms: int

    def touches(self, other: Span) -> bool:
        """Whether they share a moment, were both of the same or of neighbouring days."""
        return (other.since - self.since) % DAY <= self.ms or (
            (self.since - other.since) % DAY <= other.ms
        )


class _Clocked(NamedTuple):
    """A source and the times of day at which it may sound; None: any."""

    asking: Asking
    spans: tuple[Span, ...] | None


class Neighbours:
    """All that may be heard at the receivers of ``where`` while ``moments``, in order, lie ahead.

    ``but`` is left out: whatever is being changed is no neighbour of itself.
    """

    def __init__(
        self,
        session: Session,
        where: Where,
        moments: Sequence[Instant],
        rules: Rules,
        but: SourceId | None = None,
    ) -> None:
        self.context = context.read(session, rules)
        self.here = self.context.fleet.resolve(where)
        self.since, self.until = after(moments[0], -LONGEST), after(moments[-1], DAY)
        asked = projection.sources_of(session, self.until, COLUMNS)
        reached = {(each.column, each.source.id): each.source.planned_until for each in asked}
        rows = projection.planned(session, self.since, self.until, self.context, COLUMNS)
        self._rows = [
            row
            for row in rows
            if row.starts_at < reached.get((row.column, row.source_id), self.until)
            and (row.column, row.source_id) != but
            and self._is_heard(row)
        ]
        self._sources = [
            _Clocked(each, _spans(each.source, each.column, self.context))
            for each in asked
            if (each.column, each.source.id) != but and self._is_here(each.source.where)
        ]
        self._heard: dict[tuple[str, int], list[Sound]] = {}
        self.outlook = Outlook(self.context, self.since, self.until)

    def near(self, spans: Collection[Span]) -> list[Sound]:
        """All that is heard there within those times of day or shortly after, of every day; in order of time."""
        widened = [self._widened(span) for span in spans]
        found = list(self._rows)
        for clocked in self._sources:
            if clocked.spans is None or _any_touch(clocked.spans, widened):
                found += self._all_of(clocked.asking)
        return sorted(found, key=lambda sound: (sound.starts_at, sound.name))

    def usual(self) -> list[Span]:
        """The times of day at which anything of these may sound, whatever the day."""
        zone = self.context.rules.zone
        of_rows = [Span(clock(row.starts_at, zone), row.ms) for row in self._rows]
        known = [each.spans for each in self._sources]
        return of_rows + [span for spans in known for span in spans or ()]

    def _all_of(self, asking: Asking) -> list[Sound]:
        key = (asking.column, asking.source.id)
        if key not in self._heard:
            found = projection.sounds([asking], self.since, self.until, self.context, self.outlook)
            self._heard[key] = [each for each in found if self._is_heard(each)]
        return self._heard[key]

    def _is_heard(self, sound: Sound) -> bool:
        return sound.why_not is None and self._is_here(sound.where)

    def _is_here(self, where: Where) -> bool:
        return not self.here.isdisjoint(self.context.fleet.resolve(where))

    def _widened(self, span: Span) -> Span:
        zone = self.context.rules.zone
        offsets = {local(moment, zone).utcoffset() for moment in _months(self.since, self.until)}
        skew = SKEW if len(offsets) > 1 else 0
        return Span((span.since - skew) % DAY, min(span.ms + CHAIN + 2 * skew, DAY - 1))


def _months(since: Instant, until: Instant) -> Iterable[Instant]:
    """Moments close enough together to meet every turn of a zone's clocks."""
    return (Instant(moment) for moment in range(since, until + 20 * DAY, 20 * DAY))


def clock(moment: Instant, zone: Any) -> int:
    """The time of day in milliseconds."""
    at = local(moment, zone)
    return ((at.hour * 60 + at.minute) * 60 + at.second) * 1000 + at.microsecond // 1000


def _any_touch(spans: Iterable[Span], others: Collection[Span]) -> bool:
    return any(span.touches(other) for span in spans for other in others)


def _spans(source: Any, column: str, found: Context) -> tuple[Span, ...] | None:
    """When it may sound by its clock; None where an exception may move or replace it, and for alerts."""
    if (column, source.id) in found.exceptions:
        return None
    if column == schedules.KIND.column:
        stream = source.bulletin.relay
        relayed = source.minutes * MINUTE or (stream.ms if stream else 0)
        return (Span(_ms(source.at), max(relayed, found.length_ms(source.bulletin, source.where))),)
    if column == programmes.KIND.column:
        return _of_programme(source, found)
    return None


def _of_programme(source: Any, found: Context) -> tuple[Span, ...]:
    if source.slot is None:
        return (Span(_ms(source.at), source.minutes * MINUTE),) if source.at else ()
    slots = (slot for each in found.regulations for slot in each.rules.slots)
    return tuple(
        Span(minute_of(slot.start) * MINUTE, slot.minutes * MINUTE)
        for slot in slots
        if slot.key == source.slot
    )


def _ms(at: Any) -> int:
    return int(((at.hour * 60 + at.minute) * 60 + at.second) * 1000 + at.microsecond // 1000)
