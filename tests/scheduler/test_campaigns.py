"""Campaigns from what staff ask for to broadcasts, and what becomes of them."""

from __future__ import annotations

import random
from collections import Counter
from datetime import date, time, timedelta
from itertools import pairwise

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from content import bulletins
from content.bulletins import Draft, Priority
from content.parts import spoken
from loa import audit
from loa.database import Database
from loa.errors import NotAllowed, ScheduleError
from loa.times import DAY, HOUR, MINUTE, SECOND, Instant, after, local
from scheduler import (
    broadcasts,
    campaign_counts,
    campaign_forecast,
    campaigns,
    planner,
    programme_acts,
    programme_checks,
    regulation,
    schedules,
    upkeep,
)
from scheduler.broadcasts import Broadcast, Delivery, DeliveryState
from scheduler.campaigns import Aim, Campaign, Line, Order, Per, Target
from scheduler.programmes import ItemKind
from scheduler.regulation import parse_quiet
from scheduler.rulebook import Rulebook, Slot
from scheduler.schedules import Kind, Rule
from scheduler.sources import Rules
from scheduler.targets import Where
from tests.cast import NOON, ZONE, Cast, add_receiver, approved_bulletin, settle_in, vn

RULES = Rules(zone=ZONE, horizon=48 * HOUR, late=MINUTE)
FIRST = date(2026, 11, 22)
MIDNIGHT = vn("2026-11-22 00:00")
SLOTS = (
    Slot(key="s", name="Sáng", start="05:30", minutes=15),
    Slot(key="t", name="Trưa", start="11:00", minutes=15),
    Slot(key="c", name="Chiều", start="17:00", minutes=15),
)
D = DeliveryState


@pytest.fixture
def session(database: Database) -> Session:
    with database.write() as opened:
        yield opened


@pytest.fixture
def cast(session: Session) -> Cast:
    cast = settle_in(session)
    regulation.add(
        session, None, [parse_quiet("21:00-05:00")], Rulebook(slots=SLOTS), since=NOON, now=NOON
    )
    return cast


def order(session: Session, cast: Cast, number: int = 20, days: int = 10, **more: object) -> Order:
    usual = {
        "name": "Tiêm chủng", "start_date": FIRST, "end_date": FIRST + timedelta(days=days - 1),
        "where": Where(area_ids=(cast.commune.id,)), "target": Target(number=number),
    }  # fmt: skip
    if "lines" not in more:
        more["lines"] = (Line(bulletin_id=approved_bulletin(session, cast).id),)
    return Order(**{**usual, **more})


def add(session: Session, cast: Cast, number: int = 20, days: int = 10, **more: object) -> Campaign:
    return campaigns.add(session, order(session, cast, number, days, **more), cast.hoa, NOON, ZONE)


def plan(session: Session, now: Instant = NOON, horizon: int = 48 * HOUR) -> list[Broadcast]:
    planner.plan(session, now, Rules(zone=ZONE, horizon=horizon, late=MINUTE))
    return rows(session)


def rows(session: Session) -> list[Broadcast]:
    """Campaign broadcasts that are to sound or did."""
    found = sa.select(Broadcast).where(
        Broadcast.campaign_id.is_not(None), Broadcast.stop_requested_at.is_(None)
    )
    return list(session.scalars(found.order_by(Broadcast.starts_at, Broadcast.id)))


def play(
    session: Session, until: Instant, state: DeliveryState = D.PLAYED, *receiver_ids: str
) -> None:
    """Receivers say what became of all that began before ``until`` and of which nothing is known yet."""
    ids = sa.select(Broadcast.id).where(Broadcast.starts_at < until)
    happened = sa.update(Delivery).where(
        Delivery.broadcast_id.in_(ids), Delivery.state.in_([D.PLANNED])
    )
    if receiver_ids:
        happened = happened.where(Delivery.receiver_id.in_(receiver_ids))
    session.execute(happened.values(state=state, rev=1))
    session.expire_all()
    broadcasts.settle_all(session, list(session.scalars(ids)))


def at_each(session: Session, *states: DeliveryState) -> Counter[str]:
    found = (
        sa.select(Delivery.receiver_id).join(Broadcast).where(Broadcast.campaign_id.is_not(None))
    )
    if states:
        found = found.where(Delivery.state.in_(states))
    return Counter(session.scalars(found))


