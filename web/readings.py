"""How a bulletin's words are said: seen beside the text, corrected for it alone, or taught to the dictionary."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response
from wtforms import BooleanField, HiddenField, IntegerField, RadioField, TextAreaField

from content import bulletins, corrections, entries, reading, recordings
from content.bulletins import Bulletin
from content.corrections import Correction
from content.dictionary import Entry
from content.reading import Reading
from loa.errors import ContentError, NotAllowed, NotFound
from loa.staff import May
from loa.words import say
from web import bulletins as pages
from web import current, reading_places, saving, texts
from web.bulletin_page import Page, load
from web.forms import Form, choices, given, required
from web.reading_places import Place

bp = Blueprint("readings", __name__)

HERE, ALWAYS = "bulletin", "dictionary"
SCOPES = {
    HERE: say("Chỉ trong bản tin này"),
    ALWAYS: say("Dạy cho từ điển của xã (mọi bản tin sau này)"),
}


bp.add_app_template_global(texts.rule_words)


class FixForm(Form):
    """Another reading of the stretch [start, end) of one text."""

    start = IntegerField(validators=[given(say("Hãy chọn lại chỗ cần sửa."))])
    end = IntegerField(validators=[given(say("Hãy chọn lại chỗ cần sửa."))])
    version = HiddenField()
    spoken = TextAreaField(say("Đọc là"), [required(say("Hãy nhập cách đọc bằng chữ."))])
    scope = RadioField(say("Áp dụng"), choices=choices(SCOPES.items()), default=HERE)
    case_sensitive = BooleanField(
        say("Chỉ khi viết đúng chữ hoa, chữ thường như trên"), default=True
    )


@bp.get("/ban-tin/<int:bulletin_id>/phan/<int:number>/cach-doc")
def show(bulletin_id: int, number: int) -> Response:
    """The place from ``tu`` to ``den``, or where the words ``chu`` stand."""
    with current.read() as session:
        page = load(session, bulletin_id)
    said = _text(page, number)
    if "chu" in request.args:
        return _found(page, number, said.reading, request.args["chu"])
    start, end = (request.args.get(name, type=int) for name in ("tu", "den"))
    place = reading_places.at(said.reading, -1 if start is None else start, end or 0)
    return _panel(page, number, place, _form_at(page, place))


def _text(page: Page, number: int) -> texts.Said:
    found = page.text.of(number)
    if found is None:
        raise NotFound(say("Bản tin không có văn bản nào ở phần này. Hãy tải lại trang."))
    return found


def _found(page: Page, number: int, read: Reading, words: str) -> Response:
    places = reading_places.find(read, words)
    if len(places) == 1:
        return _panel(page, number, places[0], _form_at(page, places[0]))
    shown = render_template(
        "readings/found.html", page=page, number=number, places=places, words=words
    )
    return make_response(shown, 200 if places else 404)


def _form_at(page: Page, place: Place) -> FixForm:
    values = {"start": place.start, "end": place.end, "spoken": place.spoken}
    return FixForm(None, data={**values, "version": str(page.bulletin.version)})


def _panel(
    page: Page, number: int, place: Place, form: FixForm, *, retarget: bool = False
) -> Response:
    """The place with its form: a part of the bulletin's page, or a page of its own."""
    in_page = "HX-Request" in request.headers
    template = "readings/panel.html" if in_page else "readings/place.html"
    answer = make_response(
        render_template(template, page=page, number=number, spot=place, form=form, in_page=in_page),
        form.status,
    )
    if retarget:
        answer.headers["HX-Retarget"], answer.headers["HX-Reswap"] = "#cach-doc-chu", "innerHTML"
    return answer


@bp.post("/ban-tin/<int:bulletin_id>/phan/<int:number>/cach-doc")
@current.needs(May.WRITE)
def fix(bulletin_id: int, number: int) -> Response:
    """Say the place otherwise from now on: in this bulletin, or in all."""
    form = FixForm()
    told = form.carry_out(lambda: _fix(bulletin_id, number, form))
    if told is not None:
        return _done(bulletin_id, number, form.start.data, told)
    with current.read() as session:
        page = load(session, bulletin_id)
    place = reading_places.at(_text(page, number).reading, form.start.data or 0, form.end.data or 0)
    return _panel(page, number, place, form, retarget=True)


def _fix(bulletin_id: int, number: int, form: FixForm) -> str:
    spoken = " ".join((form.spoken.data or "").split())
    teach = form.scope.data == ALWAYS
    with current.write() as session:
        bulletin, place = _at(session, bulletin_id, number, form.start.data, form.end.data)
        if teach:
            exact = bool(form.case_sensitive.data)
            return _and_sound(bulletin, _teach(session, bulletin, number, place, spoken, exact))
        return _and_sound(bulletin, _correct(session, bulletin, number, place, spoken))


def _and_sound(bulletin: Bulletin, told: str) -> str:
    """With what that means for the bulletin's sound."""
    return told if bulletin.sounds else say("%(told)s Âm thanh đang được tạo lại.", told=told)


def _at(
    session: Session, bulletin_id: int, number: int, start: int | None, end: int | None
) -> tuple[Bulletin, Place]:
    """The bulletin and the place in it, if neither has changed since the page was opened."""
    bulletin = saving.unchanged(session, bulletin_id)
    _demand_open(bulletin)
    read = _read(session, bulletin, number)
    return bulletin, reading_places.at(read, -1 if start is None else start, end or 0)


