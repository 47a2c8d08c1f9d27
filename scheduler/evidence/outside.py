"""Checkpoints that leave the station: each day the newest is mailed, or dropped in a folder, for somebody outside.

Whoever has every key and the whole database of a station can write its past anew; not what others already hold.
"""

from __future__ import annotations

import logging
import os
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from devices import signing
from loa import audit, mail, times
from loa.config import Config
from loa.database import Database
from loa.errors import LoaError, ScheduleError
from loa.times import HOUR, MINUTE, Instant, after, local
from loa.words import say
from scheduler.evidence import station_keys
from scheduler.evidence.tables import Checkpoint, Handing
from verifier import loa_verify

log = logging.getLogger(__name__)
LOOK_SECONDS = 60.0
PAUSES = (5 * MINUTE, 15 * MINUTE, HOUR, 3 * HOUR)
"""Between tries; the last for as long as it goes on failing."""
FAILED = "checkpoint.not_handed"
BEGIN, END = "-----BEGIN LOA CHECKPOINT-----", "-----END LOA CHECKPOINT-----"
Send = Callable[..., dict[str, str]]


def work(config: Config, database: Database, over: threading.Event) -> None:
    """Until ``over``: hand over what is due. Returns at once where nobody outside is named."""
    while places(config) and not over.wait(LOOK_SECONDS):
        try:
            hand_over(config, database, times.now())
        except Exception:  # what cannot be handed over must not end the station's work
            log.exception("checkpoints could not be handed over; trying again")


def places(config: Config) -> list[str]:
    """Mail addresses and the folder that config.toml names."""
    return [*config.checkpoints.mail, *filter(None, [config.checkpoints.folder])]


def hand_over(config: Config, database: Database, now: Instant, send: Send = mail.send) -> int:
    """Give today's checkpoint to each place that has none yet; how many have got one."""
    done = 0
    with database.read() as session:
        due = [place for place in places(config) if _is_due(session, _day(config, now), place, now)]
        newest = _newest(session)
        text = "" if newest is None else letter(session, config, newest)
    if newest is None:
        return 0
    for place in due:
        error = _give(config, place, newest, text, send)
        with database.write(wake=False) as session:
            _note(session, _day(config, now), place, newest.n, error, now)
        done += error is None
    return done


def failing(session: Session, config: Config, now: Instant) -> list[Handing]:
    """Places that have not got the newest day's checkpoint, though it was tried: for staff."""
    found = sa.select(Handing).where(Handing.handed_at.is_(None), Handing.day == _day(config, now))
    return [row for row in session.scalars(found) if row.place in places(config)]


def handed(session: Session, most: int = 10) -> list[Handing]:
    """What was handed over last, the newest first."""
    found = sa.select(Handing).where(Handing.handed_at.is_not(None))
    return list(
        session.scalars(found.order_by(Handing.handed_at.desc(), Handing.place).limit(most))
    )


def letter(session: Session, config: Config, newest: Checkpoint) -> str:
    """What is handed over: the checkpoint, and words by which it is understood years later."""
    key = next((one for one in station_keys.of(config, session) if one.kid == _kid(newest)), None)
    mark = "không rõ" if key is None else loa_verify.fingerprint(key.x)
    when = f"{local(newest.at, config.zone):%d/%m/%Y %H:%M}"
    return (
        f"DẤU MỐC NHẬT KÝ HỆ THỐNG CỦA “{config.station.name}”, {when}\n\n"
        f"Lúc ấy nhật ký hệ thống của đài có {newest.n} dòng; chuỗi băm tới dòng cuối là {newest.hash}.\n"
        f"Đài ký bằng khoá có dấu vân tay {mark}.\n\n"
        "Xin giữ nguyên tệp này ở nơi đài không sửa được (không cần giữ bí mật: trong đó không có nội dung nào).\n"
        "Về sau, ai nghi ngờ đài đã viết lại sổ thì xin đài gói chứng cứ rồi chạy:\n\n"
        "    python3 loa_verify.py GÓI.zip --checkpoint TỆP-NÀY --key DẤU_VÂN_TAY\n\n"
        "Nếu một dòng nào từ đầu tới dấu mốc này đã bị sửa, xoá hay chèn, chương trình nói: đã bị viết lại sau "
        f"{when}.\n\n{BEGIN}\n{newest.jws.decode()}\n{END}\n"
    )


def name(config: Config, newest: Checkpoint) -> str:
    """Of the file: sorted by name is sorted by day."""
    return f"dau-moc-{local(newest.at, config.zone):%Y-%m-%d-%H%M}.txt"


def _day(config: Config, now: Instant) -> str:
    return f"{local(now, config.zone):%Y-%m-%d}"


def _kid(newest: Checkpoint) -> str:
    return signing.kid_of(newest.jws)


def _newest(session: Session) -> Checkpoint | None:
    return session.scalars(sa.select(Checkpoint).order_by(Checkpoint.n.desc()).limit(1)).first()


def _is_due(session: Session, day: str, place: str, now: Instant) -> bool:
    row = session.get(Handing, (day, place))
    return row is None or (row.handed_at is None and row.next_at <= now)


def _give(config: Config, place: str, newest: Checkpoint, text: str, send: Send) -> str | None:
    """Hand it over; why not, where it failed."""
    try:
        if place in config.checkpoints.mail:
            _mail(config, place, newest, text, send)
        else:
            _drop(config.folder / place, name(config, newest), text)
    except LoaError as error:
        return error.sentence
    return None


def _mail(config: Config, place: str, newest: Checkpoint, text: str, send: Send) -> None:
    settings = mail.settings(config)
    subject = f"{config.station.name}: dấu mốc nhật ký hệ thống, dòng {newest.n}"
    domain = settings.sender.partition("@")[2]
    attachment = (name(config, newest), text.encode(), "text/plain; charset=utf-8")
    # The same checkpoint is the same message, however often it is sent.
    send(
        settings,
        [place],
        subject,
        text,
        [attachment],
        message_id=f"<loa-checkpoint-{newest.hash[:32]}@{domain}>",
    )


def _drop(folder: Path, name: str, text: str) -> None:
    """Whole or not at all. Raises ScheduleError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=folder, prefix=".", suffix=".txt")
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(folder / name)
    except OSError as error:
        raise ScheduleError(
            say(
                "Không ghi được dấu mốc vào thư mục %(folder)s: %(why)s. "
                "Hãy kiểm tra [checkpoints] folder.",
                folder=folder,
                why=error.strerror or error,
            ),
            field="folder",
        ) from error


def _note(session: Session, day: str, place: str, n: int, error: str | None, now: Instant) -> None:
    """Row of the day and place; staff are told of the first failure of a day in the audit log, and on the pages."""
    row = session.get(Handing, (day, place))
    if row is None:
        row = Handing(day=day, place=place, tries=0, next_at=now)
        session.add(row)
    row.tries += 1
    row.n, row.error = n, error
    if error is None:
        row.handed_at = now
        audit.append(session, now, audit.SYSTEM, "checkpoint.handed", place=place, row=n)
        return
    row.next_at = after(now, PAUSES[min(row.tries, len(PAUSES)) - 1])
    if row.tries == 1:
        audit.append(session, now, audit.SYSTEM, FAILED, place=place, why=error)
