"""The power may go between any two steps: nothing is lost, and the next run goes on."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session

from loa.config import Config
from loa.database import Database
from scheduler.evidence import bundles
from scheduler.retention import archives, gone, night
from tests.evidence.station import Station
from tests.retention import station as stations
from tests.retention.station import LATER, NOVEMBER
from verifier import loa_verify


class PowerCut(Exception):
    """Nothing of ours catches this."""


class Falling(Database):
    """The power goes at transaction number ``at``: before it is committed, or right after."""

    def __init__(self, url: str, at: int, *, committed: bool) -> None:
        super().__init__(url)
        self._left, self._committed = at, committed

    @contextlib.contextmanager
    def write(self, *, wake: bool = True) -> Iterator[Session]:
        with super().write(wake=wake) as session:
            yield session
            self._left -= 1
            if self._left == 0 and not self._committed:
                raise PowerCut
        if self._left == 0:
            raise PowerCut


def fell(station: Station, config: Config, at: int, *, committed: bool) -> bool:
    database = Falling(station.database.url.render_as_string(), at, committed=committed)
    try:
        for _ in night.work(database, config, LATER):
            pass
    except PowerCut:
        return True
    finally:
        database.close()
    return False


@pytest.mark.parametrize("committed", [False, True], ids=["before", "after"])
def test_a_power_cut_at_each_transaction_in_turn_loses_nothing(
    station: Station, *, committed: bool
) -> None:
    """One cut after another: each run is cut at its second transaction, and goes on where the last one was."""
    before = stations.counted(station.database)
    config = stations.confirmed(station)
    shown = stations.report(station, config, NOVEMBER)
    cuts = 0
    at = 2 if not committed else 1
    while fell(station, config, at, committed=committed):
        cuts += 1
        if cuts % 4 == 1:
            assert stations.report(station, config, NOVEMBER) == shown
        assert cuts < 100
    assert cuts > 10
    assert stations.report(station, config, NOVEMBER) == shown
    now = stations.counted(station.database)
    assert now["deliveries"] == before["deliveries"] - 6
    with station.database.read() as session:
        assert [archive.name for archive, _ in gone.listing(session)] == ["loa-2026-11.zip"]
    assert loa_verify.verify(str(config.archives / "loa-2026-11.zip"), processes=1).is_good


@pytest.mark.parametrize("step", ["writing", "verifying", "naming"])
def test_a_cut_while_the_file_is_made_leaves_everything_here(
    station: Station, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    config = stations.confirmed(station)
    before = stations.counted(station.database)

    def cut(*_: Any, **__: Any) -> None:
        raise PowerCut

    with monkeypatch.context() as patch:
        where = {
            "writing": (bundles.Bundle, "sign"), "verifying": (archives, "demand_good"), "naming": (Path, "replace"),
        }[step]  # fmt: skip
        patch.setattr(*where, cut)
        with pytest.raises(PowerCut):
            list(night.work(station.database, config, LATER))
    assert stations.counted(station.database) == before
    with station.database.read() as session:
        assert gone.listing(session) == []
    list(night.work(station.database, config, LATER))
    assert stations.counted(station.database)["deliveries"] == before["deliveries"] - 6
    assert [path.name for path in config.archives.iterdir()] == ["loa-2026-11.zip"]


def test_a_file_that_was_never_registered_is_not_written_over(station: Station) -> None:
    config = stations.confirmed(station)
    assert fell(station, config, 1, committed=False)
    before = (config.archives / "loa-2026-11.zip").read_bytes()
    list(night.work(station.database, config, LATER))
    assert (config.archives / "loa-2026-11.zip").read_bytes() == before
    with station.database.read() as session:
        assert [archive.name for archive, _ in gone.listing(session)] == ["loa-2026-11-2.zip"]
        assert archives.unknown(session, config) == ["loa-2026-11.zip"]
