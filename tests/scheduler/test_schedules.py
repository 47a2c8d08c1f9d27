from __future__ import annotations

import json
from datetime import date, time
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from content import bulletins
from content.relays import Relay, Stream
from loa.audit import AuditEntry
from loa.database import Database
from loa.errors import NotAllowed, ScheduleError
from loa.times import DAY, MINUTE, Instant, after, local
from scheduler import context, planner, regulation, schedules
from scheduler.admission import ReasonNeeded
from scheduler.broadcasts import Broadcast
from scheduler.regulation import QuietHours
from scheduler.rulebook import Rulebook, Slot
from scheduler.schedules import Kind, Rule
from scheduler.sources import Rules
from tests.cast import NOON, ZONE, Cast, approved_bulletin, settle_in, vn

SATURDAY = date(2026, 11, 21)


def times_of(rule: Rule, since: Instant, days: int, zone: ZoneInfo = ZONE) -> list[str]:
    return [
        f"{local(at, zone):%d/%m %H:%M}"
        for at in schedules.occurrences(rule, since, after(since, days * DAY), zone)
    ]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (Rule(kind=Kind.ONCE, at=time(17), start_date=SATURDAY), ["21/11 17:00"]),
        (Rule(kind=Kind.ONCE, at=time(11), start_date=SATURDAY), []),
        (
            Rule(kind=Kind.DAILY, at=time(17), start_date=SATURDAY),
            ["21/11 17:00", "22/11 17:00", "23/11 17:00"],
        ),
        (
            Rule(kind=Kind.DAILY, at=time(11), start_date=SATURDAY),
            ["22/11 11:00", "23/11 11:00", "24/11 11:00"],
        ),
        (
            Rule(
                kind=Kind.DAILY,
                at=time(17),
                start_date=date(2026, 11, 22),
                end_date=date(2026, 11, 22),
            ),
            ["22/11 17:00"],
        ),
        (
            Rule(kind=Kind.WEEKDAYS, weekdays=(0, 6), at=time(5), start_date=SATURDAY),
            ["22/11 05:00", "23/11 05:00"],
        ),
        (Rule(kind=Kind.DAILY, at=time(17), start_date=date(2026, 12, 1)), []),
    ],
)
def test_it_occurs_when_the_rule_says(rule: Rule, expected: list[str]) -> None:
    assert times_of(rule, NOON, 3) == expected


def test_a_skipped_hour_does_not_occur_and_a_doubled_one_occurs_once() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    rule = Rule(kind=Kind.DAILY, at=time(2, 30), start_date=date(2026, 3, 28))
    since = vn("2026-03-28 00:00")
    assert times_of(rule, since, 3, berlin) == ["28/03 02:30", "30/03 02:30"]
    assert times_of(rule, vn("2026-10-24 12:00"), 3, berlin) == [
        "25/10 02:30",
        "26/10 02:30",
        "27/10 02:30",
    ]


def test_29_february_is_a_day_like_any_other() -> None:
    rule = Rule(kind=Kind.DAILY, at=time(6), start_date=date(2028, 2, 28))
    assert times_of(rule, vn("2028-02-28 00:00"), 3) == [
        "28/02 06:00",
        "29/02 06:00",
        "01/03 06:00",
    ]


@pytest.fixture
def session(database: Database) -> Session:
    with database.write() as opened:
        yield opened


@pytest.fixture
def cast(session: Session) -> Cast:
    regulation.set_quiet(session, None, [QuietHours(time(21), time(5))], NOON)
    return settle_in(session)


