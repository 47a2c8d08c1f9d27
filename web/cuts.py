"""Cắt bản ghi: leave pieces of a recording out, seen on its wave; before and after."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import msgspec
from flask import (
    Blueprint,
    abort,
    flash,
    make_response,
    redirect,
    render_template,
    request,
    send_file,
    url_for,
)
from werkzeug.wrappers import Response

from content import bulletins, parts, uploads
from content.bulletins import Bulletin, Draft
from content.parts import Recorded, Translation
from content.recordings import RenderingState
from content.uploads import Upload
from loa import languages
from loa.errors import NotFound
from loa.staff import May
from loa.words import say
from web import current, live, saving
from web.bulletin_page import Page, load
from web.cut_form import CutsForm, point

bp = Blueprint("cuts", __name__)

FOR_A_DAY = 86_400


# --- what is cut ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Cutting:
    """One recording of a bulletin, and where it stands in it."""

    page: Page
    piece: Recorded | Translation
    name: str
    """What the page calls it: empty where the bulletin is but this recording."""
    language: str
    here: str
    """The address of its page."""
    draft: Callable[[Bulletin, Recorded | Translation], Draft]
    """The bulletin with another in its place."""

    @property
    def upload(self) -> Upload | None:
        return self.page.uploads.get(self.piece.upload)

    @property
    def is_ready(self) -> bool:
        upload = self.upload
        return upload is not None and upload.examined_at is not None and upload.ms is not None

    @property
    def cut_ms(self) -> int:
        return sum(end - begin for begin, end in self.piece.cuts)

    @property
    def sound(self) -> Any:
        """The finished recording it is heard in; None while that is made."""
        found = [each.recording for each in self.page.sounds if each.language == self.language]
        return found[0] if found else None


def _of_part(bulletin_id: int, number: int) -> Cutting:
    page = _page(bulletin_id)
    found = page.bulletin.parts
    part = found[number - 1] if 0 < number <= len(found) else None
    if not isinstance(part, Recorded):
        raise NotFound(
            say("Phần này của bản tin không phải bản ghi âm. Hãy tải lại trang bản tin.")
        )

    def draft(bulletin: Bulletin, piece: Recorded | Translation) -> Draft:
        changed = [*bulletin.parts[: number - 1], cast(Recorded, piece), *bulletin.parts[number:]]
        return msgspec.structs.replace(bulletin.draft, parts=tuple(changed))

    here = url_for("cuts.show", bulletin_id=bulletin_id, number=number)
    name = say("Phần %(number)s", number=number) if len(found) > 1 else ""
    return Cutting(page, part, name, languages.KINH, here, draft)


def _of_translation(bulletin_id: int, language: str) -> Cutting:
    page = _page(bulletin_id)
    found = [each for each in page.bulletin.translations if each.language == language]
    if not found:
        raise NotFound(say("Bản tin không có bản dịch tiếng này. Hãy tải lại trang Bản dịch."))

    def draft(bulletin: Bulletin, piece: Recorded | Translation) -> Draft:
        changed = [piece if t.language == language else t for t in bulletin.translations]
        return msgspec.structs.replace(
            bulletin.draft, translations=cast(parts.Translations, tuple(changed))
        )

    here = url_for("cuts.translation", bulletin_id=bulletin_id, language=language)
    name = say("Bản tiếng %(name)s", name=languages.name(language))
    return Cutting(page, found[0], name, language, here, draft)


def _page(bulletin_id: int) -> Page:
    """The bulletin; a preview that vanished is asked for again."""
    with current.read() as session:
        page = load(session, bulletin_id)
    names = set(parts.uploads(page.bulletin.parts, page.bulletin.translations))
    lost = {name for name in names if _is_lost(page.uploads.get(name))}
    if not lost:
        return page
    with current.write() as session:
        uploads.note(session, lost, current.now())
        for name in lost:
            session.get_one(Upload, name).examined_at = None
        session.flush()
        return load(session, bulletin_id)


def _is_lost(upload: Upload | None) -> bool:
    if upload is None:
        return True
    heard = upload.examined_at is not None and upload.problem is None
    return heard and not uploads.preview(current.config(), upload.sha256).is_file()


# --- the pages -----------------------------------------------------------------------------------


@bp.route("/ban-tin/<int:bulletin_id>/phan/<int:number>/cat", methods=["GET", "POST"])
@current.needs(May.WRITE)
def show(bulletin_id: int, number: int) -> Response:
    """Cut part ``number``, from 1."""
    return _answer(_of_part(bulletin_id, number))


@bp.route("/ban-tin/<int:bulletin_id>/ban-dich/<language>/cat", methods=["GET", "POST"])
@current.needs(May.WRITE)
def translation(bulletin_id: int, language: str) -> Response:
    return _answer(_of_translation(bulletin_id, language))


@bp.get("/ban-tin/<int:bulletin_id>/phan/<int:number>/cat/sau")
@current.needs(May.WRITE)
def after(bulletin_id: int, number: int) -> Response:
    """The live part of the page: the sound as it will be broadcast."""
    return live.answer(_after(_of_part(bulletin_id, number)))


@bp.get("/ban-tin/<int:bulletin_id>/ban-dich/<language>/cat/sau")
@current.needs(May.WRITE)
def translation_after(bulletin_id: int, language: str) -> Response:
    return live.answer(_after(_of_translation(bulletin_id, language)))


@bp.get("/ban-tin/<int:bulletin_id>/ban-goc/<sha>/cho")
def waiting(bulletin_id: int, sha: str) -> Response:
    """A part asked for until the original can be heard; the page is then loaded anew."""
    page = _page(bulletin_id)
    upload = page.uploads.get(sha)
    if upload is not None and upload.examined_at is None:
        return make_response(_waiting(page, sha))
    return make_response("", 200, {"HX-Refresh": "true"})


@bp.get("/ban-tin/<int:bulletin_id>/ban-goc/<sha>.mp3")
def original(bulletin_id: int, sha: str) -> Response:
    """An upload as it came, as far as browsers can play it; only of what is in this bulletin."""
    with current.read() as session:
        bulletin = bulletins.get(session, bulletin_id)
    if sha not in parts.uploads(bulletin.parts, bulletin.translations):
        abort(404)
    path = uploads.preview(current.config(), sha)
    if not path.is_file():
        abort(404)
    answer = send_file(path, mimetype="audio/mpeg", conditional=True, max_age=FOR_A_DAY)
    answer.headers["Cache-Control"] = f"private, max-age={FOR_A_DAY}"
    return answer


def _answer(cutting: Cutting) -> Response:
    form = CutsForm(data=_values(cutting)) if request.method == "GET" else CutsForm()
    if cutting.is_ready:
        saved = form.carry_out(lambda: _save(cutting, form))
        if saved is not None:
            flash(
                say("Đã lưu. Âm thanh đang được tạo lại.")
                if saved
                else say("Không có gì thay đổi.")
            )
            return redirect(cutting.here)
    context = {"cutting": cutting, "page": cutting.page, "form": form, "after": _after(cutting)}
    if not cutting.is_ready:
        context["not_ready"] = _waiting(cutting.page, cutting.piece.upload)
    return make_response(render_template("cuts/show.html", **context), form.status)


def _after(cutting: Cutting) -> live.Part:
    return live.part("cuts/after.html", cutting=cutting, page=cutting.page)


def _waiting(page: Page, sha: str) -> str:
    rendering = page.rendering
    busy = rendering is not None and rendering.state in (
        RenderingState.QUEUED,
        RenderingState.RUNNING,
    )
    return render_template("cuts/waiting.html", page=page, sha=sha, busy=busy)


def _values(cutting: Cutting) -> dict[str, Any]:
    cuts = [{"begin": begin, "end": end} for begin, end in cutting.piece.cuts]
    return {
        "cuts": cuts,
        "music": cutting.piece.music,
        "version": str(cutting.page.bulletin.version),
    }


def _save(cutting: Cutting, form: CutsForm) -> bool:
    assert cutting.upload is not None  # noqa: S101 - asked of is_ready
    cuts = form.spans(cutting.upload.ms or 0)
    piece = msgspec.structs.replace(cutting.piece, cuts=cuts, music=bool(form.music.data))
    with current.write() as session:
        bulletin = saving.unchanged(session, cutting.page.bulletin.id)
        return saving.save(session, bulletin, cutting.draft(bulletin, piece))


bp.app_template_filter("point")(point)
