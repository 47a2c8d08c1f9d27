"""The pages in the language of their reader: Vietnamese, or English by a switch kept on the device.

The source says everything in Vietnamese; ``en/loa.po`` has the English. This is the only door to Flask-Babel.
"""

from __future__ import annotations

import io
import json
from functools import lru_cache
from pathlib import Path

import flask_babel
from babel.messages import mofile, pofile
from babel.messages.catalog import Catalog
from babel.support import NullTranslations, Translations
from flask import Blueprint, Flask, Response, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from loa import words
from loa.errors import LoaError
from loa.words import say
from web import current, sign_in
from web.i18n import recalling

bp = Blueprint("i18n", __name__)
FOLDER = Path(__file__).parent
SOURCE = "vi"
LANGUAGES = {"vi": "Tiếng Việt", "en": "English"}
"""Each by its own name, as its speakers look for it."""
ROOMS = ("scheduler/", "devices/", "content/", "loa/")
"""What they say may be stored; what pages say is not."""
COOKIE = "loa-lang"
KEPT_SECONDS = 400 * 24 * 3600  # the longest browsers keep a cookie


class Catalogues(flask_babel.Domain):  # type: ignore[misc]
    """The catalogues as texts in the source tree: nothing is compiled at set-up, so nothing can be out of date."""

    def get_translations(self) -> NullTranslations:
        return translations(str(flask_babel.get_locale()))


def register(app: Flask) -> None:
    """Give templates ``_``, ``counted`` and ``trans``, and each request its reader's language."""
    flask_babel.Babel(app, default_locale=SOURCE, locale_selector=language)
    app.jinja_env.policies["ext.i18n.trimmed"] = True
    app.jinja_env.globals.update(
        _=say, counted=words.counted, language=language, languages=LANGUAGES
    )
    app.jinja_env.filters["first_upper"] = words.first_upper
    domain = Catalogues()

    def read_in_own_language() -> None:
        domain.as_default()
        words.translator.set(words.as_it_is if language() == SOURCE else translate)

    app.before_request(read_in_own_language)


def language() -> str:
    """Of the reader: what was chosen on this device, or what a program accepts; else Vietnamese."""
    if current.is_api():
        return request.accept_languages.best_match(LANGUAGES) or SOURCE
    chosen = request.cookies.get(COOKIE, SOURCE)
    return chosen if chosen in LANGUAGES else SOURCE


def translate(template: str, number: int | None) -> str:
    told = _said(template, number)
    code = str(flask_babel.get_locale())
    return _recalled(code, template) if told == template and code != SOURCE else told


def _said(template: str, number: int | None) -> str:
    if not template:
        return ""  # under which a catalogue keeps its own head
    known = flask_babel.get_translations()
    if number is None:
        return str(known.ugettext(template))
    return str(known.ungettext(template, template, number))


@lru_cache(maxsize=4096)
def _recalled(code: str, text: str) -> str:
    """The same of what was stored as text; sentences of the catalogue hold no values any more by then."""
    return text if recalling.VALUE.search(text) else _recaller(code).told(text)


@lru_cache(maxsize=len(LANGUAGES))
def _recaller(code: str) -> recalling.Recaller:
    said = (
        (message.id[0], True) if isinstance(message.id, tuple | list) else (str(message.id), False)
        for message in catalogue_of(code)
        if message.id and any(place.startswith(ROOMS) for place, _line in message.locations)
    )
    return recalling.Recaller(recalling.shapes(said), _said)


@lru_cache(maxsize=len(LANGUAGES))
def translations(code: str) -> NullTranslations:
    """Of one language; for Vietnamese, and for what is not translated, the text itself."""
    if code == SOURCE:
        return NullTranslations()
    compiled = io.BytesIO()
    mofile.write_mo(compiled, catalogue_of(code))
    compiled.seek(0)
    return Translations(compiled)


def catalogue_of(code: str) -> Catalog:
    """What ``<code>/loa.po`` says."""
    with file_of(code).open("rb") as file:
        return pofile.read_po(file, locale=code)


def file_of(code: str) -> Path:
    return FOLDER / code / "loa.po"


@bp.post("/ngon-ngu")
@current.open_to_all
def choose() -> AnyResponse:
    """Keep the language on this device, and go back to where its reader was."""
    chosen = request.form.get("language", "")
    if chosen not in LANGUAGES:
        raise LoaError(
            say("Đài chưa có tiếng “%(name)s”. Hãy chọn lại.", name=chosen), field="language"
        )
    back = redirect(sign_in.local_path(request.form.get("back")))
    back.set_cookie(COOKIE, chosen, max_age=KEPT_SECONDS, samesite="Lax")
    return back


@bp.get("/loi/<code>.js")
@current.open_to_all
def script(code: str) -> Response:
    """The words of our scripts in ``code``, for ``inWords`` of words.js."""
    known = _script_words(code if code in LANGUAGES else SOURCE)
    return Response(f"window.loaWords = {known};\n", mimetype="text/javascript")


@lru_cache(maxsize=len(LANGUAGES))
def _script_words(code: str) -> str:
    if code == SOURCE:
        return "{}"
    said = {
        str(message.id): str(message.string)
        for message in catalogue_of(code)
        if message.id and isinstance(message.id, str) and message.string
        and any(place.endswith(".js") for place, _line in message.locations)
    }  # fmt: skip
    return json.dumps(said, ensure_ascii=False)
