"""Programmes: no day of one is heard twice, whatever is moved, put back or changed, and none is lost."""

from __future__ import annotations

import json
from datetime import date, time

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from content.bulletins import Priority
from loa.audit import AuditEntry
from loa.database import Database
from loa.errors import ScheduleError
from loa.times import DAY, HOUR, MINUTE, SECOND, Instant, after, local
from scheduler import (
    amending,
    broadcasts,
    exceptions,
    planner,
    programme_acts,
    programme_days,
    schedules,
)
from scheduler.admission import ReasonNeeded
from scheduler.broadcasts import Broadcast, Delivery, DeliveryState
from scheduler.exceptions import Kind, Otherwise, ScheduleException
from scheduler.programme_checks import Line, Order
from scheduler.programmes import ItemKind, Programme
from scheduler.regulation import Regulation, parse_quiet
from scheduler.rulebook import Rulebook, Slot
from scheduler.series import Kind as Recurs
from scheduler.series import Rule
from scheduler.sources import Rules
from scheduler.targets import Where
from tests.cast import NOON, ZONE, Cast, approved_bulletin, settle_in, vn

TODAY, TOMORROW = date(2026, 11, 21), date(2026, 11, 22)
RULES = Rules(zone=ZONE, horizon=48 * HOUR, late=MINUTE)
EVENING = Slot(key="c", name="Chiều", start="17:00", minutes=30)
LONG_AGO = vn("2026-01-01 00:00")


@pytest.fixture
def session(database: Database) -> Session:
    with database.write() as opened:
        yield opened


@pytest.fixture
def cast(session: Session) -> Cast:
    rules = Rulebook(slots=(EVENING,), outside="allow", too_long="refuse")
    session.add(
        Regulation(
            since=LONG_AGO, made_at=LONG_AGO, quiet=[["21:00", "05:00"]], rules=rules, by="test"
        )
    )
    session.flush()
    return settle_in(session)


def order(cast: Cast, lines: tuple[Line, ...], **changes: object) -> Order:
    usual = {"name": "Chiều", "slot": "c", "rule": "FREQ=DAILY", "start_date": TODAY,
             "where": Where((cast.commune.id,)), "lines": lines}  # fmt: skip
    return Order(**{**usual, **changes})


def add(session: Session, cast: Cast, *seconds: int, **changes: object) -> Programme:
    lines = tuple(
        Line(ItemKind.BULLETIN, approved_bulletin(session, cast, ms=each * SECOND).id)
        for each in seconds
    )
    return programme_acts.add(session, cast.hoa, order(cast, lines, **changes), now=NOON, zone=ZONE)


def otherwise(
    session: Session, cast: Cast, made: Programme, day: date, now: Instant = NOON, **said: object
) -> ScheduleException:
    wanted = Otherwise(day=day, **said)
    return programme_days.except_day(session, made, cast.hoa, wanted, now=now, zone=ZONE)


def restore(
    session: Session, cast: Cast, made: Programme, found: ScheduleException, now: Instant = NOON
) -> None:
    programme_days.restore_day(session, made, cast.hoa, found, now=now, zone=ZONE)


def played(session: Session, until: Instant) -> None:
    """What was to begin before then has been heard to its end."""
    before = sa.select(Broadcast.id).where(
        Broadcast.starts_at < until, Broadcast.stop_requested_at.is_(None)
    )
    ids = list(session.scalars(before))
    heard = sa.update(Delivery).where(Delivery.broadcast_id.in_(ids))
    session.execute(heard.values(state=DeliveryState.PLAYED, rev=1))
    session.expire_all()
    broadcasts.settle_all(session, ids)


def heard(session: Session, now: Instant, day: date) -> list[tuple[str, int]]:
    """(time, item) of what sounds on that day, or has."""
    planner.plan(session, now, RULES)
    rows = session.scalars(sa.select(Broadcast).order_by(Broadcast.starts_at, Broadcast.item))
    found = [(local(row.starts_at, ZONE), row) for row in rows if row.code is None]
    return [(f"{at:%H:%M}", row.item) for at, row in found if at.date() == day]


# -- moved and put back ---------------------------------------------------------------------------


@pytest.mark.parametrize("clock", [time(17), time(17, 20), time(16, 45)])
def test_a_day_is_not_moved_onto_another_run(session: Session, cast: Cast, clock: time) -> None:
    made = add(session, cast, 20, 120)
    with pytest.raises(ScheduleError, match=r"từ 17:00 đến 17:30 ngày 22/11/2026") as refused:
        otherwise(session, cast, made, TODAY, kind=Kind.MOVE, to_day=TOMORROW, to_time=clock)
    assert refused.value.field == "to_time"


