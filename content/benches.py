"""Where sounds are made, and how a finished one gets its place: whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from loa.errors import ContentError
from loa.words import say

DISK_FULL = say(
    "Ổ đĩa đã đầy nên không ghi được âm thanh. Hãy báo quản trị viên giải phóng ổ đĩa, rồi làm lại."
)


@contextlib.contextmanager
def bench(work: Path) -> Iterator[Path]:
    """A folder of our own in ``work``, gone afterwards whatever happens; a full disk becomes a sentence.

    What a killed process leaves lies in ``work`` alone, never where finished sounds are.
    """
    try:
        work.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=work, prefix="master-") as folder:
            yield Path(folder)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        raise ContentError(DISK_FULL) from error


def place(source: Path, target: Path) -> Path:
    """Move a finished file to ``target``, on the disk before it has its name; an older one is replaced."""
    target.parent.mkdir(parents=True, exist_ok=True)
    _sync(source)
    source.chmod(0o644)
    try:
        source.replace(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        _copy(source, target)  # the work folder lies on another disk
    for folder in (target.parent, target.parent.parent):
        _sync(folder)
    return target


def keep(source: Path, folder: Path) -> tuple[Path, str]:
    """Put a finished MP3 in ``folder`` under its sha256, and give both.

    A file that is there already is kept; only one damaged on the disk is replaced.
    """
    sha256 = sha256_of(source)
    target = folder / sha256[:2] / f"{sha256}.mp3"
    if target.is_file() and sha256_of(target) == sha256:
        return target, sha256
    return place(source, target), sha256


def sha256_of(path: Path) -> str:
    """Its sha256 in hexadecimal, read a piece at a time."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _copy(source: Path, target: Path) -> None:
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


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
