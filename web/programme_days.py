"""One day of a programme otherwise: skipped, moved, or another bulletin in its place."""

from __future__ import annotations

from datetime import date

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response
from wtforms import RadioField, SelectField, StringField, TextAreaField

from content import library
from content.bulletins import Priority
from content.bulletins import State as BulletinState
from content.library import Wanted
from loa.staff import May
from loa.words import say
from scheduler import exceptions, programme_days, programmes
from scheduler.exceptions import Kind, Otherwise
from web import current, labels
from web.forms import Clock, Day, Form, choices, day_of_address, optional

bp = Blueprint("programme_days", __name__)

OFFERED = 200
WAYS = {
    Kind.SKIP: say("không phát"),
    Kind.MOVE: say("phát vào ngày, giờ khác"),
    Kind.REPLACE: say("phát bản tin khác thay cho các mục (giữ nhạc hiệu)"),
}


class DayForm(Form):
    kind = RadioField(say("Ngày này thì"), choices=choices(WAYS.items()), default=Kind.SKIP)
    to_day = Day(say("Ngày phát"), [optional()])
    to_time = Clock(say("Giờ phát"), [optional()])
    bulletin_id = SelectField(say("Bản tin thay thế"), validate_choice=False)
    reason = StringField(say("Lý do"))
    waived_why = TextAreaField(say("Lý do vẫn cần phát"))

    def otherwise(self, day: date) -> Otherwise:
        """What is wanted; what belongs to another way is left out."""
        kind, number = Kind(self.kind.data), str(self.bulletin_id.data or "")
        moves = kind is Kind.MOVE
        return Otherwise(
            day=day, kind=kind, to_day=self.to_day.data if moves else None,
            to_time=self.to_time.data if moves else None, reason=self.reason.data or "",
            bulletin_id=int(number) if kind is Kind.REPLACE and number.isdecimal() else None,
        )  # fmt: skip


class BackForm(Form):
    waived_why = TextAreaField(say("Lý do vẫn cần phát"))


@bp.route("/chuong-trinh/<int:programme_id>/ngay/<day>", methods=["GET", "POST"])
@current.needs(May.SCHEDULE)
def change(programme_id: int, day: str) -> Response:
    on = day_of_address(day, say("trang chương trình"))
    form = DayForm() if request.method == "POST" else DayForm(data={"to_day": on})
    with current.read() as session:
        programme = programmes.get(session, programme_id)
        form.bulletin_id.choices = choices([("", say("chọn bản tin")), *_offered(session)])
    if form.carry_out(lambda: _except(form, programme_id, on)):
        day_words = labels.long_day(on)
        flash(say("Đã ghi ngoại lệ cho %(day)s. Các ngày khác không đổi.", day=day_words))
        return redirect(url_for("programmes.show", programme_id=programme_id))
    page = render_template("programmes/day.html", form=form, programme=programme, day=on)
    return make_response(page, form.status)


@bp.post("/chuong-trinh/<int:programme_id>/ngoai-le/<int:exception_id>/bo")
@current.needs(May.SCHEDULE)
def restore(programme_id: int, exception_id: int) -> Response:
    form = BackForm()
    if form.carry_out(lambda: _restore(form, programme_id, exception_id)):
        flash(say("Đã bỏ ngoại lệ: ngày này lại phát như chương trình."))
        return redirect(url_for("programmes.show", programme_id=programme_id))
    with current.read() as session:
        programme = programmes.get(session, programme_id)
        exception = exceptions.get(session, exception_id)
        sentence = exceptions.sentence(exception, programme.at)
    page = render_template(
        "programmes/restore.html", form=form, programme=programme, exception=exception, sentence=sentence
    )  # fmt: skip
    return make_response(page, form.status)


def _restore(form: BackForm, programme_id: int, exception_id: int) -> bool:
    with current.write() as session:
        programme_days.restore_day(
            session, programmes.get(session, programme_id), current.staff(),
            exceptions.get(session, exception_id), now=current.now(), zone=current.zone(),
            waived_why=form.waived_why.data or "",
        )  # fmt: skip
    return True


def _except(form: DayForm, programme_id: int, day: date) -> bool:
    with current.write() as session:
        programme_days.except_day(
            session, programmes.get(session, programme_id), current.staff(), form.otherwise(day),
            now=current.now(), zone=current.zone(), waived_why=form.waived_why.data or "",
        )  # fmt: skip
    return True


def _offered(session: Session) -> list[tuple[int, str]]:
    found = library.listing(session, Wanted(state=BulletinState.APPROVED), limit=OFFERED)
    return [(each.id, each.title) for each in found if each.priority is not Priority.EMERGENCY]