def rule(cast: Cast, **changes: object) -> Rule:
    wanted = {
        "kind": Kind.ONCE,
        "at": time(17),
        "start_date": SATURDAY,
        "area_ids": (cast.commune.id,),
    }
    return Rule(**{**wanted, **changes})


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"at": time(11)}, "at", "đã qua"),
        ({"at": time(3, 15), "start_date": date(2026, 11, 22)}, "at", "giờ không phát"),
        ({"at": time(20, 59, 45)}, "at", "giờ không phát"),  # thirty seconds of sound
        (
            {"at": time(20, 59, 30)},
            "at",
            "giờ không phát",
        ),  # a receiver may be set to play a second later
        ({"area_ids": ()}, "area_ids", "địa bàn"),
        ({"kind": Kind.WEEKDAYS}, "weekdays", "thứ"),
        ({"kind": Kind.DAILY, "end_date": date(2026, 11, 20)}, "end_date", "trước"),
    ],
)
def test_it_refuses_with_the_field_and_the_rule(
    session: Session, cast: Cast, changes: dict[str, object], field: str, words: str
) -> None:
    bulletin = approved_bulletin(session, cast)
    with pytest.raises(ScheduleError, match=words) as caught:
        schedules.add(session, bulletin, cast.hoa, rule(cast, **changes), now=NOON, zone=ZONE)
    assert caught.value.field == field


def test_an_area_without_receivers_is_refused(session: Session) -> None:
    regulation.set_quiet(session, None, [], NOON)
    cast = settle_in(session, count=1)
    bulletin = approved_bulletin(session, cast)
    with pytest.raises(ScheduleError, match="đầu thu"):
        schedules.add(
            session,
            bulletin,
            cast.hoa,
            rule(cast, area_ids=(cast.villages[2].id,)),
            now=NOON,
            zone=ZONE,
        )


def test_an_emergency_may_be_scheduled_by_night(session: Session, cast: Cast) -> None:
    bulletin = approved_bulletin(session, cast, priority=bulletins.Priority.EMERGENCY)
    schedules.add(session, bulletin, cast.minh, rule(cast, at=time(23)), now=NOON, zone=ZONE)


def test_a_bulletin_is_not_scheduled_past_its_validity(session: Session, cast: Cast) -> None:
    bulletin = approved_bulletin(session, cast, valid_until=date(2026, 11, 23))
    for changes, field in (
        ({"start_date": date(2026, 11, 24)}, "start_date"),
        ({"kind": Kind.DAILY}, "end_date"),
    ):
        with pytest.raises(ScheduleError, match="hết hiệu lực") as caught:
            schedules.add(session, bulletin, cast.hoa, rule(cast, **changes), now=NOON, zone=ZONE)
        assert caught.value.field == field


def test_broadcasting_now_needs_approval_and_keeps_the_night(session: Session, cast: Cast) -> None:
    bulletin = approved_bulletin(session, cast)
    schedule = schedules.broadcast_now(
        session, bulletin, cast.minh, [cast.commune.id], now=NOON, zone=ZONE
    )
    assert list(schedules.occurrences(schedule, NOON, after(NOON, DAY), ZONE)) == [
        after(NOON, schedules.NOW_LEAD)
    ]
    midnight = vn("2026-11-22 00:00")
    with pytest.raises(ScheduleError, match="giờ không phát"):
        schedules.broadcast_now(
            session, bulletin, cast.minh, [cast.commune.id], now=midnight, zone=ZONE
        )
    bulletins.withdraw(session, bulletin, cast.minh, NOON)
    with pytest.raises(ScheduleError, match="đã duyệt"):
        schedules.broadcast_now(
            session, bulletin, cast.minh, [cast.commune.id], now=NOON, zone=ZONE
        )


def test_a_viewer_schedules_nothing(session: Session, cast: Cast) -> None:
    with pytest.raises(NotAllowed):
        schedules.add(
            session, approved_bulletin(session, cast), cast.lan, rule(cast), now=NOON, zone=ZONE
        )


# -- other days -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("recurs", "expected"),
    [
        ("RSCALE=VIETNAMESE;FREQ=MONTHLY;BYMONTHDAY=1,15", ["23/11 17:00"]),
        ("FREQ=MONTHLY;BYDAY=-1SU", ["29/11 17:00"]),
        ("FREQ=DAILY;INTERVAL=5", ["21/11 17:00", "26/11 17:00"]),
    ],
)
def test_it_occurs_by_any_recurrence(recurs: str, expected: list[str]) -> None:
    rule = Rule(kind=Kind.OTHER, recurs=recurs, at=time(17), start_date=SATURDAY)
    assert times_of(rule, NOON, 10) == expected


