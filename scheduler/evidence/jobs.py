"""Bundles made and checked for somebody at a page: in a process of its own, with what it has come to in a folder.

The folder is all there is of a job: whoever started it may have ended long before it is done.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from loa import audit
from loa.config import Config
from loa.database import Database
from loa.errors import LoaError, NotFound, ScheduleError
from loa.times import DAY, HOUR, Instant
from loa.words import recall, say
from scheduler.evidence import bundles, scope, station_keys
from verifier import loa_verify

log = logging.getLogger(__name__)
KEPT = 2 * DAY
"""So long what was made lies there to be fetched."""
LOST = 6 * HOUR
"""A job that has not ended by then has died."""
LINES_MOST = 2_000
BUSY = say("Đang có một gói khác được lập hoặc kiểm. Hãy chờ xong rồi làm tiếp.")


class Job(msgspec.Struct, kw_only=True):
    """What is asked for, and what became of it. ``state``: running, done or failed."""

    id: str
    kind: str
    """``bundle`` or ``check``."""
    by: str
    begun_at: int
    since: int = 0
    until: int = 0
    campaign: str | None = None
    whole_log: bool = False
    name: str = ""
    """What the file is called by people."""
    state: str = "running"
    ended_at: int | None = None
    error: str = ""
    lines: list[str] = []
    """The verifier's words."""
    verdict: str = ""
    """``good``, ``changed`` or ``unreadable``; the verifier's on the bundle."""
    rows: int = 0
    fingerprints: dict[str, str] = {}
    """kid → fingerprint of the station's keys."""


Run = Callable[[Callable[..., None], Sequence[Any]], None]


def in_a_process(work: Callable[..., None], arguments: Sequence[Any]) -> None:
    """Beside the pages, and after them in line for the processor; it may use no more than one."""
    context = multiprocessing.get_context("spawn")
    context.Process(target=_beside, args=(work, *arguments), daemon=True).start()


def _beside(work: Callable[..., None], *arguments: Any) -> None:
    os.nice(10)
    work(*arguments)


def begin_bundle(
    config: Config, database: Database, which: tuple[Instant, Instant, str | None], *,
    whole_log: bool, by: str, now: Instant, run: Run,
) -> Job:  # fmt: skip
    """Start making the bundle of (since, until, campaign). Raises ScheduleError."""
    since, until, campaign = which
    with database.read() as session:
        scope.of(session, since, until, campaign)
    job = Job(id=secrets.token_hex(16), kind="bundle", by=by, begun_at=now, since=since, until=until,
              campaign=campaign, whole_log=whole_log)  # fmt: skip
    _begin(config, job, now)
    with database.write() as session:
        audit.append(session, now, by, "evidence.make", since=since, until=until, campaign=campaign)
    run(make, (config, _url(database), job))
    return job


def begin_check(
    config: Config, database: Database, file: Path, name: str, *,
    anchors: Sequence[str], outside: str, by: str, now: Instant, run: Run,
) -> Job:  # fmt: skip
    """Start checking the bundle at ``file``, which is taken away. ``outside``: text of a file of checkpoints, or empty.

    Raises ScheduleError.
    """
    job = Job(id=secrets.token_hex(16), kind="check", by=by, begun_at=now, name=name)
    _begin(config, job, now)
    home = folder(config, job.id)
    shutil.move(file, home / "bundle.zip")
    if outside:
        (home / "checkpoint.txt").write_text(outside)
    run(check, (config, _url(database), job, list(anchors)))
    return job


def _url(database: Database) -> str:
    return database.url.render_as_string(hide_password=False)


def find(config: Config, id: str, now: Instant) -> Job:
    """The job as it is now. Raises NotFound."""
    home = folder(config, id) if re.fullmatch("[0-9a-f]{32}", id) else None
    if home is None or not (home / "job.json").exists():
        raise NotFound(say("Gói này không còn: đài chỉ giữ hai ngày. Hãy lập lại."))
    job = msgspec.json.decode((home / "job.json").read_bytes(), type=Job)
    job.error = recall(job.error)
    if job.state == "running" and now - job.begun_at > LOST:
        job.state, job.error = "failed", say("Việc này đã bị ngắt giữa chừng. Hãy làm lại.")
    return job


def listing(config: Config, now: Instant) -> list[Job]:
    """All that are there, the newest first."""
    found = [find(config, path.name, now) for path in _homes(config)]
    return sorted(found, key=lambda job: -job.begun_at)


