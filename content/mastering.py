"""From parts to the finished MP3: spoken or decoded, cut, levelled, joined, encoded, proven.

The file is named by its own hash, so what was approved is what is played; it is made once, before approval.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import msgspec

from content import audio, benches, making, transcode
from content.making import Bell, Source, Speech, Take
from content.progress import Progress, Step, Told
from content.transcode import Sound
from content.voices.base import Registry
from loa.errors import ContentError
from loa.words import say

__all__ = [
    "Bell",
    "Mastered",
    "Original",
    "Progress",
    "Source",
    "Speech",
    "Take",
    "make",
    "preview",
]

log = logging.getLogger(__name__)

MAX_SECONDS = 60 * 60
PEAKS = 600
PREVIEW_PEAKS = 2000
HIGHEST_PEAK_DBTP = -0.5
ROUNDS = 3


class Mastered(msgspec.Struct, frozen=True, kw_only=True):
    """A finished MP3 at folder/<first two of sha256>/<sha256>.mp3."""

    path: Path
    sha256: str
    size: int
    """Bytes."""
    ms: int
    """Length by full decode."""
    lufs: float
    true_peak_db: float
    peaks: tuple[int, ...]
    """600 levels, 0 to 100, for drawing the wave."""
    voices: tuple[str, ...]
    """The voices that really spoke, each once, in the order they were first heard."""
    notes: tuple[str, ...]
    """Vietnamese warnings for whoever will approve it."""

    @property
    def voice(self) -> str | None:
        """The voices in one line; None when nothing was read out."""
        return ", ".join(self.voices) or None


class Original(msgspec.Struct, frozen=True, kw_only=True):
    """An upload as it came."""

    ms: int
    claimed_ms: int | None
    """Length the file claims for itself; None when it claims none."""
    clipped: bool
    lufs: float
    """-70 for silence."""
    peaks: tuple[int, ...]
    """2000 levels, 0 to 100."""
    head_ms: int
    """Silence at the start, and at the end; all of a silent upload is head."""
    tail_ms: int


def _unwatched(_step: str, _percent: int) -> None:
    """The progress of a call nobody looks on at."""


def make(
    sources: Sequence[Source],
    folder: Path,
    *,
    voices: Registry,
    chimes: bool,
    highpass_hz: int = 150,
    max_seconds: int = MAX_SECONDS,
    work: Path,
    progress: Progress = _unwatched,
) -> Mastered:
    """Finish a bulletin of ``sources``, between an opening and a closing chime when ``chimes``.

    ``max_seconds`` is for the parts together, without pauses and chimes. ``work`` and ``folder`` are made
    when missing; nothing stays in ``work``. Raises ContentError, of a sentence that names the part when
    there are several, for what cannot be spoken, read or written.
    """
    if not sources:
        raise ContentError(
            say("Bản tin chưa có nội dung. Hãy nhập văn bản hoặc chọn tệp ghi âm."), field="parts"
        )
    told = Told(progress)
    with benches.bench(work) as bench:
        maker = making.Maker(bench, voices, highpass_hz, max_seconds, len(sources))
        steps = making.shares(sources, 0, 52)
        for number, (source, (first, last)) in enumerate(zip(sources, steps, strict=True), 1):
            maker.add(number, source, Step(told, first, last, maker.where(number)))
        joined, mp3 = bench / "joined.wav", bench / "done.mp3"
        Step(told, 52, 54)(say("Ghép nhạc hiệu") if chimes else say("Ghép các phần"), 0)
        audio.join(maker.parts, joined, chimes=chimes)
        for part in maker.parts:
            part.unlink()
        sound = _encode(joined, mp3, Step(told, 54, 98))
        told(say("Lưu bản ghi"), 98)
        path, sha256 = benches.keep(mp3, folder)
        told(say("Xong"), 100)
        return Mastered(
            path=path,
            sha256=sha256,
            size=path.stat().st_size,
            ms=sound.ms,
            lufs=sound.loudness.lufs,
            true_peak_db=sound.loudness.true_peak_db,
            peaks=tuple(sound.levels.peaks(PEAKS)),
            voices=tuple(dict.fromkeys(maker.spoke)),
            notes=tuple(maker.notes),
        )


def preview(
    source: Path,
    out: Path,
    *,
    work: Path,
    max_seconds: int = MAX_SECONDS,
    progress: Progress = _unwatched,
) -> Original:
    """Write an upload as it came to ``out``, an MP3 of 48 kbit/s mono, to be heard and cut in a browser.

    Nothing is levelled or trimmed; ``out`` is there whole or not at all. Raises ContentError when there is
    no sound in it, or more than ``max_seconds``.
    """
    step = Step(Told(progress), 0, 98)
    with benches.bench(work) as bench:
        raw = transcode.decode_to_wav(
            source,
            bench / "raw.wav",
            max_seconds=max_seconds,
            progress=step.of(say("Đọc tệp"), 0, 0.3),
        )
        if raw.longer_than(max_seconds):
            raise making.too_long(max_seconds, "upload")
        sound = transcode.listen(raw.path, progress=step.of(say("Nghe thử"), 0.3, 0.5))
        mp3 = bench / "preview.mp3"
        transcode.encode_mp3(
            raw.path, mp3, gain_db=transcode.HALVED_DB, progress=step.of(say("Nén MP3"), 0.5, 1)
        )
        benches.place(mp3, out)
    step.told(say("Xong"), 100)
    head, tail = making.silent_ends(sound)
    return Original(
        ms=raw.ms,
        claimed_ms=raw.claimed_ms,
        clipped=raw.clipped,
        lufs=_of_the_source(sound.loudness.lufs),
        peaks=tuple(min(100, 2 * peak) for peak in sound.levels.peaks(PREVIEW_PEAKS)),
        head_ms=head,
        tail_ms=tail,
    )


def _encode(joined: Path, mp3: Path, step: Step) -> Sound:
    """Encode, and prove by decoding; where the encoder overshot, once more with lower peaks."""
    ceiling, gain = 0.0, 0.0
    for _ in range(ROUNDS):
        begun = step.of(say("Nén MP3"), 0, 0.6)
        transcode.encode_mp3(joined, mp3, gain_db=gain, ceiling_db=ceiling, progress=begun)
        begun = step.of(say("Kiểm tra bản đã nén"), 0.6, 1)
        sound = transcode.listen(mp3, peak=True, progress=begun)
        over = sound.loudness.true_peak_db - HIGHEST_PEAK_DBTP
        if over <= 0:
            break
        ceiling = (ceiling or transcode.CEILING_DB) - over - 0.3
        gain += max(0.0, transcode.TARGET_LUFS - sound.loudness.lufs)
        log.info("the encoder overshot by %.1f dB; limited to %.1f dB", over, ceiling)
    joined.unlink()
    return sound


def _of_the_source(lufs: float) -> float:
    return round(lufs + transcode.HALVED_DB, 1) if lufs > -70 else lufs
