"""Frames: the days as the regulation has them, with their sessions and without their quiet hours. Pure."""

from __future__ import annotations

from datetime import date, time, timedelta
from typing import NamedTuple

from devices import remote
from loa.times import DAY, MINUTE, Instant, after
from loa.times import at as instant_at
from scheduler import days, rulebook
from scheduler.board import Gap, without
from scheduler.context import Context
from scheduler.rulebook import Rulebook, Slot


class Held(NamedTuple):
    """A session on one day, without its quiet hours."""

    slot: Slot
    gaps: tuple[Gap, ...]


class Frame(NamedTuple):
    """A day as the regulation has it."""

    day: date
    starts_at: Instant
    ends_at: Instant
    sessions: tuple[Held, ...]
    rules: Rulebook
    plays: str


def frames(context: Context, first: date, last: date) -> list[Frame]:
    """The days ``first`` to ``last``."""
    calendar = days.calendar(context)
    found = []
    for offset in range((last - first).days + 1):
        day = first + timedelta(days=offset)
        starts_at, ends_at = midnight(context, day), midnight(context, day + timedelta(days=1))
        regulation = context.regulation_at(after(starts_at, DAY // 2))
        rules = regulation.rules if regulation else Rulebook()
        key = calendar.kind(day).key
        sessions = [_held(context, slot, day) for slot in rulebook.slots_on(rules, day, key)]
        plays = rulebook.kind_of(rules, key).plays
        found.append(Frame(day, starts_at, ends_at, tuple(filter(None, sessions)), rules, plays))
    return found


def midnight(context: Context, day: date) -> Instant:
    """The day's first instant in the station's zone."""
    return days.first_of(day, context.rules.zone)


def _held(context: Context, slot: Slot, day: date) -> Held | None:
    """The session on that day; None where a zone's spring gap skips its beginning."""
    clock = time(slot.since // 60, slot.since % 60)
    start = instant_at(day, clock, context.rules.zone)
    if start is None:
        return None
    end = after(start, slot.minutes * MINUTE)
    return Held(slot, tuple(without([(start, end)], quiet(context, start, day))))


def quiet(context: Context, moment: Instant, day: date) -> list[Gap]:
    """Quiet hours about that day; a receiver that begins later still keeps them."""
    regulation = context.regulation_at(moment)
    spans = regulation.quiet_hours if regulation else ()
    zone = context.rules.zone
    around = [day + timedelta(days=offset) for offset in (-1, 0, 1)]
    found = [span.beginning(each, zone) for span in spans for each in around]
    return [(after(since, -remote.MOST_DELAY), until) for since, until in found]