def days_of(found: list[Broadcast]) -> list[int]:
    counted = Counter(local(each.starts_at, ZONE).date() for each in found)
    return [counted[day] for day in sorted(counted)]


def live(
    session: Session, days: int, lose: dict[int, tuple[DeliveryState, str]] | None = None
) -> None:
    """The station goes through these days, planning before and after each; some plays are lost."""
    for number in range(days):
        begin = after(MIDNIGHT, number * DAY)
        for moment in (after(begin, 3 * HOUR), after(begin, 13 * HOUR), after(begin, 23 * HOUR)):
            plan(session, moment)
            if lose and number in lose:
                state, receiver_id = lose[number]
                play(session, moment, state, receiver_id)
            play(session, moment)


# -- planned --------------------------------------------------------------------------------------


def test_it_spreads_plays_over_days_and_sessions_inside_their_minutes(
    session: Session, cast: Cast
) -> None:
    add(session, cast, 20, 10)
    found = plan(session, NOON, 11 * DAY)
    assert days_of(found) == [2] * 10
    assert at_each(session) == {"r-0000": 20, "r-0001": 20, "r-0002": 20}
    clocks = Counter(f"{local(each.starts_at, ZONE):%H:%M}" for each in found)
    assert set(clocks) == {"05:30", "11:00", "17:00"}
    assert {each.where for each in found} == {Where(area_ids=(cast.commune.id,))}
    assert found[0].origin == "Chiến dịch “Tiêm chủng”"


def test_a_hundred_plays_in_ten_days_at_fourteen_receivers(session: Session, cast: Cast) -> None:
    for number in range(3, 14):
        add_receiver(session, cast, f"r-{number:04d}", cast.villages[number % 3])
    add(session, cast, 100, 10)
    found = plan(session, NOON, 11 * DAY)
    assert days_of(found) == [10] * 10
    assert set(at_each(session).values()) == {100}
    assert len(at_each(session)) == 14


def test_the_horizon_moves_on_and_the_sum_is_the_target(session: Session, cast: Cast) -> None:
    add(session, cast, 23, 10)
    live(session, 11)
    assert set(at_each(session, D.PLAYED).values()) == {23}


def test_planning_in_small_steps_comes_to_the_same_as_at_once(session: Session, cast: Cast) -> None:
    campaign = add(session, cast, 60, 2)
    at_once = [(each.starts_at, each.item) for each in plan(session, NOON, 3 * DAY)]
    session.execute(sa.delete(Delivery))
    session.execute(sa.delete(Broadcast))
    campaign.planned_until = campaign.rethought_at = NOON
    session.flush()
    steps = {*range(97, 3 * 24 * 60, 97), *range(17 * 60, 18 * 60, 7), 3 * 24 * 60}
    for minutes in sorted(steps):
        plan(session, NOON, minutes * MINUTE)
    assert [(each.starts_at, each.item) for each in rows(session)] == at_once


def test_planning_again_changes_nothing(session: Session, cast: Cast) -> None:
    campaign = add(session, cast, 30, 10)
    before = [each.id for each in plan(session)]
    for minutes in range(1, 60, 7):
        campaign.planned_until = campaign.rethought_at = after(NOON, minutes * MINUTE)
        assert [each.id for each in plan(session, after(NOON, minutes * MINUTE))][
            : len(before)
        ] == before


def test_the_night_thinks_again_and_moves_nothing(session: Session, cast: Cast) -> None:
    campaign = add(session, cast, 30, 10)
    before = [each.id for each in plan(session)]
    night = after(MIDNIGHT, 3 * HOUR)
    found = plan(session, night)
    assert campaign.rethought_at == night
    assert [each.id for each in found][: len(before)] == before
    plan(session, after(night, HOUR))
    assert campaign.rethought_at == night


def test_acts_that_matter_make_it_think_again_and_others_do_not(
    session: Session, cast: Cast
) -> None:
    campaign = add(session, cast, 30, 10)
    plan(session)
    bulletins.write(session, cast.hoa, Draft(title="Nháp", parts=spoken("A.")), NOON)
    plan(session, after(NOON, MINUTE))
    assert campaign.rethought_at == NOON
    speak_at(session, cast, time(12), MINUTE)
    plan(session, after(NOON, 2 * MINUTE))
    assert campaign.rethought_at == after(NOON, 2 * MINUTE)


