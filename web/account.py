"""Tài khoản: one's own account, and the second step of its sign-in."""

from __future__ import annotations

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response
from wtforms import PasswordField

from devices import areas
from loa import one_time
from loa import second_step as steps
from loa import staff as people
from loa.errors import LoaError
from loa.staff import May, Staff
from loa.words import say
from web import current, qr, second_step, sign_in
from web.forms import Form
from web.second_step import Confirmed

bp = Blueprint("account", __name__)


class StepForm(Confirmed, Form):
    """Whatever is done to one's second step wants the password, a code, or both."""

    present = PasswordField(say("Mật khẩu hiện nay"))


@bp.get("/tai-khoan")
def show() -> Response:
    return _page()


def _page(act: str = "", form: StepForm | None = None) -> Response:
    """``form`` was refused, for that ``act``."""
    me, now = current.staff(), current.now()
    with current.read() as session:
        step = steps.of(session, me)
        secret = steps.pending(session, second_step.keeper(), me, now)
        left = steps.codes_left(session, me)
        area = areas.get(session, me.area_id).full_name if me.area_id else say("cả đài")
    page = render_template(
        "account/show.html", act=act, form=form, blank=StepForm(formdata=None), step=step, left=left,
        area=area, secret=secret, square=_square(secret), policy=current.config().staff.second_step,
    )  # fmt: skip
    return make_response(page, form.status if form else 200, {"Cache-Control": "no-store"})


def _square(secret: str | None) -> str:
    if secret is None:
        return ""
    return qr.svg(one_time.address(secret, current.staff().login, current.config().station.name))


@bp.post("/tai-khoan/buoc-hai")
def begin() -> Response:
    """Begin to set it up, or to move it to another phone."""
    form = StepForm()
    if form.carry_out(lambda: _begin(form)) is None:
        return _page("begin", form)
    return redirect(url_for("account.show"))


def _begin(form: StepForm) -> bool:
    sign_in.demand_password(form.present.data or "")
    _demand_step(form)
    with current.write() as session:
        steps.begin(session, second_step.keeper(), _me(session), current.now())
    return True


@bp.post("/tai-khoan/buoc-hai/thoi")
def give_up() -> Response:
    with current.write() as session:
        steps.give_up(session, _me(session))
    return redirect(url_for("account.show"))


@bp.post("/tai-khoan/buoc-hai/xac-nhan")
def confirm() -> Response:
    """The first code of the phone puts it in force."""
    form = StepForm()
    codes = form.carry_out(lambda: _confirm(form))
    return _page("confirm", form) if codes is None else _codes(codes)


def _confirm(form: StepForm) -> list[str]:
    with current.write() as session:
        person, typed = _me(session), form.code.data or ""
        codes = steps.confirm(session, second_step.keeper(), person, typed, current.now())
    sign_in.remember(person)
    second_step.passed()
    return codes


@bp.post("/tai-khoan/ma-du-phong")
def renew_codes() -> Response:
    form = StepForm()
    codes = form.carry_out(lambda: _renew_codes(form))
    return _page("codes", form) if codes is None else _codes(codes)


def _renew_codes(form: StepForm) -> list[str]:
    _demand_step(form)
    with current.write() as session:
        return steps.renew_codes(session, _me(session), current.now())


@bp.post("/tai-khoan/tat-buoc-hai")
def take_off() -> Response:
    form = StepForm()
    if form.carry_out(lambda: _take_off(form)) is None:
        return _page("off", form)
    flash(say("Đã tắt bước xác nhận thứ hai. Các máy khác đang đăng nhập đã bị đăng xuất."))
    return redirect(url_for("account.show"))


def _take_off(form: StepForm) -> bool:
    sign_in.demand_password(form.present.data or "")
    _demand_step(form)
    with current.write() as session:
        person = _me(session)
        steps.take_off(session, person, current.now(), person.login)
    sign_in.remember(person)
    return True


@bp.route("/can-bo/<int:staff_id>/buoc-hai", methods=["GET", "POST"])
@current.needs(May.MANAGE)
def take_off_of(staff_id: int) -> Response:
    """An admin lets somebody in who lost both phone and paper."""
    with current.read() as session:
        person = people.get(session, staff_id)
        is_on = steps.is_on(session, person)
    if request.method == "GET":
        return make_response(render_template("staff/step.html", person=person, is_on=is_on))
    _take_off_of(staff_id)
    flash(
        say(
            "Đã tắt bước xác nhận thứ hai của %(name)s. Trang Hôm nay báo cho người ấy biết.",
            name=person.name,
        )
    )
    return redirect(url_for("staff.listing"))


def _take_off_of(staff_id: int) -> None:
    if staff_id == current.staff().id:
        raise LoaError(
            say("Bước xác nhận của chính mình tắt ở trang Tài khoản, bằng mật khẩu và mã.")
        )
    with current.write() as session:
        person, by = people.get(session, staff_id), current.staff()
        by.demand(May.MANAGE)
        if not steps.take_off(session, person, current.now(), by.login):
            raise LoaError(
                say(
                    "%(name)s chưa đặt bước xác nhận thứ hai nên không có gì để tắt.",
                    name=person.name,
                )
            )


def _demand_step(form: StepForm) -> None:
    """Where a second step is in force, what changes it wants a code typed lately."""
    if second_step.is_wanted():
        second_step.check(current.staff(), form.code.data or "")
        second_step.passed()


def _me(session: Session) -> Staff:
    return people.get(session, current.staff().id)


def _codes(codes: list[str]) -> Response:
    page = render_template("account/codes.html", codes=codes)
    return make_response(page, {"Cache-Control": "no-store"})
