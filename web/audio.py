"""Sounds for receivers that fetch them over HTTPS: whole or by Range, under their sha256.

Nobody signs in for them: who knows a sound's hash has it from a plan, and what is fetched is checked against it.
"""

from __future__ import annotations

import re

from flask import Blueprint, abort, send_file
from werkzeug.wrappers import Response

from content import recordings
from web import current

bp = Blueprint("audio", __name__)
FOR_A_YEAR = 365 * 86_400


@bp.get("/am-thanh/<sha>")
@current.open_to_all
def file(sha: str) -> Response:
    """The sound of that hash; 206 for a part of it, 304 for one already held."""
    if not re.fullmatch(r"[0-9a-f]{64}", sha):
        abort(404)
    path = recordings.file(current.config().recordings, sha)
    if not path.is_file():
        abort(404)
    answer = send_file(path, mimetype="audio/mpeg", conditional=True, etag=sha, max_age=FOR_A_YEAR)
    answer.headers["Cache-Control"] = f"public, max-age={FOR_A_YEAR}, immutable"
    return answer
