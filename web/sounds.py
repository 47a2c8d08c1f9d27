"""A bulletin's sound: its progress, its wave, and the file itself, exactly as it would be broadcast."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from flask import Blueprint, abort, flash, redirect, request, send_file, url_for
from werkzeug.wrappers import Response

from content import bulletins, recordings
from content.bulletins import State
from loa.errors import ContentError
from loa.staff import May
from loa.words import say
from web import current, live
from web.bulletin_page import Page, load

bp = Blueprint("sounds", __name__)

BARS = 200
"""Strokes in the drawing of a wave: as many as a phone can still show apart."""
FOR_A_DAY = 86_400


@bp.get("/ban-tin/<int:bulletin_id>/am-thanh")
def part(bulletin_id: int) -> Response:
    """The live part of the bulletin's page."""
    with current.read() as session:
        page = load(session, bulletin_id)
    return live.answer(live.part("bulletins/sound.html", page=page))


@bp.get("/ban-tin/<int:bulletin_id>/am-thanh.mp3")
def file(bulletin_id: int) -> Response:
    """The sound named by ``sha``, in parts if asked; only one that is or was this bulletin's own."""
    with current.read() as session:
        page = load(session, bulletin_id)
    sha = request.args.get("sha", "")
    if sha not in _known(page) or not re.fullmatch(r"[0-9a-f]{64}", sha):
        abort(404)
    path = recordings.file(current.config().recordings, sha)
    if not path.is_file():
        abort(404)
    answer = send_file(path, mimetype="audio/mpeg", conditional=True, etag=sha, max_age=FOR_A_DAY)
    answer.headers["Cache-Control"] = f"private, max-age={FOR_A_DAY}, immutable"
    return answer


def _known(page: Page) -> set[str]:
    return {*page.bulletin.sounds.values(), *(s for d in page.decisions for s in d.sounds.values())}


@bp.post("/ban-tin/<int:bulletin_id>/tao-lai")
@current.needs(May.WRITE)
def make_again(bulletin_id: int) -> Response:
    """Try once more after a failure."""
    with current.write() as session:
        bulletin = bulletins.get(session, bulletin_id)
        if bulletin.recording_sha is not None or bulletin.state is State.WITHDRAWN:
            raise ContentError(say("Bản tin này không cần tạo lại âm thanh. Hãy tải lại trang."))
        recordings.queue(session, bulletin, current.now())
    flash(say("Âm thanh đang được tạo lại."))
    back = "new_broadcast.when" if request.args.get("tiep") == "phat-moi" else "bulletins.show"
    return redirect(url_for(back, bulletin_id=bulletin_id))


def wave(peaks: Sequence[int], bars: int = BARS) -> str:
    """An SVG path of upright strokes, ``bars`` wide and 100 high, from peaks of 0 to 100."""
    if not peaks:
        return ""
    ends = [round(i * len(peaks) / bars) for i in range(bars + 1)]
    loudest = [max(peaks[a : max(b, a + 1)], default=0) for a, b in pairwise(ends)]
    heights = [max(round(peak / 2), 1) for peak in loudest]
    return "".join(f"M{x + 0.5} {50 - h}V{50 + h}" for x, h in enumerate(heights))


@bp.app_template_filter("wave")
def _wave(peaks: Sequence[int]) -> str:
    return wave(peaks)