def test_a_day_moved_beside_another_run_counts_with_it(session: Session, cast: Cast) -> None:
    made = add(session, cast, 590, slot=None, at=time(17, 10), minutes=10)
    long = approved_bulletin(session, cast, ms=12 * MINUTE)
    where = (cast.commune.id,)
    rule = Rule(kind=Recurs.ONCE, at=time(17), start_date=TOMORROW, area_ids=where)
    schedules.add(session, long, cast.hoa, rule, now=NOON, zone=ZONE)
    with pytest.raises(ScheduleError, match=r"đã có 12 phút, thêm 19 phút 40 giây là quá 30 phút"):
        otherwise(session, cast, made, TODAY, kind=Kind.MOVE, to_day=TOMORROW, to_time=time(17))


def test_a_day_may_take_the_place_of_one_that_is_skipped_and_then_that_stays_so(
    session: Session, cast: Cast
) -> None:
    made = add(session, cast, 20, 120)
    skipped = otherwise(session, cast, made, TOMORROW, kind=Kind.SKIP)
    otherwise(session, cast, made, TODAY, kind=Kind.MOVE, to_day=TOMORROW, to_time=time(17))
    assert heard(session, NOON, TOMORROW) == [("17:00", 1), ("17:00", 2)]
    with pytest.raises(ScheduleError, match="phát hai lần"):
        restore(session, cast, made, skipped)


def test_a_day_that_was_heard_where_it_was_moved_to_is_not_put_back(
    session: Session, cast: Cast
) -> None:
    made = add(session, cast, 60, 120)
    moved = otherwise(session, cast, made, TODAY, kind=Kind.MOVE, to_time=time(13))
    planner.plan(session, NOON, RULES)
    later = vn("2026-11-21 14:00")
    played(session, later)
    with pytest.raises(ScheduleError, match="đã bắt đầu hoặc đã qua") as refused:
        restore(session, cast, made, moved, later)
    assert refused.value.field == "day"
    with pytest.raises(ScheduleError, match="đã bắt đầu hoặc đã qua"):
        otherwise(session, cast, made, TODAY, later, kind=Kind.MOVE, to_time=time(19))
    assert heard(session, later, TODAY) == [("13:00", 1), ("13:01", 2)]


def test_a_day_put_back_keeps_the_regulation(session: Session, cast: Cast) -> None:
    made = add(session, cast, 600)
    skipped = otherwise(session, cast, made, TODAY, kind=Kind.SKIP)
    long = approved_bulletin(session, cast, ms=25 * MINUTE)
    rule = Rule(kind=Recurs.ONCE, at=time(17), start_date=TODAY, area_ids=(cast.commune.id,))
    schedules.add(session, long, cast.hoa, rule, now=NOON, zone=ZONE)
    with pytest.raises(ScheduleError, match="quá 30 phút"):
        restore(session, cast, made, skipped)


def test_a_day_put_back_in_time_is_heard_as_ever(session: Session, cast: Cast) -> None:
    made = add(session, cast, 60)
    moved = otherwise(session, cast, made, TODAY, kind=Kind.MOVE, to_time=time(18))
    planner.plan(session, NOON, RULES)
    restore(session, cast, made, moved)
    assert heard(session, NOON, TODAY) == [("17:00", 1)]


def test_what_takes_the_place_of_a_day_keeps_the_regulation(session: Session, cast: Cast) -> None:
    made = add(session, cast, 300, slot=None, at=time(17, 10), minutes=20)
    beside = approved_bulletin(session, cast, ms=12 * MINUTE)
    rule = Rule(kind=Recurs.ONCE, at=time(17), start_date=TODAY, area_ids=(cast.commune.id,))
    schedules.add(session, beside, cast.hoa, rule, now=NOON, zone=ZONE)
    long = approved_bulletin(session, cast, ms=19 * MINUTE)
    with pytest.raises(
        ScheduleError, match=r"đã có 12 phút, thêm 19 phút .* quá 30 phút"
    ) as refused:
        otherwise(session, cast, made, TODAY, kind=Kind.REPLACE, bulletin_id=long.id)
    assert refused.value.field == "bulletin_id"


def test_an_ordinary_bulletin_does_not_take_the_place_of_a_priority_one_outside_the_sessions(
    session: Session, cast: Cast
) -> None:
    ordinary = approved_bulletin(session, cast)
    urgent = approved_bulletin(session, cast, priority=Priority.PRIORITY)
    another = approved_bulletin(session, cast, priority=Priority.PRIORITY)
    in_force = session.scalars(sa.select(Regulation)).one()
    in_force.rules = Rulebook(slots=(EVENING,), outside="reason")
    session.flush()
    alone = order(cast, (Line(ItemKind.BULLETIN, urgent.id),), slot=None, at=time(14), minutes=5)
    made = programme_acts.add(session, cast.hoa, alone, now=NOON, zone=ZONE)
    otherwise(session, cast, made, TODAY, kind=Kind.REPLACE, bulletin_id=another.id)
    wanted = Otherwise(day=TODAY, kind=Kind.REPLACE, bulletin_id=ordinary.id)
    with pytest.raises(ReasonNeeded, match="ngoài các khung giờ"):
        programme_days.except_day(session, made, cast.hoa, wanted, now=NOON, zone=ZONE)
    instead = programme_days.except_day(
        session, made, cast.hoa, wanted, now=NOON, zone=ZONE, waived_why="họp dân"
    )
    entry = session.scalars(sa.select(AuditEntry).where(AuditEntry.kind == "schedule.waived")).one()
    found = json.loads(entry.data)
    named = {"programme": made.id, "exception": instead.id}
    assert found == {"rules": ["outside"], "why": "họp dân", **named}


