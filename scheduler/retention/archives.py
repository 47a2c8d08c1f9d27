"""Writing an archive: a month as a bundle of evidence, read back, verified, and only then named in the audit log."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Sequence
from itertools import count
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from devices import keyring
from devices.signing import PublicKey
from loa import audit, bulk
from loa.config import Config
from loa.database import Database
from loa.errors import ScheduleError
from loa.times import Instant
from loa.words import say
from scheduler.evidence import bundles, checkpoints, station_keys
from scheduler.evidence import scope as scopes
from scheduler.evidence.scope import Scope
from scheduler.reporting.periods import Period
from scheduler.retention import cutting, gone, rules
from scheduler.retention.cutting import Cut
from scheduler.retention.tables import Archive, Door, Progress
from verifier import loa_verify

BLOCK = 1 << 20


def scope_of(session: Session, month: Period, config: Config) -> Scope:
    """What the archive of that month holds."""
    since, until = month.bounds(config.zone)
    left = sa.select(sa.func.max(Progress.upto)).join(Archive, Archive.id == Progress.archive_id)
    behind = session.scalar(left.where(Archive.month == rules.key(month)))
    return Scope(since, until, archive=True, behind=behind or "")


def make(database: Database, config: Config, month: Period, now: Instant) -> int:
    """Write, verify and register the archive of that month; its id. Nothing leaves the database by this.

    Raises ScheduleError where the file does not verify, and OSError where it cannot be written. Cut short
    anywhere, it leaves at most a file that nobody names, and is done anew.
    """
    config.archives.mkdir(parents=True, exist_ok=True)
    with database.read() as session:
        name, scope = _name(session, month, config), scope_of(session, month, config)
        part = config.archives / f".{name}.part"
        files = bundles.write(session, config, scope, part, now)
        keys = station_keys.of(config, session)
        cuts = [
            cut
            for rid in scopes.receiver_ids(session, scope)
            for cut in cutting.of_receiver(session, rid, scope)
        ]
    _sync(part)
    demand_good(part, keys)
    sha256, size = digest(part), part.stat().st_size
    part.replace(config.archives / name)
    _sync(config.archives)
    archive = Archive(
        month=rules.key(month), since=scope.since, until=scope.until, name=name, sha256=sha256, size=size,
        rows={file: said["rows"] for file, said in files.items()}, made_at=now,
    )  # fmt: skip
    with database.write() as session:
        return _register(session, config, archive, cuts, now)


def _name(session: Session, month: Period, config: Config) -> str:
    """A name that neither a registered archive has nor any file: a month may need a second one."""
    known = set(session.scalars(sa.select(Archive.name).where(Archive.month == rules.key(month))))
    for number in count(1):
        name = f"loa-{rules.key(month)}{f'-{number}' if number > 1 else ''}.zip"
        if name not in known and not (config.archives / name).exists():
            break
    return name


def unknown(session: Session, config: Config) -> list[str]:
    """Files in the archives' folder that no row names: left by a power cut, or put there by somebody."""
    known = set(session.scalars(sa.select(Archive.name)))
    return sorted(path.name for path in config.archives.glob("*.zip") if path.name not in known)


def demand_good(path: Path, keys: Iterable[PublicKey]) -> None:
    """Read the file back as a stranger would. Raises ScheduleError naming the first thing that is wrong."""
    prints = [loa_verify.fingerprint(key.x) for key in keys]
    report = loa_verify.verify(str(path), prints, processes=1)
    wrong = [each for each in report.findings if each.level == loa_verify.CHANGED]
    if wrong:
        raise ScheduleError(
            say(
                "Chưa lưu trữ được: tệp %(name)s vừa ghi không qua được bước kiểm (%(n)s điều, đầu tiên: "
                "%(first)s). Không dòng nào bị xoá. Hãy chạy “loa verify %(path)s” để xem từng điều.",
                name=path.name,
                n=len(wrong),
                first=wrong[0].text,
                path=path,
            )
        )


def digest(path: Path) -> str:
    """The file's sha256, read from the disk. Raises OSError."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            found.update(block)
    return found.hexdigest()


def _sync(path: Path) -> None:
    """Have the disk hold it, whatever happens to the power."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _register(
    session: Session, config: Config, archive: Archive, cuts: Sequence[Cut], now: Instant
) -> int:
    archive.id = (session.scalar(sa.select(sa.func.max(Archive.id))) or 0) + 1
    entry = audit.append(
        session, now, audit.SYSTEM, "retention.archive", archive=archive.id, month=archive.month, file=archive.name,
        sha256=archive.sha256, rows=archive.rows, doors=doors_digest(cuts),
    )  # fmt: skip
    archive.audit_n = entry.n
    session.add(archive)
    session.flush()
    session.add(Progress(archive_id=archive.id, upto="", stopped=False))
    session.flush()
    bulk.insert(session, Door, [{**cut._asdict(), "archive_id": archive.id} for cut in cuts])
    checkpoints.sign(session, now, keyring.current(config, now).plan)
    return archive.id


def doors_digest(cuts: Iterable[Cut]) -> str:
    """sha256 over what the archive lets go, as the audit log names it."""
    lines = json.dumps(sorted(map(list, cuts)), separators=(",", ":"))
    return hashlib.sha256(lines.encode()).hexdigest()


def demand_there(archive: Archive, config: Config) -> Path:
    """The archive's file, with just the content that was registered. Raises ScheduleError naming both."""
    path = config.archives / archive.name
    try:
        is_same = digest(path) == archive.sha256
    except FileNotFoundError as error:
        raise ScheduleError(
            say(
                "%(archive)s không thấy trong %(archives)s. Hãy chép tệp ấy từ bản sao lưu về.",
                archive=gone.named(archive),
                archives=config.archives,
            )
        ) from error
    except OSError as error:
        raise ScheduleError(
            say(
                "%(archive)s không đọc được (%(why)s). Hãy kiểm tra ổ đĩa.",
                archive=gone.named(archive),
                why=error.strerror,
            )
        ) from error
    if not is_same:
        raise ScheduleError(
            say(
                "%(archive)s đã bị thay đổi: nội dung không còn như lúc lưu trữ. "
                "Hãy chép lại tệp ấy từ bản sao lưu.",
                archive=gone.named(archive),
            )
        )
    return path
