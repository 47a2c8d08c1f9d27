"""Loa on a phone's home screen: the manifest, the service worker, and the page that is shown without a network.

The worker keeps files that are the same for everybody, and two pages without anybody's data. It never keeps a page
of the station: what a reader sees is either of now, or says that there is no network.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from flask import Blueprint, Response, current_app, g, make_response, render_template, url_for

from loa import words
from loa.words import say
from web import current, look

bp = Blueprint("installable", __name__)
MANIFEST_TYPE = "application/manifest+json"
KEPT_FILES = (
    "vendor/pico.min.css", "css/loa.css", "css/library.css", "css/large.css", "css/dark.css",
    "css/emergency.css", "vendor/htmx.min.js", "js/words.js", "js/clock.js", "js/dates.js", "js/forms.js",
    "js/look.js", "js/offline.js", "js/drafts.js", "js/live.js", "js/emergency.js", "js/no-network.js",
    "img/icons.svg", "img/loa.svg",
)  # fmt: skip
"""What every page and those of the emergencies are shown with."""
ICONS = (
    ("img/loa-192.png", "192x192", "any"), ("img/loa-512.png", "512x512", "any"),
    ("img/loa-maskable-512.png", "512x512", "maskable"), ("img/loa.svg", "any", "any"),
)  # fmt: skip
TYPES = {".png": "image/png", ".svg": "image/svg+xml"}


@bp.get("/manifest.webmanifest")
@current.open_to_all
def manifest() -> Response:
    """What a phone needs to put the station on its home screen."""
    emergency = {"name": words.told(say("Khẩn cấp")), "url": url_for("emergency.show")}
    described = {
        "id": "/", "start_url": "/", "scope": "/", "display": "standalone", "lang": "vi", "dir": "ltr",
        "name": current.config().station.name, "short_name": "Loa", "categories": ["government", "utilities"],
        "theme_color": look.LIGHT_GROUND, "background_color": look.LIGHT_GROUND,
        "icons": [_icon(*icon) for icon in ICONS], "shortcuts": [emergency],
    }  # fmt: skip
    return Response(json.dumps(described, ensure_ascii=False), mimetype=MANIFEST_TYPE)


def _icon(file: str, sizes: str, purpose: str) -> dict[str, str]:
    kind = TYPES[Path(file).suffix]
    src = url_for("static", filename=file)
    return {"src": src, "sizes": sizes, "type": kind, "purpose": purpose}


@bp.get("/service-worker.js")
@current.open_to_all
def worker() -> Response:
    """At the root, so that it serves every page; its list of files differs as soon as one of them does."""
    kept = {
        "files": [url_for("static", filename=name) for name in KEPT_FILES],
        "noNetwork": url_for("installable.no_network"),
        "noAnswer": url_for("installable.no_answer"),
        "orders": url_for("emergency.show"),
    }
    code = Path(current_app.static_folder or "") / "js/service-worker.js"
    text = code.read_text()
    version = hashlib.sha256(f"{text}{kept}".encode()).hexdigest()[:12]
    kept_json = json.dumps({"version": version, **kept})
    return Response(f"const KEPT = {kept_json};\n{text}", mimetype="text/javascript")


@bp.get("/mat-mang")
@current.open_to_all
def no_network() -> Response:
    """In place of a page that could not be asked for."""
    return _shell(is_sent=False)


@bp.get("/khong-tra-loi")
@current.open_to_all
def no_answer() -> Response:
    """In place of the answer to an order that was sent, and may or may not have arrived."""
    return _shell(is_sent=True)


def _shell(*, is_sent: bool) -> Response:
    """The same for whoever asks: the worker keeps it, and a signed-out phone must show nobody's data."""
    g.staff = None
    page = render_template(
        "errors/no_network.html", is_sent=is_sent, phone=current.config().station.phone
    )
    return make_response(page)


@bp.get("/lien-lac")
@current.open_to_all
def contact() -> Response:
    """Nothing, and at once: a page asks whether the station can be reached."""
    return Response(status=204, headers={"Cache-Control": "no-store"})
