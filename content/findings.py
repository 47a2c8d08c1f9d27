"""What ffmpeg's log says of a sound: loudness, clipping, the length its file claims."""

from __future__ import annotations

import contextlib
import math
import re
import wave
from pathlib import Path

import msgspec

from loa.words import counted, say


class Loudness(msgspec.Struct, frozen=True):
    """By EBU R128: integrated loudness (LUFS), range (LU), true peak (dBTP). Silence reads -70."""

    lufs: float
    lra: float
    true_peak_db: float


def loudness(report: str) -> Loudness:
    """From the summary of the filter ebur128, the last one in ``report``."""
    summary = report.rpartition("Summary:")[2]
    return Loudness(
        lufs=_number(r"I:\s*(\S+) LUFS", summary),
        lra=_number(r"LRA:\s*(\S+) LU", summary),
        true_peak_db=_number(r"Peak:\s*(\S+) dBFS", summary),
    )


def clipped(report: str) -> bool:
    """True when over 1 % of the samples lie within 1 dB of full scale; clean speech has under 0.1 %.

    From the filter volumedetect, which counted them after halving: full scale is at -6 dB.
    """
    loudest = sum(map(int, re.findall(r"histogram_[0-6]db: (\d+)", report)))
    samples = sum(map(int, re.findall(r"n_samples: (\d+)", report)))
    return loudest > samples / 100


def claimed_ms(source: Path, report: str) -> int | None:
    """Length the file itself claims, in milliseconds; None when it claims none.

    ffmpeg believes the size of a WAV, not its header.
    """
    return _claimed_by_wav(source) or _claimed_in(report)


def truncation_note(claimed: int | None, decoded: int) -> str | None:
    """A warning when under 95 % of the claimed length could be decoded; ffmpeg itself reports success."""
    if claimed is None or decoded >= claimed * 0.95:
        return None
    return say(
        "Tệp ghi là dài %(claimed)s nhưng chỉ đọc được %(decoded)s: "
        "tệp có thể bị cắt cụt hoặc hỏng. Hãy nghe lại, nếu thiếu thì gửi lại tệp gốc.",
        claimed=spoken_length(claimed),
        decoded=spoken_length(decoded),
    )


def spoken_length(ms: int) -> str:
    """Milliseconds as people say them."""
    minutes, seconds = divmod(round(ms / 1000), 60)
    if not minutes:
        return counted("%(n)s giây", seconds)
    return say("%(minutes)s phút %(seconds)s giây", minutes=minutes, seconds=seconds)


def _number(pattern: str, text: str) -> float:
    """The number found, at least -70: silence reads -inf, nan or nothing."""
    found = re.search(pattern, text)
    try:
        value = float(found.group(1)) if found else -70.0
    except ValueError:
        return -70.0
    return value if math.isfinite(value) and value > -70 else -70.0


def _claimed_in(report: str) -> int | None:
    found = re.search(r"^  Duration: (\d+):(\d\d):(\d\d)\.(\d\d)", report, re.MULTILINE)
    if not found:
        return None
    hours, minutes, seconds, hundredths = (int(part) for part in found.groups())
    return ((hours * 60 + minutes) * 60 + seconds) * 1000 + hundredths * 10


def _claimed_by_wav(path: Path) -> int | None:
    # Recorders that are never told the length write "endless" as nearly 4 GB.
    with contextlib.suppress(wave.Error, EOFError), wave.open(str(path), "rb") as file:
        frames = file.getnframes()
        if 0 < frames * file.getsampwidth() * file.getnchannels() < 0x7FFF0000:
            return round(frames * 1000 / file.getframerate())
    return None
