"""The plug is pulled on each part in turn; what was approved and delivered plays all the same, once."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import date, time, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from content.bulletins import Bulletin
from loa import times
from loa.database import Database
from loa.times import local
from scheduler import leases, schedules
from scheduler.broadcasts import Broadcast
from scheduler.schedules import Kind, Rule, Schedule
from tests.cast import ZONE, approved_bulletin, settle_in
from tests.house import MOST_LATE, ROOT, House
from tests.parts import free_port, need, wait_until

MakeHouse = Callable[..., House]
SHORT = "Họp thôn lúc 19h30."
LONG = "Mời bà con ra nhà văn hoá họp thôn lúc 19h30 tối nay, bàn việc làm đường."
OVER = 4_000
"""Milliseconds after its start by which SHORT has been heard."""


@pytest.fixture
def house(tmp_path: Path) -> Iterator[MakeHouse]:
    made: list[House] = []

    def make(broker: str, database_url: str = "") -> House:
        if broker == "mosquitto":
            need("mosquitto")
        made.append(House(tmp_path / "station", broker, database_url))
        made[-1].start()
        made[-1].furnish()
        return made[-1]

    yield make
    for each in made:
        each.stop()


def ready_on_all(station: House) -> bool:
    return station.results() == ["sẵn sàng"] * 3


def passed(moment: times.Instant) -> Callable[[], bool]:
    return lambda: times.now() > moment


def assert_played_once_with_own_times(station: House, at: times.Instant) -> None:
    wait_until(lambda: station.results() == ["đã phát"] * 3, "the log to show what was played")
    for row in station.rows():
        assert 0 <= int(row["trễ (ms)"]) < MOST_LATE
        assert station.journal_codes(row["mã đầu thu"]).count("started") == 1
        assert len(list((station.receivers / row["mã đầu thu"] / "sound").glob("*.wav"))) == 1


def test_it_plays_while_the_server_is_dead(house: MakeHouse, database_url: str) -> None:
    station = house("embedded" if database_url.startswith("sqlite") else "mosquitto", database_url)
    at = station.schedule(station.approved(SHORT), 4)
    wait_until(lambda: ready_on_all(station), "all receivers to be ready")
    station.kill()
    assert times.now() < at
    wait_until(passed(times.after(at, OVER)), "the broadcast to be over")
    station.start()
    assert_played_once_with_own_times(station, at)


def test_it_plays_while_the_broker_is_dead_and_has_forgotten_everything(house: MakeHouse) -> None:
    station = house("mosquitto")
    at = station.schedule(station.approved(SHORT), 4)
    wait_until(lambda: ready_on_all(station), "all receivers to be ready")
    station.kill()
    assert times.now() < at
    for path in (station.folder / "data" / "broker").iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    wait_until(passed(times.after(at, OVER)), "the broadcast to be over")
    station.start()
    assert_played_once_with_own_times(station, at)
    # The station tells the new broker everything again: the next broadcast needs no help.
    later = station.schedule(station.approved("Hoãn họp.", title="Hoãn họp"), 2)
    wait_until(lambda: station.results() == ["đã phát"] * 6, "the next broadcast to be played")
    assert times.now() > later


def test_a_receiver_killed_midway_says_it_was_interrupted(house: MakeHouse) -> None:
    station = house("embedded")
    bulletin = station.approved(LONG, chimes=True)
    station.schedule(bulletin, 2)
    wait_until(lambda: station.results().count("đang phát") == 3, "all receivers to sound")
    station.fleet.kill("cot-2")
    wait_until(lambda: station.results().count("đã phát") == 2, "the others to finish")
    station.fleet.revive("cot-2")
    wait_until(
        lambda: station.results() == ["bị ngắt", "đã phát", "đã phát"],
        "the third to tell its story",
    )
    (row,) = [row for row in station.rows() if row["kết quả"] == "bị ngắt"]
    assert (row["mã đầu thu"], row["lý do"]) == ("cot-2", "mất điện")
    assert station.journal_codes("cot-2").count("started") == 1


def test_a_receiver_that_never_answers_is_not_said_to_have_played(house: MakeHouse) -> None:
    station = house("embedded")
    bulletin = station.approved("Thử loa.")
    station.fleet.kill("cot-3")
    station.schedule(bulletin, 2)
    wait_until(
        lambda: station.results() == ["chưa có xác nhận", "đã phát", "đã phát"],
        "the wait to be over",
    )
    (row,) = [row for row in station.rows() if row["kết quả"] == "chưa có xác nhận"]
    assert (row["giờ bắt đầu thật"], row["thời lượng đã phát (ms)"]) == ("", "")


def test_stopping_reaches_the_receivers_while_they_sound(house: MakeHouse) -> None:
    station = house("embedded")
    bulletin = station.approved(LONG, chimes=True)
    minh = station.people["minh"]
    minh.send(f"/ban-tin/{bulletin.id}/phat-ngay", area_ids=[1])
    wait_until(lambda: station.results().count("đang phát") == 3, "all receivers to sound")
    minh.send("/dung-tat-ca")
    wait_until(lambda: station.results() == ["đã huỷ"] * 3, "all receivers to have stopped")
    approved_ms = int(station.rows()[0]["thời lượng yêu cầu (ms)"])
    for row in station.rows():
        assert 0 < int(row["thời lượng đã phát (ms)"]) < approved_ms


class Run:
    """One ``loa run`` of a station whose broker is away: planning needs none."""

    def __init__(self, folder: Path, name: str, environment: dict[str, str]) -> None:
        self.said = folder / f"{name}.log"
        with self.said.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "loa.cli", "run"], cwd=folder, env=environment,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


def holder(database: Database) -> str:
    with database.read() as session:
        lease = session.get(leases.Lease, leases.NAME)
        return lease.holder if lease else ""


def planned(database: Database) -> int:
    with database.read() as session:
        return session.scalar(sa.select(sa.func.count()).select_from(Broadcast)) or 0


def test_of_two_that_run_one_waits_says_why_and_takes_over(
    tmp_path: Path, database: Database, migrated_url: str
) -> None:
    (tmp_path / "config.toml").write_text(f"[mqtt]\nurl = 'mqtt://127.0.0.1:{free_port()}'\n")
    now = times.now()
    with database.write() as session:
        cast = settle_in(session, now=now)
        daily = Rule(
            kind=Kind.DAILY,
            at=time(12),
            start_date=local(now, ZONE).date(),
            area_ids=(cast.commune.id,),
        )
        schedules.add(
            session, approved_bulletin(session, cast, now=now), cast.hoa, daily, now=now, zone=ZONE
        )
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "LOA_DATABASE_URL": migrated_url}
    runs = [Run(tmp_path, "first", environment)]
    try:
        wait_until(lambda: planned(database) == 2, "the first to plan two days")
        first = holder(database)
        runs.append(Run(tmp_path, "second", environment))
        wait_until(lambda: first in runs[1].said.read_text(), "the second to say whom it waits for")
        runs[0].kill()
        died = times.now()
        wait_until(lambda: holder(database) not in ("", first), "the second to take over")
        assert times.now() - died <= 15_000
        with database.write() as session:
            schedule = session.scalars(sa.select(Schedule)).one()
            schedule.planned_until = now  # as if the first had died between planning and noting it
            evening = Rule(kind=Kind.ONCE, at=time(18), start_date=tomorrow(now), area_ids=(1,))
            bulletin = session.get_one(Bulletin, schedule.bulletin_id)
            schedules.add(session, bulletin, bulletin.author, evening, now=now, zone=ZONE)
        wait_until(
            lambda: planned(database) == 3, "the second to plan"
        )  # two of the daily, never four
    finally:
        for run in runs:
            run.kill()


def tomorrow(now: times.Instant) -> date:
    return local(now, ZONE).date() + timedelta(days=1)
