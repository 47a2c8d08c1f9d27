"""The only file that knows gTTS: the voice of Google Translate, over the internet.

gTTS (MIT) speaks to an address Google does not document and may close any day; so the registry falls back
to the offline voice. Of gTTS we use only how a request is written. Its own sending turns certificate checks
off, so that anyone on the way could put their words on the village's loudspeakers, takes a page without
sound for success, and cuts sentences at commas, dropping them.
"""

from __future__ import annotations

import base64
import binascii
import logging
import re
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import requests
from gtts import gTTS

from content import transcode
from content.voices import base
from loa.errors import ContentError

log = logging.getLogger(__name__)

MOST_CHARACTERS = 100
CONNECT_SECONDS, READ_SECONDS = 3.0, 15.0
PAUSE_SECONDS = 0.5
BACK_OFF_SECONDS = 15 * 60
BLOCKED = {301, 302, 303, 307, 403, 429}
"""Google's ways of saying "too many": a redirect leads to a page for proving one is human."""
MOST_BYTES = 2_000_000
LEAST_BYTES_PER_SECOND = 1_000
SOUND = re.compile(rb'jQ1olc"\s*,\s*"\[\\"(.*?)\\"')
TRY_LATER = "Hãy thử lại sau, hoặc chọn giọng ngoại tuyến."


