from __future__ import annotations

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest

from content.bulletins import Priority
from loa.staff import Staff
from loa.times import DAY, Instant, after
from scheduler import days
from scheduler.days import Calendar, DayMark
from scheduler.regulation import Regulation
from scheduler.rulebook import DayKind, Rulebook
from tests.cast import NOON, ZONE, vn

HOA = Staff(name="Hoa", login="hoa")
TODAY = date(2026, 11, 21)
LAW = Regulation(id=1, since=vn("2026-01-01 00:00"), quiet=[], rules=Rulebook())


def mark(
    kind: str, first: str, last: str = "", made: str = "2026-11-20 08:00", gone: str = ""
) -> DayMark:
    return DayMark(
        kind=kind, first=date.fromisoformat(first), last=date.fromisoformat(last or first), name="Quốc tang",
        staff=HOA, made_at=vn(made), withdrawn_at=vn(gone) if gone else None,
    )  # fmt: skip


def calendar(*marks: DayMark, regulations: tuple[Regulation, ...] = (LAW,)) -> Calendar:
    return Calendar(regulations, marks, ZONE)


@pytest.mark.parametrize(
    ("day", "kind", "why"),
    [
        ("2026-11-20", "normal", "Thứ sáu"),
        ("2026-11-21", "weekend", "Thứ bảy"),
        ("2026-09-02", "holiday", "Quốc khánh"),
        ("2030-02-02", "holiday", "Tết Nguyên Đán"),  # a day before China's
        ("2030-02-03", "holiday", "Mùng hai Tết Nguyên Đán"),
        ("2026-04-27", "holiday", "Ngày Giỗ Tổ Hùng Vương (nghỉ bù)"),
        ("2026-08-31", "holiday", "Ngày nghỉ (thay cho ngày 22/08/2026)"),
        ("2026-08-22", "normal", "Làm bù cho ngày nghỉ 31/08/2026"),  # a Saturday
        ("2019-01-05", "normal", "Làm bù cho ngày nghỉ 31/12/2018"),  # over the end of a year
        ("2028-02-29", "normal", "Thứ ba"),
    ],
)
def test_it_knows_the_kinds_of_days_and_why(day: str, kind: str, why: str) -> None:
    found = calendar().kind(date.fromisoformat(day))
    assert (found.key, found.why) == (kind, why)


def test_what_staff_say_goes_before_the_calendar_and_says_who_said_it() -> None:
    told = calendar(mark("mourning", "2026-11-23", "2026-11-24"))
    assert told.kind(date(2026, 11, 23)) == (
        "mourning",
        "Quốc tang",
        "Quốc tang (Hoa ghi ngày 20/11/2026)",
    )
    assert told.kind(date(2026, 11, 24)).key == "mourning"
    assert told.kind(date(2026, 11, 25)).key == "normal"


def test_of_several_marks_the_one_made_last_counts() -> None:
    told = calendar(mark("mourning", "2026-11-23"), mark("holiday", "2026-11-23"))
    assert told.kind(date(2026, 11, 23)).key == "holiday"


def test_a_withdrawn_mark_explains_the_past_only() -> None:
    told = calendar(mark("mourning", "2026-11-19", "2026-11-25", "2026-11-18 08:00", "2026-11-21 12:00"))  # fmt: skip
    assert told.kind(date(2026, 11, 20)).key == "mourning"
    assert told.kind(TODAY).key == "weekend"
    assert told.kind(date(2026, 11, 25)).key == "normal"
    # What was held of today this morning, when things did not sound for it.
    assert told.kind_then(TODAY, vn("2026-11-21 11:59")).key == "mourning"
    assert told.kind_then(TODAY, vn("2026-11-21 12:00")).key == "weekend"


def test_a_day_that_was_over_is_not_made_another_afterwards() -> None:
    told = calendar(mark("mourning", "2026-11-19", "2026-11-25", "2026-11-21 09:00"))
    assert told.kind(date(2026, 11, 20)).key == "normal"
    assert told.kind(TODAY).key == "mourning"


def test_the_kind_is_named_and_judged_by_the_version_of_that_time() -> None:
    strict = Rulebook(kinds=(DayKind(key="weekend", name="Nghỉ", plays="emergency"),))
    later = Regulation(id=2, since=vn("2026-11-28 00:00"), quiet=[], rules=strict)
    told = calendar(regulations=(LAW, later))
    assert told.forbids(NOON, Priority.NORMAL) is None
    assert told.kind(date(2026, 11, 28)).name == "Nghỉ"
    why = told.forbids(after(NOON, 7 * DAY), Priority.PRIORITY)
    assert why == "Ngày 28/11/2026 là Nghỉ (Thứ bảy): chỉ bản tin khẩn cấp được phát."
    assert told.forbids(after(NOON, 7 * DAY), Priority.EMERGENCY) is None


def test_mourning_lets_priority_through() -> None:
    told = calendar(mark("mourning", "2026-11-22"))
    tomorrow = after(NOON, DAY)
    assert "chỉ bản tin ưu tiên và khẩn cấp" in str(told.forbids(tomorrow, Priority.NORMAL))
    assert told.forbids(tomorrow, Priority.PRIORITY) is None


def test_a_day_begins_where_the_zone_lets_it() -> None:
    cairo = ZoneInfo("Africa/Cairo")  # 24 April 2026: midnight is skipped
    begins = days.first_of(date(2026, 4, 24), cairo)
    assert begins == days.first_of(date(2026, 4, 25), cairo) - 23 * 3_600_000


def test_no_two_days_of_ten_years_contradict_the_week() -> None:
    """Whatever the library says, each day is a holiday, a weekend day, or a day like any other."""
    for n in range(3653):
        day = date(2024, 1, 1) + timedelta(days=n)
        key, why = days.by_calendar(day)
        assert key in ("normal", "weekend", "holiday")
        assert why
        assert key != "weekend" or day.weekday() >= 5
        assert Instant(days.first_of(day, ZONE)) == vn(f"{day} 00:00")
