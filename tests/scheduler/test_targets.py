"""Areas and groups, without some: who hears a broadcast, now and after a group has changed."""

from __future__ import annotations

from datetime import date, time

import pytest
import sqlalchemy as sa

from devices import areas, groups, receivers
from loa.errors import ScheduleError
from loa.times import HOUR, MINUTE
from scheduler import planner, schedules, targets
from scheduler.broadcasts import Delivery
from scheduler.planner import Rules
from scheduler.schedules import Kind, Rule
from scheduler.targets import Where
from tests.cast import NOON, ZONE, add_receiver, approved_bulletin, settle_in

RULES = Rules(zone=ZONE, horizon=48 * HOUR, late=MINUTE)


@pytest.fixture
def session(database):
    with database.write() as opened:
        yield opened


@pytest.fixture
def cast(session):
    return settle_in(session, count=6)


def ids(session, where):
    return [receiver.id for receiver in targets.receivers_of(session, where)]


def group(session, *members):
    return groups.add(session, f"Nhóm {len(members)}", members, now=NOON, by="test").id


def test_an_area_is_meant_with_all_below_it_a_group_with_its_members(session, cast):
    east = cast.villages[0].id
    two = group(session, "r-0001", "r-0002")
    assert ids(session, Where(area_ids=(cast.commune.id,))) == [f"r-000{n}" for n in range(6)]
    assert ids(session, Where(area_ids=(east,))) == ["r-0000", "r-0003"]
    assert ids(session, Where(group_ids=(two,))) == ["r-0001", "r-0002"]
    both = Where(area_ids=(east,), group_ids=(two,), except_ids=("r-0001", "r-0003"))
    assert ids(session, both) == ["r-0000", "r-0002"]
    assert targets.count(session, both) == 2
    assert ids(session, Where()) == []


def test_one_that_is_retired_or_was_never_heard_is_not_meant(session, cast):
    two = group(session, "r-0000", "r-0001", "r-0002")
    receivers.retire(session, receivers.get(session, "r-0000"), now=NOON, by="test")
    receivers.get(session, "r-0001").confirmed_at = None
    session.flush()
    assert ids(session, Where(group_ids=(two,))) == ["r-0002"]
    assert (
        groups.sizes(session) == {two: 1} == {two: targets.count(session, Where(group_ids=(two,)))}
    )


def test_it_says_where_in_words(session, cast):
    two = group(session, "r-0001", "r-0002")
    where = Where((cast.villages[1].id,), (two,), ("r-0001",))
    assert targets.words(session, where) == "thôn Đoài, nhóm Nhóm 2, trừ Cột r-0001"
    many = Where((cast.commune.id,), (), tuple(f"r-000{n}" for n in range(4)))
    assert targets.words(session, many) == "xã Mẫu, trừ 4 đầu thu"


def rule(**where):
    return Rule(kind=Kind.ONCE, at=time(12, 30), start_date=date(2026, 11, 21), **where)


def hear(session):
    found = sa.select(Delivery.receiver_id).where(Delivery.dropped_at.is_(None))
    return sorted(session.scalars(found))


def test_a_broadcast_follows_its_group_until_it_sounds(session, cast):
    two = group(session, "r-0001", "r-0002")
    bulletin = approved_bulletin(session, cast)
    asked = rule(group_ids=(two,), except_ids=("r-0002",))
    schedule = schedules.add(session, bulletin, cast.hoa, asked, now=NOON, zone=ZONE)
    assert schedule.where == Where((), (two,), ("r-0002",))
    planner.plan(session, NOON, RULES)
    assert hear(session) == ["r-0001"]
    groups.change(
        session, groups.get(session, two), "Khác", ["r-0002", "r-0005"], now=NOON, by="test"
    )
    planner.plan(session, NOON, RULES)
    assert hear(session) == ["r-0005"]


@pytest.mark.parametrize(
    ("where", "field", "sentence"),
    [
        ({}, "area_ids", "ít nhất một địa bàn hoặc nhóm"),
        ({"area_ids": (1,), "except_ids": ("khong-co",)}, "except_ids", "Không có đầu thu mã"),
        ({"area_ids": (2,), "except_ids": ("r-0000", "r-0003")}, "except_ids", "Đã trừ hết"),
        ({"area_ids": (5,)}, "area_ids", "chưa có đầu thu nào"),
    ],
)
def test_it_refuses_a_schedule_that_nobody_would_hear(session, cast, where, field, sentence):
    areas.add(session, name="Vắng", level="thôn", parent=cast.commune, now=NOON, by="test")
    bulletin = approved_bulletin(session, cast)
    with pytest.raises(ScheduleError, match=sentence) as refused:
        schedules.add(session, bulletin, cast.hoa, rule(**where), now=NOON, zone=ZONE)
    assert refused.value.field == field


def test_a_group_with_a_broadcast_ahead_is_named_to_who_would_drop_it(session, cast):
    two = group(session, "r-0001")
    bulletin = approved_bulletin(session, cast)
    schedule = schedules.add(
        session, bulletin, cast.hoa, rule(group_ids=(two,)), now=NOON, zone=ZONE
    )
    assert schedules.speaking_to(session, two, NOON, ZONE) == [schedule]
    assert schedules.speaking_to(session, two, NOON + HOUR, ZONE) == []
    schedules.forget_group(session, two)
    groups.remove(session, groups.get(session, two), now=NOON, by="test")
    assert groups.listing(session) == []


def test_a_new_receiver_in_the_area_is_heard_too(session, cast):
    bulletin = approved_bulletin(session, cast)
    asked = rule(area_ids=(cast.villages[0].id,), except_ids=("r-0000",))
    schedules.add(session, bulletin, cast.hoa, asked, now=NOON, zone=ZONE)
    planner.plan(session, NOON, RULES)
    add_receiver(session, cast, "r-0009", cast.villages[0])
    planner.plan(session, NOON, RULES)
    assert hear(session) == ["r-0003", "r-0009"]
