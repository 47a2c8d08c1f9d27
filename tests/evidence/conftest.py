"""One station and its bundle, made once: every test tampers with a copy."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from loa.database import Database
from tests.evidence import station as stations
from tests.evidence.forging import Forger, Told


@pytest.fixture(scope="session")
def told(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Told:
    """Three days at a station on SQLite, and the bundle of them."""
    folder = tmp_path_factory.mktemp("evidence")
    shutil.copy(migrated_sqlite, folder / "loa.db")
    database = Database(f"sqlite:///{folder / 'loa.db'}")
    station = stations.three_days(database, folder / "station")
    bundle = station.export(folder / "bundle.zip")
    database.close()
    return Told(station, folder / "loa.db", bundle)


@pytest.fixture
def forger(told: Told, tmp_path: Path) -> Forger:
    return Forger(told, tmp_path)
