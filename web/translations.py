"""Bản dịch: a bulletin's recordings in other languages."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import msgspec
from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from flask_wtf.file import FileField
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response
from wtforms import BooleanField, HiddenField, SelectField

from content.bulletins import Bulletin
from content.parts import Translation, Translations
from content.recordings import Recording
from content.uploads import Upload
from devices import areas
from devices.areas import Area
from loa import languages
from loa.errors import ContentError, NotFound
from loa.languages import KINH
from loa.staff import May
from loa.words import say
from web import current, live, saving, uploads
from web.bulletin_page import Page, load
from web.forms import Form, choices, required

bp = Blueprint("translations", __name__)

OTHERS = {code: name for code, name in languages.NAMES.items() if code != KINH}


class RecordedForm(Form):
    """A recording of the bulletin in one language."""

    upload = FileField(say("Bản ghi âm"))
    kept = HiddenField()
    kept_name = HiddenField()
    music = BooleanField(say("Đây là nhạc, không phải tiếng nói"))
    version = HiddenField()

    def validate(self, extra_validators: Any = None) -> bool:
        """Keep a file that came along before anything else: no other mistake may cost it."""
        refusal = uploads.receive(current.config(), self.upload, self.kept, self.kept_name)
        well_formed = bool(super().validate(extra_validators))
        if refusal is not None:
            self.take(refusal)
        elif not self.kept.data:
            self.take(ContentError(say("Hãy chọn tệp hoặc ghi âm bản dịch."), field="upload"))
            return False
        return well_formed and refusal is None


class NewForm(RecordedForm):
    language = SelectField(say("Tiếng"), [required(say("Hãy chọn tiếng của bản dịch."))])


@dataclass(frozen=True)
class Shown:
    """A translation with what is known of it."""

    translation: Translation
    upload: Upload | None
    recording: Recording | None
    """The finished sound."""
    heard_in: list[str]
    """Names of the areas whose language it is; what lies within one of them is not named again."""

    @property
    def name(self) -> str:
        return languages.name(self.translation.language)


@bp.route("/ban-tin/<int:bulletin_id>/ban-dich", methods=["GET", "POST"])
@current.needs(May.WRITE)
@uploads.takes_upload
def show(bulletin_id: int) -> Response:
    """What translations there are; add one more."""
    with current.read() as session:
        page = load(session, bulletin_id)
        spoken = _heard_in(session)
    form = _new_form(page, spoken)
    if form.carry_out(lambda: _add(bulletin_id, form)):
        flash(say("Đã thêm bản tiếng %(name)s.", name=languages.name(form.language.data)))
        return redirect(url_for("translations.show", bulletin_id=bulletin_id))
    missing = {
        languages.name(code): places
        for code, places in spoken.items()
        if code not in _languages(page)
    }
    context = {"page": page, "listing": _listing(page, spoken), "form": form, "missing": missing}
    return make_response(render_template("translations/show.html", **context), form.status)


@bp.get("/ban-tin/<int:bulletin_id>/cac-ban-dich")
@current.needs(May.WRITE)
def listing(bulletin_id: int) -> Response:
    """The live part of the page."""
    with current.read() as session:
        page = load(session, bulletin_id)
        spoken = _heard_in(session)
    return live.answer(_listing(page, spoken))


def _listing(page: Page, spoken: dict[str, list[str]]) -> live.Part:
    return live.part("translations/listing.html", page=page, shown=_shown(page, spoken))


@bp.route("/ban-tin/<int:bulletin_id>/ban-dich/<language>", methods=["GET", "POST"])
@current.needs(May.WRITE)
@uploads.takes_upload
def change(bulletin_id: int, language: str) -> Response:
    """Replace the recording of a language, or say whether it is music."""
    with current.read() as session:
        page = load(session, bulletin_id)
    former = _find(page.bulletin, language)
    form = RecordedForm(data=_values(page, former)) if request.method == "GET" else RecordedForm()
    if form.carry_out(lambda: _replace(bulletin_id, language, form)) is not None:
        return redirect(url_for("translations.show", bulletin_id=bulletin_id))
    context = {"page": page, "form": form, "former": former, "name": languages.name(language)}
    return make_response(render_template("translations/form.html", **context), form.status)


@bp.get("/ban-tin/<int:bulletin_id>/ban-dich/<language>/bo")
@current.needs(May.WRITE)
def ask_remove(bulletin_id: int, language: str) -> str:
    with current.read() as session:
        page = load(session, bulletin_id)
        found = _find(page.bulletin, language)
        places = _heard_in(session).get(language, [])
    return render_template(
        "translations/remove.html",
        page=page,
        translation=found,
        places=places,
        name=languages.name(language),
    )


@bp.post("/ban-tin/<int:bulletin_id>/ban-dich/<language>/bo")
@current.needs(May.WRITE)
def remove(bulletin_id: int, language: str) -> Response:
    with current.write() as session:
        bulletin = saving.unchanged(session, bulletin_id)
        _find(bulletin, language)
        left = (each for each in bulletin.translations if each.language != language)
        _save(session, bulletin, left)
    flash(
        say("Đã bỏ bản tiếng %(name)s. Âm thanh đang được tạo lại.", name=languages.name(language))
    )
    return redirect(url_for("translations.show", bulletin_id=bulletin_id))


def _add(bulletin_id: int, form: NewForm) -> bool:
    new = _filled(Translation(language=form.language.data, upload="", name=""), form)
    with current.write() as session:
        bulletin = saving.unchanged(session, bulletin_id)
        return _save(session, bulletin, [*bulletin.translations, new])


def _replace(bulletin_id: int, language: str, form: RecordedForm) -> bool:
    with current.write() as session:
        bulletin = saving.unchanged(session, bulletin_id)
        former = _find(bulletin, language)
        new = _filled(former, form)
        changed = [new if each is former else each for each in bulletin.translations]
        saved = _save(session, bulletin, changed)
    if former.cuts and not new.cuts:
        flash(say("Tệp đã được thay nên các đoạn cắt của tệp cũ không còn."))
    flash(say("Đã lưu. Âm thanh đang được tạo lại.") if saved else say("Không có gì thay đổi."))
    return saved


def _filled(former: Translation, form: RecordedForm) -> Translation:
    """The translation as the form says it; cuts are those of one file and go with it."""
    upload, name = form.kept.data or "", uploads.plain_name(form.kept_name.data or "")
    kept_cuts = former.cuts if upload == former.upload else ()
    return msgspec.structs.replace(
        former, upload=upload, name=name, music=bool(form.music.data), cuts=kept_cuts
    )


def _save(session: Session, bulletin: Bulletin, found: Iterable[Translation]) -> bool:
    translations: Translations = tuple(found)
    draft = msgspec.structs.replace(bulletin.draft, translations=translations)
    return saving.save(session, bulletin, draft)


def _find(bulletin: Bulletin, language: str) -> Translation:
    for each in bulletin.translations:
        if each.language == language:
            return each
    raise NotFound(say("Bản tin không có bản dịch tiếng này. Hãy tải lại trang Bản dịch."))


def _languages(page: Page) -> set[str]:
    return {each.language for each in page.bulletin.translations}


def _new_form(page: Page, spoken: dict[str, list[str]]) -> NewForm:
    """The form for one more, the languages spoken here offered first."""
    form = NewForm(data={"version": str(page.bulletin.version)} if request.method == "GET" else {})
    free = [code for code in OTHERS if code not in _languages(page)]
    order = sorted(free, key=lambda code: code not in spoken)
    form.language.choices = choices(
        [("", say("chọn tiếng")), *((code, OTHERS[code]) for code in order)]
    )
    return form


def _values(page: Page, former: Translation) -> dict[str, Any]:
    return {
        "kept": former.upload, "kept_name": former.name, "music": former.music,
        "version": str(page.bulletin.version),
    }  # fmt: skip


def _shown(page: Page, spoken: dict[str, list[str]]) -> list[Shown]:
    sounds = {sound.language: sound.recording for sound in page.sounds}
    return [
        Shown(
            each,
            page.uploads.get(each.upload),
            sounds.get(each.language),
            spoken.get(each.language, []),
        )
        for each in page.bulletin.translations
    ]


def _heard_in(session: Session) -> dict[str, list[str]]:
    """Language → the areas where it is spoken, by name, the topmost only; without Kinh."""
    spoken = areas.spoken_in(session)
    found: dict[str, list[str]] = {}
    for _, area in areas.tree(session):
        if spoken[area.id] != KINH and not _lies_within(area, spoken):
            found.setdefault(spoken[area.id], []).append(area.full_name)
    return found


def _lies_within(area: Area, spoken: dict[int, str]) -> bool:
    return area.parent_id is not None and spoken[area.parent_id] == spoken[area.id]
