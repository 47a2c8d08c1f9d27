from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from dateutil.rrule import rrulestr

from loa.errors import ScheduleError
from scheduler import lunar, recurrence

START = date(2026, 11, 21)
"""A Saturday."""
MOON = "RSCALE=VIETNAMESE;FREQ="


def days(
    rule: str, since: date = START, until: date = date(2027, 3, 1), start: date = START
) -> list[str]:
    return [f"{day:%d/%m}" for day in recurrence.dates(rule, start, None, since, until)]


@pytest.mark.parametrize(
    ("rule", "words", "first"),
    [
        ("", "thứ Bảy 21/11/2026", ["21/11"]),
        ("FREQ=DAILY", "hằng ngày", ["21/11", "22/11", "23/11"]),
        ("FREQ=DAILY;INTERVAL=3", "3 ngày một lần", ["21/11", "24/11", "27/11"]),
        ("FREQ=WEEKLY;BYDAY=MO,TH", "thứ Hai, thứ Năm hằng tuần", ["23/11", "26/11", "30/11"]),
        ("FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", "thứ Hai đến thứ Sáu hằng tuần", ["23/11", "24/11", "25/11"]),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=SA,SU", "thứ Bảy, Chủ nhật, 2 tuần một lần", ["21/11", "22/11", "05/12"]),
        ("FREQ=MONTHLY;BYMONTHDAY=1,15,-1", "ngày 1, 15 và ngày cuối tháng hằng tháng", ["30/11", "01/12", "15/12"]),
        ("FREQ=MONTHLY;BYMONTHDAY=31", "ngày 31 hằng tháng (tháng không có ngày 31 thì bỏ qua)", ["31/12", "31/01"]),
        ("FREQ=MONTHLY;INTERVAL=3;BYMONTHDAY=1", "ngày 1, 3 tháng một lần", ["01/02"]),
        ("FREQ=MONTHLY;BYDAY=1MO", "thứ Hai đầu tiên trong tháng, hằng tháng", ["07/12", "04/01", "01/02"]),
        ("FREQ=MONTHLY;BYDAY=-1FR", "thứ Sáu cuối cùng trong tháng, hằng tháng", ["27/11", "25/12", "29/01"]),
        ("FREQ=MONTHLY;BYDAY=5MO",
         "thứ Hai lần thứ 5 trong tháng, hằng tháng (tháng không có lần thứ 5 thì bỏ qua)", ["30/11"]),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=3", "ngày 3/2 hằng năm", ["03/02"]),
        (MOON + "MONTHLY;BYMONTHDAY=1,15", "mùng 1, rằm âm lịch hằng tháng (kể cả tháng nhuận)",
         ["23/11", "09/12", "23/12"]),
        (MOON + "YEARLY;BYMONTH=1;BYMONTHDAY=15", "rằm tháng Giêng âm lịch hằng năm (không kể tháng nhuận)",
         ["20/02"]),
        (MOON + "YEARLY;BYMONTH=12;BYMONTHDAY=-1", "ngày cuối tháng Chạp âm lịch hằng năm (không kể tháng nhuận)",
         ["05/02"]),
        (MOON + "MONTHLY;BYMONTHDAY=30;SKIP=BACKWARD",
         "ngày 30 âm lịch hằng tháng (kể cả tháng nhuận; tháng thiếu thì ngày 29)", ["08/12", "07/01", "05/02"]),
    ],
)  # fmt: skip
def test_it_says_and_finds_its_days(rule: str, words: str, first: list[str]) -> None:
    assert recurrence.words(rule, START) == words
    assert days(rule)[: len(first)] == first
    assert str(recurrence.parse(rule)) == rule


def test_29_february_comes_in_leap_years_alone() -> None:
    rule = "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29"
    found = recurrence.dates(rule, START, None, START, date(2041, 1, 1))
    assert [day.year for day in found] == [2028, 2032, 2036, 2040]
    assert recurrence.words(rule, START).endswith("(chỉ năm nhuận có ngày 29/2)")


def test_a_leap_month_counts_for_what_is_monthly_and_not_for_what_is_yearly() -> None:
    since, until = date(2033, 11, 1), date(2034, 3, 1)
    monthly = MOON + "MONTHLY;BYMONTHDAY=15"
    assert days(monthly, since, until) == ["06/11", "06/12", "05/01", "03/02"]
    leap = lunar.from_solar(date(2034, 1, 5))
    assert leap == (15, 11, 2033, True)
    without = MOON + "MONTHLY;BYMONTH=1,2,3,4,5,6,7,8,9,10,11,12;BYMONTHDAY=15"
    assert days(without, since, until) == ["06/11", "06/12", "03/02"]
    assert "trừ tháng nhuận" in recurrence.words(without, START)
    assert days(MOON + "YEARLY;BYMONTH=11;BYMONTHDAY=15", since, until) == ["06/12"]


