from __future__ import annotations

import shutil
from collections.abc import Iterator
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
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What mostly waits goes first: beside it the workers do the rest, and none is left waiting alone at the end."""
    items.sort(key=lambda item: item.path.name not in LONG)


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


@pytest.fixture
def database(migrated_url: str) -> Iterator[Database]:
    opened = Database(migrated_url)
    yield opened
    opened.close()