def test_what_is_stored_is_one_text(session: Session, cast: Cast) -> None:
    bulletin = approved_bulletin(session, cast)
    for changes, stored in (
        ({}, ""),
        ({"kind": Kind.DAILY}, "FREQ=DAILY"),
        ({"kind": Kind.WEEKDAYS, "weekdays": (4, 0, 4)}, "FREQ=WEEKLY;BYDAY=MO,FR"),
        ({"kind": Kind.OTHER, "recurs": "freq=daily;interval=2"}, "FREQ=DAILY;INTERVAL=2"),
    ):
        made = schedules.add(
            session, bulletin, cast.hoa, rule(cast, **changes), now=NOON, zone=ZONE
        )
        assert made.rule == stored
        assert made.kind is changes.get("kind", Kind.ONCE)
    assert made.days == ()


def test_an_unknown_recurrence_is_refused(session: Session, cast: Cast) -> None:
    with pytest.raises(ScheduleError, match="cách lặp"):
        schedules.add(
            session, approved_bulletin(session, cast), cast.hoa,
            rule(cast, kind=Kind.OTHER, recurs="FREQ=SECONDLY"), now=NOON, zone=ZONE,
        )  # fmt: skip


def test_a_kind_of_day_it_skips_has_a_row_that_says_so(session: Session, cast: Cast) -> None:
    daily = rule(cast, kind=Kind.DAILY, skips=("weekend",))
    made = schedules.add(
        session, approved_bulletin(session, cast), cast.hoa, daily, now=NOON, zone=ZONE
    )
    found = context.read(session, Rules(zone=ZONE, horizon=0, late=0))
    wishes = schedules.wanted(made, NOON, after(NOON, 3 * DAY), found)
    assert [wish.why_not.code if wish.why_not else None for wish in wishes] == [
        "day_kind_skipped",
        "day_kind_skipped",
        None,
    ]
    assert wishes[0].why_not.sentence == "Lịch này không phát vào cuối tuần (Thứ bảy)."
    assert schedules.next_of(made, NOON, ZONE, found) == vn("2026-11-23 17:00")


def test_a_schedule_that_skips_all_its_days_is_refused(session: Session, cast: Cast) -> None:
    sundays = rule(cast, kind=Kind.WEEKDAYS, weekdays=(6,), skips=("weekend", "holiday"))
    with pytest.raises(ScheduleError, match="loại ngày") as caught:
        schedules.add(
            session, approved_bulletin(session, cast), cast.hoa, sundays, now=NOON, zone=ZONE
        )
    assert caught.value.field == "skips"


def test_minutes_are_of_relays_alone(session: Session, cast: Cast) -> None:
    bulletin = approved_bulletin(session, cast)
    with pytest.raises(ScheduleError, match="tiếp sóng") as caught:
        schedules.add(session, bulletin, cast.hoa, rule(cast, minutes=5), now=NOON, zone=ZONE)
    assert caught.value.field == "minutes"
    bulletin.relay = Stream("https://example.invalid/a.mp3", (), 15 * MINUTE)
    made = schedules.add(session, bulletin, cast.hoa, rule(cast, minutes=5), now=NOON, zone=ZONE)
    found = context.read(session, Rules(zone=ZONE, horizon=0, late=0))
    (wish,) = schedules.wanted(made, NOON, after(NOON, DAY), found)
    assert wish.relay == Relay("https://example.invalid/a.mp3", 5 * MINUTE)
    late = rule(cast, minutes=5, at=time(20, 58))
    with pytest.raises(ScheduleError, match="giờ không phát"):
        schedules.add(session, bulletin, cast.hoa, late, now=NOON, zone=ZONE)


# -- changes --------------------------------------------------------------------------------------


