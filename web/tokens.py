"""Mã truy cập: tokens by which other programs ask the station; made here, shown once, and revoked."""

from __future__ import annotations

from flask import Blueprint, flash, make_response, redirect, render_template, url_for
from werkzeug.wrappers import Response
from wtforms import IntegerField, SelectField, StringField

from loa import staff as people
from loa import tokens, words
from loa.staff import May
from loa.tokens import Scope
from loa.words import say
from web import current, labels
from web.forms import Checkboxes, Form, choices, given, required

bp = Blueprint("tokens", __name__)

USUAL_DAYS = 365


class TokenForm(Form):
    name = StringField(
        say("Phần mềm nào dùng"), [required(say("Hãy ghi phần mềm nào dùng mã này."))]
    )
    owner = SelectField(say("Làm việc thay cho"), coerce=int)
    scopes = Checkboxes(say("Được làm gì"), choices=choices(tokens.WORDS.items()))
    days = IntegerField(
        say("Dùng được bao nhiêu ngày"),
        [given(say("Hãy nhập số ngày, ví dụ 365."))],
        default=USUAL_DAYS,
    )


@bp.get("/ma-truy-cap")
@current.needs(May.MANAGE)
def listing() -> str:
    with current.read() as session:
        found = tokens.listing(session, current.now())
    return render_template("tokens/listing.html", tokens=found, scopes=tokens.WORDS)


@bp.route("/ma-truy-cap/moi", methods=["GET", "POST"])
@current.needs(May.MANAGE)
def new() -> Response:
    form = TokenForm()
    with current.read() as session:
        everyone = [person for person in people.everyone(session) if person.active]
    form.owner.choices = choices(
        (each.id, words.join(" – ", (each.name, labels.ROLES[each.role]))) for each in everyone
    )
    text = form.carry_out(lambda: _make(form))
    if text is not None:
        page = render_template("tokens/once.html", name=form.name.data, text=text)
        return make_response(page, {"Cache-Control": "no-store"})
    return make_response(
        render_template("tokens/form.html", form=form, scopes=tokens.WORDS), form.status
    )


@bp.get("/ma-truy-cap/<int:token_id>/thu-hoi")
@current.needs(May.MANAGE)
def ask_revoke(token_id: int) -> str:
    with current.read() as session:
        token = tokens.get(session, token_id)
    return render_template("tokens/revoke.html", token=token)


@bp.post("/ma-truy-cap/<int:token_id>/thu-hoi")
@current.needs(May.MANAGE)
def revoke(token_id: int) -> Response:
    with current.write() as session:
        token = tokens.get(session, token_id)
        tokens.revoke(session, token, current.staff(), current.now())
    flash(
        say("Đã thu hồi mã truy cập “%(name)s”. Phần mềm ấy không vào được nữa.", name=token.name)
    )
    return redirect(url_for("tokens.listing"))


def _make(form: TokenForm) -> str:
    """The text of the new token, which is kept nowhere."""
    with current.write() as session:
        _, text = tokens.make(
            session, current.staff(), name=form.name.data or "", owner=people.get(session, form.owner.data),
            scopes=[Scope(each) for each in form.scopes.data or ()], days=form.days.data or 0,
            now=current.now(),
        )  # fmt: skip
    return text
