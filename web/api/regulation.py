"""The regulation, to be read: sessions, quiet hours, limits and kinds of day. It is changed at the pages."""

from __future__ import annotations

from sqlalchemy.orm import Session

from loa.tokens import Scope
from scheduler import regulation
from scheduler.regulation import Regulation
from scheduler.rulebook import Answer, Cap, DayKind, Plays, Rulebook, Slot
from web import current
from web.api import paging
from web.api.paging import Listed
from web.api.routes import Route
from web.api.wire import WEEKDAYS, Clock, Id, Moment, Page, Strict, Told, Weekday, instant, perhaps


class RegulationQuery(Strict, frozen=True):
    """Which version."""

    at: Moment | None = None
    """That was or will be in force then, as things stand; now where nothing is said."""


class Hours(Told, frozen=True):
    """Hours of every day; such as end before they begin pass midnight."""

    since: Clock
    until: Clock


class SlotItem(Told, frozen=True):
    """A session of the day."""

    key: str
    """Stays when it is renamed or moved."""
    name: str
    start: Clock
    minutes: int
    """At most."""
    weekdays: list[Weekday]
    area_ids: list[int]
    """Where; empty is everywhere."""
    kinds: list[str]
    """Kinds of day on which it is held; empty is all that do not say otherwise."""


class CapItem(Told, frozen=True):
    """Not louder than so many per cent, in these hours, there."""

    since: Clock
    until: Clock
    most: int
    area_ids: list[int]


class KindItem(Told, frozen=True):
    """A named template of a day."""

    key: str
    name: str
    plays: Plays
    """What may sound at all."""
    sessions: bool
    """False: no session is held, but for those that name this kind."""


class RegulationItem(Told, frozen=True):
    """The rules of the station from an instant on."""

    id: int | None
    """Null where the station has never put any in force; then what follows is what holds without."""
    since: Moment | None
    note: str
    """Why: the decision it is taken from."""
    by: str | None
    quiet: list[Hours]
    """Nothing but emergencies sounds then, for whatever reason."""
    sessions: list[SlotItem]
    kinds: list[KindItem]
    caps: list[CapItem]
    most_sessions: int | None
    """Per day, at any one receiver."""
    most_minutes: int | None
    outside: Answer
    """To a normal broadcast outside all sessions."""
    too_long: Answer
    """To what goes beyond the minutes of its session or day."""
    alone_minutes: int
    """So long an emergency may sound on one officer's word; 0: never."""


def show(session: Session, query: RegulationQuery) -> RegulationItem:
    when = current.now() if query.at is None else instant(query.at)
    return _item(regulation.at(session, when))


def versions(session: Session, query: Listed) -> Page[RegulationItem]:
    """Also those to come, the newest first."""
    below = paging.after(query, tuple[paging.Time, Id])
    found = [(each.since, each.id, each) for each in regulation.versions(session)]
    shown = [row for row in reversed(found) if below is None or row[:2] < below]
    return paging.page(shown, query, lambda row: _item(row[2]), lambda row: row[:2])


def _item(version: Regulation | None) -> RegulationItem:
    rules = version.rules if version else Rulebook()
    quiet = version.quiet_hours if version else ()
    return RegulationItem(
        id=version.id if version else None, since=perhaps(version.since) if version else None,
        note=version.note if version else "", by=version.by if version else None,
        quiet=[Hours(since=f"{each.since:%H:%M}", until=f"{each.until:%H:%M}") for each in quiet],
        sessions=[_slot(each) for each in rules.slots], kinds=[kind(each) for each in rules.kinds],
        caps=[_cap(each) for each in rules.caps], most_sessions=rules.most_sessions,
        most_minutes=rules.most_minutes, outside=rules.outside, too_long=rules.too_long,
        alone_minutes=rules.alone_minutes,
    )  # fmt: skip


def _slot(slot: Slot) -> SlotItem:
    return SlotItem(
        key=slot.key, name=slot.name, start=slot.start, minutes=slot.minutes,
        weekdays=[WEEKDAYS[each] for each in slot.weekdays], area_ids=list(slot.area_ids), kinds=list(slot.kinds),
    )  # fmt: skip


def kind(of: DayKind) -> KindItem:
    return KindItem(key=of.key, name=of.name, plays=of.plays, sessions=of.sessions)


def _cap(cap: Cap) -> CapItem:
    return CapItem(since=cap.since, until=cap.until, most=cap.most, area_ids=list(cap.area_ids))


READ = Scope.REGULATION_READ
ROUTES = (
    Route("GET", "/regulation", show, "The rules in force.", READ),
    Route("GET", "/regulation/versions", versions, "All versions of the rules, the newest first.", READ),
)  # fmt: skip
