"""The only file that knows ffmpeg: decode anything, make it equally loud, encode it for receivers.

Uploads are hostile until decoded: a "recording" may be a playlist naming another file of this machine,
a bomb, or nothing at all. So ffmpeg runs confined, with a list of allowed formats, file access alone,
and no part of its command line chosen by whoever sent the file.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import logging
import shutil
import subprocess
import tempfile
import wave
from collections.abc import Callable, Sequence
from pathlib import Path

import imageio_ffmpeg
import msgspec

from content import benches, confined, findings
from content.findings import Loudness
from content.levels import SAMPLE_RATE, Levels, Span
from loa.errors import ContentError
from loa.words import say

log = logging.getLogger(__name__)

Progress = Callable[[float], None]
"""Called with the part done, 0.0 to 1.0, never falling; an exception raised in it stops the work."""

TARGET_LUFS = -16.0
SILENT_LUFS = -60.0
BITRATE = "48k"

FORMATS = "mp3,wav,w64,ogg,flac,mov,mp4,m4a,matroska,webm,aac,aiff,amr,asf,caf"
"""Demuxers an upload may use. None of them opens a second file; concat, hls and image2 do."""

HALVED_DB = 6.02
"""How much lower a decoded WAV is than its source: loud MP3 files go beyond full scale."""
CEILING_DB = -5.0
"""Of the limiter: MP3 at this rate adds up to 4.5 dB to the highest peak of an hour."""
LIMITER = (
    "aresample=96000,"  # four times over, so that peaks between samples are caught too
    "alimiter=limit={limit:.4f}:level=disabled:attack=3:release=50,"
    f"aresample={SAMPLE_RATE}"
)
# speechnorm lifts what is quiet by up to 15 dB, the hiss between two words too: the gate lowers that first.
# (speechnorm's own threshold is of no use: the least hiss then stops it from levelling at all.)
LEVELLER = (
    "agate=threshold={hiss:.5f}:range=0.18:ratio=3:attack=3:release=150:knee=4:detection=peak,"
    "speechnorm=e=6:r=0.0005:l=1,"
    "acompressor=threshold=0.0631:ratio=3:attack=5:release=120:knee=4:makeup=2"
)
LIMITER_LOSS_DB = 1.3  # of levelled speech, at first guess
LAME_LOSS_DB = 0.4455  # LAME scales by 0.95 at this rate
METER = "ebur128=framelog=verbose"
PEAK_METER = METER + ":peak=true"  # twice the time
# Loudness is gated in blocks of 0.4 s: a single short word is heard only with silence around it.
ROOM = "adelay=400,apad=pad_dur=0.4"
SHORT_SECONDS = 3
TRIAL_SECONDS = 60
WAV_BYTES_PER_SECOND = SAMPLE_RATE * 2
SPARE_BYTES = 4 << 20

UNREADABLE = say(
    "Không đọc được âm thanh trong tệp này. "
    "Hãy mở thử tệp trên máy tính, rồi gửi lại ở dạng MP3, WAV, M4A hoặc OGG."
)
PACKED = say(
    "Đây là tệp nén hoặc tài liệu, không phải bản ghi âm. Hãy giải nén rồi gửi tệp âm thanh ở trong."
)
NO_SOUND = say("Tệp không có phần âm thanh. Hãy chọn tệp ghi âm, hoặc video có tiếng.")
SILENT = say(
    "Bản ghi im lặng hoặc quá nhỏ, không có gì để phát. Hãy kiểm tra micrô, ghi âm lại rồi gửi lại."
)
TOO_SLOW = say(
    "Xử lý âm thanh quá lâu nên đã dừng lại. "
    "Hãy thử lại khi máy rảnh, hoặc chuyển tệp sang MP3 rồi gửi lại."
)


class DecodedWav(msgspec.Struct, frozen=True):
    """A WAV of ours: 16-bit mono."""

    path: Path
    ms: int
    sample_rate: int
    claimed_ms: int | None = None
    """Length the file's own header claims; None when it claims none."""
    clipped: bool = False

    def longer_than(self, seconds: float) -> bool:
        """Half a second is nobody's matter: encoders add some; a longer file decodes to a whole one more."""
        return self.ms > seconds * 1000 + 500


class Sound(msgspec.Struct, frozen=True):
    """What a full decode of a file found."""

    ms: int
    loudness: Loudness
    levels: Levels


