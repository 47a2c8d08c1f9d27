"""Lunar dates (âm lịch) by the meridian of Việt Nam, UTC+7: new moons and solar terms after Hồ Ngọc Đức's formulas.

The Chinese calendar reckons at UTC+8, so that a month may begin a day apart there: Tết 2030 is 2 February here and
3 February in China. The formulas are those of Jean Meeus, "Astronomical Algorithms", shortened; good for 1800–2199.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from functools import lru_cache
from math import floor, pi, sin
from typing import NamedTuple

EAST = 7 / 24
"""UTC+7 as a part of a day, whatever zone the station keeps: the calendar of the country is one."""
MONTH_DAYS = 29.530588853
FIRST_NEW_MOON = 2415021.076998695
"""Julian day of the new moon numbered 0, in January 1900."""
FIRST_DAY = 2415021
"""Julian day number of 1 January 1900."""
JULIAN = 1721425
"""Julian day number of the day before the first of Python's ordinals."""
RADIANS = pi / 180


class Lunar(NamedTuple):
    """A day by the moon."""

    day: int
    month: int
    year: int
    is_leap: bool


class Month(NamedTuple):
    """A month by the moon: the day it begins, how many days it has, which it is."""

    first: date
    days: int
    number: int
    year: int
    is_leap: bool


def from_solar(day: date) -> Lunar:
    """That day by the moon."""
    month = next(months(day, day + timedelta(days=1)))
    return Lunar((day - month.first).days + 1, month.number, month.year, month.is_leap)


def to_solar(lunar: Lunar) -> date | None:
    """The date of a day by the moon; None where that year has no such day or no such leap month."""
    for month in year(lunar.year):
        if (month.number, month.is_leap) == (lunar.month, lunar.is_leap):
            there = 1 <= lunar.day <= month.days
            return month.first + timedelta(days=lunar.day - 1) if there else None
    return None


def months(since: date, until: date) -> Iterator[Month]:
    """The months of which a day lies in [since, until), in order."""
    for number in range(since.year - 1, until.year + 1):
        for month in year(number):
            if month.first < until and since < month.first + timedelta(days=month.days):
                yield month


@lru_cache(maxsize=512)
def year(number: int) -> tuple[Month, ...]:
    """The months of a lunar year: tháng giêng, …, tháng chạp, with its leap month where it has one."""
    through = (*_between_solstices(number), *_between_solstices(number + 1))
    return tuple(month for month in through if month.year == number)


@lru_cache(maxsize=512)
def _between_solstices(number: int) -> tuple[Month, ...]:
    """From the eleventh month of the year before, in which the winter solstice is, to the tenth of this one."""
    first, following = _eleventh(number - 1), _eleventh(number)
    moon = floor((first - FIRST_NEW_MOON) / MONTH_DAYS + 0.5)
    leap = _leap_place(moon) if following - first > 365 else 99
    found = []
    for place in range(12 if leap == 99 else 13):
        begins, ends = _new_moon_day(moon + place), _new_moon_day(moon + place + 1)
        month = (10 + place - (place >= leap)) % 12 + 1
        of_year = number - 1 if month >= 11 and place < 4 else number
        day = date.fromordinal(begins - JULIAN)
        found.append(Month(day, ends - begins, month, of_year, place == leap))
    return tuple(found)


def _eleventh(number: int) -> int:
    """Julian day number on which the eleventh month begins: the one with the winter solstice."""
    off = date(number, 12, 31).toordinal() + JULIAN - FIRST_DAY
    moon = floor(off / MONTH_DAYS)
    begins = _new_moon_day(moon)
    return begins if _sun_sector(begins) < 9 else _new_moon_day(moon - 1)


def _leap_place(moon: int) -> int:
    """Which month after the eleventh is the leap one: the first in which the sun enters no new sector."""
    sectors = [_sun_sector(_new_moon_day(moon + place)) for place in range(15)]
    return next(place for place in range(1, 14) if sectors[place] == sectors[place + 1])


@lru_cache(maxsize=4096)
def _new_moon_day(moon: int) -> int:
    """Julian day number, at UTC+7, of the day of that new moon."""
    return floor(_new_moon(moon) + 0.5 + EAST)


def _sun_sector(day: int) -> int:
    """In which of twelve sectors of 30° the sun stands at the beginning of the day at UTC+7; 0 begins at spring."""
    return floor(_sun_longitude(day - 0.5 - EAST) / pi * 6)


def _new_moon(moon: int) -> float:
    """Julian date (UT) of that new moon."""
    t = moon / 1236.85  # centuries
    t2, t3 = t * t, t * t * t
    mean = 2415020.75933 + 29.53058868 * moon + 0.0001178 * t2 - 0.000000155 * t3
    mean += 0.00033 * sin((166.56 + 132.87 * t - 0.009173 * t2) * RADIANS)
    sun = (359.2242 + 29.10535608 * moon - 0.0000333 * t2 - 0.00000347 * t3) * RADIANS
    orb = (306.0253 + 385.81691806 * moon + 0.0107306 * t2 + 0.00001236 * t3) * RADIANS
    node = (21.2964 + 390.67050646 * moon - 0.0016528 * t2 - 0.00000239 * t3) * RADIANS
    change = (0.1734 - 0.000393 * t) * sin(sun) + 0.0021 * sin(2 * sun)
    change += -0.4068 * sin(orb) + 0.0161 * sin(2 * orb) - 0.0004 * sin(3 * orb)
    change += 0.0104 * sin(2 * node) - 0.0051 * sin(sun + orb) - 0.0074 * sin(sun - orb)
    change += 0.0004 * sin(2 * node + sun) - 0.0004 * sin(2 * node - sun)
    change += -0.0006 * sin(2 * node + orb) + 0.0010 * sin(2 * node - orb)
    change += 0.0005 * sin(2 * orb + sun)
    return mean + change - _clock_drift(t)


def _clock_drift(t: float) -> float:
    """Days by which the turning earth is behind even time."""
    if t < -11:
        return 0.001 + 0.000839 * t + 0.0002261 * t**2 - 0.00000845 * t**3 - 0.000000081 * t**4
    return -0.000278 + 0.000265 * t + 0.000262 * t**2


def _sun_longitude(julian: float) -> float:
    """The sun's true longitude in radians, 0 to 2π."""
    t = (julian - 2451545.0) / 36525  # centuries since 2000
    t2 = t * t
    sun = (357.52910 + 35999.05030 * t - 0.0001559 * t2 - 0.00000048 * t * t2) * RADIANS
    mean = 280.46645 + 36000.76983 * t + 0.0003032 * t2
    centre = (1.914600 - 0.004817 * t - 0.000014 * t2) * sin(sun)
    centre += (0.019993 - 0.000101 * t) * sin(2 * sun) + 0.000290 * sin(3 * sun)
    return ((mean + centre) * RADIANS) % (2 * pi)