def _demand_open(bulletin: Bulletin) -> None:
    if bulletin.state is bulletins.State.WITHDRAWN:
        raise NotAllowed(say("Bản tin đã thu hồi không sửa được nữa. Hãy soạn bản tin mới."))


def _read(session: Session, bulletin: Bulletin, number: int) -> Reading:
    text = pages.text_part(bulletin, number)
    return reading.read(text.body, entries.in_force(session), text.corrections)


def _correct(session: Session, bulletin: Bulletin, number: int, place: Place, spoken: str) -> str:
    text = pages.text_part(bulletin, number)
    new = Correction(place.start, place.end, place.written, spoken)
    wrong = corrections.problem(new, text.body)
    if wrong is not None:
        raise ContentError(wrong, field="spoken")
    kept = corrections.put(text.corrections, new)
    pages.put_part(session, bulletin, number, msgspec.structs.replace(text, corrections=kept))
    return say(
        "Trong bản tin này, “%(written)s” được đọc là “%(spoken)s”.",
        written=place.written,
        spoken=spoken,
    )


def _teach(
    session: Session, bulletin: Bulletin, number: int, place: Place, spoken: str, exact: bool
) -> str:
    before = texts.spoken(bulletin.parts, entries.in_force(session))
    known = entries.find(session, place.written)
    entry = Entry(place.written, spoken, exact, known.note if known else "")
    entries.teach(session, current.staff(), entry, current.now())
    if not _uncorrect(session, bulletin, number, place):
        _read_again_if_changed(session, bulletin, before)
    now_said = reading_places.at(_read(session, bulletin, number), place.start, place.end)
    told = say(
        "Đã dạy từ điển của xã: “%(written)s” đọc là “%(spoken)s”.",
        written=place.written,
        spoken=spoken,
    )
    if now_said.spoken.casefold() == spoken.casefold():
        return told
    return say(
        "%(told)s Riêng chỗ này vẫn đọc là “%(spoken)s” vì nằm trong cụm “%(written)s”; muốn đổi, "
        "hãy sửa cách đọc của cả cụm.",
        told=told,
        spoken=now_said.spoken,
        written=now_said.written,
    )


def _uncorrect(session: Session, bulletin: Bulletin, number: int, place: Place) -> bool:
    """Drop the bulletin's own readings within the place; False when there is none."""
    text = pages.text_part(bulletin, number)
    kept = tuple(c for c in text.corrections if c.end <= place.start or place.end <= c.start)
    new = msgspec.structs.replace(text, corrections=kept)
    return new != text and pages.put_part(session, bulletin, number, new)


def _read_again_if_changed(session: Session, bulletin: Bulletin, before: str) -> None:
    if texts.spoken(bulletin.parts, entries.in_force(session)) != before:
        bulletins.read_again(session, bulletin, current.staff(), current.now())
        recordings.queue(session, bulletin, current.now())


@bp.post("/ban-tin/<int:bulletin_id>/phan/<int:number>/bo-sua")
@current.needs(May.WRITE)
def undo(bulletin_id: int, number: int) -> Response:
    """Read the place by the rules again."""

    def take_out(session: Session, bulletin: Bulletin, place: Place) -> str:
        _uncorrect(session, bulletin, number, place)
        return say("Đã bỏ cách đọc riêng của “%(written)s”.", written=place.written)

    return _act(bulletin_id, number, take_out)


@bp.post("/ban-tin/<int:bulletin_id>/phan/<int:number>/bo-tu")
@current.needs(May.WRITE)
def forget(bulletin_id: int, number: int) -> Response:
    """Take the place's words out of the commune's dictionary."""

    def take_out(session: Session, bulletin: Bulletin, place: Place) -> str:
        known = entries.find(session, place.written)
        if known is None:
            raise NotFound(
                say(
                    "Từ điển của xã không có “%(written)s”. Hãy tải lại trang.",
                    written=place.written,
                )
            )
        before = texts.spoken(bulletin.parts, entries.in_force(session))
        entries.forget(session, current.staff(), known.id, current.now())
        _read_again_if_changed(session, bulletin, before)
        return say("Đã bỏ “%(form)s” khỏi từ điển của xã.", form=known.form)

    return _act(bulletin_id, number, take_out)


def _act(bulletin_id: int, number: int, act: Callable[[Session, Bulletin, Place], str]) -> Response:
    start, end = (request.form.get(name, type=int) for name in ("start", "end"))
    with current.write() as session:
        bulletin, place = _at(session, bulletin_id, number, start, end)
        told = _and_sound(bulletin, act(session, bulletin, place))
    return _done(bulletin_id, number, start, told)


def _done(bulletin_id: int, number: int, start: int | None, told: str) -> Response:
    """Back at the text: the part of the page that shows it, or the whole page."""
    if "HX-Request" not in request.headers:
        flash(told)
        here = url_for("bulletins.show", bulletin_id=bulletin_id, _anchor=f"v{number}-{start}")
        return redirect(here)
    with current.read() as session:
        page = load(session, bulletin_id)
    focus = f"v{number}-{start}"
    return make_response(
        render_template("readings/section.html", page=page, told=told, focus=focus)
    )
