"""A speech service the station has a contract with: the words go out as JSON, sound comes back."""

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
from urllib.parse import SplitResult, urlsplit

import msgspec

from content import transcode
from content.benches import DISK_FULL
from content.voices import base, joining, pieces, wire
from content.voices.cache import Cache, key
from content.voices.rest import Rest
from loa.config import Secret, VoiceApi
from loa.errors import ConfigError, ContentError
from loa.words import join, say

log = logging.getLogger(__name__)

LIMITS = wire.Limits(connect=3.0, silence=60.0, whole=120.0, most_bytes=64 << 20)
REST_SECONDS, LONGEST_REST_SECONDS = 60, 3600
SYLLABLES_A_MINUTE = 183 / base.DEFAULT_SPEED
"""Of a voice's speed 1: 135 → 183."""
HOME = {"127.0.0.1", "::1", "localhost"}
REFUSALS = {
    400: say(
        "không hiểu yêu cầu (mã 400). Hãy kiểm tra body trong mục [voice_api] của config.toml."
    ),
    401: say(
        "không nhận khoá (mã 401). Hãy kiểm tra tệp khoá trong mục [voice_api] của config.toml."
    ),
    402: say("báo hết hạn mức trả tiền (mã 402). Hãy kiểm tra hợp đồng với nhà cung cấp."),
    403: say("không cho phép (mã 403). Hãy kiểm tra khoá và hợp đồng với nhà cung cấp."),
    404: say(
        "không có ở địa chỉ này (mã 404). Hãy kiểm tra url trong mục [voice_api] của config.toml."
    ),
    413: say("chê văn bản quá dài (mã 413). Hãy giảm most_characters trong mục [voice_api]."),
    429: say("chê gửi quá nhiều (mã 429). Hãy thử lại sau ít phút."),
}


def check(settings: VoiceApi) -> None:
    """ConfigError when the service could not, or must not, be asked this way."""
    parts = _parts(settings.url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in HOME):
        raise ConfigError(
            f"[voice_api] url = “{settings.url}” phải bắt đầu bằng https://, vì khoá và văn bản đi qua mạng."
        )
    if not parts.hostname:
        raise ConfigError(f"[voice_api] url = “{settings.url}” thiếu tên máy chủ. Hãy sửa url.")
    sent = settings.key_header + settings.key_prefix
    if not re.fullmatch(r"[\w-]+", settings.key_header, re.ASCII) or not (
        sent.isascii() and sent.isprintable()
    ):
        raise ConfigError(
            "[voice_api] key_header và key_prefix chỉ gồm chữ không dấu, ví dụ “Authorization” và “Bearer ”."
        )
    if "{text}" not in settings.body:
        raise ConfigError("[voice_api] body phải có {text} ở chỗ của văn bản cần đọc.")
    try:
        msgspec.json.decode(_body(settings.body, "thử", base.DEFAULT_SPEED))
    except msgspec.DecodeError as error:
        raise ConfigError(
            "[voice_api] body không phải JSON hợp lệ. {text} đã gồm dấu nháy, không đặt trong dấu nháy nữa."
        ) from error


