"""Nghe thử: a few words spoken at once, so that a reading or a voice can be heard. Nothing of it is kept."""

from __future__ import annotations

import io
import tempfile
import threading
from pathlib import Path
from urllib.parse import quote

from flask import Blueprint, request, send_file
from werkzeug.wrappers import Response

from content import entries, reading, voices
from content.voices.base import MAX_SPEED, MIN_SPEED
from loa.errors import ContentError
from loa.staff import May
from loa.words import join, say
from web import current, errors

bp = Blueprint("listening", __name__)

MOST_CHARACTERS = 300
"""About half a minute of speech."""
MOST_SPOKEN = 4 * MOST_CHARACTERS
"""Characters those may become when numbers and abbreviations are written out."""
MOST_AT_ONCE = 2
SECONDS = 20.0
"""Longest one waits for a voice: somebody stands before the page."""
BUSY = say("Đang có người khác nghe thử. Hãy đợi vài giây rồi bấm lại.")

_free = threading.BoundedSemaphore(MOST_AT_ONCE)


@bp.get("/nghe-thu.wav")
@current.needs(May.WRITE)
def wav() -> Response:
    """The words ``chu`` by the voice ``giong`` (empty: the station's default) at speed ``toc_do``.

    With ``doc=1`` they are read by the commune's dictionary first, as those of a bulletin are.
    """
    text, speed = _words(), _speed()
    if not _free.acquire(blocking=False):
        return errors.show(429, BUSY)
    try:
        sound, notes = _spoken(text, request.args.get("giong", ""), speed)
    finally:
        _free.release()
    answer = send_file(io.BytesIO(sound), mimetype="audio/wav", download_name="nghe-thu.wav")
    answer.headers["Cache-Control"] = "no-store"
    if notes:  # such as that another voice had to stand in; letters of a header are Latin ones
        answer.headers["X-Note"] = quote(join(" ", notes).told())
    return answer


def _words() -> str:
    text = request.args.get("chu", "").strip()
    if not text:
        raise ContentError(say("Chưa có chữ nào để nghe thử. Hãy nhập chữ cần đọc."), field="chu")
    if len(text) > MOST_CHARACTERS:
        raise ContentError(
            say(
                "Chỉ nghe thử được tối đa %(most_characters)s ký tự; ở đây có %(count)s. Hãy chọn "
                "đoạn ngắn hơn.",
                most_characters=MOST_CHARACTERS,
                count=len(text),
            ),
            field="chu",
        )
    if request.args.get("doc") != "1":
        return text
    with current.read() as session:
        words = entries.in_force(session)
    return reading.read(text, words).spoken[:MOST_SPOKEN]


def _speed() -> int:
    given = request.args.get("toc_do", "")
    if not given:
        return current.config().content.speed
    if not given.isdecimal() or not MIN_SPEED <= int(given) <= MAX_SPEED:
        raise ContentError(
            say(
                "Tốc độ đọc “%(given)s” không hợp lệ. Hãy chọn từ %(min_speed)s đến %(max_speed)s.",
                given=given[:10],
                min_speed=MIN_SPEED,
                max_speed=MAX_SPEED,
            ),
            field="toc_do",
        )
    return int(given)


def _spoken(text: str, voice: str, speed: int) -> tuple[bytes, tuple[str, ...]]:
    registry = voices.registry(current.config())
    wanted = registry.get(voice or registry.default)
    # A folder of its own outside the station's: nothing here touches the work of bulletins.
    with tempfile.TemporaryDirectory(prefix="loa-nghe-thu-") as folder:
        out = Path(folder) / "out.wav"
        said = registry.speak(text, out, voice=wanted.name, speed=speed, timeout=SECONDS)
        return out.read_bytes(), said.notes
