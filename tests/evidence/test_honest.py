"""Hours in which everything goes wrong, with the receivers' own program: an honest station still passes."""

from __future__ import annotations

from pathlib import Path

import pytest

from loa.times import DAY, after
from scheduler.evidence import bundles
from scheduler.evidence.scope import Scope
from tests.model import scenery as sceneries
from tests.model.world import World
from verifier import loa_verify
from verifier.loa_verify import Report


def bundled(seed: int, path: Path) -> tuple[Report, bool]:
    """What the verifier says of that seed; whether its station was put back to an earlier day."""
    world = World(seed).run()
    scenery = sceneries.scenery()
    since = after(sceneries.MADE_AT, -DAY)
    scope = Scope(since, after(since, 5 * DAY))
    now = after(world.time.now, DAY)
    with world.desk.ledger.read() as session:
        bundles.write(session, scenery.config, scope, path, now)
    return loa_verify.verify(str(path), processes=1), bool(world.time.counts["restored"])


@pytest.mark.parametrize("seed", range(1, 9))
def test_an_honest_station_passes(seed: int, tmp_path: Path) -> None:
    report, was_restored = bundled(seed, tmp_path / "b.zip")
    wrong = [each for each in report.findings if each.level == loa_verify.CHANGED]
    assert wrong == [] or was_restored
    assert report.counts["entries"] > 0
