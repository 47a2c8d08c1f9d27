"""The only file that knows ffmpeg: decode anything, make it equally loud, encode it for receivers.

Uploads are hostile until decoded: a "recording" may be a playlist naming another file of this machine,
a bomb, or nothing at all. So ffmpeg runs as a child with a list of allowed formats, file access alone,
resource limits, a time limit, and no part of its command line chosen by whoever sent the file.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import math
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import wave
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, cast

import imageio_ffmpeg
import msgspec
import numpy as np
import numpy.typing as npt

from loa.errors import ContentError

log = logging.getLogger(__name__)

Progress = Callable[[float], None]
"""Called with the part done, 0.0 to 1.0, never falling; an exception raised in it stops the work."""

SAMPLE_RATE = 24_000
TARGET_LUFS = -16.0
SILENT_LUFS = -60.0
BITRATE = "48k"

FORMATS = "mp3,wav,w64,ogg,flac,mov,mp4,m4a,matroska,webm,aac,aiff,amr,asf,caf"
"""Demuxers an upload may use. None of them opens a second file; concat, hls and image2 do."""

LIMITER = (
    "aresample=96000,"  # four times over, so that peaks between samples are caught too
    "alimiter=limit=0.63:level=disabled:attack=3:release=50,"  # -4 dB: MP3 adds up to 3 dB back
    f"aresample={SAMPLE_RATE}"
)
# speechnorm lifts what is quiet by up to 15 dB, the hiss between two words too: the gate lowers that first.
# (speechnorm's own threshold is of no use: the least hiss then stops it from levelling at all.)
LEVELLER = (
    "agate=threshold={hiss:.5f}:range=0.18:ratio=3:attack=3:release=150:knee=4:detection=peak,"
    "speechnorm=e=6:r=0.0005:l=1,"
    "acompressor=threshold=0.0631:ratio=3:attack=5:release=120:knee=4:makeup=2"
)
LIMITER_LOSS_DB = 0.5  # of levelled speech, at first guess
LAME_LOSS = "volume=0.4455dB"  # LAME scales by 0.95 at this rate
METER = "ebur128=framelog=verbose"
PEAK_METER = METER + ":peak=true"  # twice the time
# Loudness is gated in blocks of 0.4 s: a single short word is heard only with silence around it.
ROOM = "adelay=400,apad=pad_dur=0.4"
MEMORY_BYTES = 1 << 30
WAV_BYTES_PER_SECOND = SAMPLE_RATE * 2
KEPT_LOG_BYTES = 32_768

# Where the prlimit program is missing. preexec_fn is not an option: it can deadlock in a threaded server.
LIMITING_CHILD = """
import os, resource, sys
for name, value in zip(("AS", "CPU", "FSIZE", "NOFILE"), sys.argv[1:5]):
    try:
        resource.setrlimit(getattr(resource, "RLIMIT_" + name), (int(value), int(value)))
    except (ValueError, OSError):
        pass
os.nice(10)
os.execv(sys.argv[5], sys.argv[5:])
"""

UNREADABLE = (
    "Không đọc được âm thanh trong tệp này. "
    "Hãy mở thử tệp trên máy tính, rồi gửi lại ở dạng MP3, WAV, M4A hoặc OGG."
)
PACKED = "Đây là tệp nén hoặc tài liệu, không phải bản ghi âm. Hãy giải nén rồi gửi tệp âm thanh ở trong."
NO_SOUND = "Tệp không có phần âm thanh. Hãy chọn tệp ghi âm, hoặc video có tiếng."
SILENT = (
    "Bản ghi im lặng hoặc quá nhỏ, không có gì để phát. Hãy kiểm tra micrô, ghi âm lại rồi gửi lại."
)
DISK_FULL = (
    "Ổ đĩa đã đầy nên không ghi được âm thanh. Hãy báo quản trị viên giải phóng ổ đĩa, rồi làm lại."
)
TOO_SLOW = (
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


class Loudness(msgspec.Struct, frozen=True):
    """By EBU R128: integrated loudness (LUFS), range (LU), true peak (dBTP). Silence reads -70."""

    lufs: float
    lra: float
    true_peak_db: float


class Sound(msgspec.Struct, frozen=True):
    """What a full decode of a file found."""

    ms: int
    loudness: Loudness
    peaks: tuple[int, ...]


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
        "Máy chủ chưa có chương trình ffmpeg bản 5 trở lên nên không xử lý được âm thanh. "
        "Hãy báo quản trị viên cài ffmpeg hoặc gói imageio-ffmpeg."
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

    A longer source gives ms > max_seconds * 1000: the caller decides. ``tempo`` 0.5 to 2.0 keeps the
    pitch. Raises ContentError when the file has no sound that can be read.
    """
    _refuse_at_sight(source)
    filters = (
        # Loud MP3 files go beyond full scale: halve them first. Mono is mixed from 16 bits, as from
        # floats it would be 3 dB louder when both sides are the same.
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
        claimed_ms=_claimed_by_wav(source) or _claimed_ms(report),
        clipped=_clipped(report),
    )


