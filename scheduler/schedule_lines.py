"""What becomes of the lines of a file of schedules: shapes that schedule_import fills in and a page shows."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, time

from content.bulletins import Bulletin
from loa.staff import Staff
from loa.times import Instant
from scheduler.exceptions import ScheduleException
from scheduler.series import Kind, Rule
from scheduler.targets import Where


class State(enum.StrEnum):
    """What becomes of a line."""

    NEW = "new"
    SAME = "same"
    NEEDS_REASON = "needs_reason"
    REFUSED = "refused"


@dataclass(frozen=True)
class Coming:
    """A schedule that a line asks for, before it is one; its id is less than 0."""

    id: int
    bulletin: Bulletin
    staff: Staff
    asked: Rule
    exceptions: Sequence[ScheduleException] = ()
    is_now: bool = False

    @property
    def at(self) -> time:
        return self.asked.at

    @property
    def rule(self) -> str:
        return self.asked.rule

    @property
    def start_date(self) -> date:
        return self.asked.start_date

    @property
    def end_date(self) -> date | None:
        return self.asked.start_date if self.asked.kind is Kind.ONCE else self.asked.end_date

    @property
    def skips(self) -> Sequence[str]:
        return self.asked.skips

    @property
    def where(self) -> Where:
        return self.asked.where

    @property
    def minutes(self) -> int:
        return self.asked.minutes

    @property
    def resumes(self) -> bool:
        return self.asked.resumes

    @property
    def kind(self) -> Kind:
        return self.asked.kind


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line of the file, and what becomes of it."""

    number: int
    title: str
    state: State
    why: str = ""
    """Why it is not brought in, or what it needs a reason for."""
    coming: Coming | None = None
    places: str = ""
    receivers: int = 0
    first: Instant | None = None
    """When it is heard first."""
    waived: tuple[str, ...] = ()
    waived_why: str = ""


@dataclass
class Plan:
    """What an import would do."""

    head: int
    """The newest act that all was held against."""
    lines: list[Line] = field(default_factory=list)

    def of(self, state: State) -> list[Line]:
        return [line for line in self.lines if line.state is state]

    @property
    def new(self) -> list[Line]:
        return self.of(State.NEW)

    @property
    def same(self) -> list[Line]:
        return self.of(State.SAME)

    @property
    def needing(self) -> list[Line]:
        return self.of(State.NEEDS_REASON)

    @property
    def refused(self) -> list[Line]:
        return self.of(State.REFUSED)

    @property
    def seen(self) -> str:
        """Which lines are, or with a reason would be, brought in: what a person agrees to."""
        return ",".join(str(line.number) for line in (*self.new, *self.needing))
