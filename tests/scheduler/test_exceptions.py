"""Days of a series that are otherwise: what becomes of them, and that they survive what is changed about it."""

from __future__ import annotations

from datetime import date, time

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from content import bulletins
from content.bulletins import Priority
from loa import audit
from loa.database import Database
from loa.errors import NotAllowed, ScheduleError
from loa.times import DAY, HOUR, MINUTE, Instant, after
from scheduler import context, exceptions, one_day, planner, regulation, schedules, series
from scheduler.broadcasts import Broadcast
from scheduler.broadcasts import State as BroadcastState
from scheduler.exceptions import Kind, Otherwise, ScheduleException
from scheduler.planner import Rules
from scheduler.regulation import QuietHours
from scheduler.schedules import Kind as ScheduleKind
from scheduler.schedules import Rule, Schedule
from tests.cast import NOON, ZONE, Cast, approved_bulletin, settle_in, vn

RULES = Rules(zone=ZONE, horizon=48 * HOUR, late=MINUTE)
TODAY, TOMORROW = date(2026, 11, 21), date(2026, 11, 22)
FIVE_PM = vn("2026-11-21 17:00")


@pytest.fixture
def session(database: Database) -> Session:
    with database.write() as opened:
        yield opened


@pytest.fixture
def cast(session: Session) -> Cast:
    regulation.set_quiet(session, None, [QuietHours(time(21), time(5))], NOON)
    return settle_in(session)


@pytest.fixture
def daily(session: Session, cast: Cast) -> Schedule:
    return schedules.add(
        session, approved_bulletin(session, cast), cast.hoa, rule(cast), now=NOON, zone=ZONE
    )


def rule(cast: Cast, **changes: object) -> Rule:
    usual = {"kind": ScheduleKind.DAILY, "at": time(17), "start_date": TODAY,
             "area_ids": (cast.commune.id,)}  # fmt: skip
    return Rule(**{**usual, **changes})


def make(
    session: Session, cast: Cast, schedule: Schedule, now: Instant = NOON, **wanted: object
) -> ScheduleException:
    usual = {"day": TODAY, "kind": Kind.SKIP}
    return one_day.make(
        session, schedule, cast.hoa, Otherwise(**{**usual, **wanted}), now=now, zone=ZONE
    )


def rows(session: Session, now: Instant = NOON) -> list[Broadcast]:
    planner.plan(session, now, RULES)
    return list(session.scalars(sa.select(Broadcast).order_by(Broadcast.starts_at, Broadcast.id)))


def told(session: Session, now: Instant = NOON) -> list[tuple[Instant, str | None]]:
    """When, and the code of why it will not be heard."""
    return [(row.starts_at, row.code) for row in rows(session, now)]


def test_a_skipped_day_has_a_row_that_says_who_and_why(
    session: Session, cast: Cast, daily: Schedule
) -> None:
    make(session, cast, daily, reason="nghỉ lễ")
    today, tomorrow = rows(session)
    assert (today.starts_at, today.code, today.state) == (
        FIVE_PM,
        "skipped",
        BroadcastState.CANCELLED,
    )
    assert today.reason == "Hoa bỏ lượt ngày 21/11/2026: nghỉ lễ."
    assert (tomorrow.code, tomorrow.state) == (None, BroadcastState.PLANNED)


def test_skipping_what_is_planned_already_cancels_it_and_undoing_brings_it_back(
    session: Session, cast: Cast, daily: Schedule
) -> None:
    (first, _) = rows(session)
    skipped = make(session, cast, daily)
    assert told(session)[0] == (FIVE_PM, "skipped")
    one_day.undo(session, daily, skipped, cast.hoa, now=NOON, zone=ZONE)
    again = [row for row in rows(session) if row.starts_at == FIVE_PM]
    assert [(row.id, row.code, row.state) for row in again] == [
        (first.id, None, BroadcastState.PLANNED)
    ]
    assert [delivery.state for delivery in again[0].deliveries] == ["planned"] * 3


def test_one_skipped_from_the_start_and_taken_back_has_its_receivers(
    session: Session, cast: Cast, daily: Schedule
) -> None:
    skipped = make(session, cast, daily)
    rows(session)
    one_day.undo(session, daily, skipped, cast.hoa, now=NOON, zone=ZONE)
    (again,) = [row for row in rows(session) if row.starts_at == FIVE_PM]
    assert (again.code, again.stop_requested_at, again.recording_sha is None) == (None, None, False)
    assert [delivery.state for delivery in again.deliveries] == ["planned"] * 3


def test_a_moved_day_sounds_at_the_new_time_and_the_old_one_says_so(
    session: Session, cast: Cast, daily: Schedule
) -> None:
    make(session, cast, daily, kind=Kind.MOVE, to_time=time(18, 30), reason="họp xã")
    old, new, _ = rows(session)
    assert (old.starts_at, old.code) == (FIVE_PM, "moved")
    assert old.reason == "Hoa dời lượt ngày 21/11/2026 sang 18:30 ngày 21/11/2026: họp xã."
    assert (new.starts_at, new.state) == (after(FIVE_PM, 90 * MINUTE), BroadcastState.PLANNED)
    assert new.origin.startswith("Lịch phát hằng ngày lúc 17:00. Hoa dời lượt")


