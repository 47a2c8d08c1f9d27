"""Bản tin: written, edited, and the page on which one is read, heard and decided about."""

from __future__ import annotations

import msgspec
from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from content import bulletins, corrections, entries, parts, reading, recordings, versions
from content.bulletins import Bulletin, Draft
from content.parts import Part
from content.reading import SuspiciousLine
from loa.errors import ContentError, NotFound
from loa.staff import May
from loa.words import say
from web import current, live, part_form, saving, texts, uploads
from web.bulletin_form import BulletinForm
from web.bulletin_page import load
from web.part_form import Losses

bp = Blueprint("bulletins", __name__)
PATH = "phat-moi"
"""In ``tiep``: who came from "Phát bản tin mới" goes on there."""


@bp.route("/ban-tin/moi", methods=["GET", "POST"])
@current.needs(May.WRITE)
@uploads.takes_upload
def new() -> Response:
    """A new one; made after the bulletin ``tu``, if that is asked for."""
    model = _model()
    form = BulletinForm.of(model)
    if "change" in request.form:
        form.change(request.form["change"])
        return _form_page(form, None)
    bulletin_id = form.carry_out(lambda: _write(form, model))
    if bulletin_id is not None:
        return redirect(url_for("bulletins.show", bulletin_id=bulletin_id))
    return _form_page(form, None)


def _model() -> Draft | None:
    """The bulletin ``tu`` without what is its own: its days, and recordings that say its words elsewise."""
    number = request.args.get("tu", type=int)
    if number is None:
        return None
    with current.read() as session:
        draft = bulletins.get(session, number).draft
    return msgspec.structs.replace(draft, translations=(), valid_from=None, valid_until=None)


@bp.route("/ban-tin/<int:bulletin_id>/sua", methods=["GET", "POST"])
@current.needs(May.WRITE)
@uploads.takes_upload
def edit(bulletin_id: int) -> Response:
    with current.read() as session:
        bulletin = bulletins.get(session, bulletin_id)
    form = BulletinForm.of(bulletin.draft, bulletin.version)
    if "change" in request.form:
        form.change(request.form["change"])
        return _form_page(form, bulletin)
    losses = form.carry_out(lambda: _edit(bulletin_id, form))
    if losses is None:
        return _form_page(form, bulletin)
    for sentence in losses.sentences:
        flash(sentence)
    return redirect(url_for(_next_page(), bulletin_id=bulletin_id))


def _next_page() -> str:
    """Back to where somebody was on the way to a broadcast, if that is where they came from."""
    return "new_broadcast.when" if request.args.get("tiep") == PATH else "bulletins.show"


def _form_page(form: BulletinForm, bulletin: Bulletin | None) -> Response:
    page = render_template("bulletins/form.html", form=form, bulletin=bulletin)
    return make_response(page, form.status)


@bp.get("/ban-tin/phan-moi")
@current.needs(May.WRITE)
def new_part() -> str:
    """One more part for a form that is open: ``loai`` a kind, ``so`` the number in its names."""
    kind = request.args.get("loai", "text")
    number = request.args.get("so", type=int)
    if kind not in part_form.PART_KINDS or number is None or not 0 <= number < 10_000:
        raise NotFound(say("Không thêm được phần này. Hãy tải lại trang."))
    part = part_form.blank(number, kind)
    return render_template("bulletins/form_part.html", part=part, place=number, of=2)


@bp.get("/ban-tin/<int:bulletin_id>")
def show(bulletin_id: int) -> str:
    with current.read() as session:
        page = load(session, bulletin_id)
    return render_template(
        "bulletins/show.html", page=page, part=live.part("bulletins/sound.html", page=page)
    )


@bp.post("/ban-tin/doc-thu")
@current.needs(May.WRITE)
def try_reading() -> str:
    """How a text that is not saved yet would be read out: a part of the form.

    ``ban_tin``, ``ban`` and ``phan`` name the text it was, whose corrections it keeps.
    """
    body = part_form.tidy(_sent("body")[: current.config().content.max_characters])
    with current.read() as session:
        words, former = entries.in_force(session), _part_it_was(session)
    kept: tuple[corrections.Correction, ...] = ()
    if isinstance(former, parts.Text):
        kept, _ = corrections.carry_over(former.corrections, former.body, body)
    number = request.args.get("so", default=0, type=int)
    said = texts.read(body, words, kept, number=number)
    voice, speed = _sent("voice"), _sent("speed")
    return render_template("readings/preview.html", said=said, voice=voice, speed=speed)


def _sent(field: str) -> str:
    """That field of the part whose text was sent, whichever number it has."""
    names = [name for name in request.form if name == field or name.endswith(f"-{field}")]
    return request.form[names[0]] if names else ""