def test_a_day_is_not_put_back_by_another_bulletin_to_a_time_that_is_past(
    session: Session, cast: Cast
) -> None:
    made = add(session, cast, 60, slot=None, at=time(13), minutes=5)
    otherwise(session, cast, made, TODAY, kind=Kind.MOVE, to_time=time(18))
    later, other = vn("2026-11-21 14:00"), approved_bulletin(session, cast)
    with pytest.raises(ScheduleError, match="Giờ thường lệ của ngày này đã qua"):
        otherwise(session, cast, made, TODAY, later, kind=Kind.REPLACE, bulletin_id=other.id)


# -- what has begun -------------------------------------------------------------------------------


def test_a_session_that_is_moved_while_it_is_on_is_heard_once(session: Session, cast: Cast) -> None:
    add(session, cast, 300, 300, 300, 300)
    planner.plan(session, NOON, RULES)
    on_air = vn("2026-11-21 17:06")
    played(session, on_air)
    later = Rulebook(slots=(Slot(key="c", name="Chiều", start="17:10", minutes=30),))
    draft = amending.Draft(quiet=[parse_quiet("21:00-05:00")], rules=later)
    amending.enact(session, cast.admin, draft, on_air, RULES)
    once = [("17:00", 1), ("17:05", 2), ("17:10", 3), ("17:15", 4)]
    assert heard(session, on_air, TODAY) == once
    assert heard(session, on_air, TOMORROW)[0] == ("17:10", 1)


@pytest.mark.parametrize("clock", ["17:02", "17:40"])
def test_another_time_of_a_programme_that_has_begun_holds_from_the_next_day(
    session: Session, cast: Cast, clock: str
) -> None:
    made = add(session, cast, 300, 120, slot=None, at=time(17), minutes=15)
    planner.plan(session, NOON, RULES)
    now = vn(f"2026-11-21 {clock}")
    played(session, now)
    lines = tuple(Line(item.kind, item.bulletin_id) for item in made.items)
    other = order(cast, lines, slot=None, at=time(18), minutes=15)
    programme_acts.change(session, made, cast.hoa, other, now=now, zone=ZONE)
    assert heard(session, now, TODAY) == [("17:00", 1), ("17:05", 2)]
    assert heard(session, now, TOMORROW)[0] == ("18:00", 1)
    told = sa.select(Broadcast.reason).where(Broadcast.starts_at == vn("2026-11-21 18:00"))
    assert "đã bắt đầu theo giờ cũ" in session.scalars(told).one()
    # Whatever else makes the planner look again does not bring it back.
    otherwise(session, cast, made, TOMORROW, now, kind=Kind.SKIP)
    assert heard(session, now, TODAY) == [("17:00", 1), ("17:05", 2)]


def test_another_time_before_the_run_holds_the_same_day(session: Session, cast: Cast) -> None:
    made = add(session, cast, 300, slot=None, at=time(17), minutes=15)
    planner.plan(session, NOON, RULES)
    lines = tuple(Line(item.kind, item.bulletin_id) for item in made.items)
    other = order(cast, lines, slot=None, at=time(18), minutes=15)
    programme_acts.change(session, made, cast.hoa, other, now=NOON, zone=ZONE)
    assert heard(session, NOON, TODAY) == [("18:00", 1)]


# -- the last day ---------------------------------------------------------------------------------


def test_a_day_moved_far_beyond_the_last_is_heard(session: Session, cast: Cast) -> None:
    last = date(2026, 11, 30)
    made = add(session, cast, 20, end_date=last)
    planner.plan(session, NOON, RULES)
    to_day = date(2027, 3, 1)
    otherwise(session, cast, made, last, kind=Kind.MOVE, to_day=to_day, to_time=time(18))
    now = NOON
    while now < vn("2027-02-28 12:00"):
        planner.plan(session, now, RULES)
        now = after(now, 10 * DAY)
    assert heard(session, vn("2027-02-28 12:00"), to_day) == [("18:00", 1)]
    assert exceptions.of(session, "programme_id", made.id)
