"""Outlook: what the days of a span hold for whatever is to sound: kind of day, quiet hours, sessions. Pure.

Wishes that are not rows yet are judged here as upkeep judges rows, so that what is foretold is what comes. Each day
is looked at once, however many sounds fall on it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from functools import cached_property
from itertools import accumulate
from typing import NamedTuple

from content.bulletins import Bulletin, Priority
from content.bulletins import State as BulletinState
from devices import remote
from loa.times import HOUR, MINUTE, Instant, after, at, local
from loa.words import say
from scheduler import days, rulebook
from scheduler.context import Context
from scheduler.regulation import QuietHours, Regulation
from scheduler.rulebook import DayKind, Rulebook, Slot
from scheduler.sources import WhyNot

FOREVER = Instant(2**62)


class Held(NamedTuple):
    """A session as it is held on one day."""

    slot: Slot
    since: Instant
    until: Instant


class Quiet(NamedTuple):
    """Quiet hours as they fall on one day."""

    hours: QuietHours
    since: Instant
    until: Instant


class Outlook:
    """The days that [since, until) touches, and the one before and after."""

    def __init__(self, context: Context, since: Instant, until: Instant) -> None:
        self._context, self._zone = context, context.rules.zone
        first = local(since, self._zone).date() - timedelta(days=1)
        last = local(until, self._zone).date() + timedelta(days=1)
        self.days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
        self._midnights = [days.first_of(day, self._zone) for day in self.days]
        self._calendar = days.calendar(context)
        self._allowed: dict[tuple[int, int | None], DayKind] = {}
        self._spoken: dict[Bulletin, tuple[bool, date | None, date | None]] = {}

    def day(self, moment: Instant) -> date:
        """The station's date at ``moment``, which lies in the span."""
        return self.days[bisect_right(self._midnights, moment) - 1]

    def kind(self, day: date) -> days.Day:
        """What kind of day that is, and why."""
        return self._calendar.kind(day)

    def rules_at(self, moment: Instant) -> Rulebook:
        """The rules in force then."""
        found = self._context.regulation_at(moment)
        return found.rules if found else Rulebook()

    def sessions(self, day: date) -> list[Held]:
        """The sessions of that day by the rules in force at its noon, in order of their starts."""
        noon = after(days.first_of(day, self._zone), 12 * HOUR)
        slots = rulebook.slots_on(self.rules_at(noon), day, self.kind(day).key)
        starts = [(at(day, rulebook.read_clock(slot.start), self._zone), slot) for slot in slots]
        return [
            Held(slot, since, after(since, slot.minutes * MINUTE))
            for since, slot in starts
            if since is not None
        ]

    @cached_property
    def quiet(self) -> list[Quiet]:
        """The quiet hours of all these days, each version's as far as it is in force, in order of time."""
        versions = self._context.regulations
        ends = [each.since for each in versions][1:] + [FOREVER][: len(versions)]
        found = [
            Quiet(span.hours, max(span.since, version.since), min(span.until, end))
            for version, end in zip(versions, ends, strict=True)
            for span in self._spans(version, end)
        ]
        return sorted(found, key=lambda one: (one.since, one.until))

    def _spans(self, version: Regulation, end: Instant) -> Iterator[Quiet]:
        for hours in version.quiet_hours:
            for day in self.days:
                since, until = hours.beginning(day, self._zone)
                if since < end and version.since < until:
                    yield Quiet(hours, since, until)

    def breach(self, start: Instant, end: Instant) -> QuietHours | None:
        """The quiet hours that [start, end) would break; touching their edge is allowed."""
        place = bisect_left(self._untils, start + 1)
        for span in self.quiet[place:]:
            if span.since >= max(end, start + 1):
                return None
            if start < span.until:
                return span.hours
        return None

    def is_broken(self, start: Instant, end: Instant) -> bool:
        """Whether [start, end) breaks quiet hours."""
        return self.breach(start, end) is not None

    @cached_property
    def _untils(self) -> list[Instant]:
        """For each of the quiet hours, when the last of those up to it ends."""
        return list(accumulate((span.until for span in self.quiet), max))

    def is_quiet(self, start: Instant, ms: int) -> bool:
        """Whether a sound of that length would break quiet hours at any receiver, however late it is set to play."""
        return self.breach(start, after(start, ms + remote.MOST_DELAY)) is not None

    def objection(
        self, bulletin: Bulletin, priority: Priority, start: Instant, end: Instant
    ) -> WhyNot | None:
        """Why upkeep will not let it sound, as things stand; not approved yet is none of these."""
        if bulletin not in self._spoken:
            taken_back = bulletin.state is BulletinState.WITHDRAWN
            self._spoken[bulletin] = (taken_back, bulletin.valid_from, bulletin.valid_until)
        is_withdrawn, first, last = self._spoken[bulletin]
        if is_withdrawn:
            return WhyNot("withdrawn", say("Bản tin đã bị thu hồi."))
        if first or last:
            day = self.day(start)
            if (first and day < first) or (last and day > last):
                return WhyNot("not_valid", say("Bản tin không còn hiệu lực vào ngày này."))
        return None if priority is Priority.EMERGENCY else self._hours(priority, start, end)

    def _hours(self, priority: Priority, start: Instant, end: Instant) -> WhyNot | None:
        span = self.breach(start, after(end, remote.MOST_DELAY))
        if span is not None:
            return WhyNot(
                "quiet", say("Lượt phát rơi vào giờ không phát %(span)s của đài.", span=span)
            )
        if self._template(start).lets(priority):
            return None
        return WhyNot(days.CODE, self._calendar.forbids(start, priority) or "")

    def _template(self, moment: Instant) -> DayKind:
        """What its day lets sound, looked up once for each day and version of the rules."""
        version = self._context.regulation_at(moment)
        key = (bisect_right(self._midnights, moment), version.id if version else None)
        if key not in self._allowed:
            self._allowed[key] = self._calendar.plays(moment)
        return self._allowed[key]


def session_at(held: Sequence[Held], moment: Instant) -> Held | None:
    """The session that is held then, if any."""
    return next((one for one in held if one.since <= moment < one.until), None)
