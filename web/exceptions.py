"""Ngoại lệ: one day of a schedule skipped, moved or given another bulletin, and put back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from flask import Blueprint, flash, make_response, redirect, render_template, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response
from wtforms import SelectField, StringField, TextAreaField
from wtforms.validators import Length

from content import library
from content.bulletins import Priority
from content.bulletins import State as BulletinState
from loa.errors import NotFound
from loa.staff import May
from loa.words import say
from scheduler import exceptions, one_day, schedule_checks, schedules, series
from scheduler.exceptions import MOST_REASON, Kind, Otherwise
from scheduler.schedules import Schedule
from web import current, labels, schedule_page
from web.forms import Clock, Day, Form, choices, day_of_address, optional

bp = Blueprint("exceptions", __name__)

OFFERED = 200
"""Bulletins to choose from in place of the series' own."""


class DayForm(Form):
    reason = StringField(
        say("Lý do"),
        [
            Length(
                max=MOST_REASON, message=say("Hãy viết gọn trong %(most)s chữ.", most=MOST_REASON)
            )
        ],
    )
    waived_why = TextAreaField(say("Lý do vẫn phát ngoài quy chế"))

    def otherwise(self, day: date) -> Otherwise:
        """What was filled in."""
        return Otherwise(day=day, kind=Kind.SKIP, reason=self.reason.data or "")


class MoveForm(DayForm):
    to_time = Clock(say("Giờ mới"), [optional()])
    to_day = Day(say("Ngày mới"), [optional()])

    def otherwise(self, day: date) -> Otherwise:
        return Otherwise(
            day=day, kind=Kind.MOVE, to_day=self.to_day.data, to_time=self.to_time.data,
            reason=self.reason.data or "",
        )  # fmt: skip


class ReplaceForm(DayForm):
    bulletin_id = SelectField(say("Bản tin thay thế"), coerce=int, validate_choice=False)

    def otherwise(self, day: date) -> Otherwise:
        return Otherwise(
            day=day, kind=Kind.REPLACE, bulletin_id=self.bulletin_id.data or None,
            reason=self.reason.data or "",
        )  # fmt: skip


@bp.get("/lich-phat/<int:schedule_id>/luot/<day>")
@current.needs(May.SCHEDULE)
def show(schedule_id: int, day: str) -> str:
    """What can be made otherwise about one day."""
    return _page(schedule_id, _day(day))


@bp.post("/lich-phat/<int:schedule_id>/luot/<day>/bo")
@current.needs(May.SCHEDULE)
def skip(schedule_id: int, day: str) -> Response:
    form = DayForm()
    return _carry_out(
        form, "skip", schedule_id, _day(day), lambda day: say("Đã bỏ lượt ngày %(day)s.", day=day)
    )


@bp.post("/lich-phat/<int:schedule_id>/luot/<day>/doi")
@current.needs(May.SCHEDULE)
def move(schedule_id: int, day: str) -> Response:
    form = MoveForm()
    return _carry_out(
        form, "move", schedule_id, _day(day), lambda day: say("Đã dời lượt ngày %(day)s.", day=day)
    )


@bp.post("/lich-phat/<int:schedule_id>/luot/<day>/thay")
@current.needs(May.SCHEDULE)
def replace(schedule_id: int, day: str) -> Response:
    form = ReplaceForm()
    return _carry_out(
        form, "replace", schedule_id, _day(day), lambda day: say("Đã đổi bản tin của lượt ngày %(day)s.", day=day)
    )  # fmt: skip


@bp.post("/lich-phat/<int:schedule_id>/ngoai-le/<int:exception_id>/bo")
@current.needs(May.SCHEDULE)
def undo(schedule_id: int, exception_id: int) -> Response:
    form = DayForm()
    back = url_for("schedules.show", schedule_id=schedule_id)
    if form.carry_out(lambda: _undo(schedule_id, exception_id, form)):
        flash(say("Lượt này lại phát theo lịch."))
        return redirect(back)
    with current.read() as session:
        schedule = schedules.get(session, schedule_id)
        exception = exceptions.get(session, exception_id)
        sentence = exceptions.sentence(exception, schedule.at)
    page = render_template(
        "schedules/undo.html", form=form, schedule=schedule, exception=exception, sentence=sentence
    )
    return make_response(page, form.status)


def _undo(schedule_id: int, exception_id: int, form: DayForm) -> bool:
    with current.write() as session:
        exception = exceptions.get(session, exception_id)
        if exception.schedule_id != schedule_id:
            raise NotFound(say("Ngoại lệ này thuộc lịch khác. Hãy quay lại trang của lịch phát."))
        one_day.undo(
            session, schedules.get(session, schedule_id), exception, current.staff(),
            now=current.now(), zone=current.zone(), waived_why=form.waived_why.data or "",
        )  # fmt: skip
    return True


def _carry_out(
    form: DayForm, name: str, schedule_id: int, day: date, said: Callable[[str], str]
) -> Response:
    if form.carry_out(lambda: _make(schedule_id, form.otherwise(day), form)):
        done = said(labels.short_date(day))
        flash(say("%(done)s Bấm “Phát lại theo lịch” nếu đổi ý.", done=done))
        return redirect(url_for("schedules.show", schedule_id=schedule_id))
    return make_response(_page(schedule_id, day, **{name: form}), form.status)


def _make(schedule_id: int, wanted: Otherwise, form: DayForm) -> bool:
    with current.write() as session:
        schedule = schedules.get(session, schedule_id)
        if wanted.kind is Kind.MOVE:
            schedule_checks.demand_ordinary(schedule.bulletin, "to_time")
        one_day.make(
            session, schedule, current.staff(), wanted,
            now=current.now(), zone=current.zone(), waived_why=form.waived_why.data or "",
        )  # fmt: skip
    return True


def _page(schedule_id: int, day: date, **sent: DayForm) -> str:
    with current.read() as session:
        schedule = schedules.get(session, schedule_id)
        kind = schedule_page.read_context(session).calendar.kind(day)
        others = _others(session, schedule, day)
    forms: dict[str, Any] = {
        "skip": DayForm(formdata=None),
        "move": MoveForm(formdata=None, data={"to_day": day, "to_time": schedule.at}),
        "replace": ReplaceForm(formdata=None),
        **sent,
    }
    for name, form in forms.items():
        for each in form:
            each.id = f"{name}-{each.id}"  # three forms on one page, and some fields alike
    forms["replace"].bulletin_id.choices = choices([(0, say("chọn bản tin")), *others])
    return render_template(
        "schedules/day.html", schedule=schedule, day=day, kind=kind, forms=forms, others=others,
        has_day=series.has_day(schedule, day),
    )  # fmt: skip


def _others(session: Session, schedule: Schedule, day: date) -> list[tuple[int, str]]:
    """Approved bulletins that could be heard in its place, newest first."""
    wanted = library.Wanted(state=BulletinState.APPROVED, valid_on=day)
    found = library.listing(session, wanted, limit=OFFERED)
    return [
        (each.id, each.title)
        for each in found
        if each.id != schedule.bulletin_id and each.priority is not Priority.EMERGENCY
    ]


def _day(text: str) -> date:
    return day_of_address(text, say("trang của lịch phát"))
