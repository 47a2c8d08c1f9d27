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

import msgspec
from gtts import gTTS

from content import transcode
from content.benches import DISK_FULL
from content.voices import base, joining, pieces, wire
from content.voices.cache import Cache, key
from content.voices.rest import Rest
from loa.errors import ContentError
from loa.words import join, say

log = logging.getLogger(__name__)

MOST_CHARACTERS = 100
LIMITS = wire.Limits(connect=3.0, silence=15.0, whole=20.0, most_bytes=2_000_000)
PAUSE_SECONDS = 0.5
BACK_OFF_SECONDS = 15 * 60
SHORT_REST_SECONDS = 60
"""After a fault of the server's, or of the line to it: bulletins that follow shall not each wait to find out."""
BLOCKED = {301, 302, 303, 307, 403, 429}
"""Google's ways of saying "too many": a redirect leads to a page for proving one is human."""
LEAST_BYTES_PER_SECOND = 1_000
SOUND = re.compile(rb'jQ1olc"\s*,\s*"\[\\"(.*?)\\"')
TRY_LATER = say("Hãy thử lại sau, hoặc chọn giọng ngoại tuyến.")
TOO_MANY = say("Google đang chặn máy này vì gửi quá nhiều")
UNREACHABLE = say("Không kết nối được tới giọng Google. Hãy kiểm tra mạng internet của máy chủ.")


