"""From words or an upload to the finished MP3: spoken, levelled, between two chimes, encoded, proven.

The file is named by its own hash, so what was approved is what is played; it is made once, before approval.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from content import audio, transcode, voices
from loa.errors import ContentError

Progress = Callable[[str, int], None]
"""Called with the step's Vietnamese name and the percent done of the whole, 0 to 100, never falling."""

MAX_SECONDS = 60 * 60
CLIPPED = (
    "Bản ghi bị vỡ tiếng (thu quá to). Hãy nghe thử; nếu khó nghe, giảm âm lượng micrô rồi thu lại."
)


def _unwatched(_step: str, _percent: int) -> None:
    """The progress of a call nobody looks on at."""


class Mastered(msgspec.Struct, frozen=True):
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
    voice: str | None
    """The voice that really spoke; None for an upload."""
    notes: tuple[str, ...]
    """Vietnamese warnings for whoever will approve it."""


def from_text(
    spoken: str,
    folder: Path,
    *,
    voice: str,
    speed: int,
    chimes: bool = True,
    work: Path,
    progress: Progress = _unwatched,
) -> Mastered:
    """Speak ``spoken`` (words only, as ``reading`` leaves them) and finish it.

    ``speed`` 110 to 175. ``work`` and ``folder`` are made when missing; nothing stays in ``work``.
    Raises ContentError, of a sentence, when it cannot be spoken or written.
    """
    with _bench(work) as bench:
        step = _Step(progress, "Đọc văn bản", 0, 30)
        said = voices.registry().speak(
            spoken, bench / "voice.wav", voice=voice, speed=speed, progress=step
        )
        step = _Step(progress, "Đọc văn bản", 30, 35)
        longest = 2 * _seconds(bench / "voice.wav")
        raw = transcode.decode_to_wav(
            bench / "voice.wav", bench / "raw.wav", max_seconds=longest, progress=step
        )
        done = _finish(raw.path, folder, bench, chimes, progress)
        return msgspec.structs.replace(done, voice=said.voice, notes=said.notes)


def from_upload(
    source: Path,
    folder: Path,
    *,
    chimes: bool = True,
    work: Path,
    max_seconds: int = MAX_SECONDS,
    music: bool = False,
    progress: Progress = _unwatched,
) -> Mastered:
    """Finish a file somebody sent, of any kind ffmpeg can read; ``source`` stays as it is.

    ``music`` leaves loud and soft as they are. Raises ContentError when there is no sound in it, when it
    is silent, or longer than ``max_seconds``.
    """
    with _bench(work) as bench:
        step = _Step(progress, "Đọc tệp", 0, 25)
        raw = transcode.decode_to_wav(
            source, bench / "raw.wav", max_seconds=max_seconds, progress=step
        )
        if raw.ms > max_seconds * 1000:
            raise ContentError(
                f"Bản ghi dài hơn {max_seconds // 60} phút. Hãy cắt thành nhiều bản ngắn hơn.",
                field="file",
            )
        notes = [
            transcode.truncation_note(raw.claimed_ms, raw.ms),
            CLIPPED if raw.clipped else None,
        ]
        done = _finish(raw.path, folder, bench, chimes, progress, music=music)
        return msgspec.structs.replace(done, notes=tuple(note for note in notes if note))


def _finish(
    raw: Path,
    folder: Path,
    bench: Path,
    chimes: bool,
    progress: Progress,
    *,
    music: bool = False,
) -> Mastered:
    """Level, join, encode, prove, keep; each step's file goes as soon as the next one is made."""
    level, joined, mp3 = bench / "level.wav", bench / "joined.wav", bench / "done.mp3"
    transcode.normalise(raw, level, music=music, progress=_Step(progress, "Cân âm lượng", 35, 70))
    raw.unlink()
    progress("Ghép nhạc hiệu" if chimes else "Cắt khoảng lặng", 70)
    audio.join([level], joined, chimes=chimes)
    level.unlink()
    transcode.encode_mp3(joined, mp3, progress=_Step(progress, "Nén MP3", 75, 90))
    joined.unlink()
    sound = transcode.examine(mp3, progress=_Step(progress, "Kiểm tra bản đã nén", 90, 98))
    progress("Lưu bản ghi", 98)
    sha256 = _hash(mp3)
    path = _keep(mp3, folder / sha256[:2] / f"{sha256}.mp3", sha256)
    progress("Xong", 100)
    return Mastered(
        path=path,
        sha256=sha256,
        size=path.stat().st_size,
        ms=sound.ms,
        lufs=sound.loudness.lufs,
        true_peak_db=sound.loudness.true_peak_db,
        peaks=sound.peaks,
        voice=None,
        notes=(),
    )


class _Step:
    """One step's 0.0 to 1.0 as percents of the whole."""

    def __init__(self, progress: Progress, name: str, first: int, last: int) -> None:
        self.progress, self.name, self.first, self.last = progress, name, first, last
        self.told = -1
        self(0.0)

    def __call__(self, part: float) -> None:
        percent = self.first + round((self.last - self.first) * part)
        if percent > self.told:
            self.told = percent
            self.progress(self.name, percent)


@contextlib.contextmanager
def _bench(work: Path) -> Iterator[Path]:
    """A folder of our own in ``work``, gone afterwards whatever happens; a full disk becomes a sentence."""
    try:
        work.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=work, prefix="master-") as folder:
            yield Path(folder)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        raise ContentError(transcode.DISK_FULL) from error


def _keep(source: Path, target: Path, sha256: str) -> Path:
    """Put the file in its place, whole or not at all, even when the power fails a moment later.

    A file that is there already is kept; only one damaged on the disk is replaced.
    """
    if target.is_file() and _hash(target) == sha256:
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=".", suffix=".part")
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as out, source.open("rb") as file:
            shutil.copyfileobj(file, out, 1 << 20)
            out.flush()
            os.fsync(out.fileno())
        part.chmod(0o644)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    for folder in (target.parent, target.parent.parent):
        _sync_folder(folder)
    return target


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _seconds(path: Path) -> float:
    return voices.base.wav_seconds(path) + 1