def test_what_is_done_about_a_bulletin_concerns_those_who_use_it(
    session: Session, cast: Cast
) -> None:
    used, other = approved_bulletin(session, cast), approved_bulletin(session, cast)
    one = add(session, cast, 30, 10, lines=(Line(bulletin_id=used.id),))
    two = add(session, cast, 30, 10, lines=(Line(bulletin_id=other.id),))
    plan(session)
    first, second = after(NOON, MINUTE), after(NOON, 2 * MINUTE)
    approved_bulletin(session, cast)  # of no campaign
    plan(session, first)
    assert (one.rethought_at, two.rethought_at) == (NOON, NOON)
    bulletins.withdraw(session, used, cast.minh, first)
    plan(session, second)
    assert (one.rethought_at, two.rethought_at) == (second, NOON)


def test_what_is_done_about_a_scheduled_bulletin_concerns_all(session: Session, cast: Cast) -> None:
    schedule = speak_at(session, cast, time(12), MINUTE)
    campaign = add(session, cast, 30, 10)
    plan(session)
    bulletins.withdraw(session, schedule.bulletin, cast.minh, NOON)
    later = after(NOON, MINUTE)
    plan(session, later)
    assert campaign.rethought_at == later


# -- what stands in the way -----------------------------------------------------------------------


def speak_at(session: Session, cast: Cast, at: time, ms: int, **more: object) -> schedules.Schedule:
    usual = {"kind": Kind.DAILY, "start_date": FIRST, "area_ids": (cast.commune.id,)}
    bulletin = approved_bulletin(session, cast, ms=ms)
    return schedules.add(
        session, bulletin, cast.hoa, Rule(at=at, **{**usual, **more}), now=NOON, zone=ZONE, waived_why="thử nghiệm"
    )  # fmt: skip


def sounding(session: Session, receiver_id: str) -> list[tuple[Instant, Instant]]:
    found = (
        sa.select(Broadcast.starts_at, Delivery.ms)
        .join(Delivery)
        .where(Delivery.receiver_id == receiver_id, Broadcast.stop_requested_at.is_(None))
        .order_by(Broadcast.starts_at)
    )
    return [(start, after(start, ms)) for start, ms in session.execute(found)]


def test_nothing_overlaps_what_has_its_own_time(session: Session, cast: Cast) -> None:
    speak_at(session, cast, time(17, 3), 4 * MINUTE, area_ids=(cast.villages[0].id,))
    speak_at(session, cast, time(11), 14 * MINUTE)
    add(session, cast, 100, 4)
    long = Line(bulletin_id=approved_bulletin(session, cast, ms=100_000).id)
    add(session, cast, 40, 4, name="Phòng cháy", lines=(long,))
    plan(session, NOON, 5 * DAY)
    for receiver in cast.receivers:
        heard = sounding(session, receiver.id)
        assert len(heard) > 20
        assert all(a[1] <= b[0] for a, b in pairwise(heard))


def test_a_new_schedule_moves_only_the_plays_in_its_way(session: Session, cast: Cast) -> None:
    add(session, cast, 100, 10)
    before = {each.starts_at: each.id for each in plan(session)}
    at = min(moment for moment in before if local(moment, ZONE).hour == 17)
    speak_at(
        session, cast, time(17), 40 * SECOND, kind=Kind.ONCE, start_date=local(at, ZONE).date()
    )
    after_it = {each.starts_at: each.id for each in plan(session, after(NOON, MINUTE))}
    stayed = {moment for moment, id in before.items() if after_it.get(moment) == id}
    moved = set(before) - stayed
    assert moved == {moment for moment in before if at <= moment < after(at, 42 * SECOND)}
    assert len(after_it) == len(before)


def test_a_play_somebody_stopped_is_made_up_for_on_another_day(
    session: Session, cast: Cast
) -> None:
    add(session, cast, 4, 2)
    (first, *others) = plan(session, NOON, 3 * DAY)
    broadcasts.stop(session, first, cast.minh, NOON)
    for minutes in (1, 10, 20):
        again = plan(session, after(NOON, minutes * MINUTE), 3 * DAY)
    assert days_of(again) == [1, 3]
    assert set(others) < set(again)


