"""Cán bộ: who works at the station, with which role; and one's own password."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response
from wtforms import PasswordField, SelectField, StringField

from devices import areas
from loa import staff as people
from loa import words
from loa.errors import LoaError
from loa.staff import May, Role, Staff
from loa.words import say
from scheduler import rethinking
from web import current, labels, plan_places, sign_in, staff_list
from web.forms import Form, choices, required

bp = Blueprint("staff", __name__)


WHOLE = ("", say("cả đài"))


class StaffForm(Form):
    name = StringField(say("Họ và tên"), [required(say("Hãy nhập họ tên cán bộ."))])
    login = StringField(
        say("Tên đăng nhập"), [required(say("Hãy nhập tên đăng nhập, ví dụ: hoa.nguyen."))]
    )
    role = SelectField(
        say("Vai trò"),
        choices=choices(
            (r, words.join(" – ", (w, labels.ROLE_DUTIES[r]))) for r, w in labels.ROLES.items()
        ),
    )
    area = SelectField(say("Làm việc cho"), default="")


class AreaForm(Form):
    area = SelectField(say("Làm việc cho"))


class PasswordForm(Form):
    present = PasswordField(
        say("Mật khẩu hiện nay"), [required(say("Hãy nhập mật khẩu hiện nay."))]
    )
    password = PasswordField(say("Mật khẩu mới"), [required(say("Hãy nhập mật khẩu mới."))])
    again = PasswordField(
        say("Nhập lại mật khẩu mới"), [required(say("Hãy nhập lại mật khẩu mới."))]
    )


@bp.get("/can-bo")
@current.needs(May.MANAGE)
def listing() -> str:
    return staff_list.page()


@bp.get("/can-bo.csv")
@current.needs(May.MANAGE)
def download() -> Response:
    return staff_list.file()


@bp.route("/can-bo/moi", methods=["GET", "POST"])
@current.needs(May.MANAGE)
def new() -> Response:
    form = StaffForm()
    form.area.choices = _areas()
    password = form.carry_out(lambda: _add(form))
    if password is not None:
        return _show_once(form.name.data or "", (form.login.data or "").strip().lower(), password)
    return make_response(render_template("staff/form.html", form=form), form.status)


@bp.get("/can-bo/<int:staff_id>/mat-khau")
@current.needs(May.MANAGE)
def ask_reset(staff_id: int) -> str:
    with current.read() as session:
        person = people.get(session, staff_id)
    return render_template("staff/reset.html", person=person)


@bp.post("/can-bo/<int:staff_id>/mat-khau")
@current.needs(May.MANAGE)
def reset(staff_id: int) -> Response:
    password = people.new_password()
    with current.write() as session:
        person = people.get(session, staff_id)
        people.change_password(
            session, person, password, now=current.now(), by=current.staff().login
        )
    return _show_once(person.name, person.login, password)


@bp.route("/can-bo/<int:staff_id>/dia-ban", methods=["GET", "POST"])
@current.needs(May.MANAGE)
def move(staff_id: int) -> Response:
    """For which area a person works."""
    with current.read() as session:
        person = people.get(session, staff_id)
    form = AreaForm() if request.method == "POST" else AreaForm(data={"area": person.area_id or ""})
    form.area.choices = _areas()
    if form.carry_out(lambda: _move(staff_id, form)):
        flash(say("Đã lưu nơi làm việc của %(name)s.", name=person.name))
        return redirect(url_for("staff.listing"))
    page = render_template("staff/area.html", form=form, person=person)
    return make_response(page, form.status)


@bp.get("/can-bo/<int:staff_id>/khoa")
@current.needs(May.MANAGE)
def ask_close(staff_id: int) -> str:
    with current.read() as session:
        person = people.get(session, staff_id)
    return render_template("staff/close.html", person=person)


@bp.post("/can-bo/<int:staff_id>/khoa")
@current.needs(May.MANAGE)
def close(staff_id: int) -> Response:
    with current.write() as session:
        person = people.get(session, staff_id)
        people.close(session, person, now=current.now(), by=current.staff())
    flash(say("Đã khoá tài khoản của %(name)s.", name=person.name))
    return redirect(url_for("staff.listing"))


@bp.post("/can-bo/<int:staff_id>/mo")
@current.needs(May.MANAGE)
def reopen(staff_id: int) -> Response:
    with current.write() as session:
        person = people.get(session, staff_id)
        people.reopen(session, person, now=current.now(), by=current.staff())
    flash(say("Đã mở lại tài khoản của %(name)s.", name=person.name))
    return redirect(url_for("staff.listing"))


@bp.route("/mat-khau", methods=["GET", "POST"])
def own_password() -> Response:
    form = PasswordForm()
    person = form.carry_out(lambda: _change_own(form))
    if person is not None:
        sign_in.remember(person)
        flash(
            say("Đã đổi mật khẩu. Các máy khác đang đăng nhập bằng tài khoản này đã bị đăng xuất.")
        )
        return redirect(url_for("today.show"))
    return make_response(render_template("staff/password.html", form=form), form.status)


def _add(form: StaffForm) -> str:
    """Add the person; returns the password, of which only the hash is kept."""
    password = people.new_password()
    with current.write() as session:
        people.add(
            session, login=form.login.data or "", name=form.name.data or "", role=Role(form.role.data),
            password=password, now=current.now(), by=current.staff().login,
            area_id=_area(form.area.data),
        )  # fmt: skip
    return password


def _move(staff_id: int, form: AreaForm) -> bool:
    now, rules = current.now(), plan_places.rules()
    with current.write() as session:
        person = people.get(session, staff_id)
        if people.move(session, person, _area(form.area.data), now=now, by=current.staff()):
            # What is planned names the area for which whoever scheduled it works.
            rethinking.everything(session, now, rules)
    return True


def _areas() -> Any:
    """As WTForms wants choices."""
    with current.read() as session:
        tree = areas.tree(session)
    named = [(str(area.id), f"{'— ' * (depth + 1)}{area.full_name}") for depth, area in tree]
    return choices([WHOLE, *named])


def _area(chosen: str | None) -> int | None:
    return int(chosen) if chosen else None


def _change_own(form: PasswordForm) -> Staff:
    """The person with the new password in force; the present one is checked outside any transaction."""
    sign_in.demand_password(form.present.data or "")
    if form.password.data != form.again.data:
        raise LoaError(say("Hai lần nhập mật khẩu mới không giống nhau."), field="again")
    with current.write() as session:
        person = people.get(session, current.staff().id)
        people.change_password(
            session, person, form.password.data or "", now=current.now(), by=person.login
        )
    return person


def _show_once(name: str, login: str, password: str) -> Response:
    page = render_template("staff/password_once.html", name=name, login=login, password=password)
    return make_response(page, {"Cache-Control": "no-store"})
