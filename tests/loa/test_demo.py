from __future__ import annotations

from datetime import date, time
from pathlib import Path

import pytest
import sqlalchemy as sa

from content.bulletins import Bulletin, State
from devices.receivers import Receiver
from loa import config, demo, times
from loa.database import Database
from loa.staff import Role, Staff
from loa.times import HOUR, MINUTE, after
from loa.times import at as instant_at
from scheduler import planner, regulation
from scheduler.broadcasts import Broadcast
from scheduler.planner import Rules
from tests.cast import ZONE

SAMPLE = config.parse(b"", Path("/srv/config.toml"))


@pytest.mark.parametrize("hour", range(24))
@pytest.mark.parametrize("minute", [0, 1, 30, 59])
def test_the_sample_sounds_at_whatever_hour_it_is_started(hour: int, minute: int) -> None:
    now = instant_at(date(2026, 11, 21), time(hour, minute), ZONE)
    assert now is not None
    quiet = demo.sample_quiet(now, SAMPLE)
    assert regulation.breach([quiet], now, after(now, 2 * HOUR), ZONE) is None


def test_it_fills_an_empty_station_once(
    tmp_path: Path, database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = config.parse(b"", tmp_path / "config.toml")
    opened = times.now()
    with database.write() as session:
        regulation.set_quiet(session, None, [demo.sample_quiet(opened, settings)], opened)
    assert demo.make(settings, database)
    said = capsys.readouterr().out
    with database.write() as session:
        now = times.now()
        planner.plan(session, now, Rules(zone=ZONE, horizon=48 * HOUR, late=MINUTE))
        people = {person.login: person.role for person in session.scalars(sa.select(Staff))}
        states = sorted(session.scalars(sa.select(Bulletin.state)))
        boxes = list(session.scalars(sa.select(Receiver)))
        first = session.scalars(sa.select(Broadcast).order_by(Broadcast.starts_at)).first()
        versions = [str(each.quiet) for each in regulation.versions(session)]
    assert len(versions) == len(set(versions)), "the sample's rules are put in force once"
    assert set(people.values()) == {Role.EDITOR, Role.APPROVER, Role.OPERATOR, Role.ADMIN}
    assert list(people.values()).count(Role.APPROVER) == 2  # an emergency can be tried
    assert all(login in said for login in people)
    assert states == sorted([State.APPROVED, State.APPROVED, State.SUBMITTED, State.DRAFT])
    assert len(boxes) == 5
    assert all(box.simulated and box.households for box in boxes)
    assert first is not None
    assert 0 < first.starts_at - now <= MINUTE
    assert (
        first.starts_at + first.ms - now < 85_000
    )  # seen to be played within ninety seconds of the start
    assert not demo.make(settings, database)
    assert capsys.readouterr().out == ""
