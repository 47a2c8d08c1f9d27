"""Schedules as they are sent and told."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from msgspec import Meta

from content.bulletins import Priority
from scheduler.conflicts import Effect
from scheduler.exceptions import MOST_REASON
from scheduler.exceptions import Kind as ExceptionKind
from scheduler.series import Kind
from web.api.paging import Listed
from web.api.refusals import Error
from web.api.wire import (
    Clock,
    Id,
    Moment,
    Person,
    Reason,
    ReceiverId,
    Strict,
    Told,
    Weekday,
)

Ids = Annotated[tuple[Id, ...], Meta(max_length=1000)]
ReceiverIds = Annotated[tuple[ReceiverId, ...], Meta(max_length=10_000)]


class Where(Strict, frozen=True):
    """Where something is to be heard: areas with all below them and groups, without some receivers."""

    area_ids: Ids = ()
    group_ids: Ids = ()
    except_ids: ReceiverIds = ()
    waived_why: Reason = ""
    """An officer's reason for what the regulation lets through only with one (see `reason_needed`)."""


class Timing(Where, frozen=True, kw_only=True):
    """When and where: at a time of day, on one day or again and again."""

    kind: Kind = Kind.ONCE
    at: Clock
    start_date: date
    end_date: date | None = None
    """Last day; null goes on until somebody ends it."""
    weekdays: tuple[Weekday, ...] = ()
    """Of kind `weekdays`."""
    recurs: Annotated[str, Meta(max_length=200)] = ""
    """Of kind `other`: an RRULE of RFC 5545, by the moon with RSCALE=VIETNAMESE (RFC 7529)."""
    skips: tuple[Annotated[str, Meta(max_length=32)], ...] = ()
    """Kinds of day on which it is not heard, such as `holiday`."""
    minutes: Annotated[int, Meta(ge=0, le=1440)] = 0
    """Of a relay: how long; 0 as its bulletin says."""
    resumes: bool = False
    """Begins again after an interruption."""


class NewSchedule(Timing, frozen=True, kw_only=True):
    """A bulletin at a time of day, on one day or again and again."""

    bulletin_id: Id


class PlayNow(Where, frozen=True, kw_only=True):
    """An approved bulletin, at once."""

    bulletin_id: Id


class Skip(Strict, frozen=True):
    """A day of a schedule that is not to be heard."""

    day: date
    reason: Annotated[str, Meta(max_length=MOST_REASON)] = ""


class OtherDay(Strict, frozen=True, kw_only=True):
    """A day of a series that is to be otherwise."""

    day: date
    reason: Annotated[str, Meta(max_length=MOST_REASON)] = ""
    waived_why: Reason = ""
    """An officer's reason for what the regulation lets through only with one (see `reason_needed`)."""


class Move(OtherDay, frozen=True, kw_only=True):
    """A day that is to be heard at another time; what is left out stays."""

    to_day: date | None = None
    to_time: Clock | None = None


class Replace(OtherDay, frozen=True, kw_only=True):
    """A day on which another bulletin is heard instead."""

    bulletin_id: Id


class OccurrenceQuery(Listed, frozen=True):
    """Which occurrences, in order of time."""

    days: Annotated[int, Meta(ge=1, le=366)] = 31
    """So many days from now on."""


class Restore(Strict, frozen=True):
    """A day put back as the schedule has it."""

    waived_why: Reason = ""


class ScheduleQuery(Listed, frozen=True):
    """Which schedules, the last made first."""

    bulletin_id: Id | None = None
    ended: bool | None = None
    """Whether somebody has ended it."""


class ExceptionItem(Told, frozen=True):
    """What is otherwise about one day of a schedule."""

    id: Id
    day: date
    kind: ExceptionKind
    to_day: date | None
    to_time: Clock | None
    bulletin_id: int | None
    """In place of the schedule's own."""
    words: str


class ScheduleItem(Told, frozen=True):
    """When and where a bulletin is heard."""

    id: Id
    bulletin_id: Id
    title: str
    priority: Priority
    kind: Kind
    at: Clock
    recurs: str
    """On which days, as an RRULE; empty is once."""
    start_date: date
    end_date: date | None
    skips: list[str]
    minutes: int
    resumes: bool
    is_now: bool
    """Made by "play now"."""
    area_ids: list[int]
    group_ids: list[int]
    except_ids: list[str]
    words: str
    by: Person
    waived: list[str]
    """Rules of the regulation that an officer let it break, and why."""
    waived_why: str
    next_at: Moment | None
    """When it is heard next; null where it is over."""
    created_at: Moment
    ended_at: Moment | None
    exceptions: list[ExceptionItem]


class OccurrenceItem(Told, frozen=True):
    """A day of a schedule: when it is heard, or why not."""

    day: date
    """By the series; a moved one is heard on another."""
    at: Moment
    heard: bool
    code: str | None
    """Why it is not heard, as a word and as a sentence."""
    why_not: str | None
    day_kind: str
    """Kind of day of the regulation: normal, weekend, holiday, …"""
    bulletin_id: int | None
    """In place of the schedule's own."""
    exception_id: int | None


class Warning(Told, frozen=True):
    """What a schedule and one other thing do to each other at the same receivers."""

    effect: Effect
    message: str
    grave: bool
    """Something is not heard, or not to its end."""
    title: str
    """Of the other."""
    count: int
    """How often in the year ahead."""
    first: list[Moment]
    receiver_ids: list[str]


class Scheduled(Told, frozen=True):
    """What was scheduled, and what it meets. Nothing was refused because of it: whoever asked must look."""

    schedule: ScheduleItem
    receivers: int
    """At how many it is heard as things stand."""
    warnings: list[Warning]


class Previewed(Told, frozen=True):
    """What would come of it. Nothing was stored."""

    refusal: Error | None
    """Why it would be refused, as the call that stores it would say; null where it would not."""
    receivers: int
    occurrences: list[OccurrenceItem]
    """The first of the year ahead."""
    warnings: list[Warning]
