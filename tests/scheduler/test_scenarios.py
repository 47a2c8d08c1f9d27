"""Scenarios as data (tests/scenarios): the same expected days from wishes alone and from the planner's rows."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session

from content.bulletins import Priority
from loa.database import Database
from loa.errors import ScheduleError
from loa.times import MINUTE
from scheduler import admission, schedules, series
from scheduler.admission import Asked
from scheduler.schedules import Kind, Rule
from tests.conftest import _migrate
from tests.scenario_files import Data, Scenario, scenarios
from tests.scenario_runs import context_of, in_database, in_memory
from tests.scenario_station import Station

FILES = scenarios()
LEAST = 60
REFUSING = [path for path in FILES if "[refused" in path.read_text(encoding="utf-8")]


class _Undone(Exception):
    """Takes back all that one scenario wrote, so that the next finds the tables empty."""


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def empty(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Database]:
    """One database for all scenarios."""
    if request.param == "sqlite":
        path = tmp_path_factory.mktemp("scenarios") / "loa.db"
        shutil.copy(request.getfixturevalue("migrated_sqlite"), path)
        url = f"sqlite:///{path}"
    else:
        cluster = request.getfixturevalue("postgresql")
        url = cluster.fresh(cluster.template("migrated", _migrate))
    opened = Database(url)
    yield opened
    opened.close()
    if request.param == "postgresql":
        cluster.drop(url)


@pytest.fixture
def session(empty: Database) -> Iterator[Session]:
    try:
        with empty.write() as opened:
            yield opened
            raise _Undone
    except _Undone:
        pass


def by_name(path: Path) -> str:
    return path.stem


def test_there_are_as_many_as_were_asked_for() -> None:
    assert len(FILES) >= LEAST
    abouts = {Scenario(path).raw["about"] for path in FILES}
    assert len(abouts) == len(FILES), "each says what it is for"


@pytest.mark.parametrize("path", FILES, ids=by_name)
def test_wishes_alone_give_the_expected_days(path: Path) -> None:
    scenario = Scenario(path)
    assert in_memory(scenario) == scenario.expected


@pytest.mark.parametrize("path", FILES, ids=by_name)
def test_the_planners_rows_give_the_expected_days(path: Path, session: Session) -> None:
    scenario = Scenario(path)
    assert in_database(scenario, session) == scenario.expected


# -- what must not get in at all ------------------------------------------------------------------


def asked_for(station: Station, fields: Data) -> tuple[Any, Rule]:
    """The bulletin and the rule somebody asks for."""
    where = station.where(fields)
    rule = Rule(
        kind=Kind.OTHER if fields.get("rule") else Kind.ONCE, recurs=fields.get("rule", ""),
        at=series.time.fromisoformat(fields["at"]), start_date=fields["start"], end_date=fields.get("end"),
        minutes=fields.get("minutes", 0), area_ids=where.area_ids,
    )  # fmt: skip
    return station.known["bulletins"][fields["bulletin"]], rule


@pytest.mark.parametrize("path", REFUSING, ids=by_name)
def test_the_gate_names_the_rule(path: Path) -> None:
    scenario = Scenario(path)
    station, epoch = Station(scenario), scenario.epochs[-1]
    station.bring(epoch.data, epoch.now)
    known = context_of(station, epoch.data)
    for name, fields in epoch.data["refused"].items():
        bulletin, rule = asked_for(station, fields)
        end = scenario.midnight(scenario.days[-1]) + 366 * 24 * 60 * MINUTE
        moments = list(series.occurrences(rule, epoch.now, end, scenario.zone))
        relay = series.relay_of(bulletin, rule.minutes)
        ms = relay.ms if relay else known.length_ms(bulletin, rule.where)
        asked = Asked(title=name, priority=Priority(bulletin.priority), where=rule.where, moments=moments, ms=ms,
                      kind="schedule")  # fmt: skip
        found = list(admission.each_by_itself(known, asked))
        assert [each.rule for each in found] == fields["rules"]


@pytest.mark.parametrize("path", REFUSING, ids=by_name)
def test_the_door_does_not_open(path: Path, session: Session) -> None:
    scenario = Scenario(path)
    station, epoch = Station(scenario, session), scenario.epochs[-1]
    station.bring(epoch.data, epoch.now)
    for fields in epoch.data["refused"].values():
        bulletin, rule = asked_for(station, fields)
        with pytest.raises(ScheduleError, match=fields["says"]) as refusal:
            schedules.add(
                session,
                bulletin,
                station.hoa,
                rule,
                now=epoch.now,
                zone=scenario.zone,
                waived_why="Vẫn phát.",
            )
        assert refusal.value.field == "at"
