"""The station archives by itself at night, in a process of its own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import pytest
import sqlalchemy as sa

from loa import archiving, cli
from loa.archiving import Nightly
from loa.commands import archive
from loa.times import HOUR, MINUTE, after
from scheduler.broadcasts import Broadcast, State
from scheduler.retention import overview
from tests.evidence.station import Station
from tests.retention import station as stations
from tests.retention.station import LATER


@dataclass
class Process:
    """What a child would be."""

    name: str
    arguments: list[str]
    code: int | None = None
    started: ClassVar[list[Process]] = []
    stopped: list[bool] = field(default_factory=list)

    def start(self) -> None:
        self.started.append(self)

    @property
    def is_running(self) -> bool:
        return self.code is None

    def stop(self) -> None:
        self.stopped.append(True)


@pytest.fixture(autouse=True)
def processes(monkeypatch: pytest.MonkeyPatch) -> list[Process]:
    monkeypatch.setattr(archiving, "Child", Process)
    monkeypatch.setattr(Process, "started", [])
    return Process.started


def test_it_begins_at_night_once_and_again_when_that_is_over(station: Station) -> None:
    nightly = Nightly(stations.confirmed(station), station.database)
    nightly.look(after(LATER, -3 * HOUR))
    assert Process.started == []
    for minutes in range(0, 30, 5):
        nightly.look(after(LATER, minutes * MINUTE))
    (first,) = Process.started
    assert first.arguments[1:4] == ["-m", "loa.cli", "archive"]
    assert str(station.folder / "config.toml") in first.arguments
    first.code = 0
    nightly.look(after(LATER, 30 * MINUTE))
    nightly.look(after(LATER, 35 * MINUTE))
    assert len(Process.started) == 2
    nightly.stop()
    assert Process.started[1].stopped


def test_what_failed_waits_for_the_next_night(station: Station) -> None:
    nightly = Nightly(stations.confirmed(station), station.database)
    nightly.look(LATER)
    Process.started[0].code = 1
    nightly.look(after(LATER, 5 * MINUTE))
    nightly.look(after(LATER, HOUR))
    assert len(Process.started) == 1
    nightly.look(after(LATER, 24 * HOUR))
    assert len(Process.started) == 2


def test_nothing_begins_where_nobody_agreed_or_nothing_is_due(station: Station) -> None:
    Nightly(stations.configured(station), station.database).look(LATER)
    config = stations.archived(station)
    Nightly(config, station.database).look(LATER)
    assert Process.started == []


@pytest.fixture
def at_night(monkeypatch: pytest.MonkeyPatch, station: Station) -> list[str]:
    """The command as the station calls it, at two o'clock."""
    monkeypatch.setenv("LOA_DATABASE_URL", station.database.url.render_as_string())
    monkeypatch.setattr(archive.times, "now", lambda: LATER)
    monkeypatch.setattr(archive.os, "nice", lambda _: 0)
    monkeypatch.setattr(archive.processes, "stop_on_signals", lambda _: None)
    return ["archive", "--night", "--config", str(station.folder / "config.toml")]


def test_its_process_does_all_that_is_due(station: Station, at_night: list[str]) -> None:
    stations.confirmed(station)
    assert cli.main(at_night) == cli.DONE
    assert stations.counted(station.database)["deliveries"] == 12


def test_its_process_stops_when_something_is_to_sound(
    station: Station, at_night: list[str]
) -> None:
    stations.confirmed(station)
    with station.database.write() as session:
        last = session.scalars(sa.select(Broadcast).order_by(Broadcast.id.desc()).limit(1)).one()
        last.state, last.starts_at = State.PLANNED, after(LATER, MINUTE)
    assert cli.main(at_night) == cli.DONE
    assert stations.counted(station.database)["deliveries"] == 18


def test_why_it_failed_is_told_to_staff(
    station: Station, at_night: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    config = stations.confirmed(station)
    config.archives.parent.mkdir(parents=True, exist_ok=True)
    config.archives.write_text("in the way")
    assert cli.main(at_night) == cli.FAILED
    assert capsys.readouterr().err
    with station.database.read() as session:
        when, why = overview.last_failure(session, after(LATER, -HOUR)) or (None, "")
    assert when == LATER
    assert f"Không ghi được vào {config.archives}" in why
    assert stations.counted(station.database)["deliveries"] == 18
