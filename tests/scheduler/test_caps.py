"""How loud at most: from the regulation to each receiver's plan."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, time

import msgspec
import pytest
from sqlalchemy.orm import Session

from content.bulletins import Priority
from content.relays import Stream
from devices import receivers
from loa.database import Database
from loa.times import DAY, HOUR, MINUTE, Instant, after
from scheduler import amending, dispatcher, planner, regulation, schedules
from scheduler.caps import Caps
from scheduler.rulebook import Cap, Rulebook
from scheduler.schedules import Kind, Rule
from tests.cast import NOON, ZONE, Cast, approved_bulletin, settle_in, vn
from tests.scheduler.test_dispatcher import RULES, TERMS, newest

EVENING = Cap(since="17:00", until="19:00", most=60)
NIGHT = Cap(since="22:00", until="05:00", most=20)
TZ = "Asia/Ho_Chi_Minh"


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    with database.write() as opened:
        yield opened


@pytest.fixture
def cast(session: Session) -> Cast:
    return settle_in(session)


def put_in_force(session: Session, *caps: Cap, since: Instant = NOON) -> None:
    regulation.add(session, None, [], Rulebook(caps=caps), since=since, now=NOON)


def schedule(session: Session, cast: Cast, at: time = time(17), **fields: object) -> None:
    rule = Rule(kind=Kind.ONCE, at=at, start_date=date(2026, 11, 21), area_ids=(cast.commune.id,))
    bulletin = approved_bulletin(session, cast, **fields)
    schedules.add(session, bulletin, cast.hoa, rule, now=NOON, zone=ZONE)


def work(session: Session, now: Instant = NOON) -> int:
    planner.plan(session, now, RULES)
    return dispatcher.dispatch(session, now, TERMS)


def volumes(session: Session, cast: Cast) -> list[int | None]:
    """What the plan of each receiver says of the loudness of its one broadcast."""
    found = [newest(session, each.id)[1].occ[0].vol for each in cast.receivers]
    return [None if vol is msgspec.UNSET else vol for vol in found]


@pytest.mark.parametrize(
    ("clock", "ms", "most"),
    [
        ("16:00", MINUTE, None),
        ("16:58", MINUTE, None),
        ("16:59", MINUTE, None),
        ("16:59", MINUTE + 1, 60),
        ("17:00", MINUTE, 60),
        ("18:59", HOUR, 60),
        ("19:00", MINUTE, None),
        ("16:00", 4 * HOUR, 60),
        ("18:30", 4 * HOUR, 20),
        ("23:59", MINUTE, 20),
        ("04:59", MINUTE, 20),
        ("05:00", MINUTE, None),
    ],
)
def test_the_strictest_of_all_its_minutes_counts(
    session: Session, cast: Cast, clock: str, ms: int, most: int | None
) -> None:
    put_in_force(session, EVENING, NIGHT)
    start = vn(f"2026-11-22 {clock}")
    assert Caps(session, TZ).at(start, ms, cast.commune.id) == most


def test_seconds_count_too(session: Session, cast: Cast) -> None:
    put_in_force(session, EVENING)
    start = after(vn("2026-11-22 16:59"), 30_000)
    assert Caps(session, TZ).at(start, 30_000, cast.commune.id) is None
    assert Caps(session, TZ).at(start, 30_001, cast.commune.id) == 60


def test_before_the_first_regulation_nothing_is_capped(session: Session, cast: Cast) -> None:
    put_in_force(session, EVENING, since=vn("2026-11-23 00:00"))
    assert Caps(session, TZ).at(vn("2026-11-22 17:00"), MINUTE, cast.commune.id) is None
    assert Caps(session, TZ).at(vn("2026-11-23 17:00"), MINUTE, cast.commune.id) == 60


def test_a_cap_goes_by_the_area_and_all_above_it(session: Session, cast: Cast) -> None:
    east = Cap(since="16:00", until="18:00", most=30, area_ids=(cast.villages[0].id,))
    all_over = Cap(since="16:00", until="18:00", most=50, area_ids=(cast.commune.id,))
    put_in_force(session, east, all_over)
    schedule(session, cast)
    assert work(session) == 3
    assert volumes(session, cast) == [30, 50, 50]


def test_where_no_cap_holds_nothing_is_said(session: Session, cast: Cast) -> None:
    put_in_force(session, NIGHT)
    schedule(session, cast)
    work(session)
    assert volumes(session, cast) == [None, None, None]


def test_no_cap_binds_an_emergency(session: Session, cast: Cast) -> None:
    put_in_force(session, EVENING)
    schedule(session, cast, priority=Priority.EMERGENCY)
    work(session)
    assert volumes(session, cast) == [None, None, None]


def test_a_relay_that_runs_into_a_cap_keeps_it_from_the_start(session: Session, cast: Cast) -> None:
    put_in_force(session, EVENING)
    stream = Stream("https://tinh.example.vn/live", (), 90 * MINUTE)
    schedule(session, cast, time(16), relay=stream)
    work(session)
    assert volumes(session, cast) == [60, 60, 60]


def test_another_regulation_makes_other_plans(session: Session, cast: Cast) -> None:
    schedule(session, cast)
    work(session)
    assert volumes(session, cast) == [None, None, None]
    put_in_force(session, EVENING)
    assert work(session, after(NOON, MINUTE)) == 3
    assert volumes(session, cast) == [60, 60, 60]


def test_one_that_is_to_come_is_heeded_before_it_comes_and_no_more_when_taken_back(
    session: Session, cast: Cast
) -> None:
    rule = Rule(
        kind=Kind.ONCE, at=time(17), start_date=date(2026, 11, 22), area_ids=(cast.commune.id,)
    )
    bulletin = approved_bulletin(session, cast)
    schedules.add(session, bulletin, cast.hoa, rule, now=NOON, zone=ZONE)
    work(session)
    tomorrow = vn("2026-11-22 00:00")
    put_in_force(session, EVENING, since=tomorrow)
    assert work(session, after(NOON, MINUTE)) == 3
    assert volumes(session, cast) == [60, 60, 60]

    (version,) = regulation.versions(session)
    amending.repeal(session, cast.admin, version, after(NOON, MINUTE), RULES)
    assert work(session, after(NOON, 2 * MINUTE)) == 3
    assert volumes(session, cast) == [None, None, None]


def test_a_receiver_that_moves_follows_the_caps_of_its_new_place(
    session: Session, cast: Cast
) -> None:
    put_in_force(session, msgspec.structs.replace(EVENING, area_ids=(cast.villages[1].id,)))
    schedule(session, cast)
    work(session)
    assert volumes(session, cast) == [None, 60, None]
    moved = session.merge(cast.receivers[0])
    receivers.change(
        session, moved, name=moved.name, area=cast.villages[1], volume=moved.volume,
        households=0, lat=None, lon=None, now=NOON, by="test",
    )  # fmt: skip
    assert work(session, after(NOON, MINUTE)) == 1
    assert volumes(session, cast) == [60, 60, None]


def test_the_same_caps_again_make_no_new_plan(session: Session, cast: Cast) -> None:
    put_in_force(session, EVENING)
    schedule(session, cast)
    work(session)
    receivers.mark_stale(session)
    assert work(session, after(NOON, MINUTE)) == 0
    assert work(session, after(NOON, DAY + HOUR)) == 3  # signed anew, for it grew old
