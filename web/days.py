"""Ngày đặc biệt: which coming days are not like any other, why, and what staff say of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import NamedTuple, cast

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response
from wtforms import SelectField, StringField

from loa.staff import May
from loa.times import local
from loa.words import recall, say
from scheduler import amending, context, effects, regulation, rulebook
from scheduler.amending import Marking
from scheduler.days import Day
from scheduler.rulebook import DayKind
from web import current, forms, plan_places
from web.forms import Form, choices, given

bp = Blueprint("days", __name__)

AHEAD = 366
EFFECTS_SHOWN = 20


class MarkForm(Form):
    kind = SelectField(say("Là ngày gì"))
    first = forms.Day(say("Từ ngày"), [given(say("Hãy chọn ngày đầu."))])
    last = forms.Day(say("Đến hết ngày"), [forms.optional()])
    name = StringField(say("Dịp gì"))

    def offer(self, session: Session) -> None:
        """The kinds of day of the regulation in force."""
        kinds = regulation.rules_at(session, current.now()).kinds
        self.kind.choices = choices((kind.key, recall(kind.name)) for kind in kinds)

    @property
    def marking(self) -> Marking:
        first = cast(date, self.first.data)
        return Marking(
            kind=self.kind.data, first=first, last=self.last.data or first, name=self.name.data or ""
        )  # fmt: skip


class Special(NamedTuple):
    """A day, or several of the same kind for the same reason in a row."""

    first: date
    last: date
    day: Day
    kind: DayKind

    @property
    def long(self) -> bool:
        return self.first != self.last


@bp.get("/quy-che/ngay")
def listing() -> str:
    with current.read() as session:
        form = MarkForm(formdata=None)
        form.offer(session)
        today = local(current.now(), current.zone()).date()
        marks, found = amending.marks_ahead(session, today), special(session, today)
    return render_template("regulation/days.html", form=form, marks=marks, found=found, today=today)


@bp.route("/quy-che/ngay/ghi", methods=["GET", "POST"])
@current.needs(May.SCHEDULE)
def new() -> Response:
    form = MarkForm()
    with current.read() as session:
        form.offer(session)
    if request.form.get("lam") == "luu" and form.carry_out(lambda: _mark(form)):
        flash(say("Đã ghi. Các lượt phát của những ngày này được xét lại."))
        return redirect(url_for("days.listing"))
    if not form.errors and request.form.get("lam") != "sua":
        confirmed = form.carry_out(lambda: _confirm(form))
        if confirmed is not None:
            return make_response(confirmed)
    return make_response(render_template("regulation/mark.html", form=form), form.status)


@bp.get("/quy-che/ngay/<int:mark_id>/bo")
@current.needs(May.SCHEDULE)
def ask_withdraw(mark_id: int) -> str:
    with current.read() as session:
        mark = amending.get_mark(session, mark_id)
        found = effects.of_unmarking(session, mark, current.now(), plan_places.rules())
        kind = _kind(session, mark.kind)
    return render_template(
        "regulation/unmark.html", mark=mark, found=found, kind=kind, most=EFFECTS_SHOWN
    )


@bp.post("/quy-che/ngay/<int:mark_id>/bo")
@current.needs(May.SCHEDULE)
def withdraw(mark_id: int) -> Response:
    with current.write() as session:
        mark = amending.get_mark(session, mark_id)
        amending.unmark(session, current.staff(), mark, current.now(), plan_places.rules())
    flash(say("Đã bỏ “%(name)s”. Những ngày ấy lại theo lịch chung.", name=mark.name))
    return redirect(url_for("days.listing"))


def _mark(form: MarkForm) -> bool:
    with current.write() as session:
        amending.mark(session, current.staff(), form.marking, current.now(), plan_places.rules())
    return True


def _confirm(form: MarkForm) -> str:
    """The page that says what the mark would do."""
    marking = form.marking
    with current.read() as session:
        found = effects.of_marking(
            session, marking, current.staff(), current.now(), plan_places.rules()
        )
        kind = _kind(session, marking.kind)
    return render_template(
        "regulation/mark_confirm.html", form=form, marking=marking, kind=kind, found=found,
        most=EFFECTS_SHOWN,
    )  # fmt: skip


def _kind(session: Session, key: str) -> DayKind:
    return rulebook.kind_of(regulation.rules_at(session, current.now()), key)


def special(session: Session, today: date) -> Sequence[Special]:
    """The days of the coming year that are neither days like any other nor mere weekends, in order."""
    known = context.read(session, plan_places.rules())
    rules = regulation.rules_at(session, current.now())
    found: list[Special] = []
    for n in range(AHEAD):
        date_ = today + timedelta(days=n)
        day = known.calendar.kind(date_)
        if _is_usual(day, date_):
            continue
        if found and found[-1].day == day and found[-1].last == date_ - timedelta(days=1):
            found[-1] = found[-1]._replace(last=date_)
        else:
            found.append(Special(date_, date_, day, rulebook.kind_of(rules, day.key)))
    return found


def _is_usual(day: Day, date_: date) -> bool:
    """As the week has it; a Saturday worked for another day is not."""
    is_weekend = date_.weekday() >= 5
    from_week = day.key == ("weekend" if is_weekend else "normal")
    return from_week and "(" not in day.why