@functools.cache
def find_ffmpeg() -> str:
    """The ffmpeg to run: the system's if it can do the work, else imageio-ffmpeg's; else ContentError."""
    system = shutil.which("ffmpeg")
    if system and _fit(system):
        return system
    with contextlib.suppress(RuntimeError):
        carried = str(imageio_ffmpeg.get_ffmpeg_exe())
        if _fit(carried):
            return carried
    raise ContentError(
        say(
            "Máy chủ chưa có chương trình ffmpeg bản 5 trở lên nên không xử lý được âm thanh. "
            "Hãy báo quản trị viên cài ffmpeg hoặc gói imageio-ffmpeg."
        )
    )


def decode_to_wav(
    source: Path,
    out: Path,
    *,
    max_seconds: float,
    tempo: float = 1.0,
    progress: Progress | None = None,
) -> DecodedWav:
    """Decode any sound file to 24 kHz mono 16-bit WAV at ``out``; at most ``max_seconds`` + 1 s of it.

    It is ``HALVED_DB`` lower than its source. A longer source gives ms > max_seconds * 1000: the caller
    decides. ``tempo`` 0.5 to 2.0 keeps the pitch. Raises ContentError when the file has no sound that can
    be read.
    """
    _refuse_at_sight(source)
    filters = (
        # Mono is mixed from 16 bits, as from floats it would be 3 dB louder when both sides are the same.
        "aformat=sample_fmts=fltp,volume=0.5,volumedetect,"
        f"aformat=sample_fmts=s16p:channel_layouts=mono,aresample={SAMPLE_RATE}"
        + (f",atempo={tempo:.4f}" if tempo != 1.0 else "")
    )
    report = _convert(
        source, out, filters, max_seconds=max_seconds, progress=progress, refusal=UNREADABLE
    )
    with wave.open(str(out), "rb") as file:
        frames = file.getnframes()
    # "Format mp3 detected only with low score": any bytes are taken for MP3, and heard as noise.
    if frames == 0 or "misdetection possible" in report:
        raise ContentError(UNREADABLE)
    return DecodedWav(
        path=out,
        ms=_ms(frames),
        sample_rate=SAMPLE_RATE,
        claimed_ms=findings.claimed_ms(source, report),
        clipped=findings.clipped(report),
    )


def listen(
    path: Path, *, highpass_hz: int = 0, peak: bool = False, progress: Progress | None = None
) -> Sound:
    """Length, loudness and levels of a file of ours, in one full decode.

    ``highpass_hz`` takes away what lies below before it listens. The true peak doubles the time: it is
    -70 unless ``peak``.
    """
    first = f"aformat=sample_fmts=flt,highpass=f={highpass_hz}" if highpass_hz else "anull"
    levels, report = _listen(path, PEAK_METER if peak else METER, first, progress)
    return Sound(_ms(levels.samples), findings.loudness(report), levels)


def level(
    path: Path,
    out: Path,
    heard: Sound,
    span: Span,
    *,
    target_lufs: float = TARGET_LUFS,
    highpass_hz: int = 150,
    music: bool = False,
    progress: Progress | None = None,
) -> float:
    """Write ``span`` of ``path`` (a WAV of ours) to ``out`` at ``target_lufs`` ±1 LU; the LUFS reached.

    ``heard`` is what ``listen`` found with the same ``highpass_hz``. Speech is levelled, so that a
    whisper and a shout come out alike on a horn; ``music`` is only set to the target and limited.
    """
    lufs = heard.loudness.lufs
    cut = (
        f"atrim=start_sample={span[0]}:end_sample={span[1]},asetpts=N/SR/TB,"
        f"aformat=sample_fmts=flt,highpass=f={highpass_hz}"
    )
    if music:
        first = _Loud(path, cut, lufs, (span[1] - span[0]) / SAMPLE_RATE)
        return _to_target(first, out, target_lufs - lufs, target_lufs, progress)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix="level-") as folder:
        even = Path(folder) / "even.wav"
        lift = _clamp(-20 - lufs, 40)
        hiss = min(0.02, 1.6 * heard.levels.floor(span) * 10 ** (lift / 20))
        chain = f"{cut},volume={lift:.2f}dB,{LEVELLER.format(hiss=hiss)}"
        reached = _metered(path, even, chain, _part(progress, 0, 0.4))
        first = _Loud(even, "aformat=sample_fmts=flt", reached, _seconds(even))
        gain = target_lufs - reached + LIMITER_LOSS_DB
        return _to_target(first, out, gain, target_lufs, _part(progress, 0.4, 1))


