"""What a calendar can move: one day of a series, through the gates its own pages use."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, time
from typing import Protocol

from sqlalchemy.orm import Session

from loa.errors import NotFound
from loa.times import Instant
from loa.words import say
from scheduler import exceptions, fixes
from scheduler.admission import Asked
from scheduler.exceptions import Kind, Otherwise, ScheduleException
from scheduler.fixes import Report
from scheduler.neighbours import SourceId
from web import current, plan_places
from web.calendar_series import Target


class Item(Protocol):
    """One day of a series. What acts needs a session that writes, and raises ScheduleError."""

    day: date
    exception: ScheduleException | None

    @property
    def column(self) -> exceptions.Column: ...

    @property
    def id(self) -> int: ...
    @property
    def title(self) -> str: ...
    @property
    def words(self) -> str:
        """Of the series."""

    @property
    def version(self) -> str: ...
    @property
    def area_id(self) -> int | None: ...
    @property
    def is_single(self) -> bool:
        """Whether the series is this day alone."""

    @property
    def minutes(self) -> int | None:
        """How long it is to be; None where that is not for a calendar to say."""

    @property
    def no_series(self) -> str:
        """Why the whole series cannot be moved from here; empty where it can."""

    @property
    def clock(self) -> time | None:
        """Of the series; None where a session of the regulation gives it."""

    @property
    def waived_why(self) -> str:
        """Why the series was let break a rule."""

    def on(self, day: date) -> Item:
        """Another day of the same series. Raises NotFound."""

    @property
    def page(self) -> str:
        """Address of the series."""

    def at(self) -> Instant | None:
        """When it is heard, or would be were it not skipped."""

    def move(self, target: Target) -> ScheduleException: ...
    def change(self, target: Target) -> bool:
        """The whole series; False where nothing differs."""

    def otherwise(self, wanted: Otherwise, waived_why: str = "") -> ScheduleException: ...
    def restore(self, exception: ScheduleException) -> None: ...
    def clashes(self, target: Target) -> Report | None: ...
    def words_of(self, target: Target) -> str:
        """The series as it would be. Raises ScheduleError."""


def otherwise_of(day: date, target: Target) -> Otherwise:
    return Otherwise(
        day=day, kind=Kind.MOVE, to_day=target.to_day, to_time=target.to_time, reason=target.reason
    )


class NoSuchDay(NotFound):
    """The series has no such day, or no longer: read the calendar again."""


def never(day: date) -> NoSuchDay:
    return NoSuchDay(
        say(
            "Lịch này không có lượt nào vào ngày %(day)s, hoặc vừa được sửa. Lịch đã được tải lại.",
            day=f"{day:%d/%m/%Y}",
        )
    )


def report(session: Session, asked: Asked, item: Item) -> Report | None:
    """What it meets, and other hours that were tried."""
    ahead = [moment for moment in asked.moments if moment > current.now()]
    if not ahead:
        return None
    but = SourceId(item.column, item.id)
    return fixes.report(session, replace(asked, moments=ahead), plan_places.rules(), but=but)
