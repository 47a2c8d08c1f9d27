"""Transfers on the disk: files on their way in, which outlive a restart of the server.

In data/transfers, ``<id>.json`` says whose transfer it is, ``<id>.part`` is what has arrived, and ``<id>.sha256``
appears once all has: the file then goes to the uploads. What was acknowledged is on the disk.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import msgspec

from content import uploads
from loa import files
from loa.config import Config
from loa.times import DAY, Instant

STALE = 2 * DAY
_digests: dict[str, tuple[int, hashlib._Hash]] = {}
"""Transfer → the hash of so many first bytes. Whatever is missing here is hashed again from the disk."""


class Gone(Exception):
    """The transfer is not there any more: somebody gave it up. Who sends begins again, and has lost nothing else."""


class Begun(msgspec.Struct, frozen=True):
    """What is known of a transfer from its first moment."""

    staff_id: int
    length: int
    name: str


class Transfer:
    """One file on its way in."""

    def __init__(self, folder: Path, name: str) -> None:
        self.id = name
        self.note, self.part = folder / f"{name}.json", folder / f"{name}.part"
        self.seal = folder / f"{name}.sha256"

    @property
    def begun(self) -> Begun:
        """Raises Gone."""
        with _unless_gone():
            return msgspec.json.decode(self.note.read_bytes(), type=Begun)

    @property
    def sha256(self) -> str:
        """Of the whole file; empty while pieces are missing."""
        try:
            return self.seal.read_text()
        except FileNotFoundError:
            return ""

    @property
    def touched(self) -> Instant:
        """Raises Gone."""
        with _unless_gone():
            return _touched(self.note)

    def touch(self, now: Instant) -> None:
        """Raises Gone, with what came after it was given up removed."""
        try:
            os.utime(self.note, ns=(now * 1_000_000, now * 1_000_000))
        except FileNotFoundError as error:
            self.drop()
            raise Gone from error

    def offset(self) -> int:
        """Bytes that are safely here. Raises Gone."""
        try:
            with self.held() as file:
                return file.seek(0, os.SEEK_END)
        except Gone:
            if self.sha256:
                return self.begun.length
            raise

    @contextlib.contextmanager
    def held(self) -> Iterator[IO[bytes]]:
        """The part, for one request at a time; synced at the end, even of a request that fails.

        Raises Gone when it is not there: given up, or handed over.
        """
        with _unless_gone():
            opened = self.part.open("r+b")
        with opened as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            self._demand_same(file)
            try:
                yield file
            finally:
                file.flush()
                os.fsync(file.fileno())

    def _demand_same(self, file: IO[bytes]) -> None:
        """Raise Gone unless the open file still is the part."""
        with _unless_gone():
            there = self.part.stat()
        if not os.path.samestat(there, os.fstat(file.fileno())):
            raise Gone

    def settle(self, config: Config) -> str:
        """Hand a file that is whole to the uploads; also the one that a killed server had not yet handed over.

        Gives its hash; empty while pieces are missing. Raises Gone.
        """
        sha256 = self.sha256
        if sha256:
            try:
                with self.held(), _unless_gone():
                    uploads.keep(config, self.part, sha256)
            except Gone:
                if not (config.uploads / sha256).exists():
                    raise
            _digests.pop(self.id, None)
        return sha256

    def seal_with(self, sha256: str, file: IO[bytes]) -> None:
        """Say that all of it is in ``file``; the name of what is not on the disk would be a lie. Raises Gone."""
        file.flush()
        os.fsync(file.fileno())
        files.create_once(self.seal, sha256.encode())
        try:
            # After the seal is there: who drops the part later finds the seal too.
            self._demand_same(file)
        except Gone:
            self.drop()
            raise

    def drop(self) -> None:
        """Forget it, whoever holds it: they find out by its part, so that goes first."""
        _digests.pop(self.id, None)
        for path in (self.part, self.seal, self.note):
            path.unlink(missing_ok=True)


def folder_of(config: Config) -> Path:
    """Where the transfers lie; made when missing."""
    folder = config.data / "transfers"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def begin(folder: Path, begun: Begun, now: Instant) -> Transfer:
    """A new transfer, on the disk when this returns."""
    transfer = Transfer(folder, secrets.token_hex(16))
    transfer.part.touch()
    files.create_once(transfer.note, msgspec.json.encode(begun))
    transfer.touch(now)
    _sync(folder)
    return transfer


def find(folder: Path, transfer_id: str, staff_id: int) -> Transfer | None:
    """That transfer; to others than who began it, it does not exist."""
    if not re.fullmatch(r"[0-9a-f]{32}", transfer_id):
        return None
    transfer = Transfer(folder, transfer_id)
    return transfer if _is_of(transfer, staff_id) else None


def unfinished(folder: Path, staff_id: int) -> list[Transfer]:
    """That person's, the one longest left alone first."""
    found = [Transfer(folder, note.stem) for note in folder.glob("*.json")]
    mine: list[tuple[Instant, Transfer]] = []
    for each in found:
        with contextlib.suppress(Gone):
            if not each.sha256 and each.begun.staff_id == staff_id:
                mine.append((each.touched, each))
    return [each for _, each in sorted(mine, key=lambda aged: aged[0])]


def _is_of(transfer: Transfer, staff_id: int) -> bool:
    try:
        return transfer.begun.staff_id == staff_id
    except Gone:
        return False


def sweep(folder: Path, now: Instant) -> None:
    """Remove what nobody has gone on with."""
    for path in list(folder.iterdir()):
        note = path.with_suffix(".json")
        with contextlib.suppress(FileNotFoundError):  # it went with another of its files
            if now - _touched(note if note.exists() else path) > STALE:
                Transfer(folder, path.stem).drop()
                path.unlink(missing_ok=True)


def digest(transfer: Transfer, file: IO[bytes], size: int) -> hashlib._Hash:
    """The hash of the first ``size`` bytes. Taken out, so that a piece that fails leaves none that is wrong."""
    known, found = _digests.pop(transfer.id, (-1, hashlib.sha256()))
    if known != size:
        file.seek(0)
        found = hashlib.file_digest(file, "sha256")  # type: ignore[arg-type]
    file.seek(size)
    return found


def remember(transfer: Transfer, size: int, found: hashlib._Hash) -> None:
    """The hash of what has arrived so far, for the next piece."""
    _digests[transfer.id] = size, found


@contextlib.contextmanager
def _unless_gone() -> Iterator[None]:
    """Raise Gone for a file that is not there."""
    try:
        yield
    except FileNotFoundError as error:
        raise Gone from error


def _touched(path: Path) -> Instant:
    return Instant(path.stat().st_mtime_ns // 1_000_000)


def _sync(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