def test_a_change_keeps_the_object_and_logs_what_was_and_what_is(
    session: Session, cast: Cast
) -> None:
    bulletin = approved_bulletin(session, cast)
    made = schedules.add(session, bulletin, cast.hoa, rule(cast), now=NOON, zone=ZONE)
    made.planned_until = after(NOON, 2 * DAY)
    later = after(NOON, 1000)
    edited = rule(cast, kind=Kind.DAILY, at=time(18), resumes=True)
    assert schedules.change(session, made, cast.minh, edited, now=later, zone=ZONE)
    assert (made.rule, made.at, made.planned_until) == ("FREQ=DAILY", time(18), later)
    assert made.end_date is None
    entry = session.scalars(sa.select(AuditEntry).where(AuditEntry.kind == "schedule.change")).one()
    data = json.loads(entry.data)
    assert data["before"] == {"rule": "", "at": "17:00:00", "end": "2026-11-21", "resumes": None}
    assert data["after"] == {"rule": "FREQ=DAILY", "at": "18:00:00", "end": "None", "resumes": True}
    assert (entry.actor, data["schedule"]) == ("minh", made.id)


def test_saving_what_is_the_same_changes_nothing(session: Session, cast: Cast) -> None:
    bulletin = approved_bulletin(session, cast)
    made = schedules.add(session, bulletin, cast.hoa, rule(cast), now=NOON, zone=ZONE)
    made.planned_until = after(NOON, DAY)
    assert not schedules.change(session, made, cast.hoa, rule(cast), now=NOON, zone=ZONE)
    assert made.planned_until == after(NOON, DAY)


def test_a_change_is_held_against_the_same_rules(session: Session, cast: Cast) -> None:
    bulletin = approved_bulletin(session, cast)
    made = schedules.add(session, bulletin, cast.hoa, rule(cast), now=NOON, zone=ZONE)
    with pytest.raises(ScheduleError, match="giờ không phát"):
        schedules.change(
            session,
            made,
            cast.hoa,
            rule(cast, at=time(3, 15), kind=Kind.DAILY),
            now=NOON,
            zone=ZONE,
        )
    with pytest.raises(NotAllowed):
        schedules.change(session, made, cast.lan, rule(cast, at=time(18)), now=NOON, zone=ZONE)
    schedules.end(session, made, cast.hoa, NOON)
    with pytest.raises(ScheduleError, match="đã kết thúc"):
        schedules.change(session, made, cast.hoa, rule(cast, at=time(18)), now=NOON, zone=ZONE)


def test_what_sounds_goes_on_when_its_series_is_changed(session: Session, cast: Cast) -> None:
    bulletin = approved_bulletin(session, cast, ms=60_000)
    daily = rule(cast, kind=Kind.DAILY)
    made = schedules.add(session, bulletin, cast.hoa, daily, now=NOON, zone=ZONE)
    rules = planner.Rules(zone=ZONE, horizon=2 * DAY, late=60_000)
    planner.plan(session, NOON, rules)
    during = vn("2026-11-21 17:00:30")
    schedules.change(
        session, made, cast.hoa, rule(cast, kind=Kind.DAILY, at=time(18)), now=during, zone=ZONE
    )
    planner.plan(session, during, rules)
    found = session.execute(
        sa.select(Broadcast.starts_at, Broadcast.code).order_by(Broadcast.starts_at)
    )
    assert [tuple(row) for row in found] == [
        (vn("2026-11-21 17:00"), None),
        (vn("2026-11-21 18:00"), None),
        (vn("2026-11-22 17:00"), "changed"),
        (vn("2026-11-22 18:00"), None),
    ]


def test_the_regulation_may_ask_for_a_reason_which_is_kept(session: Session, cast: Cast) -> None:
    morning = Slot(key="s", name="Sáng", start="06:00", minutes=30)
    regulation.at(session, NOON).rules = Rulebook(slots=(morning,), outside="reason")
    session.flush()
    bulletin = approved_bulletin(session, cast)
    with pytest.raises(ReasonNeeded) as caught:
        schedules.add(session, bulletin, cast.hoa, rule(cast), now=NOON, zone=ZONE)
    assert [found.rule for found in caught.value.findings] == ["outside"]
    made = schedules.add(
        session, bulletin, cast.hoa, rule(cast), now=NOON, zone=ZONE, waived_why="Họp đột xuất"
    )
    assert (made.waived, made.waived_why) == (["outside"], "Họp đột xuất")
    entry = session.scalars(sa.select(AuditEntry).where(AuditEntry.kind == "schedule.waived")).one()
    assert json.loads(entry.data)["schedule"] == made.id
