from __future__ import annotations

from collections.abc import Iterator
from datetime import date, time

import pytest
from sqlalchemy.orm import Session

from loa import staff
from loa.database import Database
from loa.errors import NotAllowed
from loa.staff import Role, Staff
from loa.times import HOUR
from scheduler import broadcasts, planner, schedules
from scheduler.broadcasts import Broadcast
from scheduler.planner import Rules
from scheduler.schedules import Kind, Rule
from tests.cast import NOON, PASSWORD, ZONE, Cast, approved_bulletin, settle_in


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    with database.write() as opened:
        yield opened


@pytest.fixture
def cast(session: Session) -> Cast:
    return settle_in(session)


@pytest.fixture
def broadcast(session: Session, cast: Cast) -> Broadcast:
    """Planned by Hoa for 12:30."""
    rule = Rule(
        kind=Kind.ONCE,
        at=time(12, 30),
        start_date=date(2026, 11, 21),
        area_ids=(cast.commune.id,),
    )
    schedules.add(session, approved_bulletin(session, cast), cast.hoa, rule, now=NOON, zone=ZONE)
    planner.plan(session, NOON, Rules(zone=ZONE, horizon=48 * HOUR, late=60_000))
    return session.query(Broadcast).one()


@pytest.fixture
def another_writer(session: Session) -> Staff:
    return staff.add(
        session, login="soan2", name="Người soạn khác", role=Role.EDITOR, password=PASSWORD, now=NOON
    )  # fmt: skip


def test_whoever_set_a_broadcast_may_stop_it(
    session: Session, cast: Cast, broadcast: Broadcast
) -> None:
    assert broadcasts.may_stop(session, broadcast, cast.hoa)
    broadcasts.stop(session, broadcast, cast.hoa, NOON)
    assert broadcast.stop_requested_at == NOON
    assert broadcast.reason == "Hoa dừng"


def test_whoever_may_stop_any_broadcast_may_stop_this(
    session: Session, cast: Cast, broadcast: Broadcast
) -> None:
    broadcasts.stop(session, broadcast, cast.minh, NOON)
    assert broadcast.reason == "Minh dừng"


def test_another_writer_and_a_viewer_may_not(
    session: Session, cast: Cast, broadcast: Broadcast, another_writer: Staff
) -> None:
    for person in (another_writer, cast.lan):
        assert not broadcasts.may_stop(session, broadcast, person)
        with pytest.raises(NotAllowed):
            broadcasts.stop(session, broadcast, person, NOON)
    assert broadcast.stop_requested_at is None


def test_who_lost_the_right_to_schedule_may_not_stop_what_was_set(
    session: Session, cast: Cast, broadcast: Broadcast
) -> None:
    cast.hoa.role = Role.VIEWER
    assert not broadcasts.may_stop(session, broadcast, cast.hoa)


def test_it_tells_whose_broadcasts_these_are(
    session: Session, cast: Cast, broadcast: Broadcast
) -> None:
    assert broadcasts.set_by(session, [broadcast.id, 99], cast.hoa) == {broadcast.id}
    assert broadcasts.set_by(session, [broadcast.id], cast.minh) == set()