def test_a_play_stopped_on_the_last_day_is_not_made_up_for(session: Session, cast: Cast) -> None:
    campaign = add(session, cast, target=Target(number=3, per=Per.DAY), days=2)
    (first, *others) = plan(session, NOON, 3 * DAY)
    broadcasts.stop(session, first, cast.minh, NOON)
    assert plan(session, after(NOON, 10 * MINUTE), 3 * DAY) == others
    assert looked(session, campaign, after(NOON, 10 * MINUTE)).short == 3


def test_what_stop_all_silenced_stays_silent(session: Session, cast: Cast) -> None:
    campaign = add(session, cast, 30, 2)
    plan(session, NOON, 3 * DAY)
    dawn = vn("2026-11-22 05:31")
    play(session, dawn)
    broadcasts.stop_all(session, cast.minh, dawn)
    before = set(rows(session))
    campaign.planned_until = campaign.rethought_at = dawn
    for minutes in (0, 1, 6, 9):
        found = plan(session, after(dawn, minutes * MINUTE), 3 * DAY)
        new = [each for each in found if each not in before]
        assert not [each for each in new if each.starts_at < after(dawn, 10 * MINUTE)]
        assert {local(each.starts_at, ZONE).day for each in new} <= {23}


def test_nothing_is_planned_anew_right_after_stop_all(session: Session, cast: Cast) -> None:
    dawn = vn("2026-11-22 05:31")
    broadcasts.stop_all(session, cast.minh, dawn)
    campaign = add(session, cast, 30, 1)
    campaign.planned_until = campaign.rethought_at = after(dawn, MINUTE)
    found = plan(session, after(dawn, MINUTE))
    assert found
    assert min(each.starts_at for each in found) >= after(dawn, 10 * MINUTE)


