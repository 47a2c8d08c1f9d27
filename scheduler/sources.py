"""Source: what broadcasts come of (a schedule, a programme, a campaign or an alert), and what one wants next.

Each kind of source has a module with two functions the planner calls:

- ``unplanned(session, until)``: the sources of that kind whose wishes before ``until`` are not all broadcasts yet, or
  have changed since. A change of mind is made known by setting ``planned_until`` back to now (``rethink``).
- ``wanted(source, since, until, context)``: what it wants in [since, until), in order of time, and also what it would
  have wanted but for a reason (``why_not``): that becomes a row too, which says so. Pure.

The planner alone makes rows of broadcasts. Other questions about the future (conflicts, "Vì sao?", the plan of a
day) ask ``wanted`` too, so that there is one answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import NamedTuple, Protocol
from zoneinfo import ZoneInfo

from content.bulletins import Bulletin
from content.relays import Relay
from loa.times import Instant
from loa.words import say
from scheduler.targets import Where

ALL_PLANNED = Instant(2**53)
"""``planned_until`` of a source that wants nothing more."""


@dataclass(frozen=True)
class Rules:
    """What planning goes by: the station's zone and the delivery table of config.toml, in milliseconds."""

    zone: ZoneInfo
    horizon: int
    late: int


class WhyNot(NamedTuple):
    """Why a wish is not to sound: a word for ``Broadcast.code`` (see reports.REASONS), and a sentence."""

    code: str
    sentence: str


UNWANTED = WhyNot("changed", say("Lịch đã đổi: lượt này không còn."))
"""Of a broadcast that its source wants no more, at that time."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """One broadcast that a source wants."""

    starts_at: Instant
    bulletin: Bulletin
    where: Where
    origin: str
    """By which rule, in words: "Lịch phát hằng ngày 17:00"."""
    by: str
    """Name of who answers for the time."""
    by_area_id: int | None = None
    """The area that person works for; None is the whole station."""
    item: int = 0
    day: date | None = None
    """Of a programme: which day of its series this is of, whenever it is heard."""
    relay: Relay | None = None
    resumes: bool = False
    drill: bool = False
    why_not: WhyNot | None = None

    @property
    def key(self) -> tuple[Instant, int, int]:
        """What makes it the same wish as before, whatever else has changed about it."""
        return self.starts_at, self.bulletin.id, self.item


class Source(Protocol):
    """What the planner needs to know of a schedule, programme, campaign or alert."""

    @property
    def id(self) -> int: ...
    @property
    def uid(self) -> str: ...
    @property
    def ended_at(self) -> Instant | None: ...

    planned_until: Instant


class Kind(NamedTuple):
    """A kind of source: ``column`` of Broadcast that names it; what its end is called."""

    column: str
    ended: WhyNot
