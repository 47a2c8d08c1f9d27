"""What a calendar shows, and the same as its script reads it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from content.bulletins import Priority
from loa.times import Instant, local
from web import current, labels


@dataclass(frozen=True)
class Event:
    """One thing in the calendar."""

    key: str
    title: str
    since: Instant
    until: Instant
    priority: Priority
    places: str
    panel: str
    """Address of what is to be known and done about it."""
    page: str
    """The same for a browser without scripts."""
    why_not: str = ""
    """Why it is not heard; empty where it is."""
    badge: str = ""
    tone: str = ""
    fixed: str = ""
    """Why it cannot be moved; empty where it may be tried."""
    stretches: bool = False
    note: str = ""
    """What is otherwise about its day."""
    version: str = ""

    @property
    def length(self) -> int:
        """Milliseconds; 0 while nobody knows."""
        return self.until - self.since


@dataclass(frozen=True)
class DayHead:
    """What stands at the head of a day."""

    day: date
    moon: str
    """By the moon, short: 23, or 1/11 on the first of its month."""
    mark: str
    """mùng 1 tháng 11, rằm tháng 10; empty on other days."""
    name: str
    """Tết Nguyên Đán; empty on a day like any other."""


@dataclass
class Feed:
    events: list[Event] = field(default_factory=list)
    sessions: list[tuple[str, Instant, Instant]] = field(default_factory=list)
    quiet: list[tuple[str, Instant, Instant]] = field(default_factory=list)
    days: list[DayHead] = field(default_factory=list)


def as_json(feed: Feed) -> Mapping[str, object]:
    """The same for the page's script: times by the station's wall clock, without a zone."""
    return {
        "events": [_event_json(each) for each in feed.events],
        "sessions": [_span_json(*each) for each in feed.sessions],
        "quiet": [_span_json(*each) for each in feed.quiet],
        "days": {
            str(each.day): {"moon": each.moon, "mark": each.mark, "name": each.name} for each in feed.days
        },
        "now": wall(current.now()),
    }  # fmt: skip


def wall(moment: Instant) -> str:
    """2026-11-21T17:05:00 by the station's clock."""
    return f"{local(moment, current.zone()):%Y-%m-%dT%H:%M:%S}"


def _span_json(name: str, since: Instant, until: Instant) -> dict[str, str]:
    return {"title": name, "start": wall(since), "end": wall(until)}


def _event_json(event: Event) -> dict[str, object]:
    return {
        "id": event.key, "title": event.title, "start": wall(event.since), "end": wall(event.until),
        "priority": str(event.priority), "panel": event.panel, "whyNot": event.why_not, "badge": event.badge,
        "fixed": event.fixed, "stretches": event.stretches, "note": event.note, "version": event.version,
        "places": event.places, "urgency": labels.PRIORITIES[event.priority] if event.priority is not Priority.NORMAL
        else "",
    }  # fmt: skip
