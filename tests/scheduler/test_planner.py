from __future__ import annotations

from datetime import date, time

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from content import bulletins
from content.bulletins import Draft
from content.parts import spoken
from devices import receivers
from loa.database import Database
from loa.times import DAY, HOUR, MINUTE, Instant, after
from scheduler import broadcasts, planner, regulation, schedules
from scheduler.broadcasts import Broadcast, Delivery, DeliveryState
from scheduler.broadcasts import State as BroadcastState
from scheduler.planner import Rules
from scheduler.regulation import QuietHours
from scheduler.schedules import Kind, Rule, Schedule
from tests.cast import NOON, ZONE, Cast, add_receiver, approve, approved_bulletin, settle_in, vn

RULES = Rules(zone=ZONE, horizon=48 * HOUR, late=MINUTE)
TODAY = date(2026, 11, 21)
FIVE_PM = vn("2026-11-21 17:00")


@pytest.fixture
def session(database: Database) -> Session:
    with database.write() as opened:
        yield opened


@pytest.fixture
def cast(session: Session) -> Cast:
    regulation.set_quiet(session, None, [QuietHours(time(21), time(5))], NOON)
    return settle_in(session)


def schedule(
    session: Session, cast: Cast, bulletin: bulletins.Bulletin | None = None, **changes: object
) -> Schedule:
    wanted = {
        "kind": Kind.ONCE,
        "at": time(17),
        "start_date": TODAY,
        "area_ids": (cast.commune.id,),
    }
    bulletin = bulletin or approved_bulletin(session, cast)
    return schedules.add(
        session, bulletin, cast.hoa, Rule(**{**wanted, **changes}), now=NOON, zone=ZONE
    )


def plan(session: Session, now: Instant = NOON) -> list[Broadcast]:
    planner.plan(session, now, RULES)
    return list(session.scalars(sa.select(Broadcast).order_by(Broadcast.starts_at)))


def states(broadcast: Broadcast) -> list[str]:
    return [delivery.state for delivery in broadcast.deliveries]


def test_it_makes_one_broadcast_with_one_delivery_per_receiver(
    session: Session, cast: Cast
) -> None:
    bulletin = approved_bulletin(session, cast, ms=45_000)
    schedule(session, cast, bulletin)
    (broadcast,) = plan(session)
    assert (broadcast.starts_at, broadcast.ends_at) == (FIVE_PM, after(FIVE_PM, 45_000))
    assert broadcast.recording_sha == bulletin.recording_sha
    assert (broadcast.author, broadcast.approver, broadcast.scheduler) == ("Hoa", "Minh", "Hoa")
    assert states(broadcast) == ["planned"] * 3
    assert {delivery.area_name for delivery in broadcast.deliveries} == {
        "thôn Đông",
        "thôn Đoài",
        "thôn Bãi",
    }


def test_planning_again_changes_nothing(session: Session, cast: Cast) -> None:
    made = schedule(session, cast, kind=Kind.DAILY)
    assert len(plan(session)) == 2
    made.planned_until = NOON  # as if the mark had been lost
    assert len(plan(session)) == 2
    assert session.scalar(sa.select(sa.func.count()).select_from(Delivery)) == 6


def test_the_horizon_moves_on(session: Session, cast: Cast) -> None:
    schedule(session, cast, kind=Kind.DAILY)
    plan(session)
    assert len(plan(session, after(NOON, 3 * DAY))) == 5


def test_it_plans_only_for_the_areas_chosen(session: Session, cast: Cast) -> None:
    schedule(session, cast, area_ids=(cast.villages[0].id,))
    (broadcast,) = plan(session)
    assert [delivery.receiver_id for delivery in broadcast.deliveries] == ["r-0000"]


def test_what_passed_while_the_station_was_down_says_so(session: Session, cast: Cast) -> None:
    schedule(session, cast)
    (broadcast,) = plan(session, after(FIVE_PM, HOUR))
    assert broadcast.state is BroadcastState.MISSED
    assert states(broadcast) == ["missed"] * 3
    assert "không hoạt động" in str(broadcast.reason)


def test_without_approval_there_is_no_sound_and_the_miss_says_why(
    session: Session, cast: Cast
) -> None:
    bulletin = bulletins.write(session, cast.hoa, Draft(title="A", parts=spoken("B")), NOON)
    schedule(session, cast, bulletin)
    (broadcast,) = plan(session)
    assert broadcast.recording_sha is None
    plan(session, after(FIVE_PM, 2 * MINUTE))
    assert broadcast.state is BroadcastState.MISSED
    assert "chưa được duyệt" in str(broadcast.reason)


