"""The minutes that sessions leave for campaigns."""

from __future__ import annotations

from datetime import date, time, timedelta

import pytest
from sqlalchemy.orm import Session

from loa.database import Database
from loa.times import DAY, HOUR, MINUTE, SECOND, Instant, after, local
from scheduler import context, regulation, schedules, windows
from scheduler.board import BETWEEN, DayRoom
from scheduler.days import DayMark
from scheduler.regulation import parse_quiet
from scheduler.rulebook import Rulebook, Slot
from scheduler.schedules import Kind, Rule
from scheduler.sources import Rules
from tests.cast import NOON, ZONE, Cast, approved_bulletin, settle_in, vn

RULES = Rules(zone=ZONE, horizon=48 * HOUR, late=MINUTE)
MONDAY = date(2026, 11, 23)
MORNING = Slot(key="s", name="Sáng", start="05:30", minutes=15)
EVENING = Slot(key="c", name="Chiều", start="17:00", minutes=30)


@pytest.fixture
def session(database: Database) -> Session:
    with database.write() as opened:
        yield opened


@pytest.fixture
def cast(session: Session) -> Cast:
    cast = settle_in(session)
    rule(session)
    return cast


def rule(
    session: Session,
    *slots: Slot,
    quiet: str = "21:00-05:00",
    since: Instant = NOON,
    **more: object,
) -> None:
    rules = Rulebook(slots=slots or (MORNING, EVENING), **more)
    regulation.add(session, None, [parse_quiet(quiet)], rules, since=since, now=NOON)


def rooms(
    session: Session, cast: Cast, first: date = MONDAY, last: date | None = None
) -> list[windows.Rooms]:
    found = context.read(session, RULES)
    ids = [each.id for each in cast.receivers]
    return windows.rooms(found, ids, first, last or first)


def spans(room: DayRoom) -> list[str]:
    gaps = [gap for each in room.sessions for gap in each]
    return [f"{local(a, ZONE):%H:%M:%S}-{local(b, ZONE):%H:%M:%S}" for a, b in gaps]


def only(session: Session, cast: Cast, day: date = MONDAY) -> DayRoom:
    (found,) = rooms(session, cast, day)
    return found.days[0]


def schedule(
    session: Session, cast: Cast, at: time, ms: int = 2 * MINUTE, **more: object
) -> schedules.Schedule:
    usual = {"kind": Kind.DAILY, "start_date": date(2026, 11, 22), "area_ids": (cast.commune.id,)}
    bulletin = approved_bulletin(session, cast, ms=ms)
    return schedules.add(
        session, bulletin, cast.hoa, Rule(at=at, **{**usual, **more}), now=NOON, zone=ZONE, waived_why="thử nghiệm"
    )  # fmt: skip


def test_sessions_without_anything_in_them_are_free(session: Session, cast: Cast) -> None:
    (found,) = rooms(session, cast)
    assert spans(found.days[0]) == ["05:30:00-05:45:00", "17:00:00-17:30:00"]
    assert found.receiver_ids == {"r-0000", "r-0001", "r-0002"}
    assert found.free_ms == 45 * MINUTE


def test_without_sessions_there_are_no_minutes(session: Session, cast: Cast) -> None:
    rule(session, Slot(key="x", name="X", start="05:30", minutes=15, weekdays=(6,)))
    assert only(session, cast).sessions == ()


def test_fixed_items_take_their_time_and_a_silence(session: Session, cast: Cast) -> None:
    schedule(session, cast, time(17, 5))
    assert spans(only(session, cast))[1:] == ["17:00:00-17:04:58", "17:07:02-17:30:00"]
    assert BETWEEN == 2 * SECOND


def test_only_receivers_that_hear_a_fixed_item_have_less(session: Session, cast: Cast) -> None:
    schedule(session, cast, time(17), area_ids=(cast.villages[0].id,))
    found = {tuple(sorted(each.receiver_ids)): spans(each.days[0]) for each in rooms(session, cast)}
    assert found[("r-0000",)][1:] == ["17:02:02-17:30:00"]
    assert found["r-0001", "r-0002"][1:] == ["17:00:00-17:30:00"]


def test_a_skipped_or_ended_schedule_takes_nothing(session: Session, cast: Cast) -> None:
    made = schedule(session, cast, time(17))
    schedules.end(session, made, cast.hoa, NOON)
    assert spans(only(session, cast))[1:] == ["17:00:00-17:30:00"]


def test_quiet_hours_are_cut_out_with_time_for_receivers_that_begin_late(
    session: Session, cast: Cast
) -> None:
    rule(session, quiet="17:10-05:35")
    assert spans(only(session, cast)) == ["05:35:00-05:45:00", "17:00:00-17:09:59"]


def test_a_session_is_held_where_it_says(session: Session, cast: Cast) -> None:
    rule(
        session,
        MORNING,
        Slot(key="c", name="Chiều", start="17:00", minutes=30, area_ids=(cast.villages[1].id,)),
    )
    found = {tuple(sorted(each.receiver_ids)): spans(each.days[0]) for each in rooms(session, cast)}
    assert len(found["r-0000", "r-0002"]) == 1
    assert len(found[("r-0001",)]) == 2


def test_each_day_goes_by_the_regulation_of_its_day(session: Session, cast: Cast) -> None:
    rule(session, EVENING, since=vn("2026-11-24 00:00"))
    (found,) = rooms(session, cast, MONDAY, MONDAY + timedelta(days=1))
    assert [len(spans(each)) for each in found.days] == [2, 1]


def test_a_day_of_mourning_lets_only_priority_sound(session: Session, cast: Cast) -> None:
    session.add(
        DayMark(
            first=MONDAY,
            last=MONDAY,
            kind="mourning",
            name="Quốc tang",
            staff_id=cast.hoa.id,
            made_at=NOON,
        )
    )
    session.flush()
    assert only(session, cast).plays == "priority"


def test_minutes_of_the_day_count_what_is_fixed(session: Session, cast: Cast) -> None:
    rule(session, most_minutes=10)
    schedule(session, cast, time(12), ms=4 * MINUTE)
    assert only(session, cast).left_ms == 6 * MINUTE


def test_of_too_many_sessions_those_in_use_stay_and_then_the_earliest(
    session: Session, cast: Cast
) -> None:
    noon = Slot(key="t", name="Trưa", start="11:00", minutes=15)
    rule(session, MORNING, noon, EVENING, most_sessions=2)
    schedule(session, cast, time(17, 20))
    assert [span[:5] for span in spans(only(session, cast))] == ["05:30", "17:00", "17:22"]


def test_a_month_is_looked_at_day_by_day(session: Session, cast: Cast) -> None:
    (found,) = rooms(session, cast, MONDAY, MONDAY + timedelta(days=29))
    assert [each.day for each in found.days] == [MONDAY + timedelta(days=n) for n in range(30)]
    first, second = found.days[0].sessions[0][0], found.days[1].sessions[0][0]
    assert second[0] == after(first[0], DAY)


def test_no_receiver_has_no_minutes(session: Session, cast: Cast) -> None:
    assert windows.rooms(context.read(session, RULES), [], MONDAY, MONDAY) == []
