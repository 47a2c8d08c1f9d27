from __future__ import annotations

from datetime import date, time
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.orm import Session

from content import bulletins
from loa.database import Database
from loa.errors import NotAllowed, ScheduleError
from loa.times import DAY, Instant, after, local
from scheduler import regulation, schedules
from scheduler.regulation import QuietHours
from scheduler.schedules import Kind, Rule
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
