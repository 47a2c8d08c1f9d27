"""A station of three months, made once; each test works on a copy."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from loa.database import Database
from tests.evidence.station import Station
from tests.retention import station as stations


@pytest.fixture(scope="session")
def made(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Station, Path]:
    folder = tmp_path_factory.mktemp("retention")
    shutil.copy(migrated_sqlite, folder / "loa.db")
    database = Database(f"sqlite:///{folder / 'loa.db'}")
    station = stations.months(database, folder / "station")
    database.close()
    return station, folder / "loa.db"


@pytest.fixture
def station(made: tuple[Station, Path], tmp_path: Path) -> Iterator[Station]:
    first, file = made
    shutil.copy(file, tmp_path / "loa.db")
    shutil.copytree(first.folder, tmp_path / "station")
    database = Database(f"sqlite:///{tmp_path / 'loa.db'}")
    yield replace(first, database=database, folder=tmp_path / "station")
    database.close()