def test_a_day_moved_beyond_the_horizon_is_planned_when_it_comes(
    session: Session, cast: Cast, daily: Schedule
) -> None:
    make(session, cast, daily, kind=Kind.MOVE, to_day=date(2026, 11, 25), to_time=time(9))
    there = vn("2026-11-25 09:00")
    assert there not in [at for at, _ in told(session)]
    assert (there, None) in told(session, after(NOON, 3 * DAY))


def test_a_schedule_of_one_day_moved_past_its_end_is_still_planned(
    session: Session, cast: Cast
) -> None:
    once = schedules.add(
        session, approved_bulletin(session, cast), cast.hoa, rule(cast, kind=ScheduleKind.ONCE), now=NOON, zone=ZONE
    )  # fmt: skip
    make(session, cast, once, kind=Kind.MOVE, to_day=date(2026, 11, 28))
    there = vn("2026-11-28 17:00")
    assert schedules.next_of(once, NOON, ZONE) == there
    assert schedules.running(session, [once.bulletin_id], after(NOON, DAY), ZONE) == [once]
    told(session)
    assert (there, None) in told(session, after(NOON, 6 * DAY))


def test_a_replaced_day_has_the_other_bulletin(
    session: Session, cast: Cast, daily: Schedule
) -> None:
    other = approved_bulletin(session, cast, title="Thư chúc mừng")
    make(session, cast, daily, kind=Kind.REPLACE, bulletin_id=other.id)
    found = {row.title: row for row in rows(session) if row.starts_at == FIVE_PM}
    assert found["Lịch tiêm chủng"].code == "replaced"
    assert found["Thư chúc mừng"].state is BroadcastState.PLANNED
    assert found["Thư chúc mừng"].recording_sha == other.recording_sha


def test_another_exception_takes_the_place_of_the_one_before(
    session: Session, cast: Cast, daily: Schedule
) -> None:
    first = make(session, cast, daily)
    make(session, cast, daily, kind=Kind.MOVE, to_time=time(18))
    assert first.withdrawn_at == NOON
    assert [each.kind for each in daily.exceptions] == [Kind.MOVE]
    assert next(at for at, code in told(session) if code is None) == after(FIVE_PM, HOUR)


def test_exceptions_survive_every_edit_of_the_series(
    session: Session, cast: Cast, daily: Schedule
) -> None:
    make(session, cast, daily, day=TODAY)
    make(session, cast, daily, day=TOMORROW, kind=Kind.MOVE, to_time=time(9))
    edited = rule(cast, at=time(18), area_ids=(cast.villages[0].id,))
    assert schedules.change(session, daily, cast.hoa, edited, now=NOON, zone=ZONE)
    assert told(session) == [
        (after(FIVE_PM, HOUR), "skipped"),
        (vn("2026-11-22 09:00"), None),
        (vn("2026-11-22 18:00"), "moved"),
    ]


def test_an_exception_for_a_day_the_series_lost_is_kept_and_said_to_have_no_effect(
    session: Session, cast: Cast, daily: Schedule
) -> None:
    make(session, cast, daily, day=TOMORROW, kind=Kind.MOVE, to_time=time(9))  # a Sunday
    mondays = rule(cast, kind=ScheduleKind.WEEKDAYS, weekdays=(0,))
    schedules.change(session, daily, cast.hoa, mondays, now=NOON, zone=ZONE)
    (line,) = one_day.lines(daily, NOON, ZONE)
    assert not line.has_effect
    assert [at for at, _ in told(session)] == []
    schedules.change(session, daily, cast.hoa, rule(cast), now=NOON, zone=ZONE)
    (line,) = one_day.lines(daily, NOON, ZONE)
    assert line.has_effect
    assert (vn("2026-11-22 09:00"), None) in told(session)


def test_a_time_that_two_days_come_to_share_sounds_once(
    session: Session, cast: Cast, daily: Schedule
) -> None:
    make(session, cast, daily, kind=Kind.MOVE, to_time=time(18))
    schedules.change(session, daily, cast.hoa, rule(cast, at=time(18)), now=NOON, zone=ZONE)
    assert [code for at, code in told(session) if at == after(FIVE_PM, HOUR)] == [None]


@pytest.mark.parametrize(
    ("wanted", "field", "words"),
    [
        ({"day": date(2026, 11, 20)}, "day", "không có lượt"),
        ({"kind": Kind.MOVE}, "to_time", "giờ hoặc ngày mới|đã có lượt"),
        ({"kind": Kind.MOVE, "to_time": time(3, 15), "to_day": TOMORROW}, "to_time", "giờ không phát"),
        ({"kind": Kind.MOVE, "to_time": time(11)}, "to_time", "đã qua"),
        ({"kind": Kind.MOVE, "to_day": TOMORROW}, "to_time", "đã có lượt"),
        ({"kind": Kind.REPLACE}, "bulletin_id", "Hãy chọn bản tin"),
        ({"reason": "x" * 400}, "reason", "dài quá"),
    ],
)  # fmt: skip
def test_it_refuses_with_the_field_and_the_rule(
    session: Session, cast: Cast, daily: Schedule, wanted: dict[str, object], field: str, words: str
) -> None:
    with pytest.raises(ScheduleError, match=words) as caught:
        make(session, cast, daily, **wanted)
    assert caught.value.field == field
    assert not daily.exceptions