def measure(path: Path) -> Loudness:
    """Loudness and true peak of a file, by full decode."""
    return _loudness(_listen(path, PEAK_METER)[1])


def decoded_ms(path: Path) -> int:
    """Length in milliseconds by decoding all of it; what headers and tags claim is often wrong."""
    return _ms(_listen(path)[0].samples)


def peaks(path: Path, count: int = 600) -> list[int]:
    """Highest level 0 to 100 (of full scale) in each of ``count`` equal parts of the file."""
    return _listen(path)[0].peaks(count)


def examine(path: Path, count: int = 600, *, progress: Progress | None = None) -> Sound:
    """Length, loudness and ``count`` peaks of a file, in one full decode."""
    heard, report = _listen(path, PEAK_METER, progress=progress)
    return Sound(_ms(heard.samples), _loudness(report), tuple(heard.peaks(count)))


def normalise(
    path: Path,
    out: Path,
    target_lufs: float = TARGET_LUFS,
    highpass_hz: int = 150,
    music: bool = False,
    *,
    progress: Progress | None = None,
) -> float:
    """Write ``path`` (a WAV of ours) to ``out`` at ``target_lufs`` ±1 LU; returns the LUFS reached.

    Speech is levelled, so that a whisper and a shout come out alike on a horn; ``music`` is only set to
    the target and limited. ``highpass_hz`` takes away what a horn cannot radiate. Raises ContentError
    when the file is silent.
    """
    cut = f"aformat=sample_fmts=flt,highpass=f={highpass_hz}"
    heard, report = _listen(path, METER, cut, progress=_part(progress, 0, 0.15))
    lufs = _loudness(report).lufs
    if lufs <= SILENT_LUFS:
        raise ContentError(SILENT)
    if music:
        rest = _part(progress, 0.15, 1)
        return _to_target(path, out, target_lufs - lufs, target_lufs, cut, rest)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix="level-") as folder:
        level = Path(folder) / "level.wav"
        lift = _clamp(-20 - lufs, 40)
        hiss = min(0.02, 1.6 * heard.floor() * 10 ** (lift / 20))
        chain = f"{cut},volume={lift:.2f}dB,{LEVELLER.format(hiss=hiss)}"
        _convert(path, level, chain, progress=_part(progress, 0.15, 0.4))
        _, report = _listen(level, METER, progress=_part(progress, 0.4, 0.55))
        gain = target_lufs - _loudness(report).lufs + LIMITER_LOSS_DB
        rest = _part(progress, 0.55, 1)
        return _to_target(level, out, gain, target_lufs, "aformat=sample_fmts=flt", rest)


def encode_mp3(path: Path, out: Path, *, progress: Progress | None = None) -> None:
    """Encode a WAV as MP3, 48 kbit/s constant, mono 24 kHz: the same WAV always gives the same bytes.

    No ID3 and no Xing header: plain receivers count time by bytes, and a tag would carry a date.
    """
    options = ["-c:a", "libmp3lame", "-b:a", BITRATE, "-write_xing", "0", "-id3v2_version", "0"]
    _convert(path, out, LAME_LOSS, output=[*options, "-f", "mp3"], progress=progress)


def truncation_note(claimed_ms: int | None, decoded: int) -> str | None:
    """A warning when under 95 % of the claimed length could be decoded; ffmpeg itself reports success."""
    if claimed_ms is None or decoded >= claimed_ms * 0.95:
        return None
    return (
        f"Tệp ghi là dài {_spoken_length(claimed_ms)} nhưng chỉ đọc được {_spoken_length(decoded)}: "
        "tệp có thể bị cắt cụt hoặc hỏng. Hãy nghe lại, nếu thiếu thì gửi lại tệp gốc."
    )


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
        raise ContentError("Tệp rỗng hoặc không còn trên máy chủ. Hãy chọn và gửi lại tệp.")
    with source.open("rb") as file:
        packed = file.read(4) == b"PK\3\4"
    if packed:  # ffmpeg would find a recording stored inside, or take the rest for one
        raise ContentError(PACKED)


