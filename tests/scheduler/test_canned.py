from __future__ import annotations

import pytest
import sqlalchemy as sa

from content import bulletins
from content.bulletins import Priority
from devices.receivers import Receiver
from loa.errors import NotAllowed, NotFound, ScheduleError
from scheduler import canned
from tests.cast import NOON, approved_bulletin, settle_in


@pytest.fixture
def session(database):
    with database.write() as session:
        yield session


@pytest.fixture
def cast(session):
    return settle_in(session)


@pytest.fixture
def alarm(session, cast):
    return approved_bulletin(session, cast, priority=Priority.EMERGENCY, title="Lũ lên nhanh")


def stale(session) -> set[bool]:
    return set(session.scalars(sa.select(Receiver.plan_stale)))


def settled(session) -> None:
    session.execute(sa.update(Receiver).values(plan_stale=False))


def test_every_receiver_is_told_to_keep_the_exact_sound_approved(session, cast, alarm) -> None:
    settled(session)
    canned.keep(session, 1, alarm, cast.admin, NOON)
    kept = canned.kept(session)
    sha = alarm.recording_sha
    assert [(one.n, one.sha, one.title) for one in kept.sounds] == [(1, sha, "Lũ lên nhanh")]
    assert kept.files.keys() == {sha}
    assert stale(session) == {True}


def test_only_an_approved_emergency_bulletin_is_kept(session, cast) -> None:
    notice = approved_bulletin(session, cast)
    with pytest.raises(ScheduleError, match="không phải bản tin khẩn cấp"):
        canned.keep(session, 1, notice, cast.admin, NOON)
    assert canned.listed(session) == []
    assert canned.suitable(session) == []


@pytest.mark.parametrize("n", [0, 100, -1])
def test_a_number_that_is_none_is_refused(session, cast, alarm, n: int) -> None:
    with pytest.raises(ScheduleError, match="từ 1 đến 99") as refusal:
        canned.keep(session, n, alarm, cast.admin, NOON)
    assert refusal.value.field == "n"


def test_no_more_than_a_plan_can_name(session, cast, alarm) -> None:
    for n in range(1, canned.MOST + 1):
        canned.keep(session, n, alarm, cast.admin, NOON)
    with pytest.raises(ScheduleError, match="nhiều nhất 20"):
        canned.keep(session, 50, alarm, cast.admin, NOON)
    canned.keep(session, 20, alarm, cast.admin, NOON)  # in place of another


def test_who_may_not_manage_may_not_keep_nor_drop(session, cast, alarm) -> None:
    with pytest.raises(NotAllowed):
        canned.keep(session, 1, alarm, cast.minh, NOON)
    canned.keep(session, 1, alarm, cast.admin, NOON)
    with pytest.raises(NotAllowed):
        canned.drop(session, 1, cast.hoa, NOON)


def test_a_sound_withdrawn_is_kept_by_nobody(session, cast, alarm) -> None:
    canned.keep(session, 1, alarm, cast.admin, NOON)
    bulletins.withdraw(session, alarm, cast.minh, NOON)
    settled(session)
    canned.follow_approvals(session, NOON)
    assert canned.kept(session).sounds == ()
    assert canned.listed(session)[0].void
    assert stale(session) == {True}
    settled(session)
    canned.follow_approvals(session, NOON)
    assert stale(session) == {False}  # said once


def test_a_dropped_number_is_forgotten(session, cast, alarm) -> None:
    canned.keep(session, 1, alarm, cast.admin, NOON)
    settled(session)
    canned.drop(session, 1, cast.admin, NOON)
    assert canned.kept(session).sounds == ()
    assert stale(session) == {True}
    with pytest.raises(NotFound):
        canned.drop(session, 1, cast.admin, NOON)
