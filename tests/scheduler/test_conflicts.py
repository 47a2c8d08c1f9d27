"""What a new schedule does to others, over every receiver and the whole year; and the ways out that are offered."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.orm import Session

from content.bulletins import Priority
from loa.database import Database
from loa.times import DAY, HOUR, MINUTE, SECOND, Instant, after, at
from scheduler import conflicts, fixes, planner, regulation, schedules
from scheduler.conflicts import Effect, Found
from scheduler.fixes import Fix, Report
from scheduler.neighbours import SourceId, Span
from scheduler.rulebook import Rulebook, Slot
from scheduler.schedules import Kind, Rule, Schedule
from scheduler.sources import Rules
from scheduler.targets import Where
from tests.cast import NOON, ZONE, Cast, approved_bulletin, settle_in, vn

RULES = Rules(zone=ZONE, horizon=48 * HOUR, late=MINUTE)
TOMORROW = date(2026, 11, 22)
N, P, E = Priority.NORMAL, Priority.PRIORITY, Priority.EMERGENCY


@dataclass(frozen=True)
class Asked:
    where: Where
    moments: list[Instant]
    ms: int = 3 * MINUTE
    priority: Priority = N
    title: str = "Lượt mới"


@pytest.fixture
def session(database: Database) -> Session:
    with database.write() as opened:
        yield opened


@pytest.fixture
def cast(session: Session) -> Cast:
    regulation.set_quiet(session, None, [regulation.parse_quiet("21:00-05:00")], NOON)
    return settle_in(session, 9)


def daily(
    session: Session,
    cast: Cast,
    at: time,
    *,
    ms: int = 3 * MINUTE,
    priority: Priority = N,
    **changes: object,
) -> Schedule:
    bulletin = approved_bulletin(session, cast, ms=ms, priority=priority, title=f"Tin {at:%H:%M}")
    usual = {
        "kind": Kind.DAILY, "at": at, "start_date": TOMORROW, "area_ids": (cast.commune.id,),
    }  # fmt: skip
    return schedules.add(
        session, bulletin, cast.hoa, Rule(**(usual | changes)), now=NOON, zone=ZONE
    )


def asked(cast: Cast, at: time, days: int = 365, **changes: object) -> Asked:
    first = vn(f"{TOMORROW} {at:%H:%M:%S}")
    moments = [after(first, n * DAY) for n in range(days)]
    return replace(Asked(Where(area_ids=(cast.commune.id,)), moments), **changes)


def check(session: Session, wanted: Asked, **more: object) -> Found:
    return conflicts.check(session, wanted, RULES, **more)[0]


def report(session: Session, wanted: Asked, **more: object) -> Report:
    return fixes.report(session, wanted, RULES, **more)


def told(found: Found) -> list[tuple[Effect, int, int]]:
    return [(one.effect, one.count, len(one.receivers)) for one in found.clashes]


def fix(found: Report, kind: fixes.Kind) -> Fix | None:
    return next((one for one in found.fixes if one.kind is kind), None)


def test_what_does_not_meet_is_clear(session: Session, cast: Cast) -> None:
    daily(session, cast, time(17))
    found = check(session, asked(cast, time(17, 3)))
    assert (found.is_clear, found.receivers, found.moments) == (True, 9, 365)


def test_one_that_would_wait_in_vain_is_told_for_every_day_of_the_year(
    session: Session, cast: Cast
) -> None:
    other = daily(session, cast, time(17))
    found = check(session, asked(cast, time(17, 1)))
    assert told(found) == [(Effect.MISSED, 365, 9)]
    (clash,) = found.clashes
    assert (clash.other.source_id, clash.other.title) == (other.id, "Tin 17:00")
    assert clash.first == [vn(f"2026-11-{day} 17:01") for day in (22, 23, 24)]


def test_a_short_wait_is_no_grave_matter(session: Session, cast: Cast) -> None:
    daily(session, cast, time(17), ms=150 * SECOND)
    found = check(session, asked(cast, time(17, 2)))
    assert told(found) == [(Effect.WAITS, 365, 9)]
    assert (found.is_grave, found.clashes[0].wait_ms) == (False, 30 * SECOND)


def test_a_priority_one_interrupts_and_the_later_normal_one_misses_its_time(
    session: Session, cast: Cast
) -> None:
    daily(session, cast, time(17))
    daily(session, cast, time(17, 4), ms=30 * SECOND)
    found = check(session, asked(cast, time(17, 2), priority=P, ms=4 * MINUTE))
    assert told(found) == [(Effect.MISSES, 365, 9), (Effect.INTERRUPTS, 365, 9)]


def test_it_is_interrupted_by_what_goes_before_it(session: Session, cast: Cast) -> None:
    daily(session, cast, time(17, 1), priority=P)
    assert told(check(session, asked(cast, time(17)))) == [(Effect.INTERRUPTED, 365, 9)]


def test_one_receiver_of_all_and_one_day_of_the_year_are_found(
    session: Session, cast: Cast
) -> None:
    alone = tuple(each.id for each in cast.receivers if each.id != "r-0004")
    rule = {"kind": Kind.ONCE, "start_date": date(2027, 10, 3), "except_ids": alone}
    daily(session, cast, time(17), **rule)
    found = check(session, asked(cast, time(17, 1)))
    (clash,) = found.clashes
    assert (clash.moments, clash.receivers) == ([vn("2027-10-03 17:01")], {"r-0004"})


def test_rows_within_what_is_planned_count_like_wishes_beyond(session: Session, cast: Cast) -> None:
    daily(session, cast, time(17))
    before = told(check(session, asked(cast, time(17, 1))))
    planner.plan(session, NOON, RULES)
    assert told(check(session, asked(cast, time(17, 1)))) == before


def test_what_will_not_sound_is_in_nobodys_way(session: Session, cast: Cast) -> None:
    ended = daily(session, cast, time(17))
    planner.plan(session, NOON, RULES)
    schedules.end(session, ended, cast.hoa, NOON)
    planner.plan(session, NOON, RULES)
    assert check(session, asked(cast, time(17, 1))).is_clear


def test_what_is_being_changed_is_not_in_its_own_way(session: Session, cast: Cast) -> None:
    old = daily(session, cast, time(17))
    planner.plan(session, NOON, RULES)
    assert check(session, asked(cast, time(17, 1)), but=SourceId("schedule_id", old.id)).is_clear


def test_one_that_waits_may_make_the_next_miss_its_time(session: Session, cast: Cast) -> None:
    """That of 17:05:10 waits 50 seconds as it is; the new one adds 50 more, though it never meets it."""
    daily(session, cast, time(17))
    daily(session, cast, time(17, 3), ms=3 * MINUTE)
    daily(session, cast, time(17, 5, 10), ms=MINUTE)
    found = check(session, asked(cast, time(16, 59), ms=110 * SECOND))
    assert {(one.effect, one.other.title) for one in found.clashes} == {
        (Effect.DELAYS, "Tin 17:00"), (Effect.DELAYS, "Tin 17:03"), (Effect.MISSES, "Tin 17:05")
    }  # fmt: skip


def test_clocks_that_turn_hide_nothing(session: Session, cast: Cast) -> None:
    berlin = ZoneInfo("Europe/Berlin")
    regulation.set_quiet(session, None, [], NOON)
    daily(session, cast, time(2, 30))
    days = [TOMORROW + timedelta(days=n) for n in range(365)]
    moments = [found for day in days if (found := at(day, time(2, 31), berlin)) is not None]
    rules = Rules(zone=berlin, horizon=48 * HOUR, late=MINUTE)
    found, _ = conflicts.check(session, replace(asked(cast, time(2)), moments=moments), rules)
    assert told(found) == [(Effect.MISSED, 364, 9)], "2:31 does not come on 28 March"


# -- fixes ----------------------------------------------------------------------------------------


def test_the_nearest_free_start_is_offered_and_it_is_free(session: Session, cast: Cast) -> None:
    for minute in (0, 3, 6):
        daily(session, cast, time(17, minute))
    wanted = asked(cast, time(17, 4))
    offered = fix(report(session, wanted), fixes.Kind.SHIFT)
    assert offered.at == time(17, 10)
    assert check(session, asked(cast, offered.at)).is_clear


def test_a_start_within_the_same_session_goes_before_a_nearer_one(
    session: Session, cast: Cast
) -> None:
    slot = Slot(key="chieu", name="Chiều", start="17:00", minutes=30)
    regulation.add(session, cast.admin, [], Rulebook(slots=(slot,)), since=NOON, now=NOON)
    daily(session, cast, time(17), ms=15 * MINUTE)
    offered = fix(report(session, asked(cast, time(17, 1))), fixes.Kind.SHIFT)
    assert (offered.at, offered.in_session) == (time(17, 16), "Chiều")


def test_a_start_in_quiet_hours_is_not_offered(session: Session, cast: Cast) -> None:
    daily(session, cast, time(20, 54), ms=5 * MINUTE)
    offered = fix(report(session, asked(cast, time(20, 56))), fixes.Kind.SHIFT)
    assert offered.at == time(20, 50)


def test_only_a_relay_is_shortened(session: Session, cast: Cast) -> None:
    daily(session, cast, time(17, 20), priority=P)
    wanted = asked(cast, time(17), ms=30 * MINUTE)
    assert fix(report(session, wanted), fixes.Kind.SHORTEN) is None
    offered = fix(report(session, wanted, may_shorten=True), fixes.Kind.SHORTEN)
    assert offered.minutes == 19
    assert check(session, replace(wanted, ms=19 * MINUTE)).is_clear


def test_leaving_out_names_all_receivers_concerned_where_others_remain(
    session: Session, cast: Cast
) -> None:
    daily(session, cast, time(17), area_ids=(cast.villages[0].id,))
    offered = fix(report(session, asked(cast, time(17, 1))), fixes.Kind.LEAVE_OUT)
    assert offered.except_ids == ("r-0000", "r-0003", "r-0006")
    left_out = Where(area_ids=(cast.commune.id,), except_ids=offered.except_ids)
    assert check(session, asked(cast, time(17, 1), where=left_out)).is_clear
    daily(session, cast, time(17))
    assert fix(report(session, asked(cast, time(17, 1))), fixes.Kind.LEAVE_OUT) is None


def test_lowering_the_priority_is_offered_where_it_helps_and_never_for_an_emergency(
    session: Session, cast: Cast
) -> None:
    daily(session, cast, time(17), ms=90 * SECOND)
    wanted = asked(cast, time(17, 1), priority=P)
    assert fix(report(session, wanted), fixes.Kind.LOWER).priority is N
    assert fix(report(session, replace(wanted, priority=E)), fixes.Kind.LOWER) is None
    daily(session, cast, time(17, 0, 30), ms=10 * MINUTE, area_ids=(cast.villages[1].id,))
    assert fix(report(session, wanted), fixes.Kind.LOWER) is None


def test_no_fix_is_offered_that_does_not_hold(session: Session, cast: Cast) -> None:
    """The whole day but for the quiet hours is full: there is no other time."""
    for hour in range(5, 21):
        daily(session, cast, time(hour), ms=59 * MINUTE + 30 * SECOND)
    assert report(session, asked(cast, time(17, 1))).fixes == []


def test_clocks_are_compared_round_the_day() -> None:
    late = Span(23 * HOUR + 50 * MINUTE, 20 * MINUTE)
    assert late.touches(Span(5 * MINUTE, MINUTE))
    assert Span(5 * MINUTE, MINUTE).touches(late)
    assert not late.touches(Span(15 * MINUTE, MINUTE))


def test_it_names_the_receivers(session: Session, cast: Cast) -> None:
    daily(session, cast, time(17), area_ids=(cast.villages[0].id,))
    assert report(session, asked(cast, time(17, 1))).names == {
        rid: f"Cột {rid}" for rid in ("r-0000", "r-0003", "r-0006")
    }
