"""After hours in which everything went wrong, cut anywhere: the archive passes, and so does what stays."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest
import sqlalchemy as sa

from loa.config import Retention
from loa.times import DAY, Instant, after
from scheduler.broadcasts import Broadcast
from scheduler.evidence import bundles
from scheduler.evidence.scope import Scope
from scheduler.reporting.periods import Period
from scheduler.retention import archives, gone, leaving
from tests.model import scenery as sceneries
from tests.model.world import World
from verifier import loa_verify

BEGIN = after(sceneries.MADE_AT, -DAY)
END = after(BEGIN, 6 * DAY)


@dataclass(frozen=True)
class UpTo(Period):
    """A “month” that ends in the midst of everything."""

    until: Instant = END

    def bounds(self, zone: ZoneInfo) -> tuple[Instant, Instant]:
        return BEGIN, self.until


@pytest.mark.parametrize("seed", [2, 3, 6, 11, 13, 14, 15, 16])
def test_an_archive_and_what_stays_both_pass(seed: int, tmp_path: Path) -> None:
    world = World(seed).run()
    database, now = world.desk.ledger, after(world.time.now, DAY)
    config = msgspec.structs.replace(
        sceneries.scenery().config, retention=Retention(folder=str(tmp_path))
    )
    with database.read() as session:
        starts = list(session.scalars(sa.select(Broadcast.starts_at).order_by(Broadcast.starts_at)))
    until = Instant(starts[len(starts) // 2] + 1)
    month = UpTo(date(2026, 11, 1), date(2026, 11, 30), until=until)
    before = _verdict(database, config, Scope(until, END), tmp_path / "before.zip", now)
    if world.time.counts["restored"]:
        return _demand_nothing_left(database, config, month, now)
    number = archives.make(database, config, month, now)
    for _ in leaving.leave(database, config, number, now):
        pass
    after_it = _verdict(database, config, Scope(until, END), tmp_path / "after.zip", now)
    assert after_it.is_good, after_it.findings[:3]
    assert (after_it.counts["rows"], after_it.counts["played"]) == (
        before.counts["rows"], before.counts["played"],
    )  # fmt: skip
    return None


def _verdict(database, config, scope, path, now) -> loa_verify.Report:
    with database.read() as session:
        bundles.write(session, config, scope, path, now)
    return loa_verify.verify(str(path), processes=1)


def _demand_nothing_left(database, config, month, now) -> None:
    """Put back to an earlier day, it may contradict itself: then nothing leaves, else it passes as well."""
    try:
        archives.make(database, config, month, now)
    except archives.ScheduleError:
        with database.read() as session:
            assert gone.listing(session) == []
