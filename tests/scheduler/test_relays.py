"""A relay from its schedule to the plan that carries it, and what the receiver says became of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, time

import msgspec
import pytest
import sqlalchemy as sa
from msgspec.structs import replace
from sqlalchemy.orm import Session

from content import bulletins
from content.bulletins import Bulletin, Priority
from content.relays import Relay, Stream
from devices import messages
from loa.database import Database
from loa.errors import ScheduleError
from loa.times import HOUR, MINUTE, SECOND, Instant, after
from scheduler import dispatcher, planner, receipts, regulation, schedules
from scheduler.broadcasts import Broadcast, Delivery, DeliveryState
from scheduler.regulation import QuietHours
from scheduler.schedules import Kind, Rule, Schedule
from tests.cast import NOON, ZONE, Cast, approve, approved_bulletin, settle_in, vn
from tests.scheduler.test_dispatcher import RULES, TERMS, newest
from tests.scheduler.test_receipts import Pole

FIVE_PM = vn("2026-11-21 17:00")
STREAM = Stream("https://tinh.example.vn/live.mp3", ("cdn.example.vn",), 30 * MINUTE)


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    with database.write() as opened:
        yield opened


@pytest.fixture
def cast(session: Session) -> Cast:
    regulation.set_quiet(session, None, [QuietHours(time(21), time(5))], NOON)
    return settle_in(session)


@pytest.fixture
def bulletin(session: Session, cast: Cast) -> Bulletin:
    return approved_bulletin(session, cast, relay=STREAM)


def schedule(session: Session, cast: Cast, bulletin: Bulletin, **changes: object) -> Schedule:
    rule = {"kind": Kind.ONCE, "at": time(17), "start_date": date(2026, 11, 21)} | changes
    made = Rule(**rule, area_ids=(cast.commune.id,))
    return schedules.add(session, bulletin, cast.hoa, made, now=NOON, zone=ZONE)


def work(session: Session, now: Instant = NOON) -> int:
    planner.plan(session, now, RULES)
    return dispatcher.dispatch(session, now, TERMS)


def only(session: Session) -> Broadcast:
    return session.scalars(sa.select(Broadcast)).one()


def ordered(session: Session) -> messages.Occurrence:
    (occurrence,) = newest(session)[1].occ
    return occurrence


# -- into the plan --------------------------------------------------------------------------------


def test_a_plan_carries_the_stream_and_what_is_fallen_back_on(
    session: Session, cast: Cast, bulletin: Bulletin
) -> None:
    schedule(session, cast, bulletin)
    assert work(session) == 3
    occurrence = ordered(session)
    assert occurrence.rel == messages.Relay(STREAM.url, 30 * MINUTE, STREAM.hosts)
    assert occurrence.sha == bulletin.recording_sha
    assert newest(session)[1].aud[occurrence.sha].ms == 30_000
    assert occurrence.end == after(FIVE_PM, 31 * MINUTE)
    assert only(session).ms == 30 * MINUTE
    assert set(session.scalars(sa.select(Delivery.ms))) == {30 * MINUTE}


def test_whoever_schedules_it_says_for_how_long(
    session: Session, cast: Cast, bulletin: Bulletin
) -> None:
    schedule(session, cast, bulletin, minutes=5)
    work(session)
    relay = ordered(session).rel
    assert relay
    assert relay.ms == only(session).ms == 5 * MINUTE


@pytest.mark.parametrize("ms", [0, 5 * HOUR])
def test_a_length_no_receiver_takes_spoils_no_plan(
    session: Session, cast: Cast, bulletin: Bulletin, ms: int
) -> None:
    schedule(session, cast, bulletin)
    planner.plan(session, NOON, RULES)
    only(session).relay = Relay(STREAM.url, ms)
    dispatcher.dispatch(session, NOON, TERMS)
    assert isinstance(ordered(session).rel, messages.Relay)  # decoded as a receiver does


def test_nobody_schedules_one_for_longer_than_receivers_take(
    session: Session, cast: Cast, bulletin: Bulletin
) -> None:
    with pytest.raises(ScheduleError, match="từ 1 đến 240") as caught:
        schedule(session, cast, bulletin, minutes=241)
    assert caught.value.field == "minutes"


def test_what_is_no_relay_says_nothing_of_one(session: Session, cast: Cast) -> None:
    schedule(session, cast, approved_bulletin(session, cast))
    work(session)
    assert ordered(session).rel is msgspec.UNSET
    assert ordered(session).onint == "stop"


def test_it_stays_in_the_plan_for_as_long_as_it_is_heard(
    session: Session, cast: Cast, bulletin: Bulletin
) -> None:
    schedule(session, cast, bulletin)
    work(session)
    assert dispatcher.dispatch(session, after(FIVE_PM, 10 * MINUTE), TERMS) == 0
    receivers_plan = newest(session)[1]
    only(session).stop_requested_at = after(FIVE_PM, 20 * MINUTE)
    session.execute(sa.text("UPDATE receivers SET plan_stale = true"))
    assert dispatcher.dispatch(session, after(FIVE_PM, 20 * MINUTE), TERMS) == 3
    assert newest(session)[1].rev > receivers_plan.rev
    assert ordered(session).st == "off"


def test_nobody_calls_it_unknown_before_its_time_is_over(
    session: Session, cast: Cast, bulletin: Bulletin
) -> None:
    schedule(session, cast, bulletin)
    work(session)
    half_way = after(FIVE_PM, 15 * MINUTE)
    assert receipts.expire(session, half_way, late=MINUTE, grace=MINUTE) == 0
    over = after(FIVE_PM, 33 * MINUTE)
    assert receipts.expire(session, over, late=MINUTE, grace=MINUTE) == 3


# -- what was approved is what is heard -----------------------------------------------------------


def test_a_changed_stream_is_not_relayed_before_it_is_approved(
    session: Session, cast: Cast, bulletin: Bulletin
) -> None:
    schedule(session, cast, bulletin)
    work(session)
    other = Stream("https://khac.example.vn/live", (), 20 * MINUTE)
    bulletins.edit(session, bulletin, cast.hoa, replace(bulletin.draft, relay=other), NOON)
    later = after(NOON, MINUTE)
    assert work(session, later) == 3
    assert ordered(session).st == "off"

    approve(session, cast, bulletin, now=later)
    assert work(session, after(NOON, 2 * MINUTE)) == 3
    assert ordered(session).st == "on"
    assert ordered(session).rel == messages.Relay(other.url, 20 * MINUTE)
    assert only(session).ms == 20 * MINUTE
    assert set(session.scalars(sa.select(Delivery.ms))) == {20 * MINUTE}


def test_one_that_is_a_relay_no_longer_is_as_long_as_its_sound(
    session: Session, cast: Cast, bulletin: Bulletin
) -> None:
    schedule(session, cast, bulletin)
    work(session)
    bulletins.edit(session, bulletin, cast.hoa, replace(bulletin.draft, relay=None), NOON)
    approve(session, cast, bulletin)
    work(session, after(NOON, MINUTE))
    assert ordered(session).rel is msgspec.UNSET
    assert only(session).ms == 30_000
    assert set(session.scalars(sa.select(Delivery.ms))) == {30_000}


# -- a quarter past three -------------------------------------------------------------------------


@pytest.mark.parametrize(("at", "minutes"), [(time(3, 15), 0), (time(4, 50), 5), (time(20, 45), 0)])
def test_a_relay_at_night_is_refused_where_it_is_set(
    session: Session, cast: Cast, bulletin: Bulletin, at: time, minutes: int
) -> None:
    with pytest.raises(ScheduleError, match="giờ không phát 21:00–05:00") as caught:
        schedule(session, cast, bulletin, at=at, minutes=minutes, start_date=date(2026, 11, 22))
    assert caught.value.field == "at"


def test_one_that_stands_there_all_the_same_is_in_no_plan(
    session: Session, cast: Cast, bulletin: Bulletin
) -> None:
    made = schedule(session, cast, bulletin, start_date=date(2026, 11, 22))
    made.at = time(3, 15)  # as no door lets it
    work(session)
    assert newest(session)[1].occ == ()
    assert only(session).reason == "Lượt phát rơi vào giờ không phát 21:00–05:00 của đài."
    assert {each.state for each in only(session).deliveries} == {DeliveryState.CANCELLED}


def test_one_that_grew_into_the_night_falls_silent(
    session: Session, cast: Cast, bulletin: Bulletin
) -> None:
    schedule(session, cast, bulletin, at=time(20, 25))
    work(session)
    assert ordered(session).st == "on"
    longer = replace(STREAM, ms=60 * MINUTE)
    bulletins.edit(session, bulletin, cast.hoa, replace(bulletin.draft, relay=longer), NOON)
    approve(session, cast, bulletin)
    work(session, after(NOON, MINUTE))
    assert ordered(session).st == "off"


# -- beginning again ------------------------------------------------------------------------------


def test_one_that_resumes_begins_again_within_its_own_minutes(session: Session, cast: Cast) -> None:
    schedule(session, cast, approved_bulletin(session, cast), resumes=True)
    work(session)
    occurrence = ordered(session)
    assert (occurrence.onint, occurrence.end) == ("restart", after(FIVE_PM, 30 * SECOND + MINUTE))


def test_one_begun_again_at_its_end_is_waited_for(session: Session, cast: Cast) -> None:
    ms = 10 * MINUTE
    schedule(session, cast, approved_bulletin(session, cast, ms=ms), resumes=True)
    work(session)
    once, twice = after(FIVE_PM, ms + 3 * MINUTE), after(FIVE_PM, 2 * ms + 3 * MINUTE)
    assert receipts.expire(session, once, late=MINUTE, grace=MINUTE) == 0
    assert receipts.expire(session, twice, late=MINUTE, grace=MINUTE) == 3


# -- what became of it ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "said", "kept"),
    [
        ("played", "stream", "stream"),
        ("played", "fallback", "fallback"),
        ("interrupted", "mixed", "mixed"),
        ("failed", "none", "none"),
        ("played", "x" * 99, None),
        ("played", 1, None),
        ("played", ["stream"], None),
    ],
)
def test_the_receiver_says_whether_it_relayed(
    session: Session, cast: Cast, bulletin: Bulletin, code: str, said: object, kept: str | None
) -> None:
    schedule(session, cast, bulletin)
    work(session)
    pole = Pole("r-0000", cast.keys["r-0000"])
    occ = only(session).occurrence
    pole.write(occ, "started", FIVE_PM, late_ms=0, vol=70, rel=1)
    pole.write(occ, code, after(FIVE_PM, 30 * MINUTE), ms=30 * MINUTE, rel=said)
    batch = receipts.verify("r-0000", pole.batch(), pole.key.public.x)
    receipts.record(session, [batch], after(FIVE_PM, HOUR))
    found = session.scalars(sa.select(Delivery).where(Delivery.receiver_id == "r-0000")).one()
    assert (found.state, found.rel) == (DeliveryState(code), kept)


def test_an_emergency_may_be_a_relay_at_any_hour(session: Session, cast: Cast) -> None:
    alarm = approved_bulletin(session, cast, relay=STREAM, priority=Priority.EMERGENCY)
    schedule(session, cast, alarm, at=time(23))
    work(session)
    assert ordered(session).cls == "E"
    assert isinstance(only(session).relay, Relay)
