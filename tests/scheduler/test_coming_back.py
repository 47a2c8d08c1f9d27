"""What was put an end to and is wanted again: one name, one play."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, time

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from content import bulletins
from devices import messages, signing
from loa.database import Database
from loa.times import DAY, HOUR, MINUTE, Instant, after
from scheduler import (
    alert_consent,
    alert_orders,
    broadcasts,
    dispatcher,
    exceptions,
    meeting,
    one_day,
    planner,
    schedules,
)
from scheduler.alert_orders import Order
from scheduler.broadcasts import Broadcast, DeliveryState
from scheduler.dispatcher import Terms
from scheduler.exceptions import Otherwise
from scheduler.plans import Plan
from scheduler.schedules import Kind, Rule, Schedule
from scheduler.sources import Rules, Wanted, WhyNot
from scheduler.targets import Where
from tests.cast import (
    NOON,
    ZONE,
    Cast,
    another_approver,
    approved_bulletin,
    give_sound,
    settle_in,
    vn,
)

RULES = Rules(zone=ZONE, horizon=48 * HOUR, late=MINUTE)
TERMS = Terms(
    plan_key=signing.generate("plan-1", ("plan",)),
    emergency_key=signing.generate("emergency-1", ("plan", "emergency")), timezone="Asia/Ho_Chi_Minh",
    horizon=48 * HOUR, valid=72 * HOUR, late=MINUTE, heartbeat_seconds=60,
)  # fmt: skip
TODAY = date(2026, 11, 21)
FIVE_PM = vn("2026-11-21 17:00")


@pytest.fixture
def session(database: Database) -> Session:
    with database.write() as opened:
        yield opened


@pytest.fixture
def cast(session: Session) -> Cast:
    return settle_in(session)


def daily(session: Session, cast: Cast, at: time = time(17), **fields: object) -> Schedule:
    rule = Rule(kind=Kind.DAILY, at=at, start_date=TODAY, area_ids=(cast.commune.id,))
    bulletin = approved_bulletin(session, cast, **fields)
    return schedules.add(session, bulletin, cast.hoa, rule, now=NOON, zone=ZONE)


def told(session: Session, now: Instant) -> messages.Plan:
    """What the first receiver is told."""
    planner.plan(session, now, RULES)
    dispatcher.dispatch(session, now, TERMS)
    newest = sa.select(Plan).where(Plan.receiver_id == "r-0000").order_by(Plan.rev.desc())
    return session.scalars(newest).first().document


def at_five(session: Session) -> Broadcast:
    return session.scalars(sa.select(Broadcast).where(Broadcast.starts_at == FIVE_PM)).one()


def test_a_day_skipped_and_taken_back_keeps_the_name_receivers_hold(
    session: Session, cast: Cast
) -> None:
    schedule = daily(session, cast)
    (before, *_) = told(session, NOON).occ
    skip = Otherwise(day=TODAY, kind=exceptions.Kind.SKIP)
    skipped = one_day.make(session, schedule, cast.hoa, skip, now=NOON, zone=ZONE)
    assert told(session, after(NOON, MINUTE)).occ[0].st == "off"
    for delivery in at_five(session).deliveries:
        delivery.state = DeliveryState.CANCELLED  # as the receiver says
    one_day.undo(session, schedule, skipped, cast.hoa, now=after(NOON, 2 * MINUTE), zone=ZONE)
    (again, *_) = told(session, after(NOON, 2 * MINUTE)).occ
    assert again == before
    row = at_five(session)
    assert (row.code, row.stop_requested_at) == (None, None)
    assert {delivery.state for delivery in row.deliveries} == {DeliveryState.PLANNED}


def test_what_staff_stopped_does_not_come_back(session: Session, cast: Cast) -> None:
    schedule = daily(session, cast)
    told(session, NOON)
    broadcasts.stop(session, at_five(session), cast.minh, NOON)
    schedule.planned_until = NOON
    told(session, NOON)
    assert at_five(session).code == "stopped"


def test_a_longer_validity_brings_broadcasts_back(session: Session, cast: Cast) -> None:
    schedule = daily(session, cast)
    told(session, NOON)
    bulletin = schedule.bulletin
    bulletin.valid_until = date(2026, 11, 20)
    told(session, NOON)
    assert at_five(session).code == "not_valid"
    bulletin.valid_until = date(2026, 11, 21)
    occurrences = told(session, NOON).occ
    assert (at_five(session).code, occurrences[0].st) == (None, "on")
    assert [each.code for each in session.scalars(sa.select(Broadcast).order_by(Broadcast.id))] == [
        None,
        "not_valid",
    ]


def test_two_wishes_of_one_key_make_one_row(session: Session, cast: Cast) -> None:
    bulletin = approved_bulletin(session, cast)
    heard = Wanted(
        starts_at=FIVE_PM, bulletin=bulletin, where=Where((cast.commune.id,)), origin="a", by="Hoa"
    )  # fmt: skip
    skipped = replace(heard, why_not=WhyNot("skipped", "Bỏ."))
    assert meeting.one_each([skipped, heard, heard]) == [heard]


def test_a_full_plan_leaves_out_what_is_normal_and_no_alarm(session: Session, cast: Cast) -> None:
    for number in range(60):
        daily(session, cast, time(5 + number // 5, number % 5 * 10), ms=20_000, title=f"B{number}")
    order = Order(
        where=Where((cast.commune.id,)), expires_at=after(NOON, DAY), every_ms=30 * MINUTE,
        title="Lũ", body="Nước lên. Chạy ngay.",
    )  # fmt: skip
    alert = alert_orders.prepare(session, cast.hoa, order, NOON, ZONE)
    give_sound(session, alert.bulletin)
    planner.plan(session, NOON, RULES)
    alert = session.get_one(type(alert), alert.id)
    if alert.bulletin.state is bulletins.State.DRAFT:
        bulletins.submit(session, alert.bulletin, cast.hoa, NOON)
    for person in (cast.minh, another_approver(session)):
        heard = list(alert.bulletin.sounds.values())
        alert_consent.agree(session, alert, person, heard, NOON, ZONE)
    plan = told(session, NOON)
    assert sum(each.cls == "E" for each in plan.occ) == 48
    normal = [each.at for each in plan.occ if each.cls == "N"]
    wanted = sa.select(Broadcast.starts_at).where(
        Broadcast.schedule_id.is_not(None), Broadcast.starts_at >= NOON
    )
    nearest = sorted(session.scalars(wanted))
    assert 0 < len(normal) < len(nearest)
    assert normal == nearest[: len(normal)]