def progress(config: Config, job: Job) -> int:
    """Percent of a bundle that is being made."""
    file = folder(config, job.id) / "progress"
    return int(file.read_text() or 0) if file.exists() else 0


def bundle_file(config: Config, job: Job) -> Path:
    """Where the bundle lies once it is made. Raises NotFound."""
    path = folder(config, job.id) / "bundle.zip"
    if job.kind != "bundle" or job.state != "done" or not path.exists():
        raise NotFound(say("Gói này chưa lập xong hoặc không còn. Hãy mở trang Chứng cứ."))
    return path


def folder(config: Config, id: str) -> Path:
    return config.work / "evidence" / id


def _homes(config: Config) -> Iterator[Path]:
    home = config.work / "evidence"
    if home.exists():
        yield from (path for path in home.iterdir() if (path / "job.json").exists())


def _begin(config: Config, job: Job, now: Instant) -> None:
    """One at a time: a commune's PC has the day's broadcasts to serve. What is old goes."""
    for other in listing(config, now):
        if other.state == "running":
            raise ScheduleError(BUSY)
        if now - other.begun_at > KEPT:
            shutil.rmtree(folder(config, other.id), ignore_errors=True)
    folder(config, job.id).mkdir(parents=True)
    _save(config, job)


def _save(config: Config, job: Job) -> None:
    """Whole or not at all: a page may be reading it."""
    home = folder(config, job.id)
    (home / "job.new").write_bytes(msgspec.json.encode(job, enc_hook=str))
    (home / "job.new").replace(home / "job.json")


# -- in the other process -----------------------------------------------------------------------------


def make(config: Config, url: str, job: Job) -> None:
    """Write the bundle, and check it as an outsider would."""
    _end_well(config, job, lambda: _make(config, url, job))


def check(config: Config, url: str, job: Job, anchors: Sequence[str]) -> None:
    """Let the verifier look at the bundle that came."""
    _end_well(config, job, lambda: _check(config, url, job, anchors))


def _end_well(config: Config, job: Job, act: Callable[[], None]) -> None:
    """However it ends, the page says so."""
    try:
        act()
        job.state = "done"
    except LoaError as error:
        job.state, job.error = "failed", error.sentence
    except OSError as error:
        job.state, job.error = (
            "failed",
            say("Không ghi được tệp: %(why)s.", why=error.strerror or error),
        )
    except Exception:  # nobody above would tell the one who waits
        log.exception("evidence job %s has failed", job.id)
        job.state, job.error = (
            "failed",
            say("Gặp lỗi lạ. Hãy báo người quản trị xem nhật ký của máy chủ."),
        )
    _save(config, job)


def _make(config: Config, url: str, job: Job) -> None:
    database = Database(url)
    home = folder(config, job.id)
    now = Instant(job.begun_at)
    try:
        with database.read() as session:
            which = scope.of(session, Instant(job.since), Instant(job.until), job.campaign)
            files = bundles.write(
                session, config, which, home / "bundle.part", now,
                whole_log=job.whole_log, told=lambda percent: _tell(home, percent),
            )  # fmt: skip
            keys = station_keys.of(config, session)
    finally:
        database.close()
    (home / "bundle.part").replace(home / "bundle.zip")
    job.rows = files["deliveries.jsonl"]["rows"]
    job.fingerprints = {key.kid: loa_verify.fingerprint(key.x) for key in keys}
    _judge(job, home, list(job.fingerprints.values()))


def _tell(home: Path, percent: int) -> None:
    (home / "progress").write_text(str(percent))


def _check(config: Config, url: str, job: Job, anchors: Sequence[str]) -> None:
    known = list(anchors)
    if not known:
        database = Database(url)
        with database.read() as session:
            known = [loa_verify.fingerprint(key.x) for key in station_keys.of(config, session)]
        database.close()
    home = folder(config, job.id)
    try:
        _judge(job, home, known)
    finally:
        (home / "bundle.zip").unlink(missing_ok=True)


def _judge(job: Job, home: Path, anchors: Sequence[str]) -> None:
    outside = [str(path) for path in [home / "checkpoint.txt"] if path.exists()]
    try:
        report = loa_verify.verify(str(home / "bundle.zip"), anchors, processes=1, outside=outside)
    except loa_verify.Unreadable as error:
        job.verdict = "unreadable"
        words = str(error).replace(str(home / "bundle.zip"), job.name or "này")
        job.lines = [words.replace(str(home / "checkpoint.txt"), "tệp dấu mốc")]
        return
    job.verdict = "good" if report.is_good else "changed"
    job.lines = list(loa_verify.told(report))[:LINES_MOST]
