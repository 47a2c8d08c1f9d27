"""Quy chế: the hours in which nothing but an emergency may sound."""

from __future__ import annotations

import sqlalchemy as sa
from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response
from wtforms import FieldList, StringField

from loa.staff import May
from scheduler import regulation
from scheduler.regulation import QuietHours, Regulation
from web import current
from web.forms import Form

bp = Blueprint("regulation", __name__)

MOST_SPANS = 4
VERSIONS_SHOWN = 10


class QuietForm(Form):
    """Each entry is a span such as 21:00-05:00; an empty one is none."""

    quiet = FieldList(StringField("Giờ không phát"), max_entries=MOST_SPANS)


@bp.get("/quy-che")
def show() -> str:
    with current.read() as session:
        versions = _versions(session)
    return render_template("regulation/show.html", versions=versions)


@bp.route("/quy-che/sua", methods=["GET", "POST"])
@current.needs(May.MANAGE)
def change() -> Response:
    with current.read() as session:
        quiet = regulation.quiet_at(session, current.now())
    form = QuietForm() if request.method == "POST" else QuietForm(data={"quiet": _spans(quiet)})
    if form.carry_out(lambda: _set(form)):
        flash("Đã lưu quy chế. Các lượt sắp phát được xét lại theo giờ mới.")
        return redirect(url_for("regulation.show"))
    return make_response(render_template("regulation/form.html", form=form), form.status)


def _spans(quiet: tuple[QuietHours, ...]) -> list[str]:
    """The spans in force and one empty entry to add another."""
    return [*(str(span).replace("–", "-") for span in quiet), ""][:MOST_SPANS]


def _set(form: QuietForm) -> bool:
    quiet = [regulation.parse_quiet(text) for text in form.quiet.data if text and text.strip()]
    with current.write() as session:
        regulation.set_quiet(session, current.staff(), quiet, current.now())
    return True


def _versions(session: Session) -> list[Regulation]:
    """The rules in force and those before, newest first."""
    newest = sa.select(Regulation).order_by(Regulation.since.desc(), Regulation.id.desc())
    return list(session.scalars(newest.limit(VERSIONS_SHOWN)))
