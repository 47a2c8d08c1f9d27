"""Schedules from a spreadsheet or a calendar: looked at line by line, and brought in once that was confirmed."""

from __future__ import annotations

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from flask_wtf.file import FileField
from werkzeug.wrappers import Response
from wtforms import HiddenField, TextAreaField
from wtforms.validators import Length

from loa import words
from loa.errors import ScheduleError
from loa.staff import May
from loa.words import counted, say
from scheduler import calendar_read, schedule_import, schedule_rows
from scheduler.schedule_lines import Plan
from scheduler.schedule_rows import Unread, Wish
from web import current, spreadsheets
from web.forms import Form

bp = Blueprint("schedule_import", __name__)

MOST_BYTES = 1_000_000
SHOWN = 200
"""Lines of a kind shown before they are brought in."""
TRIES = 3
"""Somebody else may change what the lines were held against while they are looked at."""


class ImportForm(Form):
    """``text`` holds what was read from the file, once it was looked at; ``seen`` the lines agreed to."""

    file = FileField(say("Tệp CSV hoặc .ics"))
    text = TextAreaField()
    seen = HiddenField()
    waived_why = TextAreaField(
        say("Lý do vẫn phát, cho mọi dòng chưa ghi lý do"),
        [Length(max=500, message=say("Hãy viết lý do gọn trong 500 chữ."))],
    )


@bp.get("/lich-phat/mau.csv")
@current.needs(May.SCHEDULE)
def template() -> Response:
    """A file to fill in."""
    with spreadsheets.writing() as (text, file):
        spreadsheets.rows(schedule_rows.template(), text)
    return spreadsheets.answer(file, "mau-lich-phat.csv")


@bp.route("/lich-phat/nhap", methods=["GET", "POST"])
@current.needs(May.SCHEDULE)
def bring_in() -> Response:
    """Take a file in: looked at first, and done once that was confirmed."""
    form = ImportForm()
    looked = form.carry_out(lambda: _look(form))
    if looked is None:
        page = render_template(
            "schedules/import.html", form=form, most=MOST_BYTES, lines=schedule_rows.MOST_LINES
        )
        return make_response(page, form.status)
    plan, text = looked
    if not request.form.get("sure"):
        return _preview(form, plan, text)
    done = form.carry_out(lambda: _bring_in(form, plan))
    if done is None or done.seen != form.seen.data:
        return _preview(form, done or plan, text, is_other=True)
    flash(_said(done))
    return redirect(url_for("schedules.listing"))


def _preview(form: ImportForm, plan: Plan, text: str, *, is_other: bool = False) -> Response:
    page = render_template(
        "schedules/import_plan.html", form=form, plan=plan, text=text, most=SHOWN, is_other=is_other
    )
    return make_response(page, 409 if is_other else form.status)


def _look(form: ImportForm) -> tuple[Plan, str]:
    text = form.text.data or spreadsheets.text_of(
        form.file.data, MOST_BYTES, ScheduleError, say("CSV hoặc .ics")
    )
    return _plan(form, _wishes(text)), text


def _wishes(text: str) -> list[Wish | Unread]:
    is_calendar = text.lstrip("\ufeff \r\n").upper().startswith("BEGIN:VCALENDAR")
    return calendar_read.read(text, current.zone()) if is_calendar else schedule_rows.read(text)


def _plan(form: ImportForm, wishes: list[Wish | Unread]) -> Plan:
    with current.read() as session:
        return schedule_import.look_at(
            session, current.staff(), wishes, now=current.now(), zone=current.zone(),
            waived_why=form.waived_why.data or "",
        )  # fmt: skip


def _bring_in(form: ImportForm, plan: Plan) -> Plan:
    """Store it; or only what it now would come to, where that is no more what was agreed to."""
    for _ in range(TRIES):
        if plan.seen != form.seen.data:
            return plan
        with current.write() as session:
            if schedule_import.holds(session, plan):
                schedule_import.bring_in(session, plan, current.staff(), now=current.now())
                return plan
        plan = _plan(form, _wishes(form.text.data or ""))
    raise ScheduleError(
        say(
            "Lịch của đài đang được người khác sửa liên tục nên chưa nhập gì. Hãy thử lại sau ít phút."
        )
    )


def _said(plan: Plan) -> str:
    left = [
        counted("%(n)s lịch đã có sẵn nên bỏ qua", len(plan.same)),
        counted("%(n)s dòng bị từ chối", len(plan.refused)),
        counted("%(n)s dòng còn thiếu lý do", len(plan.needing)),
    ]
    rest = words.join(", ", (each for each in left if each.number))
    done = counted("Đã nhập %(n)s lịch phát", len(plan.new))
    return say("%(done)s; %(rest)s.", done=done, rest=rest) if rest else say("%(done)s.", done=done)
