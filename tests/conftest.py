from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import argon2
import pytest

from loa import staff
from loa.database import Database

pytest_plugins = ["tests.parts"]


LONG = (
    "test_faults.py",
    "test_path.py",
    "test_clicks.py",
    "test_rendering_killed.py",
    "test_sources_browser.py",
    "test_power_cuts.py",
    "test_outage.py",
    "test_emergency.py",
    "test_fleet_bench.py",
    "test_node_receiver.py",
    "test_conformance.py",
)


REAL = {"mosquitto", "chromium", "page", "subprocess", "threading"}
"""Fixtures and modules of tests whose parts run on the wall's clock, beside the test and not by its order."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What mostly waits goes first: beside it the workers do the rest, and none is left waiting alone at the end.

    What runs on the wall's clock is tried a second time: where the whole machine stands still for
    five seconds at the second of a broadcast, nobody is on time. The summary names each of these
    (RERUN); what fails twice fails, and all other tests have one try.
    """
    items.sort(key=lambda item: item.path.name not in LONG)
    for item in items:
        assert isinstance(item, pytest.Function)
        if item.path.name in LONG or REAL & {*item.fixturenames, *vars(item.module)}:
            item.add_marker(pytest.mark.flaky(reruns=1))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Why the first try failed: a test that passes at the second says so nowhere else."""
    for report in terminalreporter.stats.get("rerun", []):
        terminalreporter.section(f"first try of {report.nodeid}", sep="_")
        terminalreporter.write_line(report.longreprtext)


@pytest.fixture(autouse=True, scope="session")
def quick_passwords() -> Iterator[None]:
    """Four people a test, at a tenth of a second each, would be most of the suite's time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            staff, "_hasher", argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
        )
        yield


def _migrate(url: str) -> None:
    database = Database(url)
    database.upgrade()
    database.close()


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "loa.db"
    _migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def migrated_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """URL of a database with the station's tables, once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("migrated_sqlite"), tmp_path / "loa.db")
        yield f"sqlite:///{tmp_path / 'loa.db'}"
        return
    cluster = request.getfixturevalue("postgresql")
    url = cluster.fresh(cluster.template("migrated", _migrate))
    yield url
    cluster.drop(url)


@pytest.fixture(params=["sqlite", "postgresql"])
def migrated_urls(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], str]]:
    """Gives URLs of fresh databases with the station's tables, all on SQLite and then all on PostgreSQL."""
    given: list[str] = []

    def sqlite() -> str:
        given.append(f"{len(given)}.db")
        shutil.copy(request.getfixturevalue("migrated_sqlite"), tmp_path / given[-1])
        return f"sqlite:///{tmp_path / given[-1]}"

    if request.param == "sqlite":
        yield sqlite
        return
    cluster = request.getfixturevalue("postgresql")

    def postgresql() -> str:
        given.append(cluster.fresh(cluster.template("migrated", _migrate)))
        return given[-1]

    yield postgresql
    for url in given:
        cluster.drop(url)


@pytest.fixture
def database(migrated_url: str) -> Iterator[Database]:
    opened = Database(migrated_url)
    yield opened
    opened.close()