def _to_target(
    path: Path, out: Path, gain: float, target: float, first: str, progress: Progress | None
) -> float:
    """Gain and limiter until the target is met within 0.5 LU, which is mostly at once."""
    gain = _clamp(gain, 45)
    for begin, middle, end in ((0.0, 0.5, 0.7), (0.7, 0.8, 0.85), (0.85, 0.95, 1.0)):
        chain = f"{first},volume={gain:.2f}dB,{LIMITER}"
        _convert(path, out, chain, progress=_part(progress, begin, middle))
        _, report = _listen(out, METER, progress=_part(progress, middle, end))
        lufs = _loudness(report).lufs
        missing = target - lufs
        if abs(missing) <= 0.5:
            break
        gain += _clamp(1.7 * missing, 3)  # about half of what is added goes into the limiter
    if progress:
        progress(1.0)
    return lufs


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
    seconds = max_seconds or _seconds(source)
    arguments = [
        *_input(source),
        *("-t", f"{seconds + 1:.3f}", "-af", filters, "-ar", str(SAMPLE_RATE), "-ac", "1"),
        *("-fflags", "+bitexact", "-flags:a", "+bitexact", "-progress", "pipe:1", "-nostats"),
        *output,
        *("-y", f"file:{out.resolve()}"),
    ]
    ticker = _Ticker(progress, seconds)
    return _ffmpeg(arguments, ticker.take, seconds, refusal)


def _listen(
    path: Path, meter: str = "anull", first: str = "anull", *, progress: Progress | None = None
) -> tuple[_Samples, str]:
    """Decode all of a file of ours, through ``first`` and a loudness ``meter``, and ffmpeg's log of it."""
    seconds = _seconds(path)
    heard = _Samples(progress, seconds)
    output = ["-ar", str(SAMPLE_RATE), "-ac", "1", "-nostats", "-f", "s16le", "pipe:1"]
    chain = ["-af", f"{first},{meter}"]
    report = _ffmpeg([*_input(path), *chain, *output], heard.take, seconds, None)
    heard.finish()
    if seconds < 3 and meter != "anull":
        chain = ["-af", f"{first},{ROOM},{meter}"]
        report = _ffmpeg([*_input(path), *chain, *output], lambda _: None, seconds, None)
    return heard, report


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
    command = _limited([find_ffmpeg(), *arguments], limit, int(seconds * WAV_BYTES_PER_SECOND))
    code, report, late = _run(command, take, limit)
    if code == 0:
        return report
    log.warning("ffmpeg gave %s: %r", code, report[-2000:])
    if late:
        raise ContentError(TOO_SLOW)
    if "No space left on device" in report:
        raise ContentError(DISK_FULL)
    if "matches no streams" in report:
        raise ContentError(NO_SOUND)
    raise ContentError(
        refusal
        or "Không xử lý được âm thanh. Hãy thử lại; nếu vẫn lỗi, báo quản trị viên xem nhật ký máy chủ."
    )


def _limited(command: list[str], seconds: float, size: int) -> list[str]:
    """The command with limits in front: memory, processor time, file size (bytes), open files."""
    limits = [MEMORY_BYTES, int(seconds * 2), size + (4 << 20), 64]
    prlimit, nice = shutil.which("prlimit"), shutil.which("nice")
    if prlimit and nice:
        names = ("as", "cpu", "fsize", "nofile")
        flags = [f"--{name}={value}" for name, value in zip(names, limits, strict=True)]
        return [prlimit, *flags, "--", nice, "-n", "10", *command]
    python = [sys.executable, "-I", "-S", "-c", LIMITING_CHILD]
    return [*python, *(str(value) for value in limits), *command]


