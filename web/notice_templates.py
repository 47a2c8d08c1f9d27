"""Mẫu thông báo: the notices with blanks that a commune uses again and again, shipped and its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from flask import Blueprint, flash, make_response, redirect, render_template, url_for
from werkzeug.wrappers import Response
from wtforms import SelectField, StringField, TextAreaField

from content import notices
from content.notices import Notice
from loa import words
from loa.staff import May
from loa.words import say
from web import current, labels, new_broadcast_page
from web.forms import Edited, Form, choices, version_of

bp = Blueprint("notice_templates", __name__)


class NoticeForm(Edited, Form):
    name = StringField(say("Tên mẫu"))
    body = TextAreaField(
        say("Lời của mẫu"), filters=[lambda text: (text or "").replace("\r\n", "\n")]
    )
    field = SelectField(
        say("Lĩnh vực"),
        coerce=int,
        choices=choices((n, words.join(". ", (n, w))) for n, w in labels.FIELDS.items()),
    )

    @property
    def notice(self) -> Notice:
        return Notice(
            name=self.name.data or "",
            body=(self.body.data or "").strip(),
            field=self.field.data or 1,
        )


class Piece(NamedTuple):
    """Some letters of a notice, perhaps a blank."""

    text: str
    blank: bool


@bp.get("/mau-thong-bao")
def listing() -> str:
    with current.read() as session:
        offered, own = notices.offered(session), notices.own_ones(session)
    hidden = [key for key in notices.shipped() if key not in offered]
    return render_template(
        "notices/listing.html", offered=offered, own=own, shipped=notices.shipped(), hidden=hidden
    )


@bp.route("/mau-thong-bao/moi", methods=["GET", "POST"])
@current.needs(May.WRITE)
def new() -> Response:
    form = NoticeForm()
    if form.carry_out(lambda: _save(None, form)):
        return _to_listing(say("Đã thêm mẫu."))
    return _form_page(form, "")


@bp.route("/mau-thong-bao/<key>/sua", methods=["GET", "POST"])
@current.needs(May.WRITE)
def edit(key: str) -> Response:
    """The commune's own words for it; those that come with Loa stay to go back to."""
    with current.read() as session:
        notice = notices.get(session, key)
    read = _read(notice)
    form = NoticeForm(data={**read, "version": version_of(read)})
    if form.carry_out(lambda: _save(key, form)):
        return _to_listing(say("Đã lưu mẫu."))
    return _form_page(form, key)


@bp.get("/mau-thong-bao/<key>/bo")
@current.needs(May.WRITE)
def ask_drop(key: str) -> str:
    with current.read() as session:
        notice = notices.get(session, key)
    return render_template(
        "notices/drop.html", key=key, notice=notice, is_shipped=key in notices.shipped()
    )


@bp.post("/mau-thong-bao/<key>/bo")
@current.needs(May.WRITE)
def drop(key: str) -> Response:
    with current.write() as session:
        notices.drop(session, key, current.staff(), current.now())
    return _to_listing(say("Đã bỏ mẫu."))


@bp.post("/mau-thong-bao/<key>/khoi-phuc")
@current.needs(May.WRITE)
def restore(key: str) -> Response:
    with current.write() as session:
        notices.restore(session, key, current.staff(), current.now())
    return _to_listing(say("Đã trả về mẫu có sẵn."))


def _form_page(form: NoticeForm, key: str) -> Response:
    return make_response(render_template("notices/form.html", form=form, key=key), form.status)


def _to_listing(told: str) -> Response:
    flash(told)
    return redirect(url_for("notice_templates.listing"))


def _save(key: str | None, form: NoticeForm) -> str:
    with current.write() as session:
        if key is not None:
            own = notices.own_ones(session).get(key)
            stored = _read(notices.get(session, key))
            form.demand_unchanged(stored, lambda: own.staff.name if own else say("Một người khác"))
        return notices.save(session, key, form.notice, current.staff(), current.now())


def _read(notice: Notice) -> dict[str, object]:
    return {"name": notice.name, "body": notice.body.strip(), "field": notice.field}


@bp.app_template_filter("pieces")
def pieces(notice: Notice) -> Iterator[Piece]:
    """Its words, and what is asked for between them."""
    place = 0
    for start, end, blank in notices.places(notice):
        yield Piece(notice.body[place:start], blank=False)
        yield Piece(blank.asks, blank=True)
        place = end
    yield Piece(notice.body[place:], blank=False)


bp.app_template_filter("session_span")(new_broadcast_page.span)
bp.app_template_filter("whole_minutes")(new_broadcast_page.minutes)
