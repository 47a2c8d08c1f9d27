"""Âm thanh khẩn cấp lưu sẵn: what each number plays at the receiver itself, without station or network."""

from __future__ import annotations

from flask import Blueprint, abort, flash, make_response, redirect, render_template, url_for
from werkzeug.wrappers import Response
from wtforms import IntegerField, SelectField

from content import bulletins
from loa.staff import May
from loa.words import say
from scheduler import canned
from scheduler.canned import CannedSound
from web import current
from web.forms import Form, choices, given

bp = Blueprint("canned", __name__)


class CannedForm(Form):
    n = IntegerField(say("Số"), [given(say("Hãy nhập số, ví dụ 1."))])
    bulletin = SelectField(say("Bản tin khẩn cấp đã duyệt"), coerce=int)


@bp.get("/khan-cap/luu-san")
def listing() -> str:
    with current.read() as session:
        found = canned.listed(session)
    return render_template("canned/listing.html", found=found)


@bp.route("/khan-cap/luu-san/them", methods=["GET", "POST"])
@current.needs(May.MANAGE)
def add() -> Response:
    with current.read() as session:
        suitable = canned.suitable(session)
        taken = {each.n for each in canned.listed(session)}
    free = next(n for n in range(1, canned.HIGHEST + 1) if n not in taken)
    form = CannedForm(n=free)
    form.bulletin.choices = choices((each.id, each.title) for each in suitable)
    if len(suitable) > 0 and form.carry_out(lambda: _keep(form)):
        flash(say("Đã lưu. Các đầu thu sẽ tải âm thanh số %(n)s về trong ít phút.", n=form.n.data))
        return redirect(url_for("canned.listing"))
    page = render_template("canned/form.html", form=form, suitable=suitable, taken=taken)
    return make_response(page, form.status)


def _keep(form: CannedForm) -> bool:
    with current.write() as session:
        bulletin = bulletins.get(session, form.bulletin.data)
        canned.keep(session, int(form.n.data or 0), bulletin, current.staff(), current.now())
    return True


@bp.get("/khan-cap/luu-san/<int:n>/bo")
@current.needs(May.MANAGE)
def ask_drop(n: int) -> str:
    return render_template("canned/drop.html", canned=_one(n))


def _one(n: int) -> CannedSound:
    with current.read() as session:
        found = session.get(CannedSound, n)
    if found is None:
        abort(404)
    return found


@bp.post("/khan-cap/luu-san/<int:n>/bo")
@current.needs(May.MANAGE)
def drop(n: int) -> Response:
    with current.write() as session:
        canned.drop(session, n, current.staff(), current.now())
    flash(say("Đã bỏ âm thanh số %(n)s. Đầu thu sẽ quên nó khi nhận kế hoạch mới.", n=n))
    return redirect(url_for("canned.listing"))