def test_a_day_that_has_begun_or_is_over_is_left_as_it_was(
    session: Session, cast: Cast, daily: Schedule
) -> None:
    with pytest.raises(ScheduleError, match="đã qua hoặc đang phát"):
        make(session, cast, daily, now=FIVE_PM)
    skipped = make(session, cast, daily)
    with pytest.raises(ScheduleError, match="đã qua hoặc đang phát"):
        one_day.undo(session, daily, skipped, cast.hoa, now=after(FIVE_PM, HOUR), zone=ZONE)


def test_a_bulletin_that_cannot_stand_in_is_refused_at_its_field(
    session: Session, cast: Cast, daily: Schedule
) -> None:
    gone = approved_bulletin(session, cast, title="Cũ")
    bulletins.withdraw(session, gone, cast.minh, NOON)
    for bulletin_id, words in ((gone.id, "thu hồi"), (daily.bulletin_id, "chính là")):
        with pytest.raises(ScheduleError, match=words) as caught:
            make(session, cast, daily, kind=Kind.REPLACE, bulletin_id=bulletin_id)
        assert caught.value.field == "bulletin_id"


def test_a_stand_in_that_is_withdrawn_later_does_not_sound(
    session: Session, cast: Cast, daily: Schedule
) -> None:
    other = approved_bulletin(session, cast, title="Thư chúc mừng")
    make(session, cast, daily, kind=Kind.REPLACE, bulletin_id=other.id)
    rows(session)
    bulletins.withdraw(session, other, cast.minh, NOON)
    assert {row.code for row in rows(session) if row.starts_at == FIVE_PM} == {
        "replaced",
        "withdrawn",
    }
    daily.planned_until = NOON
    assert {row.code for row in rows(session) if row.starts_at == FIVE_PM} == {
        "replaced",
        "withdrawn",
    }


def test_by_night_only_an_emergency_stands_in(session: Session, cast: Cast) -> None:
    urgent = approved_bulletin(session, cast, priority=Priority.EMERGENCY)
    night = schedules.add(session, urgent, cast.minh, rule(cast, at=time(23)), now=NOON, zone=ZONE)
    other = approved_bulletin(session, cast)
    with pytest.raises(ScheduleError, match="giờ không phát"):
        make(session, cast, night, kind=Kind.REPLACE, bulletin_id=other.id)


def test_no_emergency_stands_in_for_a_day(session: Session, cast: Cast, daily: Schedule) -> None:
    urgent = approved_bulletin(session, cast, priority=Priority.EMERGENCY)
    with pytest.raises(ScheduleError, match="phát từ trang Khẩn cấp") as refusal:
        make(session, cast, daily, kind=Kind.REPLACE, bulletin_id=urgent.id)
    assert refusal.value.field == "bulletin_id"


def test_the_log_names_the_series_the_day_and_the_reason(
    session: Session, cast: Cast, daily: Schedule
) -> None:
    skipped = make(session, cast, daily, reason="mưa")
    one_day.undo(session, daily, skipped, cast.hoa, now=NOON, zone=ZONE)
    kinds = ("exception.add", "exception.withdraw")
    entries = session.scalars(sa.select(audit.AuditEntry).where(audit.AuditEntry.kind.in_(kinds)))
    found = [(entry.kind, entry.actor) for entry in entries]
    assert found == [("exception.add", "hoa"), ("exception.withdraw", "hoa")]


def test_a_viewer_changes_no_day(session: Session, cast: Cast, daily: Schedule) -> None:
    with pytest.raises(NotAllowed):
        one_day.make(
            session, daily, cast.lan, Otherwise(day=TODAY, kind=Kind.SKIP), now=NOON, zone=ZONE
        )


def test_an_exception_holds_for_the_context_until_it_is_withdrawn(
    session: Session, cast: Cast, daily: Schedule
) -> None:
    skipped = make(session, cast, daily)
    found = context.read(session, RULES)
    assert exceptions.on(found, "schedule_id", daily.id, TODAY) is skipped
    assert exceptions.on(found, "schedule_id", daily.id, TOMORROW) is None
    assert exceptions.on(found, "programme_id", daily.id, TODAY) is None
    one_day.undo(session, daily, skipped, cast.hoa, now=NOON, zone=ZONE)
    assert exceptions.on(context.read(session, RULES), "schedule_id", daily.id, TODAY) is None
    wishes = series.wanted(daily, NOON, after(NOON, DAY), context.read(session, RULES))
    assert [wish.why_not for wish in wishes] == [None]