def test_a_late_approval_gives_the_broadcast_its_sound(session: Session, cast: Cast) -> None:
    bulletin = bulletins.write(session, cast.hoa, Draft(title="A", parts=spoken("B")), NOON)
    schedule(session, cast, bulletin)
    (broadcast,) = plan(session)
    approve(session, cast, bulletin, ms=20_000)
    plan(session)
    assert (broadcast.recording_sha, broadcast.ms, broadcast.approver) == (
        bulletin.recording_sha,
        20_000,
        "Minh",
    )


def test_an_edit_takes_the_sound_away_until_it_is_approved_again(
    session: Session, cast: Cast
) -> None:
    bulletin = approved_bulletin(session, cast)
    schedule(session, cast, bulletin)
    (broadcast,) = plan(session)
    bulletins.edit(
        session, bulletin, cast.hoa, Draft(title="A", parts=spoken("Nội dung khác")), NOON
    )
    plan(session)
    assert broadcast.recording_sha is None
    assert broadcast.approver is None


def test_new_quiet_hours_cancel_what_now_breaks_them(session: Session, cast: Cast) -> None:
    schedule(session, cast, at=time(20, 30))
    (broadcast,) = plan(session)
    regulation.set_quiet(session, cast.admin, [QuietHours(time(20), time(6))], NOON)
    plan(session)
    assert broadcast.state is BroadcastState.CANCELLED
    assert states(broadcast) == ["cancelled"] * 3
    assert "20:00–06:00" in str(broadcast.reason)


def test_a_longer_sound_that_would_run_into_the_night_is_cancelled(
    session: Session, cast: Cast
) -> None:
    bulletin = bulletins.write(session, cast.hoa, Draft(title="A", parts=spoken("B")), NOON)
    schedule(session, cast, bulletin, at=time(20, 59))
    (broadcast,) = plan(session)
    approve(session, cast, bulletin, ms=120_000)
    plan(session)
    assert broadcast.state is BroadcastState.CANCELLED


def test_an_ended_schedule_cancels_what_has_not_begun(session: Session, cast: Cast) -> None:
    made = schedule(session, cast)
    (broadcast,) = plan(session)
    schedules.end(session, made, cast.hoa, NOON)
    plan(session)
    assert broadcast.state is BroadcastState.CANCELLED


def test_a_withdrawn_bulletin_is_stopped_even_on_air(session: Session, cast: Cast) -> None:
    bulletin = approved_bulletin(session, cast)
    schedule(session, cast, bulletin)
    (broadcast,) = plan(session)
    for delivery in broadcast.deliveries:
        delivery.state, delivery.rev = DeliveryState.STARTED, 1
    broadcasts.settle(session, broadcast)
    bulletins.withdraw(session, bulletin, cast.minh, FIVE_PM)
    plan(session, after(FIVE_PM, 5000))
    assert broadcast.stop_requested_at == after(FIVE_PM, 5000)


def test_it_follows_receivers_that_come_and_go(session: Session, cast: Cast) -> None:
    schedule(session, cast)
    (broadcast,) = plan(session)
    add_receiver(session, cast, "r-new", cast.villages[1])
    receivers.retire(session, cast.receivers[0], now=NOON, by="quantri")
    session.flush()
    plan(session)
    found = {delivery.receiver_id: delivery.state for delivery in broadcast.deliveries}
    assert found == {
        "r-0000": "cancelled",
        "r-0001": "planned",
        "r-0002": "planned",
        "r-new": "planned",
    }


def test_stopping_cancels_at_once_what_no_plan_carried(session: Session, cast: Cast) -> None:
    schedule(session, cast)
    (broadcast,) = plan(session)
    broadcast.deliveries[0].state, broadcast.deliveries[0].rev = DeliveryState.SENT, 1
    session.flush()
    broadcasts.stop(session, broadcast, cast.minh, NOON)
    session.refresh(broadcast, ["deliveries"])
    assert sorted(states(broadcast)) == ["cancelled", "cancelled", "sent"]
    assert broadcast.state is BroadcastState.DISPATCHED


def test_stop_all_reaches_what_sounds_and_what_is_near(session: Session, cast: Cast) -> None:
    near, far = schedule(session, cast), schedule(session, cast, at=time(19))
    plan(session)
    assert broadcasts.stop_all(session, cast.minh, after(FIVE_PM, -MINUTE)) == 1
    stopped = {b.schedule_id: b.stop_requested_at is not None for b in plan(session)}
    assert stopped == {near.id: True, far.id: False}
