"""Giao diện: how the pages look on this device: light, dark or as the device is set, and large type.

Kept in a cookie, which the server reads as it makes a page: nothing flashes, and it works before sign-in.
"""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, Response, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from web import current, sign_in

bp = Blueprint("look", __name__)
COOKIE = "loa-look"
KEPT_SECONDS = 400 * 24 * 3600  # the longest browsers keep a cookie
THEMES = ("auto", "light", "dark")
SIZES = ("usual", "large")
LIGHT_GROUND, DARK_GROUND = "#ffffff", "#1a2327"
"""Of the head of the page; a phone colours its own bar like it."""
_DARK_SHEET = {
    "auto": "screen and (prefers-color-scheme: dark)", "light": "not all", "dark": "screen",
}  # fmt: skip


@dataclass(frozen=True)
class Look:
    theme: str = THEMES[0]
    size: str = SIZES[0]

    @property
    def cookie(self) -> str:
        """dark.large"""
        return f"{self.theme}.{self.size}"

    @property
    def dark_media(self) -> str:
        """For which media the dark colours are; never for paper."""
        return _DARK_SHEET[self.theme]

    @property
    def schemes(self) -> str:
        """What the browser's own parts (scroll bars, lists to choose from) may look like."""
        return "light dark" if self.theme == "auto" else self.theme

    def changed(self, theme: str | None, size: str | None) -> Look:
        """With what was chosen; an unknown word changes nothing."""
        return Look(theme if theme in THEMES else self.theme, size if size in SIZES else self.size)


@bp.app_template_global("look")
def of_request() -> Look:
    """As this device last chose it."""
    theme, _, size = request.cookies.get(COOKIE, "").partition(".")
    return Look().changed(theme, size)


@bp.app_context_processor
def _grounds() -> dict[str, str]:
    return {"light_ground": LIGHT_GROUND, "dark_ground": DARK_GROUND}


@bp.post("/giao-dien")
@current.open_to_all
def choose() -> AnyResponse:
    """Keep the look on this device; back to where its reader was, or nothing for the script that has changed it."""
    chosen = of_request().changed(request.form.get("theme"), request.form.get("size"))
    answer: AnyResponse = Response(status=204)
    if "back" in request.form:
        answer = redirect(sign_in.local_path(request.form["back"]))
    # Read by the script of the switch too: nothing in it is secret.
    answer.set_cookie(COOKIE, chosen.cookie, max_age=KEPT_SECONDS, samesite="Lax")
    return answer
