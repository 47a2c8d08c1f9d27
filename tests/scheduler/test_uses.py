from __future__ import annotations

from datetime import date, time

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from content import bulletins
from content.bulletins import Bulletin, Draft
from content.parts import spoken
from loa.database import Database
from loa.times import DAY, HOUR, MINUTE, after
from scheduler import planner, regulation, schedules, uses
from scheduler.broadcasts import Broadcast, DeliveryState, settle
from scheduler.planner import Rules
from scheduler.regulation import QuietHours
from scheduler.schedules import Kind, Rule, Schedule
from scheduler.uses import Use
from tests.cast import NOON, ZONE, Cast, approved_bulletin, settle_in, vn

TODAY = date(2026, 11, 21)
FIVE_PM = vn("2026-11-21 17:00")
RULES = Rules(zone=ZONE, horizon=48 * HOUR, late=MINUTE)


@pytest.fixture
def session(database: Database) -> Session:
    with database.write() as opened:
        yield opened


@pytest.fixture
def cast(session: Session) -> Cast:
    regulation.set_quiet(session, None, [QuietHours(time(21), time(5))], NOON)
    return settle_in(session)


def schedule(session: Session, cast: Cast, bulletin: Bulletin, **changes: object) -> Schedule:
    usual = {"kind": Kind.DAILY, "at": time(17), "start_date": TODAY, "area_ids": (1,)}
    rule = Rule(**{**usual, **changes})
    return schedules.add(session, bulletin, cast.hoa, rule, now=NOON, zone=ZONE)


def test_it_counts_what_still_runs_and_says_when_it_sounds(session: Session, cast: Cast) -> None:
    bulletin = approved_bulletin(session, cast, ms=45_000)
    unused = bulletins.write(session, cast.hoa, Draft(title="A", parts=spoken("B")), NOON)
    schedule(session, cast, bulletin, at=time(18))
    schedule(session, cast, bulletin)
    ended = schedule(session, cast, bulletin, at=time(16))
    schedules.end(session, ended, cast.hoa, NOON)
    found = uses.of(session, [bulletin, unused], NOON, ZONE)
    assert found[bulletin.id] == Use(ms=45_000, schedules=2, next=FIVE_PM, last=None)
    assert found[unused.id] == Use(ms=None, schedules=0, next=None, last=None)


def test_what_is_over_runs_no_more(session: Session, cast: Cast) -> None:
    bulletin = approved_bulletin(session, cast)
    schedule(session, cast, bulletin, kind=Kind.ONCE)
    schedule(session, cast, bulletin, end_date=date(2026, 11, 22))
    assert uses.of(session, [bulletin], NOON, ZONE)[bulletin.id].schedules == 2
    later = after(FIVE_PM, MINUTE)
    assert uses.of(session, [bulletin], later, ZONE)[bulletin.id].schedules == 1
    later = after(later, DAY)
    assert uses.of(session, [bulletin], later, ZONE)[bulletin.id].schedules == 0


def test_it_says_when_it_last_sounded(session: Session, cast: Cast) -> None:
    bulletin = approved_bulletin(session, cast)
    schedule(session, cast, bulletin)
    planner.plan(session, NOON, RULES)
    first, _ = session.scalars(sa.select(Broadcast).order_by(Broadcast.starts_at))
    for delivery in first.deliveries:
        delivery.state = DeliveryState.PLAYED
    settle(session, first)
    found = uses.of(session, [bulletin], after(FIVE_PM, HOUR), ZONE)[bulletin.id]
    assert (found.last, found.next) == (FIVE_PM, after(FIVE_PM, DAY))


def test_a_withdrawal_ends_what_runs_and_names_what_it_stops(session: Session, cast: Cast) -> None:
    bulletin, other = approved_bulletin(session, cast), approved_bulletin(session, cast)
    running, over = schedule(session, cast, bulletin), schedule(session, cast, bulletin)
    kept = schedule(session, cast, other)
    schedules.end(session, over, cast.hoa, after(NOON, -1))
    planner.plan(session, NOON, RULES)
    assert [b.starts_at for b in uses.live(session, bulletin.id)] == [FIVE_PM, after(FIVE_PM, DAY)]
    assert schedules.end_all_of(session, bulletin.id, cast.minh, NOON, ZONE) == [running]
    assert (running.ended_at, over.ended_at, kept.ended_at) == (NOON, after(NOON, -1), None)
    bulletins.withdraw(session, bulletin, cast.minh, NOON)
    planner.plan(session, NOON, RULES)
    assert uses.live(session, bulletin.id) == []
    assert len(uses.live(session, other.id)) == 2
