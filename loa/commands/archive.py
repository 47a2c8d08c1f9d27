"""``loa archive``: what is past its time, the archives there are, and the work itself (docs/retention.md)."""

from __future__ import annotations

import argparse
import os
import threading
import time

from loa import audit, processes, times
from loa.commands import common
from loa.config import Config
from loa.database import Database
from loa.errors import LoaError
from scheduler.retention import archives, gone, holds, night, overview, rules

LOWEST = 19
"""As a process that gives way to all others."""
REST = 3.0
"""Pauses are so many times as long as the step before: others write in between."""


def arguments(parser: argparse.ArgumentParser) -> None:
    common.add_config(parser)
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--make", action="store_true", help="lưu trữ ngay những tháng đã đến hạn")
    which.add_argument(
        "--check", action="store_true", help="kiểm từng tệp lưu trữ: còn đủ, đúng nội dung, chữ ký"
    )
    # For the station itself, at night.
    which.add_argument("--night", action="store_true", help=argparse.SUPPRESS)


def run(parsed: argparse.Namespace) -> int:
    config = common.load(parsed)
    database = Database(config.database_url)
    database.demand_current()
    if parsed.check:
        return _check(config, database)
    if parsed.make:
        return _make(config, database)
    return _at_night(config, database) if parsed.night else _list(config, database)


def _list(config: Config, database: Database) -> int:
    now = times.now()
    with database.read() as session:
        print(overview.rule(config, confirmed=rules.confirmed(session, config)))
        for due in night.due(session, config, now):
            held = f" – giữ lại theo yêu cầu số {due.held[0].id}" if due.held else ""
            print(f"  đến hạn: {due.month.name}, {due.deliveries} kết quả phát{held}")
        for archive, progress in gone.listing(session):
            print(
                f"  {archive.month}  {archive.name}  {archive.size} byte  sha256 {archive.sha256}  "
                f"{overview.state(archive, progress, config)}"
            )
        for hold in holds.listing(session):
            if hold.lifted_at is None:
                print(f"  giữ lại số {hold.id}: {hold.reason} ({hold.by})")
    return 0


def _check(config: Config, database: Database) -> int:
    with database.read() as session:
        found = [
            (archive, overview.wrong(session, config, archive))
            for archive, _ in gone.listing(session)
        ]
        unknown = archives.unknown(session, config)
    for archive, wrong in found:
        print(f"{archive.name}: {wrong or 'còn nguyên, chữ ký đúng'}")
    for name in unknown:
        print(f"{name}: không có trong sổ lưu trữ; Loa không đọc và không xoá tệp này.")
    if not found:
        print("Chưa có tệp lưu trữ nào.")
    return 1 if any(wrong for _, wrong in found) else 0


def _make(config: Config, database: Database) -> int:
    with database.read() as session:
        if not rules.confirmed(session, config):
            raise LoaError(
                "Quản trị chưa đồng ý lưu trữ theo số tháng đang đặt. Hãy xem và đồng ý ở trang Lưu trữ (/luu-tru)."
            )
    said = 0
    try:
        for sentence in night.work(database, config, times.now()):
            print(sentence, flush=True)
            said += 1
    except OSError as error:
        raise _not_written(config, error) from error
    if not said:
        print("Không có tháng nào đến hạn lưu trữ.")
    return 0


def _not_written(config: Config, error: OSError) -> LoaError:
    return LoaError(
        f"Không ghi được vào {config.archives}: {error.strerror}. Hãy kiểm tra ổ đĩa và quyền ghi thư mục này."
    )


def _at_night(config: Config, database: Database) -> int:
    """Until nothing is left to do, the night is over, or the station stops."""
    stop = threading.Event()
    processes.stop_on_signals(stop)
    os.nice(LOWEST)
    database.let_others_first()
    step = _Steps(config, database, stop)
    try:
        for sentence in night.work(database, config, times.now(), step.go_on):
            print(sentence, flush=True)
    except (LoaError, OSError) as error:
        told = _not_written(config, error) if isinstance(error, OSError) else error
        with database.write() as session:
            audit.append(session, times.now(), audit.SYSTEM, overview.FAILED, why=told.sentence)
        raise told from error
    return 0


class _Steps:
    """Pauses between the steps, so that nobody waits for this work."""

    def __init__(self, config: Config, database: Database, stop: threading.Event) -> None:
        self._config, self._database, self._stop = config, database, stop
        self._since = time.monotonic()

    def go_on(self) -> bool:
        self._stop.wait(REST * (time.monotonic() - self._since))
        with self._database.read() as session:
            is_time = night.is_time(session, self._config, times.now())
        self._since = time.monotonic()
        return is_time and not self._stop.is_set()