def _part_it_was(session: Session) -> Part | None:
    wanted = [request.args.get(name, type=int) for name in ("ban_tin", "ban", "phan")]
    bulletin_id, version, number = wanted
    if bulletin_id is None or version is None or number is None:
        return None
    before = versions.get(session, bulletin_id, version).content.parts
    return before[number] if 0 <= number < len(before) else None


@bp.post("/ban-tin/<int:bulletin_id>/bo-dong")
@current.needs(May.WRITE)
def drop_lines(bulletin_id: int) -> Response:
    """Take out the lines a person marked as no part of the bulletin."""
    number = request.form.get("part", default=1, type=int)
    with current.write() as session:
        bulletin = saving.unchanged(session, bulletin_id)
        text = text_part(bulletin, number)
        body = part_form.tidy(reading.without(text.body, _unwanted(text.body)))
        kept, lost = corrections.carry_over(text.corrections, text.body, body)
        new_text = msgspec.structs.replace(text, body=body, corrections=kept)
        put_part(session, bulletin, number, new_text)
    flash(say("Đã bỏ các dòng được đánh dấu. Âm thanh đang được tạo lại."))
    for sentence in Losses(corrections=[each.written for each in lost]).sentences:
        flash(sentence)
    return redirect(url_for("bulletins.show", bulletin_id=bulletin_id, _anchor="van-ban"))


def _unwanted(body: str) -> list[SuspiciousLine]:
    """The debris to take out: what was marked, or all there is."""
    found = [line for line in reading.suspicious_lines(body) if line.cuts]
    if "all" not in request.form:
        marked = set(request.form.getlist("line", type=int))
        found = [line for line in found if line.number in marked]
    if not found:
        raise ContentError(say("Hãy đánh dấu ít nhất một dòng cần bỏ."), field="line")
    return found


@bp.post("/ban-tin/<int:bulletin_id>/doc-lai")
@current.needs(May.WRITE)
def read_again(bulletin_id: int) -> Response:
    """Make the sound anew by the dictionary and voices as they are now."""
    with current.write() as session:
        bulletin = saving.unchanged(session, bulletin_id)
        bulletins.read_again(session, bulletin, current.staff(), current.now())
        recordings.queue(session, bulletin, current.now())
    flash(say("Âm thanh đang được tạo lại theo từ điển hiện nay."))
    return redirect(url_for("bulletins.show", bulletin_id=bulletin_id))


def text_part(bulletin: Bulletin, number: int) -> parts.Text:
    """Part ``number``, from 1. Raises NotFound when it is no text."""
    found = bulletin.parts[number - 1] if 0 < number <= len(bulletin.parts) else None
    if not isinstance(found, parts.Text):
        raise NotFound(say("Bản tin không có văn bản nào ở phần này. Hãy tải lại trang."))
    return found


def put_part(session: Session, bulletin: Bulletin, number: int, part: Part) -> bool:
    """Save the bulletin with another part ``number``; False when that changes nothing."""
    found = list(bulletin.parts)
    found[number - 1] = part
    draft = msgspec.structs.replace(bulletin.draft, parts=tuple(found))
    return saving.save(session, bulletin, draft)


def _write(form: BulletinForm, model: Draft | None) -> int:
    now, content = current.now(), current.config().content
    draft, _ = form.draft(model)
    with current.write() as session:
        bulletin = bulletins.write(
            session, current.staff(), draft, now,
            max_characters=content.max_characters, relay_hosts=content.relay_hosts,
        )  # fmt: skip
        recordings.queue(session, bulletin, now)
    return bulletin.id


def _edit(bulletin_id: int, form: BulletinForm) -> Losses:
    with current.write() as session:
        bulletin = bulletins.get(session, bulletin_id)
        began_with = form.version_number or bulletin.version
        if began_with != bulletin.version and form.overwrite.data != bulletin.version:
            raise ContentError(_who_was_faster(bulletin), field="overwrite")
        former = versions.get(session, bulletin_id, began_with).content
        draft, losses = form.draft(former)
        # A translation may have come while the form was open: the form does not show any.
        draft = msgspec.structs.replace(draft, translations=bulletin.translations)
        saving.save(session, bulletin, draft)
    return losses


def _who_was_faster(bulletin: Bulletin) -> str:
    return say(
        "%(name)s đã sửa bản tin này trong khi trang đang mở; nội dung bạn vừa nhập vẫn "
        "còn ở đây. Hãy mở bản tin ở trang khác để so lại, rồi đánh dấu vào đây và lưu.",
        name=bulletin.editor.name,
    )