def _parts(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - reading it is the check
    except ValueError as error:
        raise ConfigError(
            f"[voice_api] url = “{url}” không phải địa chỉ web. Hãy sửa url."
        ) from error
    return parts


class Api:
    """The voice of config.toml's table [voice_api]."""

    name = "api"
    offline = False

    def __init__(
        self,
        settings: VoiceApi,
        folder: Path,
        cache: Cache | None = None,
        *,
        limits: wire.Limits = LIMITS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``folder`` is where config.toml lies: the key's file is named from there. ConfigError: see check."""
        check(settings)
        self.label = settings.label
        self._settings, self._folder, self._cache = settings, folder, cache or Cache(None)
        self._limits, self._clock, self._rest = limits, clock, Rest(clock)
        self._failure: str | None = None

    def facts(self) -> tuple[str, ...]:
        host = urlsplit(self._settings.url).hostname
        key_file = self._settings.key_file or say("không dùng")
        lines = (
            self._settings.terms,
            say(
                "Văn bản được gửi tới %(host)s, mỗi lần tối đa %(most)s ký tự.",
                host=host,
                most=self._settings.most_characters,
            ),
            say("Tệp khoá: %(key_file)s.", key_file=key_file),
        )
        return tuple(filter(None, lines))

    def trouble(self) -> str | None:
        try:
            self._key()
        except base.VoiceFailed as error:
            return error.sentence
        return self._rest.sentence() or (self._failure and base.last_time(self._failure))

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
        """See ``base.Voice.speak``. 24,000 Hz; the service is told the speed, or its tempo is changed here."""
        text = base.checked(text, speed)
        self._key()  # without it nothing was tried
        most = self._settings.most_characters
        plan = pieces.with_pauses(pieces.packed(line, most) for line in pieces.paragraphs(text))
        deadline = self._clock() + (timeout or 60 + len(text) / 4)
        try:
            with tempfile.TemporaryDirectory(dir=out.parent, prefix="api-") as folder:
                spoken: list[tuple[float, Path]] = []
                with wire.Line(self._limits) as line:
                    for number, (pause, piece) in enumerate(plan):
                        self._go_on(deadline, cancel)
                        spoken.append((pause, Path(folder) / f"{number}.wav"))
                        self._piece(line, piece, speed, spoken[-1][1])
                        if progress:
                            progress(len(spoken) / len(plan))
                part = Path(folder) / "speech.wav"
                joining.join(spoken, part)
                part.replace(out)
        except base.VoiceFailed as error:
            if self._rest.sentence() is None:
                self._failure = error.sentence
            raise
        self._failure = None

    def _go_on(self, deadline: float, cancel: threading.Event | None) -> None:
        if cancel is not None and cancel.is_set():
            raise base.Cancelled(say("Đã dừng đọc theo yêu cầu."))
        if self._clock() > deadline:
            raise self._failed(say("trả lời quá chậm. Hãy thử lại sau."))

    def _piece(self, line: wire.Line, piece: str, speed: int, out: Path) -> None:
        """One piece as WAV at ``out``; what the service said, and was good, is not asked for again."""
        settings = self._settings
        body = _body(settings.body, piece, speed)
        name = key(self.name, settings.url, settings.audio_field, body.decode(), piece)
        known = self._cache.get(name)
        sound = known or self._sound(self._ask(line, body))
        tempo = 1.0 if "{speed}" in settings.body else speed / base.DEFAULT_SPEED
        self._decode(sound, out, piece, tempo)
        if known is None:
            self._cache.put(name, sound)

    def _ask(self, line: wire.Line, body: bytes) -> bytes:
        """The body of a good answer."""
        resting = self._rest.sentence()
        if resting:
            raise base.VoiceFailed(resting)
        headers = {"Content-Type": "application/json; charset=utf-8"}
        secret = self._key()
        if secret:
            headers[self._settings.key_header] = self._settings.key_prefix + str.__str__(secret)
        try:
            answer = line.post(self._settings.url, body, headers)
        except wire.Untrusted as error:
            raise self._failed(
                say(
                    "không an toàn (chứng chỉ sai) nên đã từ chối. "
                    "Hãy kiểm tra ngày giờ máy chủ và đường mạng."
                )
            ) from error
        except wire.NoAnswer as error:
            self._rest.begin(
                REST_SECONDS, say("Vừa không kết nối được tới “%(label)s”", label=self.label)
            )
            raise self._failed(
                say("không kết nối được. Hãy kiểm tra mạng internet của máy chủ.")
            ) from error
        except wire.TooMuch as error:
            raise self._failed(
                say("trả lời quá dài nên đã từ chối. Hãy báo nhà cung cấp.")
            ) from error
        if answer.status != 200:
            self._refused(answer)
        return answer.body

    def _refused(self, answer: wire.Answer) -> None:
        log.warning("the speech service answered %d", answer.status)
        if answer.status == 429 or answer.status >= 500:
            asked = int(answer.retry_after) if answer.retry_after.isdecimal() else REST_SECONDS
            seconds = max(1, min(asked, LONGEST_REST_SECONDS))
            self._rest.begin(
                seconds,
                say(
                    "“%(label)s” vừa từ chối (mã %(status)s)",
                    label=self.label,
                    status=answer.status,
                ),
            )
        if answer.status >= 500:
            raise self._failed(
                say("đang hỏng (mã %(status)s). Hãy thử lại sau.", status=answer.status)
            )
        other = say(
            "từ chối (mã %(status)s). Hãy kiểm tra mục [voice_api] của config.toml.",
            status=answer.status,
        )
        raise self._failed(REFUSALS.get(answer.status, other))

    def _sound(self, body: bytes) -> bytes:
        """The sound inside an answer, undecoded."""
        if not self._settings.audio_field:
            return body
        try:
            found = msgspec.json.decode(body)
            for name in self._settings.audio_field.split("."):
                found = found[name]
            return base64.b64decode(found, validate=True)
        except (msgspec.DecodeError, KeyError, TypeError, ValueError, binascii.Error) as error:
            log.warning("no sound in an answer of %d bytes", len(body))
            raise self._failed(
                say(
                    "trả lời không có âm thanh ở trường “%(audio_field)s”. "
                    "Hãy kiểm tra audio_field trong mục [voice_api].",
                    audio_field=self._settings.audio_field,
                )
            ) from error

    def _decode(self, sound: bytes, out: Path, piece: str, tempo: float) -> None:
        """``sound`` as WAV; whatever came is decoded by the confined program alone."""
        raw, seconds = out.with_suffix(".raw"), base.shortest_seconds(piece)
        raw.write_bytes(sound)
        try:
            decoded = transcode.decode_to_wav(raw, out, max_seconds=120 + 20 * seconds, tempo=tempo)
        except ContentError as error:
            if error.sentence == DISK_FULL:
                raise
            raise self._failed(say("trả về âm thanh hỏng. Hãy báo nhà cung cấp.")) from error
        finally:
            raw.unlink()
        if decoded.ms < 1000 * seconds / tempo:
            raise self._failed(say("trả về âm thanh thiếu. Hãy thử lại sau."))

    def _key(self) -> Secret:
        """The key, read anew each time; empty when none is configured. VoiceFailed when it cannot be read."""
        if not self._settings.key_file:
            return Secret("")
        path = self._folder / self._settings.key_file
        try:
            text = path.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else say("có chữ lạ")
            raise self._failed(
                say(
                    "thiếu khoá: không đọc được tệp %(path)s (%(reason)s).",
                    path=path,
                    reason=reason,
                )
            ) from error
        if not text or not text.isprintable():
            raise self._failed(
                say("thiếu khoá: tệp %(path)s phải có đúng một dòng là khoá.", path=path)
            )
        return Secret(text)

    def _failed(self, what: str) -> base.VoiceFailed:
        return base.VoiceFailed(join("", ["“", self.label, "” ", what]))


def _body(template: str, text: str, speed: int) -> bytes:
    """The JSON sent. The words are put in as a JSON string, and looked at no more: they may hold braces."""
    values = {
        "{text}": msgspec.json.encode(text).decode(),
        "{speed}": str(round(speed * SYLLABLES_A_MINUTE)),
    }
    return re.sub(r"\{text\}|\{speed\}", lambda found: values[found.group(0)], template).encode()
