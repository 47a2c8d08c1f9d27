"""The station's own process for reports: started when one is due, and gone when it is done."""

from __future__ import annotations

import os
import shutil
import signal
import threading
from pathlib import Path

import pytest

from loa import config as configs
from loa import due_reports
from loa.config import Config
from loa.database import Database
from loa.processes import Child
from loa.staff import Staff
from loa.times import DAY, after, now
from scheduler.report_orders import orders, work
from scheduler.report_orders.orders import Wanted
from scheduler.report_orders.tables import ReportRun, RunState, What
from tests import mailbox
from tests.cast import ZONE, settle_in
from tests.parts import wait_until


@pytest.fixture
def station(migrated_sqlite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    (tmp_path / "data").mkdir()
    shutil.copy(migrated_sqlite, tmp_path / "data" / "loa.db")
    (tmp_path / "config.toml").write_text("[station]\nname = 'Mẫu'\n")
    monkeypatch.setenv("PYTHONPATH", str(Path(configs.__file__).parent.parent))
    monkeypatch.delenv("LOA_DATABASE_URL", raising=False)
    monkeypatch.setattr(due_reports, "LOOK_SECONDS", 0.05)
    return configs.load(tmp_path / "config.toml")


def test_what_is_due_is_made_by_another_process(station: Config) -> None:
    database = Database(station.database_url)
    with database.write() as session:
        cast = settle_in(session, 1)
        order = orders.add(session, Wanted(What.MONTH, format="csv", folder="gui"), cast.hoa, now())
        number = orders.ask_now(session, order, cast.hoa, now(), ZONE).id
    over = threading.Event()
    thread = threading.Thread(target=due_reports.watch, args=(station, database, over))
    thread.start()
    try:
        wait_until(lambda: _state(database, number) is RunState.MADE, "the report to be made")
    finally:
        over.set()
        thread.join()
    (file,) = (station.data / "reports" / "gui").iterdir()
    assert file.stat().st_size > 100
    database.close()


def test_killed_while_the_mail_server_thinks_it_is_not_sent_again(station: Config) -> None:
    database = Database(station.database_url)
    with mailbox.serve() as box:
        box.answers = ["hang"]
        mail = f"[mail]\nhost = '127.0.0.1'\nport = {box.port}\nsecurity = 'none'\nsender = 'a@xa.example.vn'\n"
        (station.folder / "config.toml").write_text(mail)
        with database.write() as session:
            cast = settle_in(session, 1)
            wanted = Wanted(What.MONTH, format="csv", to=["tinh@tinh.example.vn"])
            order = orders.add(session, wanted, cast.hoa, now())
            number = orders.ask_now(session, order, cast.hoa, now(), ZONE).id
        child = Child("reports", due_reports.command(station))
        child.start()
        wait_until(lambda: box.taken, "the message to be taken")
        os.kill(child.pid or 0, signal.SIGKILL)
        child.stop()
        again = configs.load(station.folder / "config.toml")
        while work.step(again, database, after(now(), DAY)):
            pass
        assert _state(database, number) is RunState.UNSURE
        with database.write() as session:
            run = session.get_one(ReportRun, number)
            orders.again(session, run, session.get_one(Staff, cast.hoa.id), now())
        while work.step(again, database, now()):
            pass
    assert _state(database, number) is RunState.SENT
    assert [each["Message-ID"] for each in box.taken] == [run.message_id] * 2
    database.close()


def _state(database: Database, number: int) -> RunState:
    with database.read() as session:
        return session.get_one(ReportRun, number).state


def test_while_nothing_is_due_no_process_is_started(
    station: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[object] = []
    monkeypatch.setattr(due_reports, "_run", lambda *given: started.append(given) or True)
    database = Database(station.database_url)
    over = _After(3)
    due_reports.watch(station, database, over)  # type: ignore[arg-type]
    assert (started, over.waited) == ([], 4)
    database.close()


class _After(threading.Event):
    """Set once it was waited for so often."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times, self.waited = times, 0

    def wait(self, timeout: float | None = None) -> bool:
        self.waited += 1
        return self.waited > self.times


def test_the_process_is_that_of_this_station(station: Config) -> None:
    command = due_reports.command(station)
    assert command[-3:] == ["reports", "--config", os.fspath(station.folder / "config.toml")]
