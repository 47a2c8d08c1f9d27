"""One day of a programme as a calendar moves it: scheduler.programme_days and scheduler.programme_acts decide."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, time
from typing import Literal

from flask import url_for
from sqlalchemy.orm import Session

from loa import words
from loa.errors import ScheduleError
from loa.times import Instant
from loa.times import at as instant_at
from loa.words import counted, say
from scheduler import (
    exceptions,
    programme_acts,
    programme_days,
    programme_runs,
    programmes,
    recurrence,
)
from scheduler.exceptions import Otherwise, ScheduleException
from scheduler.fixes import Report
from scheduler.programme_checks import Order
from scheduler.programmes import Programme
from web import current, programme_form
from web.calendar_items import Item, never, otherwise_of, report
from web.calendar_series import Target, shifted
from web.calendar_versions import of_programme


class OfProgramme:
    """One day of a programme."""

    def __init__(self, session: Session, programme_id: int, day: date) -> None:
        """Raises NotFound."""
        self.session, self.day = session, day
        self.programme: Programme = programmes.get(session, programme_id)
        self.known = programme_acts.known(session, current.zone())
        if not programme_runs.days_of(self.programme, day):
            raise never(day)
        self.exception = exceptions.on(self.known, self.column, programme_id, day)
        self.runs = programme_runs.runs_on(
            programme_runs.Asking(self.programme, self.known), day
        )  # the usual time, and where it is moved to the other as well

    @property
    def column(self) -> Literal["programme_id"]:
        return "programme_id"

    @property
    def id(self) -> int:
        return self.programme.id

    @property
    def title(self) -> str:
        return self.programme.name

    @property
    def words(self) -> str:
        p = self.programme
        when = f"{p.at:%H:%M}" if p.at and not p.slot else say("theo khung giờ của quy chế")
        return words.join(" ", (when, recurrence.words(p.rule, p.start_date)))

    @property
    def version(self) -> str:
        return of_programme(self.programme, self.exception)

    @property
    def area_id(self) -> int | None:
        return self.programme.staff.area_id

    @property
    def is_single(self) -> bool:
        is_once = self.programme.rule == recurrence.ONCE
        return is_once and self.exception is None and self.programme.slot is None

    @property
    def minutes(self) -> int | None:
        return None if self.programme.slot else self.programme.minutes

    @property
    def no_series(self) -> str:
        if self.exception is not None:
            return say(
                "Lần phát này đã khác với chương trình. Muốn đổi mọi lần, hãy mở chương trình rồi bấm Sửa."
            )
        if self.programme.slot:
            return say(
                "Chương trình này theo khung giờ của quy chế. Muốn đổi mọi lần, hãy mở chương trình rồi bấm Sửa."
            )
        return ""

    @property
    def page(self) -> str:
        return url_for("programmes.show", programme_id=self.id)

    @property
    def clock(self) -> time | None:
        return None if self.programme.slot else self.programme.at

    @property
    def waived_why(self) -> str:
        return self.programme.waived_why

    def on(self, day: date) -> Item:
        return OfProgramme(self.session, self.id, day)

    def at(self) -> Instant | None:
        return self.runs[-1].starts_at if self.runs else None

    def move(self, target: Target) -> ScheduleException:
        return self.otherwise(otherwise_of(self.day, target), target.waived_why)

    def otherwise(self, wanted: Otherwise, waived_why: str = "") -> ScheduleException:
        return programme_days.except_day(
            self.session, self.programme, current.staff(), wanted, now=current.now(), zone=current.zone(),
            waived_why=waived_why,
        )  # fmt: skip

    def restore(self, exception: ScheduleException) -> None:
        programme_days.restore_day(
            self.session, self.programme, current.staff(), exception, now=current.now(), zone=current.zone()
        )  # fmt: skip

    def change(self, target: Target) -> bool:
        before, order = self._order(None), self._order(target)
        if order == before:
            return False
        programme_acts.change(
            self.session, self.programme, current.staff(), order, now=current.now(), zone=current.zone(),
            waived_why=target.waived_why,
        )  # fmt: skip
        return True

    def words_of(self, target: Target) -> str:
        order = self._order(target)
        return counted(
            "%(at)s %(days)s, %(n)s phút", order.minutes,
            at=f"{order.at:%H:%M}", days=recurrence.words(order.rule, order.start_date),
        )  # fmt: skip

    def _order(self, target: Target | None) -> Order:
        """The whole programme as it is, or is to be. Raises ScheduleError."""
        p = self.programme
        order = Order(
            name=p.name, slot=p.slot, at=p.at, minutes=p.minutes, rule=p.rule, skips=tuple(p.skips),
            start_date=p.start_date, end_date=p.end_date, where=p.where,
            lines=tuple(programme_form.lines_of(p)),
        )  # fmt: skip
        if target is None:
            return order
        if p.slot:
            raise ScheduleError(self.no_series, field="scope")
        rule, start = shifted(p.rule, p.start_date, p.end_date, self.day, target.to_day)
        minutes = p.minutes if target.minutes is None else target.minutes
        return replace(order, at=target.to_time, minutes=minutes, rule=rule, start_date=start)

    def clashes(self, target: Target) -> Report | None:
        if target.scope == "all":
            drafted = programme_acts.draft(
                self.session, self._order(target), current.staff(), current.now(), self.programme.id
            )
            asked = programme_acts.asked(drafted, current.now(), self.known)
            return report(self.session, asked, self)
        moment = instant_at(target.to_day, target.to_time, current.zone())
        if moment is None or not self.runs:
            return None
        asked = programme_acts.asked_of(self.programme, [self.runs[-1]])
        return report(self.session, replace(asked, moments=[moment]), self)