def test_a_day_short_lunar_months_do_not_have_is_left_out_unless_it_goes_back() -> None:
    since, until = date(2026, 1, 1), date(2027, 1, 1)
    short = [m for m in lunar.months(since, until) if m.days == 29 and m.first.year == 2026]
    left_out = set(days(MOON + "MONTHLY;BYMONTHDAY=30", since, until, since))
    back = set(days(MOON + "MONTHLY;BYMONTHDAY=30;SKIP=BACKWARD", since, until, since))
    ends = {f"{m.first + timedelta(days=28):%d/%m}" for m in short
            if (m.first + timedelta(days=28)).year == 2026}  # fmt: skip
    assert ends
    assert back - left_out == ends


@pytest.mark.parametrize(
    "rule",
    ["FREQ=DAILY;INTERVAL=7", "FREQ=WEEKLY;INTERVAL=3;BYDAY=MO,SA", "FREQ=WEEKLY;BYDAY=SU",
     "FREQ=MONTHLY;INTERVAL=5;BYMONTHDAY=31", "FREQ=MONTHLY;INTERVAL=2;BYDAY=2SU",
     "FREQ=YEARLY;INTERVAL=3;BYMONTH=2;BYMONTHDAY=28,-1"],
)  # fmt: skip
@pytest.mark.parametrize("start", [date(2019, 1, 31), date(2020, 2, 29), date(2026, 11, 21)])
def test_a_later_beginning_gives_the_days_that_the_first_would_have(rule: str, start: date) -> None:
    whole = rrulestr(rule, dtstart=datetime(start.year, start.month, start.day))  # noqa: DTZ001
    expected = [day.date() for day in whole.between(datetime(2026, 11, 30), datetime(2034, 1, 2))]  # noqa: DTZ001
    found = list(recurrence.dates(rule, start, None, date(2026, 12, 1), date(2034, 1, 2)))
    assert found == [day for day in expected if date(2026, 12, 1) <= day < date(2034, 1, 2)]
    assert found


def test_the_last_day_is_included_and_nothing_comes_before_the_first() -> None:
    found = recurrence.dates(
        "FREQ=DAILY", START, date(2026, 11, 23), date(2026, 1, 1), date(2027, 1, 1)
    )
    assert list(found) == [START, date(2026, 11, 22), date(2026, 11, 23)]
    assert not list(
        recurrence.dates("FREQ=DAILY", START, START, date(2026, 11, 22), date(2027, 1, 1))
    )
    assert not list(recurrence.dates("", START, None, date(2026, 11, 22), date(2027, 1, 1)))


@pytest.mark.parametrize(
    "text",
    ["FREQ=HOURLY", "FREQ=DAILY;COUNT=3", "FREQ=WEEKLY", "FREQ=WEEKLY;BYDAY=", "FREQ=WEEKLY;BYDAY=XX",
     "FREQ=MONTHLY;BYMONTHDAY=32", "FREQ=MONTHLY;BYMONTHDAY=0", "FREQ=MONTHLY;BYDAY=MO", "FREQ=MONTHLY",
     "FREQ=MONTHLY;BYDAY=1MO,2TU", "FREQ=MONTHLY;BYDAY=6MO", "FREQ=YEARLY;BYMONTHDAY=3", "FREQ=DAILY;INTERVAL=0",
     "FREQ=DAILY;INTERVAL=x", "FREQ=DAILY;FREQ=DAILY", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "hello",
     "FREQ=MONTHLY;BYMONTHDAY=31;SKIP=BACKWARD", "RSCALE=CHINESE;FREQ=MONTHLY;BYMONTHDAY=1",
     MOON + "DAILY", MOON + "MONTHLY;INTERVAL=2;BYMONTHDAY=1", MOON + "MONTHLY;BYMONTHDAY=31",
     MOON + "YEARLY;BYMONTHDAY=1", MOON + "MONTHLY;BYMONTHDAY=1;SKIP=FORWARD", MOON + "MONTHLY;BYMONTH=1;BYMONTHDAY=1",
     "FREQ=WEEKLY;BYDAY=MO;UNTIL=20270101T000000Z"],
)  # fmt: skip
def test_it_refuses_what_the_station_does_not_keep(text: str) -> None:
    with pytest.raises(ScheduleError):
        recurrence.parse(text)


def test_it_reads_what_others_write_and_writes_it_its_own_way() -> None:
    assert str(recurrence.parse("RRULE:freq=weekly;byday=we,mo;wkst=MO;interval=1")) == (
        "FREQ=WEEKLY;BYDAY=MO,WE"
    )
