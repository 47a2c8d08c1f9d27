"""One day of a schedule as a calendar moves it: scheduler.one_day and scheduler.schedules decide."""

from __future__ import annotations

from datetime import date, time
from typing import Literal

from flask import url_for
from sqlalchemy.orm import Session

from loa.times import MINUTE, Instant
from loa.times import at as instant_at
from loa.words import say
from scheduler import one_day, recurrence, schedule_checks, schedules, series
from scheduler.exceptions import Kind, Otherwise, ScheduleException
from scheduler.fixes import Report
from scheduler.schedules import Rule, Schedule
from web import current, labels, schedule_preview
from web.calendar_items import Item, never, otherwise_of, report
from web.calendar_series import Target, shifted
from web.calendar_versions import of_schedule


class OfSchedule:
    """One day of a schedule."""

    def __init__(self, session: Session, schedule_id: int, day: date) -> None:
        """Raises NotFound."""
        self.session, self.day = session, day
        self.schedule: Schedule = schedules.get(session, schedule_id)
        if not series.has_day(self.schedule, day):
            raise never(day)
        held = [each for each in self.schedule.exceptions if each.day == day]
        self.exception = max(held, key=lambda each: each.id) if held else None

    @property
    def column(self) -> Literal["schedule_id"]:
        return "schedule_id"

    @property
    def id(self) -> int:
        return self.schedule.id

    @property
    def title(self) -> str:
        return self.schedule.bulletin.title

    @property
    def words(self) -> str:
        return labels.rule(self.schedule)

    @property
    def version(self) -> str:
        return of_schedule(self.schedule, self.exception)

    @property
    def area_id(self) -> int | None:
        return self.schedule.staff.area_id

    @property
    def is_single(self) -> bool:
        return self.schedule.rule == recurrence.ONCE and self.exception is None

    @property
    def minutes(self) -> int | None:
        relay = series.relay_of(self.schedule.bulletin, self.schedule.minutes)
        return relay.ms // MINUTE if relay else None

    @property
    def no_series(self) -> str:
        if self.exception is None:
            return ""
        return say("Lượt này đã khác với lịch. Muốn đổi cả lịch, hãy mở lịch rồi bấm Sửa.")

    @property
    def page(self) -> str:
        return url_for("schedules.show", schedule_id=self.id)

    @property
    def clock(self) -> time | None:
        return self.schedule.at

    @property
    def waived_why(self) -> str:
        return self.schedule.waived_why

    def on(self, day: date) -> Item:
        return OfSchedule(self.session, self.id, day)

    def at(self) -> Instant | None:
        if self.exception is not None and self.exception.kind is Kind.MOVE:
            return series.target(self.exception, self.schedule.at, current.zone())
        return instant_at(self.day, self.schedule.at, current.zone())

    def move(self, target: Target) -> ScheduleException:
        schedule_checks.demand_ordinary(self.schedule.bulletin, "to_time")
        return self.otherwise(otherwise_of(self.day, target), target.waived_why)

    def otherwise(self, wanted: Otherwise, waived_why: str = "") -> ScheduleException:
        return one_day.make(
            self.session, self.schedule, current.staff(), wanted, now=current.now(), zone=current.zone(),
            waived_why=waived_why,
        )  # fmt: skip

    def restore(self, exception: ScheduleException) -> None:
        one_day.undo(
            self.session, self.schedule, exception, current.staff(), now=current.now(), zone=current.zone()
        )  # fmt: skip

    def change(self, target: Target) -> bool:
        schedule_checks.demand_ordinary(self.schedule.bulletin, "to_time")
        return schedules.change(
            self.session, self.schedule, current.staff(), self._rule(target), now=current.now(),
            zone=current.zone(), waived_why=target.waived_why,
        )  # fmt: skip

    def words_of(self, target: Target) -> str:
        rule = self._rule(target)
        return f"{rule.at:%H:%M} {recurrence.words(rule.rule, rule.start_date)}"

    def _rule(self, target: Target) -> Rule:
        """The whole series as it is to be. Raises ScheduleError."""
        s, where = self.schedule, self.schedule.where
        rule, start = shifted(s.rule, s.start_date, s.end_date, self.day, target.to_day)
        is_once = s.rule == recurrence.ONCE
        return Rule(
            kind=series.Kind.ONCE if is_once else series.Kind.OTHER, at=target.to_time, start_date=start,
            end_date=None if is_once else s.end_date, recurs="" if is_once else rule, skips=tuple(s.skips),
            minutes=s.minutes if target.minutes in (None, self.minutes) else target.minutes or 0,
            resumes=s.resumes, area_ids=where.area_ids, group_ids=where.group_ids, except_ids=where.except_ids,
        )  # fmt: skip

    def clashes(self, target: Target) -> Report | None:
        if target.scope == "all":
            rule = self._rule(target)
            return schedule_preview.report(
                self.session, self.schedule.bulletin, rule, self.schedule
            )
        moment = instant_at(target.to_day, target.to_time, current.zone())
        if moment is None:
            return None
        asked = schedule_checks.asking(
            self.session, self.schedule.bulletin, self.schedule.where, [moment],
            minutes=self.schedule.minutes, of=self.schedule,
        )  # fmt: skip
        return report(self.session, asked, self)
