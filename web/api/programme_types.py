"""Programmes as they are sent and told."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from msgspec import Meta

from scheduler.programme_checks import MOST_ITEMS, MOST_MINUTES, MOST_NAME
from scheduler.programmes import ItemKind
from scheduler.running_order import Fate
from scheduler.series import Kind
from web.api.paging import Listed
from web.api.refusals import Error
from web.api.schedule_types import ExceptionItem, Warning, Where
from web.api.wire import Clock, Id, Moment, Person, Strict, Told, Weekday


class ProgrammeQuery(Listed, frozen=True):
    """Which programmes, the last made first."""

    ended: bool | None = None
    """Whether somebody has ended it."""


class SentItem(Strict, frozen=True):
    """One entry of a running order."""

    kind: ItemKind = ItemKind.BULLETIN
    """`fill` keeps minutes for campaigns; a bulletin that is a stream is always `relay`."""
    bulletin_id: Id | None = None
    """Of all but `fill`."""
    minutes: Annotated[int, Meta(ge=0, le=MOST_MINUTES)] = 0
    """Of `relay` (0: as its bulletin says) and `fill`; all others are as long as their sound."""


class NewProgramme(Where, frozen=True, kw_only=True):
    """A running order and the days on which it is heard; either in a session of the regulation or at its own time."""

    name: Annotated[str, Meta(max_length=MOST_NAME)]
    slot: Annotated[str, Meta(max_length=16)] | None = None
    """Key of a session of the regulation; null: at `at` for `minutes`."""
    at: Clock | None = None
    minutes: Annotated[int, Meta(ge=0, le=MOST_MINUTES)] = 0
    kind: Kind = Kind.DAILY
    weekdays: tuple[Weekday, ...] = ()
    """Of kind `weekdays`."""
    recurs: Annotated[str, Meta(max_length=200)] = ""
    """Of kind `other`: an RRULE, as of a schedule."""
    start_date: date
    end_date: date | None = None
    skips: tuple[Annotated[str, Meta(max_length=32)], ...] = ()
    """Kinds of day on which it is not heard."""
    items: Annotated[tuple[SentItem, ...], Meta(max_length=MOST_ITEMS)]


class EntryItem(Told, frozen=True):
    """One entry of a running order as it is kept."""

    kind: ItemKind
    bulletin_id: int | None
    title: str | None
    minutes: int


class ProgrammeItem(Told, frozen=True):
    """A running order and its days."""

    id: Id
    name: str
    slot: str | None
    at: Clock | None
    minutes: int
    kind: Kind
    recurs: str
    start_date: date
    end_date: date | None
    skips: list[str]
    area_ids: list[int]
    group_ids: list[int]
    except_ids: list[str]
    by: Person
    waived: list[str]
    waived_why: str
    created_at: Moment
    ended_at: Moment | None
    items: list[EntryItem]
    exceptions: list[ExceptionItem]


class RunQuery(Strict, frozen=True):
    """Which runs, in order of time."""

    days: Annotated[int, Meta(ge=1, le=31)] = 7
    """So many days from now on."""


class RunEntry(Told, frozen=True):
    """One entry on one day."""

    kind: ItemKind
    bulletin_id: int | None
    title: str | None
    at: Moment
    ms: int
    """How long it is heard."""
    asked_ms: int | None
    """How long it would be; null while its sound is not made."""
    fate: Fate
    heard: bool
    code: str | None
    """Why it is not heard, as a word and as a sentence."""
    why_not: str | None


class RunItem(Told, frozen=True):
    """A programme on one day: when it begins, and what of it fits."""

    day: date
    """By the series; a moved one is heard on another."""
    at: Moment
    room_ms: int
    """How long it may be."""
    used_ms: int
    name: str
    """In which session, or at which hour, in words."""
    heard: bool
    code: str | None
    why_not: str | None
    exception_id: int | None
    entries: list[RunEntry]


class Runs(Told, frozen=True):
    """The coming runs of a programme."""

    items: list[RunItem]


class Programmed(Told, frozen=True):
    """What was kept, and what it meets. Nothing was refused because of it: whoever asked must look."""

    programme: ProgrammeItem
    receivers: int
    warnings: list[Warning]


class ProgrammePreview(Told, frozen=True):
    """What would come of it. Nothing was stored."""

    refusal: Error | None
    """Why it would be refused, as the call that stores it would say; null where it would not."""
    receivers: int
    runs: list[RunItem]
    warnings: list[Warning]