class Gtts:
    """One Vietnamese voice, female; slow over a thin line: about two requests for three sentences."""

    name = "gtts"
    label = say("Giọng Google (trực tuyến)")
    offline = False

    def __init__(
        self,
        cache: Cache | None = None,
        *,
        pause: float = PAUSE_SECONDS,
        limits: wire.Limits = LIMITS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``cache`` of what was asked before; ``pause`` between requests in seconds."""
        self._cache = cache or Cache(None)
        self._pause, self._limits, self._clock = pause, limits, clock
        self._rest = Rest(clock)
        self._asked = float("-inf")
        self._turn = threading.Lock()  # one request at a time: the limit is per address

    def facts(self) -> tuple[str, ...]:
        return (
            say(
                "Văn bản được gửi tới Google để đọc; không dùng cho nội dung chưa được phép công bố."
            ),
            say(
                "Dùng địa chỉ của Google Dịch mà Google không công bố cho việc này: không có hợp đồng, không có "
                "cam kết, có thể bị chặn hay đổi bất cứ lúc nào. Khi đó giọng ngoại tuyến đọc thay."
            ),
            say(
                "Hãy tự xem điều khoản dịch vụ của Google trước khi dùng lâu dài. Thư viện gTTS: giấy phép MIT."
            ),
        )

    def trouble(self) -> str | None:
        return self._rest.sentence()

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
        # Each paragraph by itself: an edit in one does not shift what is asked for the next.
        lines = [pieces.packed(line, MOST_CHARACTERS) for line in pieces.paragraphs(text)]
        count = sum(map(len, lines))
        deadline = self._clock() + (timeout or 30 + 3 * count)
        with (
            tempfile.TemporaryDirectory(dir=out.parent, prefix="gtts-") as folder,
            wire.Line(self._limits) as line,
        ):
            errand = _Errand(line, Path(folder), deadline, cancel, progress, count)
            tempo = speed / base.DEFAULT_SPEED
            spoken = [self._paragraph(paragraph, errand, tempo) for paragraph in lines]
            pauses = [0.0] + [base.PARAGRAPH_PAUSE_SECONDS] * (len(lines) - 1)
            part = Path(folder) / "speech.wav"
            joining.join(list(zip(pauses, spoken, strict=True)), part)
            part.replace(out)

    def _paragraph(self, paragraph: list[str], errand: _Errand, tempo: float) -> Path:
        """A WAV of one paragraph."""
        mp3, wav = errand.folder / "paragraph.mp3", errand.folder / f"{errand.done}.wav"
        with mp3.open("wb") as file:
            for piece in paragraph:
                file.write(self._piece(piece, errand))
                errand.tell()
        _decode(mp3, wav, " ".join(paragraph), tempo)
        return wav

    def _piece(self, piece: str, errand: _Errand) -> bytes:
        """The MP3 of one piece, asked for once. What was found good stays, should a later one fail."""
        name = key(self.name, "vi", "mp3", piece)
        known = self._cache.get(name)
        if known is not None:
            return known
        sound = self._sound(self._ask(piece, errand), piece)
        mp3 = errand.folder / "piece.mp3"
        mp3.write_bytes(sound)
        _decode(mp3, errand.folder / "piece.wav", piece)
        self._cache.put(name, sound)
        return sound

    def _ask(self, piece: str, errand: _Errand) -> bytes:
        """Google's answer for one piece."""
        with self._turn:
            self._breathe(errand)
            try:
                request = gTTS(piece, lang="vi", lang_check=False, pre_processor_funcs=[])
                answer = errand.line.send(request._prepare_requests()[0])
            except wire.Untrusted as error:
                raise base.VoiceFailed(
                    say(
                        "Kết nối tới giọng Google không an toàn (chứng chỉ sai) nên đã từ chối. "
                        "Hãy kiểm tra ngày giờ máy chủ và đường mạng."
                    )
                ) from error
            except wire.NoAnswer as error:
                self._rest.begin(SHORT_REST_SECONDS, say("Vừa không kết nối được tới giọng Google"))
                raise base.VoiceFailed(UNREACHABLE) from error
            except wire.TooMuch as error:
                raise base.VoiceFailed(
                    say("Giọng Google trả lời quá dài. %(remedy)s", remedy=TRY_LATER)
                ) from error
            finally:
                self._asked = self._clock()
        if answer.status in BLOCKED:
            self._rest.begin(BACK_OFF_SECONDS, TOO_MANY)
        elif answer.status != 200:
            self._rest.begin(
                SHORT_REST_SECONDS,
                say("Giọng Google vừa báo lỗi (mã %(status)s)", status=answer.status),
            )
        if answer.status != 200:
            raise base.VoiceFailed(
                say(
                    "Giọng Google từ chối (mã %(status)s). %(remedy)s",
                    status=answer.status,
                    remedy=TRY_LATER,
                )
            )
        return answer.body

    def _breathe(self, errand: _Errand) -> None:
        """Pause between two requests, whichever texts they are for; stop when cancelled, resting or late."""
        wait = max(0.0, self._asked + self._pause - self._clock())
        if (errand.cancel or threading.Event()).wait(wait):
            raise base.Cancelled(say("Đã dừng đọc theo yêu cầu."))
        resting = self._rest.sentence()
        if resting:
            raise base.VoiceFailed(join(" ", [resting, TRY_LATER]))
        if self._clock() > errand.deadline:
            raise base.VoiceFailed(
                say("Giọng Google trả lời quá chậm. %(remedy)s", remedy=TRY_LATER)
            )

    def _sound(self, body: bytes, piece: str) -> bytes:
        """The MP3 inside an answer; a page without sound, or with too little, is a failure."""
        found = SOUND.search(body)
        try:
            sound = base64.b64decode(found.group(1), validate=True) if found else b""
        except binascii.Error:
            sound = b""
        if len(sound) < LEAST_BYTES_PER_SECOND * base.shortest_seconds(piece) or not sound:
            log.warning("no sound in an answer of %d bytes", len(body))
            if b"<html" in body[:2000].lower():  # a page for people: "unusual traffic", a CAPTCHA
                self._rest.begin(BACK_OFF_SECONDS, TOO_MANY)
            raise base.VoiceFailed(
                say("Giọng Google không trả về âm thanh. %(remedy)s", remedy=TRY_LATER)
            )
        return sound


class _Errand(msgspec.Struct):
    """What one text needs on its way through the requests."""

    line: wire.Line
    folder: Path
    deadline: float
    cancel: threading.Event | None
    progress: base.Progress | None
    count: int
    """Pieces in all, and so far."""
    done: int = 0

    def tell(self) -> None:
        """One piece more."""
        self.done += 1
        if self.progress:
            self.progress(self.done / self.count)


def _decode(mp3: Path, out: Path, text: str, tempo: float = 1.0) -> None:
    """``mp3`` as WAV, if it holds sound, and enough for ``text``."""
    seconds = base.shortest_seconds(text)
    try:
        decoded = transcode.decode_to_wav(mp3, out, max_seconds=120 + 20 * seconds, tempo=tempo)
    except ContentError as error:
        if error.sentence == DISK_FULL:
            raise
        raise base.VoiceFailed(
            say("Giọng Google trả về âm thanh hỏng. %(remedy)s", remedy=TRY_LATER)
        ) from error
    if decoded.ms < 1000 * seconds / tempo:
        raise base.VoiceFailed(
            say("Giọng Google trả về âm thanh thiếu. %(remedy)s", remedy=TRY_LATER)
        )
