from __future__ import annotations

from datetime import date, timedelta

import holidays
import pytest

from scheduler import lunar
from scheduler.lunar import Lunar

PUBLISHED = {
    2020: ("01-25", 4, "-+++-+--+--++"),
    2021: ("02-12", 0, "-++-+-+-+-+-"),
    2022: ("02-01", 0, "+-+-++-+-+-+"),
    2023: ("01-22", 2, "-+--++-++-+-+"),
    2024: ("02-10", 0, "-+--+-++-++-"),
    2025: ("01-29", 6, "+-+--+-+-+++-"),
    2026: ("02-17", 0, "+-+--+--+++-"),
    2027: ("02-06", 0, "++-+--+--++-"),
    2028: ("01-26", 5, "+++-+--+--++-"),
    2029: ("02-13", 0, "++-+-+-+--+-"),
    2030: ("02-02", 0, "++-++-+-+-+-"),
    2031: ("01-23", 3, "-+-++-++-+-+-"),
    2032: ("02-11", 0, "-+-+-++-++-+"),
    2033: ("01-31", 11, "-+--+-+-+++-+"),
    2034: ("02-19", 0, "-+--+--+++-+"),
    2035: ("02-08", 0, "+-+--+--++-+"),
    2036: ("01-28", 6, "++-+--+--+-++"),
    2037: ("02-15", 0, "+-++--+--+-+"),
    2038: ("02-04", 0, "+-++-+-+--+-"),
    2039: ("01-24", 5, "++-++-+-+--+-"),
    2040: ("02-12", 0, "+-++-+-++-+-"),
    2041: ("02-01", 0, "-+-+-+-+++-+"),
    2042: ("01-22", 2, "-+--+-+-++-++"),
    2043: ("02-10", 0, "-+--+--++-++"),
    2044: ("01-30", 7, "+-+--+--+-+++"),
    2045: ("02-17", 0, "+-+--+--+-++"),
    2046: ("02-06", 0, "+-+-+-+--+-+"),
    2047: ("01-26", 5, "+-++-+-+--+-+"),
    2048: ("02-14", 0, "-++-++-+--+-"),
    2049: ("02-02", 0, "+-+-++-+-++-"),
    2050: ("01-23", 3, "-+-+-+-++-++-"),
}
"""Tết, leap month (0: none), and which months have thirty days: from the tables published for Việt Nam."""


@pytest.mark.parametrize("year", PUBLISHED)
def test_it_is_the_calendar_that_is_printed(year: int) -> None:
    tet, leap, lengths = PUBLISHED[year]
    months = lunar.year(year)
    assert f"{months[0].first:%m-%d}" == tet
    assert [month.number for month in months if month.is_leap] == ([leap] if leap else [])
    assert "".join("+" if month.days == 30 else "-" for month in months) == lengths


def test_tet_and_gio_to_are_those_of_the_holidays_library_for_110_years() -> None:
    known = holidays.country_holidays(
        "VN", years=range(1990, 2101), language="en_US", observed=False
    )
    named = {
        (name, day.year): day for day in known for name in known.get_list(day)
    }  # fmt: skip
    for year in range(1990, 2101):
        assert lunar.to_solar(Lunar(1, 1, year, False)) == named["Lunar New Year", year]
        gio_to = named.get(("Hung Kings' Commemoration Day", year))  # a holiday since 2007
        assert gio_to is None or lunar.to_solar(Lunar(10, 3, year, False)) == gio_to
    assert ("Hung Kings' Commemoration Day", 2100) in named


def test_it_goes_by_our_meridian_and_not_by_that_of_china() -> None:
    assert lunar.to_solar(Lunar(1, 1, 2030, False)) == date(2030, 2, 2)  # 3 February in China
    assert lunar.to_solar(Lunar(1, 1, 1985, False)) == date(1985, 1, 21)  # 20 February in China
    assert lunar.to_solar(Lunar(1, 1, 2007, False)) == date(2007, 2, 17)  # a day later in China


def test_2033_has_its_leap_month_after_the_eleventh() -> None:
    first = lunar.to_solar(Lunar(1, 11, 2033, True))
    assert first == date(2033, 12, 22)
    assert lunar.from_solar(date(2033, 12, 22)) == Lunar(1, 11, 2033, True)
    assert lunar.from_solar(date(2033, 12, 21)) == Lunar(30, 11, 2033, False)
    assert lunar.to_solar(Lunar(1, 12, 2033, False)) == date(2034, 1, 20)


def test_there_and_back_is_the_same_day() -> None:
    day = date(2000, 1, 1)
    while day.year < 2060:
        assert lunar.to_solar(lunar.from_solar(day)) == day
        day += timedelta(days=1)


@pytest.mark.parametrize(
    "wanted", [Lunar(30, 12, 2026, False), Lunar(1, 1, 2026, True), Lunar(0, 1, 2026, False)]
)
def test_a_day_that_is_not_there_is_none(wanted: Lunar) -> None:
    assert lunar.to_solar(wanted) is None


def test_months_are_those_that_a_span_touches() -> None:
    found = [(m.number, m.first) for m in lunar.months(date(2026, 11, 21), date(2026, 12, 10))]
    assert found == [(10, date(2026, 11, 9)), (11, date(2026, 12, 9))]