def test_plays_lost_are_looked_for_once_and_only_when_something_was_said(
    session: Session, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("Một", "Hai", "Ba"):
        add(session, cast, 4, 2, name=name)
    held: dict[int, int] = {}
    planner.plan(session, NOON, RULES, held)
    asked: list[int] = []
    look = campaign_counts.lost

    def lost(session: Session, ids: list[int], back: int) -> dict[int, int]:
        asked.append(len(ids))
        return look(session, ids, back)

    monkeypatch.setattr(campaign_counts, "lost", lost)
    for seconds in range(3):
        planner.plan(session, after(NOON, 10 * MINUTE + seconds * SECOND), RULES, held)
    assert asked == [3]
    audit.append(session, NOON, "r-0000", "journal.late")
    planner.plan(session, after(NOON, 11 * MINUTE), RULES, held)
    assert asked == [3, 3]


def test_it_keeps_out_of_quiet_hours_set_later(session: Session, cast: Cast) -> None:
    add(session, cast, 100, 10)
    plan(session)
    regulation.set_quiet(session, None, [parse_quiet("17:00-10:00")], NOON)
    found = plan(session, after(NOON, MINUTE))
    assert {local(each.starts_at, ZONE).hour for each in found} == {11}


# -- counting what was played ---------------------------------------------------------------------


@pytest.mark.parametrize("state", [D.MISSED, D.FAILED, D.REFUSED, D.INTERRUPTED])
def test_lost_plays_are_spread_over_the_days_left(
    session: Session, cast: Cast, state: DeliveryState
) -> None:
    add(session, cast, 30, 6)
    live(session, 7, {1: (state, "r-0001")})
    assert at_each(session, D.PLAYED) == {"r-0000": 30, "r-0001": 30, "r-0002": 30}
    lost = at_each(session, state)
    assert lost.keys() == {"r-0001"}


def test_receivers_with_the_same_plan_share_its_broadcasts(session: Session, cast: Cast) -> None:
    add(session, cast, 30, 6)
    live(session, 2, {1: (D.MISSED, "r-0001")})
    found = [
        each
        for each in plan(session, after(MIDNIGHT, 51 * HOUR))
        if each.starts_at > after(MIDNIGHT, 51 * HOUR)
    ]
    assert {each.where for each in found} == {
        Where(area_ids=(cast.commune.id,)), Where(receiver_ids=("r-0001",)),
    }  # fmt: skip
    assert len({each.starts_at for each in found}) == len(found)


def test_what_is_unknown_is_not_played_again_so_late_evidence_exceeds_nothing(
    session: Session, cast: Cast
) -> None:
    add(session, cast, 30, 6)
    live(session, 7, {1: (D.UNKNOWN, "r-0001"), 2: (D.SENT, "r-0001")})
    assert at_each(session, D.PLAYED, D.UNKNOWN, D.SENT)["r-0001"] == 30
    assert min(at_each(session, D.UNKNOWN)["r-0001"], at_each(session, D.SENT)["r-0001"]) > 0
    late = sa.update(Delivery).where(Delivery.state.in_([D.UNKNOWN, D.SENT]))
    session.execute(late.values(state=D.PLAYED))
    assert set(at_each(session, D.PLAYED).values()) == {30}


def test_what_is_unknown_is_made_up_for_once_it_is_known_to_be_lost(
    session: Session, cast: Cast
) -> None:
    add(session, cast, 30, 6)
    live(session, 3, {1: (D.UNKNOWN, "r-0001")})
    unknown = at_each(session, D.UNKNOWN)["r-0001"]
    assert unknown > 0
    session.execute(sa.update(Delivery).where(Delivery.state == D.UNKNOWN).values(state=D.MISSED))
    live_from(session, 3, 7)
    assert at_each(session, D.PLAYED)["r-0001"] == 30


def live_from(session: Session, first: int, last: int) -> None:
    for number in range(first, last):
        for hours in (3, 13, 23):
            moment = after(MIDNIGHT, number * DAY + hours * HOUR)
            plan(session, moment)
            play(session, moment)


@pytest.mark.parametrize("seed", range(2))
def test_after_random_outages_each_receiver_ends_at_its_target(
    session: Session, cast: Cast, seed: int
) -> None:
    chance = random.Random(seed)
    add(session, cast, 37, 8)
    for number in range(7):
        for hours in (3, 9, 13, 23):
            moment = after(MIDNIGHT, number * DAY + hours * HOUR)
            plan(session, moment)
            for receiver in cast.receivers:
                state = chance.choice([D.PLAYED, D.PLAYED, D.MISSED, D.FAILED, D.UNKNOWN])
                play(session, moment, state, receiver.id)
            counted = at_each(session, D.PLAYED, D.UNKNOWN, D.PLANNED, D.SENT)
            assert max(counted.values()) <= 37
    live_from(session, 7, 8)
    assert set(at_each(session, D.PLAYED, D.UNKNOWN).values()) == {37}


def test_a_loss_is_answered_the_same_day(session: Session, cast: Cast) -> None:
    add(session, cast, 6, 2)
    plan(session)
    noon = after(MIDNIGHT, 12 * HOUR)
    play(session, noon, D.MISSED)
    before = len(rows(session))
    found = plan(session, noon)
    assert len(found) > before
    assert at_each(session, D.PLANNED) == {"r-0000": 6, "r-0001": 6, "r-0002": 6}


# -- targets --------------------------------------------------------------------------------------


def test_so_many_a_day_are_not_made_up_for_on_another_day(session: Session, cast: Cast) -> None:
    add(session, cast, target=Target(number=3, per=Per.DAY), days=4)
    live(session, 5, {1: (D.MISSED, "r-0001")})
    played = at_each(session, D.PLAYED)
    assert played["r-0000"] == 12
    assert 9 <= played["r-0001"] < 12


def test_so_many_a_week_are_made_up_for_within_the_week(session: Session, cast: Cast) -> None:
    campaign = add(session, cast, target=Target(number=9, per=Per.WEEK), days=10)
    assert [goal for _, _, goal in campaign.spans] == [9, 3]
    live(session, 11, {1: (D.MISSED, "r-0001")})
    assert set(at_each(session, D.PLAYED).values()) == {12}


def test_minutes_are_counted_by_what_was_heard(session: Session, cast: Cast) -> None:
    add(session, cast, target=Target(aim=Aim.MINUTES, number=10), days=5)
    plan(session, NOON, 6 * DAY)
    assert set(at_each(session).values()) == {20}  # of half a minute


def test_reach_is_played_where_the_most_households_are(session: Session, cast: Cast) -> None:
    for receiver, households in zip(cast.receivers, (300, 100, 50), strict=True):
        receiver.households = households
    session.flush()
    add(session, cast, target=Target(aim=Aim.REACH, number=65, times=4), days=4)
    plan(session, NOON, 5 * DAY)
    assert at_each(session) == {"r-0000": 4}


def test_reach_goes_elsewhere_where_there_is_no_room(session: Session, cast: Cast) -> None:
    for receiver, households in zip(cast.receivers, (300, 100, 250), strict=True):
        receiver.households = households
    for at in (time(5, 30), time(11), time(17)):
        speak_at(session, cast, at, 15 * MINUTE, area_ids=(cast.villages[0].id,))
    add(session, cast, target=Target(aim=Aim.REACH, number=45, times=4), days=4)
    plan(session, NOON, 5 * DAY)
    assert at_each(session)["r-0002"] == 4


def test_messages_come_by_weight_and_only_while_approved(session: Session, cast: Cast) -> None:
    one, two = (
        approved_bulletin(session, cast, title="Một"),
        approved_bulletin(session, cast, title="Hai"),
    )
    lines = (Line(bulletin_id=one.id, weight=3), Line(bulletin_id=two.id))
    add(session, cast, 20, 10, lines=lines)
    assert Counter(each.title for each in plan(session, NOON, 11 * DAY)) == {"Một": 15, "Hai": 5}
    bulletins.edit(session, one, cast.hoa, Draft(title="Một", parts=spoken("Khác.")), NOON)
    found = plan(session, after(NOON, 10 * MINUTE), 11 * DAY)
    assert Counter(each.title for each in found) == {"Hai": 20}


# -- what staff do --------------------------------------------------------------------------------


def test_a_pause_cancels_what_is_ahead_and_says_why(session: Session, cast: Cast) -> None:
    campaign = add(session, cast)
    before = plan(session)
    campaigns.pause(session, campaign, cast.hoa, NOON)
    assert plan(session, after(NOON, SECOND)) == []
    assert {(each.code, each.reason) for each in before} == {
        ("campaign_paused", "Chiến dịch đang tạm dừng.")
    }


def test_resumed_it_spreads_what_is_left_over_the_days_left(session: Session, cast: Cast) -> None:
    campaign = add(session, cast, 20, 10)
    live(session, 2)
    pause = after(MIDNIGHT, 2 * DAY)
    campaigns.pause(session, campaign, cast.hoa, pause)
    for number in range(2, 6):
        plan(session, after(MIDNIGHT, number * DAY + HOUR))
    back = after(MIDNIGHT, 6 * DAY)
    campaigns.resume(session, campaign, cast.hoa, back)
    live_from(session, 6, 11)
    assert set(at_each(session, D.PLAYED).values()) == {20}


def test_ended_it_plays_no_more(session: Session, cast: Cast) -> None:
    campaign = add(session, cast)
    before = plan(session)
    campaigns.end(session, campaign, cast.hoa, NOON)
    assert plan(session, after(NOON, SECOND)) == []
    assert {each.code for each in before} == {"campaign_ended"}
    with pytest.raises(ScheduleError, match="đã kết thúc"):
        campaigns.resume(session, campaign, cast.hoa, NOON)


def test_a_change_keeps_what_was_played(session: Session, cast: Cast) -> None:
    campaign = add(session, cast, 20, 10)
    live(session, 3)
    played = at_each(session, D.PLAYED)["r-0000"]
    wanted = order(
        session, cast, 40, 10, lines=(Line(bulletin_id=campaign.messages[0].bulletin_id),)
    )
    campaigns.change(session, campaign, wanted, cast.hoa, after(MIDNIGHT, 3 * DAY), ZONE)
    live_from(session, 3, 11)
    assert 0 < played < 20
    assert set(at_each(session, D.PLAYED).values()) == {40}


def test_a_message_taken_out_stays_counted(session: Session, cast: Cast) -> None:
    one, two = (
        approved_bulletin(session, cast, title="Một"),
        approved_bulletin(session, cast, title="Hai"),
    )
    lines = (Line(bulletin_id=one.id), Line(bulletin_id=two.id))
    campaign = add(session, cast, 20, 10, lines=lines)
    live(session, 3)
    less = order(session, cast, 20, 10, lines=lines[1:])
    campaigns.change(session, campaign, less, cast.hoa, after(MIDNIGHT, 3 * DAY), ZONE)
    live_from(session, 3, 11)
    assert set(at_each(session, D.PLAYED).values()) == {20}
    assert "Một" not in {
        each.title for each in rows(session) if each.starts_at > after(MIDNIGHT, 3 * DAY)
    }


def test_every_act_is_in_the_log(session: Session, cast: Cast) -> None:
    campaign = add(session, cast)
    campaigns.pause(session, campaign, cast.hoa, NOON)
    campaigns.resume(session, campaign, cast.hoa, NOON)
    campaigns.end(session, campaign, cast.hoa, NOON)
    kinds = session.scalars(sa.select(audit.AuditEntry.kind).order_by(audit.AuditEntry.n)).all()
    assert [each for each in kinds if each.startswith("campaign.")] == [
        "campaign.add", "campaign.pause", "campaign.resume", "campaign.end",
    ]  # fmt: skip


def test_only_who_may_schedule_may(session: Session, cast: Cast) -> None:
    with pytest.raises(NotAllowed):
        campaigns.add(session, order(session, cast), cast.lan, NOON, ZONE)


@pytest.mark.parametrize(
    ("field", "changes", "said"),
    [
        ("name", {"name": " "}, "đặt tên"),
        ("end_date", {"end_date": FIRST - timedelta(days=1)}, "đứng trước"),
        ("start_date", {"start_date": date(2026, 11, 1)}, "đã qua"),
        ("end_date", {"end_date": date(2028, 11, 1)}, "dài nhất 366 ngày"),
        ("area_ids", {"where": Where()}, "ít nhất một địa bàn"),
        ("area_ids", {"where": Where((999,))}, "Không có địa bàn số 999"),
        ("number", {"target": Target(number=0)}, "từ 1 đến"),
        ("number", {"target": Target(aim=Aim.REACH, number=101)}, "101 %"),
        ("weight", {"weight": 0}, "từ 1 đến 100"),
        ("lines", {"lines": ()}, "ít nhất một bản tin"),
        ("aim", {"target": Target(aim=Aim.REACH, number=70)}, "số hộ"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(
    session: Session, cast: Cast, field, changes, said
) -> None:
    with pytest.raises(ScheduleError, match=said) as refused:
        add(session, cast, **changes)
    assert refused.value.field == field


def test_it_takes_only_approved_bulletins_that_are_no_emergency(
    session: Session, cast: Cast
) -> None:
    unheard = bulletins.write(session, cast.hoa, Draft(title="Nháp", parts=spoken("A.")), NOON)
    alarm = approved_bulletin(session, cast, priority=Priority.EMERGENCY)
    for bulletin, said in ((unheard, "chưa được duyệt"), (alarm, "khẩn cấp")):
        with pytest.raises(ScheduleError, match=said):
            add(session, cast, lines=(Line(bulletin_id=bulletin.id),))


def test_what_is_unknown_is_told_apart_from_nothing(session: Session, cast: Cast) -> None:
    campaign = add(session, cast, 20, 10)
    live(session, 2, {1: (D.UNKNOWN, "r-0001")})
    told = campaign_counts.tallies(session, campaign.id, after(MIDNIGHT, 2 * DAY))
    assert told["r-0000"].unknown == 0
    assert told["r-0001"].unknown > 0
    assert told["r-0001"].played + told["r-0001"].unknown == told["r-0000"].played
    assert told["r-0000"].played_ms == told["r-0000"].played * 30_000


def test_upkeep_leaves_a_campaigns_broadcasts_their_receivers(session: Session, cast: Cast) -> None:
    add(session, cast, 20, 10)
    (first, *_) = plan(session)
    upkeep.keep(session, NOON, RULES, {})
    assert len(first.deliveries) == 3


# -- programmes and forecasts ---------------------------------------------------------------------


def fill(session: Session, cast: Cast, given: int, **more: object) -> None:
    """A programme of one bulletin, minutes for campaigns, and another bulletin."""
    bulletin = approved_bulletin(session, cast, ms=60_000)
    lines = (
        programme_checks.Line(ItemKind.BULLETIN, bulletin.id),
        programme_checks.Line(ItemKind.FILL, ms=given * MINUTE),
        programme_checks.Line(ItemKind.BULLETIN, bulletin.id),
    )
    usual = {
        "name": "Chương trình", "rule": "FREQ=DAILY", "start_date": FIRST, "where": Where((cast.commune.id,)),
        "lines": lines,
    }  # fmt: skip
    wanted = programme_checks.Order(**{**usual, **more})
    programme_acts.add(session, cast.hoa, wanted, now=NOON, zone=ZONE, waived_why="thử nghiệm")


def test_minutes_that_programmes_give_are_used_first(session: Session, cast: Cast) -> None:
    fill(session, cast, 3, slot="t")
    add(session, cast, 3, 1)
    found = plan(session, NOON, 2 * DAY)
    noon = [each.starts_at for each in found if local(each.starts_at, ZONE).hour == 11]
    assert len(noon) == 1
    begin = vn("2026-11-22 11:01")
    assert begin <= noon[0] < after(begin, 3 * MINUTE)
    for receiver in cast.receivers:
        heard = sounding(session, receiver.id)
        assert len(heard) >= 5
        assert all(a[1] <= b[0] for a, b in pairwise(heard))


def test_minutes_outside_all_sessions_are_used_too(session: Session, cast: Cast) -> None:
    fill(session, cast, 5, at=time(9), minutes=10)
    add(session, cast, 8, 1)
    clocks = Counter(local(each.starts_at, ZONE).hour for each in plan(session, NOON, 2 * DAY))
    assert clocks == {5: 2, 9: 2, 11: 2, 17: 2}


def looked(session: Session, campaign: Campaign, now: Instant = NOON) -> campaign_forecast.Forecast:
    return campaign_forecast.forecast(session, campaign, now, RULES)


def test_a_forecast_of_enough_room_misses_nothing(session: Session, cast: Cast) -> None:
    campaign = add(session, cast, 20, 10)
    plan(session)
    found = looked(session, campaign)
    assert (found.goal, found.short, found.remedies) == (60, 0, ())
    assert {line.held + line.planned for line in found.lines} == {20}
    (group,) = found.groups
    assert set(group.per_day.values()) == {2}
    assert sum(each.receivers for each in found.moments) == 60 - found.tally.held


def test_what_is_said_to_help_does(session: Session, cast: Cast) -> None:
    campaign = add(
        session, cast, 400, 4
    )  # 28 of half a minute fit into each session, 84 into a day
    found = looked(session, campaign)
    assert {line.short for line in found.lines} == {400 - 4 * 84}
    longer, minutes, shorter, less = found.remedies
    assert longer == "Kéo dài thêm 1 ngày, đến hết 26/11/2026, thì đủ."
    assert minutes == "Thêm khoảng 9 phút mỗi ngày vào các khung giờ phát."
    assert shorter == "Dùng bản tin ngắn hơn, khoảng 25 giây (nay dài nhất 30 giây)."
    assert less == "Giảm chỉ tiêu còn 336 lần mỗi đầu thu."
    lines = tuple(Line(bulletin_id=each.bulletin_id) for each in campaign.messages)
    for changes in ({"number": 400, "days": 5}, {"number": 336, "days": 4}):
        wanted = order(session, cast, lines=lines, **changes)
        draft = campaigns.draft(session, wanted, cast.hoa, NOON, ZONE, campaign)
        assert looked(session, draft).short == 0


def test_one_that_starves_says_beside_whom(session: Session, cast: Cast) -> None:
    greedy = add(session, cast, 300, 4, name="Nặng", weight=9)
    small = add(session, cast, 200, 4, name="Nhẹ")
    found = looked(session, small)
    assert found.short > 0
    assert found.crowded_by == ["Nặng"]
    assert looked(session, greedy).short < found.short


def test_a_forecast_counts_what_is_unknown_as_held_but_not_as_done(
    session: Session, cast: Cast
) -> None:
    campaign = add(session, cast, 20, 10)
    live(session, 2, {1: (D.UNKNOWN, "r-0001")})
    found = looked(session, campaign, after(MIDNIGHT, 2 * DAY))
    done = {line.receiver_id: line.done for line in found.lines}
    assert done["r-0001"] < done["r-0000"]
    assert found.short == 0


def test_a_draft_is_not_stored(session: Session, cast: Cast) -> None:
    draft = campaigns.draft(session, order(session, cast), cast.hoa, NOON, ZONE)
    assert looked(session, draft).goal == 60
    session.flush()
    assert session.scalars(sa.select(Campaign)).all() == []