def encode_mp3(
    path: Path,
    out: Path,
    *,
    gain_db: float = 0.0,
    ceiling_db: float = 0.0,
    progress: Progress | None = None,
) -> None:
    """Encode a WAV as MP3, 48 kbit/s constant, mono 24 kHz: the same WAV always gives the same bytes.

    No ID3 and no Xing header: plain receivers count time by bytes, and a tag would carry a date.
    ``gain_db`` makes it louder first; ``ceiling_db`` under 0 limits it once more, as the encoder makes
    some peaks higher.
    """
    options = ["-c:a", "libmp3lame", "-b:a", BITRATE, "-write_xing", "0", "-id3v2_version", "0"]
    limit = f"{_limiter(ceiling_db)}," if ceiling_db < 0 else ""
    chain = f"volume={gain_db:.2f}dB,{limit}volume={LAME_LOSS_DB}dB"
    _convert(path, out, chain, output=[*options, "-f", "mp3"], progress=progress)


def _fit(program: str) -> bool:
    """Whether it starts and knows the youngest filter (4.4) and the encoder we need."""
    trial = ["-f", "lavfi", "-i", "anullsrc=d=0.1", "-af", "speechnorm", "-c:a", "libmp3lame"]
    try:
        found = subprocess.run(
            [program, "-nostdin", "-v", "error", *trial, "-f", "null", "-"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=30,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return found.returncode == 0


def _refuse_at_sight(source: Path) -> None:
    if not source.is_file() or source.stat().st_size == 0:
        raise ContentError(say("Tệp rỗng hoặc không còn trên máy chủ. Hãy chọn và gửi lại tệp."))
    with source.open("rb") as file:
        packed = file.read(4) == b"PK\3\4"
    if packed:  # ffmpeg would find a recording stored inside, or take the rest for one
        raise ContentError(PACKED)


class _Loud(msgspec.Struct, frozen=True):
    """A WAV of ours, what it goes through first, and its loudness and length then."""

    path: Path
    chain: str
    lufs: float
    seconds: float


def _to_target(
    loud: _Loud, out: Path, gain: float, target: float, progress: Progress | None
) -> float:
    """Gain and limiter until the target is met within 0.3 LU, which is mostly at once."""
    if loud.seconds > 4 * TRIAL_SECONDS:
        gain = _tried(loud, out, gain, target)
    for begin, end in itertools.pairwise((0.0, 0.8, 0.9, 0.94, 0.97, 1.0)):
        chain = f"{loud.chain},{_set_to(gain)}"
        lufs = _metered(loud.path, out, chain, _part(progress, begin, end))
        if abs(target - lufs) <= 0.3:
            break
        gain = _corrected(gain, target - lufs)
    if progress:
        progress(1.0)
    return lufs


def _tried(loud: _Loud, out: Path, gain: float, target: float) -> float:
    """The gain a minute from the middle needs: how much the limiter takes away again depends on the sound."""
    start = int((loud.seconds - TRIAL_SECONDS) / 2) * SAMPLE_RATE
    end = start + TRIAL_SECONDS * SAMPLE_RATE
    minute = f"{loud.chain},atrim=start_sample={start}:end_sample={end},asetpts=N/SR/TB"
    before = _metered(loud.path, out, minute, None)
    if before < loud.lufs - 6:
        return gain  # a minute of little sound says nothing of the rest
    for _ in range(3):
        lost = before + gain - _metered(loud.path, out, f"{minute},{_set_to(gain)}", None)
        missing = target - (loud.lufs + gain - lost)
        if abs(missing) <= 0.2:
            break
        gain = _corrected(gain, missing)
    return gain


def _set_to(gain: float) -> str:
    return f"volume={gain:.2f}dB,{_limiter(CEILING_DB)}"


def _corrected(gain: float, missing: float) -> float:
    """About half of what is added goes into the limiter."""
    return _clamp(gain + _clamp(1.7 * missing, 3), 45)


def _limiter(ceiling_db: float) -> str:
    return LIMITER.format(limit=10 ** (ceiling_db / 20))


def _convert(
    source: Path,
    out: Path,
    filters: str,
    *,
    output: Sequence[str] = ("-c:a", "pcm_s16le", "-f", "wav"),
    max_seconds: float | None = None,
    progress: Progress | None = None,
    refusal: str | None = None,
) -> str:
    """Run one file through ``filters`` into another; the text of ffmpeg's log."""
    seconds = _seconds(source) if max_seconds is None else max_seconds
    arguments = [
        *_input(source),
        *("-t", f"{seconds + 1:.3f}", "-af", filters, "-ar", str(SAMPLE_RATE), "-ac", "1"),
        *("-fflags", "+bitexact", "-flags:a", "+bitexact", "-progress", "pipe:1", "-nostats"),
        *output,
        *("-y", f"file:{out.resolve()}"),
    ]
    ticker = _Ticker(progress, seconds)
    return _ffmpeg(arguments, ticker.take, seconds, refusal)


def _metered(path: Path, out: Path, chain: str, progress: Progress | None) -> float:
    """Run a WAV of ours through ``chain`` into another; the LUFS that comes out."""
    report = _convert(path, out, f"{chain},{METER}", progress=progress)
    if _seconds(out) < SHORT_SECONDS:
        report = _listen(out, METER)[1]
    return findings.loudness(report).lufs


def _listen(
    path: Path, meter: str, first: str = "anull", progress: Progress | None = None
) -> tuple[Levels, str]:
    """Decode all of a file of ours, through ``first`` and a loudness ``meter``, and ffmpeg's log of it."""
    seconds = _seconds(path)
    levels = Levels()

    def take(chunk: bytes) -> None:
        levels.take(chunk)
        if progress:
            progress(min(1.0, levels.samples / SAMPLE_RATE / seconds))

    output = ["-ar", str(SAMPLE_RATE), "-ac", "1", "-nostats", "-f", "s16le", "pipe:1"]
    report = _ffmpeg([*_input(path), "-af", f"{first},{meter}", *output], take, seconds, None)
    levels.finish()
    if seconds < SHORT_SECONDS:
        chain = ["-af", f"{first},{ROOM},{meter}"]
        report = _ffmpeg([*_input(path), *chain, *output], lambda _: None, seconds, None)
    return levels, report


def _input(source: Path) -> list[str]:
    """How any file is opened: nothing but this file, in a format that can name no other."""
    return [
        *("-nostdin", "-hide_banner", "-v", "info", "-threads", "1"),
        *("-protocol_whitelist", "file", "-format_whitelist", FORMATS),
        *("-i", f"file:{source.resolve()}"),
        *("-map", "0:a:0", "-vn", "-sn", "-dn", "-map_metadata", "-1", "-map_chapters", "-1"),
    ]


def _ffmpeg(
    arguments: Sequence[str], take: Callable[[bytes], None], seconds: float, refusal: str | None
) -> str:
    """Run ffmpeg under limits fit for ``seconds`` of sound; ``take`` gets its standard output."""
    limit = 60 + seconds / 2  # a Raspberry Pi decodes about 20 times faster than real time
    command = confined.limited(
        [find_ffmpeg(), *arguments],
        cpu_seconds=2 * limit,
        file_bytes=int(seconds * WAV_BYTES_PER_SECOND) + SPARE_BYTES,
    )
    ended = confined.run(command, take, limit)
    if ended.code == 0:
        return ended.report
    report = ended.report
    log.warning("ffmpeg gave %s: %r", ended.code, report[-2000:])
    if ended.late:
        raise ContentError(TOO_SLOW)
    if "No space left on device" in report:
        raise ContentError(benches.DISK_FULL)
    if "matches no streams" in report:
        raise ContentError(NO_SOUND)
    raise ContentError(
        refusal
        or say(
            "Không xử lý được âm thanh. Hãy thử lại; nếu vẫn lỗi, báo quản trị viên xem nhật ký máy chủ."
        )
    )


class _Ticker:
    """Turns ffmpeg's ``-progress`` lines into calls of ``progress``."""

    def __init__(self, progress: Progress | None, seconds: float) -> None:
        self.progress, self.seconds, self.rest = progress, seconds, b""

    def take(self, chunk: bytes) -> None:
        *lines, self.rest = (self.rest + chunk).split(b"\n")
        for line in lines:
            name, _, value = line.partition(b"=")
            if self.progress and name == b"out_time_us" and value.strip().isdigit():
                self.progress(min(1.0, int(value) / 1e6 / self.seconds))


def _seconds(path: Path) -> float:
    """About how long a file of ours is: a WAV by its header, an MP3 by its constant bit rate."""
    with contextlib.suppress(wave.Error, EOFError), wave.open(str(path), "rb") as file:
        return file.getnframes() / file.getframerate() + 0.1
    return path.stat().st_size / (int(BITRATE[:-1]) * 125) + 0.1


def _ms(frames: int) -> int:
    return round(frames * 1000 / SAMPLE_RATE)


def _clamp(value: float, most: float) -> float:
    return max(-most, min(most, value))


def _part(progress: Progress | None, start: float, end: float) -> Progress | None:
    """A callback whose 0 to 1 is ``start`` to ``end`` of the whole."""
    return progress and (lambda done: progress(start + (end - start) * done))