class Gtts:
    """One Vietnamese voice, female; slow over a thin line: about two requests for three sentences."""

    name = "gtts"
    label = "Giọng Google (trực tuyến)"
    offline = False

    def __init__(
        self,
        *,
        pause: float = PAUSE_SECONDS,
        timeout: tuple[float, float] = (CONNECT_SECONDS, READ_SECONDS),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``pause`` between requests and ``timeout`` (connect, read), in seconds."""
        self._pause, self._timeout, self._clock = pause, timeout, clock
        self._blocked_until = float("-inf")
        self._turn = threading.Lock()  # one text at a time: the limit is per address

    def speak(
        self,
        text: str,
        out: Path,
        *,
        speed: int = base.DEFAULT_SPEED,
        timeout: float | None = None,
        cancel: threading.Event | None = None,
        progress: base.Progress | None = None,
    ) -> None:
        """See ``base.Voice.speak``. 24,000 Hz; speed changes the tempo of the one Google speaks at."""
        text = base.checked(text, speed)
        pieces = pack(text)
        with self._turn, tempfile.TemporaryDirectory(dir=out.parent, prefix="gtts-") as folder:
            deadline = self._clock() + (timeout or 30 + 3 * len(pieces))
            sound = Path(folder) / "speech.mp3"
            with sound.open("wb") as file, requests.Session() as session:
                for number, piece in enumerate(pieces):
                    self._breathe(number, deadline, cancel)
                    file.write(self._fetch(session, piece))
                    if progress:
                        progress((number + 1) / len(pieces))
            part = Path(folder) / "speech.wav"
            _decode(sound, part, speed, text)
            part.replace(out)

    def _breathe(self, number: int, deadline: float, cancel: threading.Event | None) -> None:
        """Pause before every request but the first; stop when blocked, cancelled or late."""
        wait = self._pause if number else 0.0
        if (cancel or threading.Event()).wait(wait):
            raise base.Cancelled("Đã dừng đọc theo yêu cầu.")
        left = self._blocked_until - self._clock()
        if left > 0:
            raise base.VoiceFailed(
                f"Google đang chặn máy này vì gửi quá nhiều, còn khoảng {left / 60:.0f} phút. {TRY_LATER}"
            )
        if self._clock() > deadline:
            raise base.VoiceFailed(f"Giọng Google trả lời quá chậm. {TRY_LATER}")

    def _fetch(self, session: requests.Session, piece: str) -> bytes:
        """The MP3 of one piece."""
        try:
            status, body = self._send(session, piece)
        except requests.exceptions.SSLError as error:
            log.error("refused a certificate: %s", error)
            raise base.VoiceFailed(
                "Kết nối tới giọng Google không an toàn (chứng chỉ sai) nên đã từ chối. "
                "Hãy kiểm tra ngày giờ máy chủ và đường mạng."
            ) from error
        except requests.RequestException as error:
            log.warning("no connection to the voice: %s", error)
            raise base.VoiceFailed(
                "Không kết nối được tới giọng Google. Hãy kiểm tra mạng internet của máy chủ."
            ) from error
        if status in BLOCKED:
            self._blocked_until = self._clock() + BACK_OFF_SECONDS
        if status != 200:
            raise base.VoiceFailed(f"Giọng Google từ chối (mã {status}). {TRY_LATER}")
        return _sound(body, piece)

    def _send(self, session: requests.Session, piece: str) -> tuple[int, bytes]:
        writer = gTTS(piece, lang="vi", lang_check=False, pre_processor_funcs=[])
        prepared: requests.PreparedRequest = writer._prepare_requests()[0]
        # The machine's proxy and certificate settings; they can name other authorities, not turn checks off.
        settings = session.merge_environment_settings(str(prepared.url), {}, True, None, None)
        answer = session.send(prepared, timeout=self._timeout, allow_redirects=False, **settings)
        ends, body = self._clock() + self._timeout[1], b""
        for chunk in answer.iter_content(65_536):
            body += chunk
            if len(body) > MOST_BYTES or self._clock() > ends:
                raise requests.Timeout("too much, or too slow")
        return answer.status_code, body


def pack(text: str) -> list[str]:
    """Cut into pieces of at most 100 characters, as few as will do, every mark of punctuation kept.

    A cut is heard as a pause, so it falls at the end of a sentence, else of a clause, else of a word.
    """
    pieces: list[str] = []
    for line in text.splitlines():
        for sentence in re.split(r"(?<=[.!?…])\s+", line.strip()):
            _add(pieces, sentence, [r"(?<=[,;:–—])\s+", r"\s+"])
    return [piece for piece in pieces if any(letter.isalnum() for letter in piece)]


def _add(pieces: list[str], text: str, finer: list[str]) -> None:
    """Append to the last piece while there is room, else cut finer, else begin a new one."""
    if pieces and len(pieces[-1]) + 1 + len(text) <= MOST_CHARACTERS:
        pieces[-1] = f"{pieces[-1]} {text}".strip()
    elif len(text) <= MOST_CHARACTERS:
        pieces.append(text)
    elif finer:
        for part in re.split(finer[0], text):
            _add(pieces, part, finer[1:])
    else:
        pieces += [text[i : i + MOST_CHARACTERS] for i in range(0, len(text), MOST_CHARACTERS)]


def _sound(body: bytes, piece: str) -> bytes:
    """The MP3 inside an answer; a page without sound, or with too little, is a failure."""
    found = SOUND.search(body)
    try:
        sound = base64.b64decode(found.group(1), validate=True) if found else b""
    except binascii.Error:
        sound = b""
    if len(sound) < LEAST_BYTES_PER_SECOND * base.shortest_seconds(piece) or not sound:
        log.warning("no sound in an answer of %d bytes", len(body))
        raise base.VoiceFailed(f"Giọng Google không trả về âm thanh. {TRY_LATER}")
    return sound


def _decode(sound: Path, out: Path, speed: int, text: str) -> None:
    seconds = base.shortest_seconds(text)
    tempo = speed / base.DEFAULT_SPEED
    try:
        decoded = transcode.decode_to_wav(sound, out, max_seconds=120 + 20 * seconds, tempo=tempo)
    except ContentError as error:
        raise base.VoiceFailed(f"Giọng Google trả về âm thanh hỏng. {TRY_LATER}") from error
    if decoded.ms < 1000 * seconds / tempo:
        raise base.VoiceFailed(f"Giọng Google trả về âm thanh thiếu. {TRY_LATER}")