def _run(
    command: Sequence[str], take: Callable[[bytes], None], limit: float
) -> tuple[int, str, bool]:
    """Exit code, head and tail of standard error, and whether the time limit (seconds) struck."""
    deadline = time.monotonic() + limit
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={"LC_ALL": "C"},
        start_new_session=True,
    )
    output = cast("IO[bytes]", process.stdout)
    kept = _Kept(cast("IO[bytes]", process.stderr))
    timer = threading.Timer(limit, _kill, (process,))
    timer.start()
    try:
        while chunk := os.read(output.fileno(), 65_536):
            take(chunk)
        code = process.wait(max(0.1, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        code = -signal.SIGTERM
    finally:
        timer.cancel()
        if process.poll() is None:
            _kill(process)
        process.wait()
        report = kept.text()
        output.close()
        kept.pipe.close()
    return code, report, time.monotonic() >= deadline


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End the child and whatever it started, which may outlive it and hold its pipes open."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


class _Kept(threading.Thread):
    """Reads a pipe to its end, keeping head and tail: a damaged file logs a line per broken frame."""

    def __init__(self, pipe: IO[bytes]) -> None:
        super().__init__(daemon=True)
        self.pipe, self.head, self.tail = pipe, b"", b""
        self.start()

    def run(self) -> None:
        while chunk := os.read(self.pipe.fileno(), 65_536):
            room = KEPT_LOG_BYTES - len(self.head)
            self.head += chunk[:room]
            self.tail = (self.tail + chunk[room:])[-KEPT_LOG_BYTES:]

    def text(self) -> str:
        self.join()
        return (self.head + self.tail).decode("utf-8", "replace")


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


class _Samples:
    """Counts samples of s16le sound as it streams by, keeping one peak for every 64 of them."""

    BLOCK = 64

    def __init__(self, progress: Progress | None, seconds: float) -> None:
        self.progress, self.seconds = progress, seconds
        self.samples, self.rest = 0, b""
        self.highest: list[npt.NDArray[np.int32]] = []

    def take(self, chunk: bytes) -> None:
        data = self.rest + chunk
        whole = len(data) - len(data) % (2 * self.BLOCK)
        self.rest = data[whole:]
        self._add(data[:whole])
        if self.progress:
            self.progress(min(1.0, self.samples / SAMPLE_RATE / self.seconds))

    def finish(self) -> None:
        self._add(self.rest)
        self.rest = b""

    def peaks(self, count: int) -> list[int]:
        if not self.highest:
            return [0] * count
        highest = np.concatenate(self.highest)
        edges = np.linspace(0, len(highest), count, endpoint=False).astype(np.intp)
        parts = np.maximum.reduceat(highest, edges)
        return [int(value) for value in np.rint(parts * (100 / 32768))]

    def floor(self) -> float:
        """Peak, 0.0 to 1.0, that the quietest twentieth of the sound stays under: hiss, hum, a fan."""
        window = SAMPLE_RATE // 20 // self.BLOCK
        highest = np.concatenate([*self.highest, np.zeros(window, dtype=np.int32)])
        whole = highest[: len(highest) // window * window].reshape(-1, window).max(axis=1)
        return float(np.percentile(whole, 5)) / 32_768

    def _add(self, data: bytes) -> None:
        wide = np.abs(np.frombuffer(data, dtype="<i2").astype(np.int32))
        self.samples += len(wide)
        if len(wide):
            starts = np.arange(0, len(wide), self.BLOCK)
            self.highest.append(np.maximum.reduceat(wide, starts))


def _seconds(path: Path) -> float:
    """About how long a file of ours is: a WAV by its header, an MP3 by its constant bit rate."""
    with contextlib.suppress(wave.Error, EOFError), wave.open(str(path), "rb") as file:
        return file.getnframes() / file.getframerate() + 0.1
    return path.stat().st_size / (int(BITRATE[:-1]) * 125) + 0.1


def _loudness(report: str) -> Loudness:
    summary = report.rpartition("Summary:")[2]
    return Loudness(
        lufs=_number(r"I:\s*(\S+) LUFS", summary),
        lra=_number(r"LRA:\s*(\S+) LU", summary),
        true_peak_db=_number(r"Peak:\s*(\S+) dBFS", summary),
    )


def _number(pattern: str, text: str) -> float:
    """The number found, at least -70: silence reads -inf, nan or nothing."""
    found = re.search(pattern, text)
    try:
        value = float(found.group(1)) if found else -70.0
    except ValueError:
        return -70.0
    return value if math.isfinite(value) and value > -70 else -70.0


def _clipped(report: str) -> bool:
    """True when over 1 % of the samples lie within 1 dB of full scale; clean speech has under 0.1 %.

    Counted after halving, so full scale is at -6 dB.
    """
    loudest = sum(map(int, re.findall(r"histogram_[0-6]db: (\d+)", report)))
    samples = sum(map(int, re.findall(r"n_samples: (\d+)", report)))
    return loudest > samples / 100


def _claimed_ms(report: str) -> int | None:
    found = re.search(r"^  Duration: (\d+):(\d\d):(\d\d)\.(\d\d)", report, re.MULTILINE)
    if not found:
        return None
    hours, minutes, seconds, hundredths = (int(part) for part in found.groups())
    return ((hours * 60 + minutes) * 60 + seconds) * 1000 + hundredths * 10


def _claimed_by_wav(path: Path) -> int | None:
    """ffmpeg believes the size of a WAV, not its header. Recorders write "endless" as nearly 4 GB."""
    with contextlib.suppress(wave.Error, EOFError), wave.open(str(path), "rb") as file:
        frames = file.getnframes()
        if 0 < frames * file.getsampwidth() * file.getnchannels() < 0x7FFF0000:
            return round(frames * 1000 / file.getframerate())
    return None


def _spoken_length(ms: int) -> str:
    minutes, seconds = divmod(round(ms / 1000), 60)
    return f"{minutes} phút {seconds} giây" if minutes else f"{seconds} giây"


def _ms(frames: int) -> int:
    return round(frames * 1000 / SAMPLE_RATE)


def _clamp(value: float, most: float) -> float:
    return max(-most, min(most, value))


def _part(progress: Progress | None, start: float, end: float) -> Progress | None:
    """A callback whose 0 to 1 is ``start`` to ``end`` of the whole."""
    return progress and (lambda done: progress(start + (end - start) * done))
