"""When a programme begins on a day, and how long it may be: by its session in the regulation, or a time of its own.

Pure: no database.
"""

from __future__ import annotations

from datetime import date, time, timedelta
from typing import NamedTuple

from devices import remote
from loa.times import MINUTE, Instant, local
from loa.times import at as instant_at
from loa.words import recall, say
from scheduler import days, exceptions, rulebook
from scheduler.context import Context
from scheduler.exceptions import ScheduleException
from scheduler.programme_tables import Programme
from scheduler.regulation import Regulation
from scheduler.rulebook import Rulebook, Slot
from scheduler.sources import WhyNot

SKIPPED = "day_kind_skipped"
"""Code of a run on a kind of day that the programme itself leaves out."""


class Frame(NamedTuple):
    """The time a run has."""

    starts_at: Instant
    room: int
    name: str
    """khung giờ Sáng; the hour it has of its own."""
    limit: str
    """What ends it, as the end of a sentence: khung giờ Sáng (15 phút)."""
    why_not: WhyNot | None = None


class _Held(NamedTuple):
    """A session of the regulation on one day."""

    slot: Slot
    starts_at: Instant
    regulation: Regulation | None
    """None: the one in force then does not know the session any more."""


def frames(
    programme: Programme, day: date, exception: ScheduleException | None, context: Context
) -> list[Frame]:
    """The time it has on that day of the series, and where it is moved to another time that one as well.

    Empty where its time does not exist or its session is not held.
    """
    found = [_usual(programme, day, exception, context)]
    if exception is not None and exception.kind is exceptions.Kind.MOVE:
        found.append(_time(programme, exception.to_day or day, exception.to_time, context))
    return [_before_quiet(frame, context) for frame in found if frame is not None]


def _usual(
    programme: Programme, day: date, exception: ScheduleException | None, context: Context
) -> Frame | None:
    """As the series says, with the reason why it is not heard so on that day."""
    frame = _time(programme, day, None, context)
    if frame is None:
        return None
    kind = days.calendar(context).kind(day)
    if exception is not None and exception.kind is not exceptions.Kind.REPLACE:
        at = local(frame.starts_at, context.rules.zone).time()
        return frame._replace(why_not=exceptions.why_not(exception, at))
    if kind.key in programme.skips:
        sentence = say(
            "Chương trình không phát vào %(kind)s (%(why)s).",
            kind=recall(kind.name).lower(),
            why=kind.why,
        )
        return frame._replace(why_not=WhyNot(SKIPPED, sentence))
    return frame


def _time(programme: Programme, day: date, clock: time | None, context: Context) -> Frame | None:
    if programme.slot is None:
        return _own_time(programme, day, clock, context)
    return _session(programme.slot, day, clock, context)


def _own_time(
    programme: Programme, day: date, clock: time | None, context: Context
) -> Frame | None:
    at = clock or programme.at
    starts_at = instant_at(day, at, context.rules.zone) if at is not None else None
    if at is None or starts_at is None:
        return None
    limit = say("thời lượng của chương trình (%(minutes)s phút)", minutes=programme.minutes)
    return Frame(starts_at, programme.minutes * MINUTE, f"{at:%H:%M}", limit)


def _session(key: str, day: date, clock: time | None, context: Context) -> Frame | None:
    """As the regulation in force at its start says."""
    held = _held(key, day, context)
    if held is None:
        return None
    slot, starts_at, regulation = held
    if clock is not None:
        starts_at = instant_at(day, clock, context.rules.zone) or starts_at
    frame = Frame(
        starts_at,
        slot.minutes * MINUTE,
        say("khung giờ %(name)s", name=slot.name),
        say("khung giờ %(name)s (%(minutes)s phút)", name=slot.name, minutes=slot.minutes),
    )
    if regulation is None:
        sentence = say("Quy chế không còn khung giờ %(name)s.", name=slot.name)
        return frame._replace(why_not=WhyNot("no_slot", sentence))
    kind = days.calendar(context).kind(day)
    if slot in rulebook.slots_on(regulation.rules, day, kind.key) or clock is not None:
        return frame
    if day.weekday() not in slot.weekdays or kind.key == days.WEEKEND:
        return None  # nobody expects it: a row for each would drown those that matter
    sentence = say(
        "Khung giờ %(name)s không mở vào %(kind)s (%(why)s).",
        name=slot.name,
        kind=recall(kind.name).lower(),
        why=kind.why,
    )
    return frame._replace(why_not=WhyNot("no_slot", sentence))


def _held(key: str, day: date, context: Context) -> _Held | None:
    """By the regulation in force when it begins; else by the latest that knew it; None if none ever did."""
    before: _Held | None = None
    for regulation in reversed(context.regulations):
        slot = named(regulation.rules, key)
        starts_at = (
            instant_at(day, rulebook.read_clock(slot.start), context.rules.zone) if slot else None
        )
        if slot is None or starts_at is None:
            continue
        if context.regulation_at(starts_at) is regulation:
            return _Held(slot, starts_at, regulation)
        before = before or _Held(slot, starts_at, None)
    return before


def named(rules: Rulebook, key: str | None) -> Slot | None:
    """The session of that key."""
    return next((slot for slot in rules.slots if slot.key == key), None)


def _before_quiet(frame: Frame, context: Context) -> Frame:
    """What is left of its time until the quiet hours, however late a receiver is set to play."""
    regulation, zone = context.regulation_at(frame.starts_at), context.rules.zone
    day = local(frame.starts_at, zone).date()
    for span in regulation.quiet_hours if regulation else ():
        for offset in (-1, 0, 1):
            since, until = span.beginning(day + timedelta(days=offset), zone)
            room = max(0, since - remote.MOST_DELAY - frame.starts_at)
            if room < frame.room and until > frame.starts_at:
                frame = frame._replace(
                    room=room, limit=say("lúc bắt đầu giờ không phát %(span)s", span=span)
                )
    return frame
