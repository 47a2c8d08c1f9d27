"""What every schedule begins with: a station, its people, bulletins and sounds, made once a process."""

from __future__ import annotations

import atexit
import functools
import hashlib
import math
import shutil
import sqlite3
import struct
import tempfile
from array import array
from dataclasses import dataclass
from pathlib import Path

import argon2
from sqlalchemy.orm import Session

from content import bulletins, recordings
from content.bulletins import Bulletin, Draft, Priority
from content.parts import spoken
from content.recordings import Recording
from devices import areas, keyring, receivers, signing
from devices.signing import PrivateKey, PublicKey
from loa import config as configs
from loa import staff
from loa.config import Config
from loa.database import Database
from loa.languages import KINH
from loa.staff import Role, Staff
from loa.times import Instant
from scheduler import regulation
from tests.cast import vn

RIDS = ("r-0001", "r-0002", "r-0003")
MADE_AT = vn("2026-11-20 12:00")
HEARTBEAT_SECONDS, LATE_SECONDS, GRACE_SECONDS = 150, 30, 30
LENGTHS = (8_000, 15_000, 30_000, 45_000)
"""Of the bulletins' sounds, milliseconds."""
KINDS = (Priority.NORMAL, Priority.NORMAL, Priority.PRIORITY, Priority.EMERGENCY)
_CONFIG = f"""[delivery]
heartbeat_seconds = {HEARTBEAT_SECONDS}
late_seconds = {LATE_SECONDS}
grace_seconds = {GRACE_SECONDS}
"""


def key(name: str, *roles: signing.KeyRole) -> PrivateKey:
    """The same key of that name in every run."""
    return PrivateKey(name, hashlib.sha256(name.encode()).digest(), roles)


@dataclass
class Scenery:
    """The folder of one process: the database is put back to its beginning for each schedule."""

    folder: Path
    config: Config
    template: sqlite3.Connection
    station_keys: dict[str, PublicKey]

    @property
    def path(self) -> Path:
        return self.config.data / "loa.db"

    def sounds(self, receiver: str) -> Path:
        """An empty folder for what a receiver fetches."""
        folder = self.folder / "poles" / receiver
        shutil.rmtree(folder, ignore_errors=True)
        return folder


@functools.cache
def scenery() -> Scenery:
    """Made on first use, in memory where the machine has room there."""
    shared = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(prefix="loa-model-", dir=shared if shared.is_dir() else None))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    (folder / "config.toml").write_text(_CONFIG)
    config = configs.load(folder / "config.toml")
    keys = _write_station_keys(config)
    url = f"sqlite:///{config.data / 'loa.db'}"
    database = Database(url)
    database.upgrade()
    with database.write() as session:
        _settle(session, config)
    database.close()
    return Scenery(folder, config, _copy_of(config.data / "loa.db"), keys)


def _write_station_keys(config: Config) -> dict[str, PublicKey]:
    found = keyring.current(config, MADE_AT)
    return {one.public.kid: one.public for one in (found.plan, found.emergency)}


def _copy_of(path: Path) -> sqlite3.Connection:
    copy = sqlite3.connect(":memory:")
    with sqlite3.connect(path) as made:
        made.backup(copy)
    made.close()
    return copy


def _settle(session: Session, config: Config) -> None:
    quick = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    usual, staff._hasher = staff._hasher, quick
    try:
        people = [
            staff.add(
                session, login=login, name=name, role=role, password="mot-hai-ba-bon", now=MADE_AT
            )
            for login, name, role in (
                ("hoa", "Hoa", Role.EDITOR),
                ("minh", "Minh", Role.APPROVER),
                ("duyet2", "Người duyệt thứ hai", Role.APPROVER),
                ("quantri", "Quản trị", Role.ADMIN),
            )
        ]
    finally:
        staff._hasher = usual
    _place(session)
    regulation.set_quiet(session, None, [regulation.parse_quiet("21:00-05:00")], MADE_AT)
    for number, kind in enumerate(KINDS):
        _bulletin(session, config, people, number, kind)


def _place(session: Session) -> None:
    commune = areas.add(session, name="Mẫu", level="xã", now=MADE_AT, by="test")
    villages = [
        areas.add(session, name=name, level="thôn", parent=commune, households=100, now=MADE_AT, by="test")
        for name in ("Đông", "Đoài")
    ]  # fmt: skip
    for number, rid in enumerate(RIDS):
        receivers.add(
            session, id=rid, name=f"Cột {rid}", area=villages[number % 2], public_key=key(rid).public.x,
            password="x" * 16, now=MADE_AT, by="test",
        )  # fmt: skip


def _bulletin(
    session: Session, config: Config, people: list[Staff], number: int, kind: Priority
) -> None:
    draft = Draft(
        title=f"Bản tin {number}", parts=spoken("Mời bà con đến trạm y tế."), priority=kind
    )
    bulletin = bulletins.write(session, people[0], draft, MADE_AT)
    for turn in (0, 1):
        _record(session, config, number, turn)
    approve(session, bulletin, 0, people[0], people[1:3], MADE_AT)


def sound(number: int, turn: int) -> bytes:
    """A whole sound file of a tenth of a second; how long it lasts, its row says."""
    hertz = 300 + 40 * number + 170 * turn
    frames = array(
        "h", (int(9_000 * math.sin(2 * math.pi * hertz * n / 8_000)) for n in range(800))
    )
    head = struct.pack("<IHHIIHH", 16, 1, 1, 8_000, 16_000, 2, 16)
    data = b"data" + struct.pack("<I", 1_600) + frames.tobytes()
    return b"RIFF" + struct.pack("<I", 28 + len(data)) + b"WAVEfmt " + head + data


def sha(number: int, turn: int) -> str:
    return hashlib.sha256(sound(number, turn)).hexdigest()


def length(number: int, turn: int) -> int:
    """Milliseconds; each second version lasts longer."""
    return LENGTHS[number] + 10_000 * turn


def _record(session: Session, config: Config, number: int, turn: int) -> None:
    data, name = sound(number, turn), sha(number, turn)
    path = recordings.file(config.recordings, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    session.add(
        Recording(
            sha256=name, size=len(data), ms=length(number, turn), lufs=-16.0, true_peak_db=-1.0, peaks=[50],
            voices=["espeak"], notes=[], spoken="Mời bà con.", made_at=MADE_AT,
        )
    )  # fmt: skip
    session.flush()


def approve(
    session: Session,
    bulletin: Bulletin,
    turn: int,
    hoa: Staff,
    approvers: list[Staff],
    now: Instant,
) -> None:
    """Give it its sound, first (0) or second (1) version, and approve it by as many as it needs."""
    bulletin.sounds = {KINH: sha(bulletin.id - 1, turn)}
    session.flush()
    bulletins.submit(session, bulletin, hoa, now)
    for approver in approvers[: bulletins.approvers_needed(bulletin, 2)]:
        bulletins.approve(session, bulletin, approver, bulletin.sounds.values(), now)
