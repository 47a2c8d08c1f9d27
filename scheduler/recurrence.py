"""Recurrence: the days of a series, and how they are called. Its text is read by scheduler.recurrence_text."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Final, Literal

from dateutil.rrule import MONTHLY, YEARLY, rrule
from dateutil.rrule import weekday as nth_weekday

from scheduler import lunar
from scheduler.recurrence_text import (
    EVERY_MONTH,
    MOST_INTERVAL,
    ONCE,
    WEEKDAYS,
    Freq,
    Recurrence,
    parse,
)

__all__ = [
    "EVERY_MONTH",
    "MOST_INTERVAL",
    "ONCE",
    "WEEKDAYS",
    "Freq",
    "Recurrence",
    "dates",
    "parse",
    "words",
]

NAMES = ("thứ Hai", "thứ Ba", "thứ Tư", "thứ Năm", "thứ Sáu", "thứ Bảy", "Chủ nhật")
NTH = {1: "đầu tiên", **{n: f"lần thứ {n}" for n in range(2, 6)}, -1: "cuối cùng"}
FREQS: Final[dict[str, Literal[0, 1]]] = {"MONTHLY": MONTHLY, "YEARLY": YEARLY}
ONE_DAY = timedelta(days=1)


# -- days -----------------------------------------------------------------------------------------


def dates(rule: str, start: date, end: date | None, since: date, until: date) -> Iterator[date]:
    """The days of the rule in [since, until), of a series from ``start`` to ``end`` inclusive. Ascending."""
    first = max(start, since)
    last = until - ONE_DAY if end is None else min(end, until - ONE_DAY)
    found = parse(rule)
    if last < first:
        return iter(())
    if found.freq == "ONCE":
        return iter((start,) if first == start else ())
    if found.is_lunar:
        return (day for day in _by_moon(found, first, last) if first <= day <= last)
    return _by_sun(found, start, first, last)


def _by_moon(rule: Recurrence, first: date, last: date) -> Iterator[date]:
    for month in lunar.months(first, last + ONE_DAY):
        if rule.months and (month.is_leap or month.number not in rule.months):
            continue
        days = {_day_of(rule, each, month.days) for each in rule.month_days}
        yield from (month.first + timedelta(days=day - 1) for day in sorted(days - {0}))


def _day_of(rule: Recurrence, day: int, days: int) -> int:
    """Which day of a lunar month of so many days is meant; 0 is none."""
    if day <= days:
        return day if day > 0 else days
    return days if rule.goes_back else 0


def _by_sun(rule: Recurrence, start: date, first: date, last: date) -> Iterator[date]:
    # These two without the library, whose steps are slow where most days are one.
    if rule.freq == "DAILY":
        days = range((start - first).days % rule.interval, (last - first).days + 1, rule.interval)
        return (first + timedelta(days=each) for each in days)
    if rule.freq == "WEEKLY":
        return _weekly(rule, start, first, last)
    moved = _moved(rule, start, first)
    expanded = rrule(
        FREQS[rule.freq],
        dtstart=datetime(moved.year, moved.month, moved.day),  # noqa: DTZ001 - days have no zone
        until=datetime(last.year, last.month, last.day),  # noqa: DTZ001
        interval=rule.interval,
        byweekday=[nth_weekday(each, rule.nth or None) for each in rule.weekdays] or None,
        bymonthday=rule.month_days or None,
        bymonth=rule.months or None,
    )
    return (day for each in expanded if (day := each.date()) >= first)


def _weekly(rule: Recurrence, start: date, first: date, last: date) -> Iterator[date]:
    """Weeks are counted from the Monday of the week in which the series begins."""
    monday = start - timedelta(days=start.weekday())
    weeks = (first - monday).days // 7 // rule.interval * rule.interval
    week = monday + timedelta(weeks=weeks)
    while week <= last:
        for weekday in rule.weekdays:
            day = week + timedelta(days=weekday)
            if first <= day <= last:
                yield day
        week += timedelta(weeks=rule.interval)


def _moved(rule: Recurrence, start: date, first: date) -> date:
    """A beginning nearer to ``first`` by whole intervals, so that years past are not gone through again."""
    if rule.freq == "MONTHLY":
        ahead = (first.year - start.year) * 12 + first.month - start.month
        months = start.month - 1 + ahead // rule.interval * rule.interval
        moved = date(start.year + months // 12, months % 12 + 1, 1)
    else:
        years = (first.year - start.year) // rule.interval * rule.interval
        moved = date(start.year + years, 1, 1)
    return max(start, moved)


# -- words ----------------------------------------------------------------------------------------


def words(rule: str, start: date) -> str:
    """On which days, as a sentence without its beginning: "thứ Hai, thứ Tư hằng tuần"."""
    found = parse(rule)
    if found.freq == "ONCE":
        return f"{NAMES[start.weekday()]} {start:%d/%m/%Y}"
    if found.is_lunar:
        return _lunar_words(found)
    if found.freq == "DAILY":
        return _every(found, "ngày")
    if found.freq == "WEEKLY":
        return f"{_weekday_words(found.weekdays)}{_and_every(found, 'tuần')}"
    if found.freq == "YEARLY":
        return _yearly_words(found)
    if found.nth:
        days = ", ".join(f"{NAMES[each]} {NTH[found.nth]}" for each in found.weekdays)
        only = " (tháng không có lần thứ 5 thì bỏ qua)" if found.nth == 5 else ""
        return f"{days} trong tháng, {_every(found, 'tháng')}{only}"
    return f"{_day_words(found.month_days)}{_and_every(found, 'tháng')}{_missing(found.month_days)}"


def _every(rule: Recurrence, unit: str) -> str:
    return f"hằng {unit}" if rule.interval == 1 else f"{rule.interval} {unit} một lần"


def _and_every(rule: Recurrence, unit: str) -> str:
    return f"{' ' if rule.interval == 1 else ', '}{_every(rule, unit)}"


def _weekday_words(days: tuple[int, ...]) -> str:
    if len(days) > 2 and days == tuple(range(days[0], days[-1] + 1)):
        return f"{NAMES[days[0]]} đến {NAMES[days[-1]]}"
    return ", ".join(NAMES[each] for each in days)


def _day_words(days: tuple[int, ...]) -> str:
    """ngày 1, 15 và ngày cuối tháng."""
    numbers = ", ".join(str(each) for each in days if each > 0)
    named = [f"ngày {numbers}"] if numbers else []
    return " và ".join([*named, *(["ngày cuối tháng"] if -1 in days else [])])


def _missing(days: tuple[int, ...]) -> str:
    """What becomes of a day that some months do not have."""
    short = [str(each) for each in days if each > 28]
    return f" (tháng không có ngày {' hoặc '.join(short)} thì bỏ qua)" if short else ""


def _yearly_words(rule: Recurrence) -> str:
    named = [
        f"ngày {day}/{month}" if day > 0 else f"ngày cuối tháng {month}"
        for month in rule.months
        for day in rule.month_days
    ]
    only = " (chỉ năm nhuận có ngày 29/2)" if 2 in rule.months and 29 in rule.month_days else ""
    return f"{', '.join(named)}{_and_every(rule, 'năm')}{only}"


def _lunar_words(rule: Recurrence) -> str:
    short = ""
    if 30 in rule.month_days:
        short = "tháng thiếu thì ngày 29" if rule.goes_back else "tháng thiếu thì bỏ qua"
    if rule.freq == "YEARLY":
        named = ", ".join(
            _lunar_day(day, f"tháng {_lunar_month(month)}")
            for month in rule.months
            for day in rule.month_days
        )
        notes = ["không kể tháng nhuận", short]
        return f"{named} âm lịch hằng năm ({'; '.join(filter(None, notes))})"
    named = ", ".join(_lunar_day(day, "") for day in rule.month_days)
    notes = ["kể cả tháng nhuận" if rule.with_leap_months else "trừ tháng nhuận", short]
    return f"{named} âm lịch hằng tháng ({'; '.join(filter(None, notes))})"


def _lunar_day(day: int, month: str) -> str:
    """mùng 1, rằm, ngày 23, ngày cuối tháng."""
    if day == -1:
        return f"ngày cuối {month or 'tháng'}"
    name = "rằm" if day == 15 else f"mùng {day}" if day <= 10 else f"ngày {day}"
    return f"{name} {month}".strip()


def _lunar_month(month: int) -> str:
    return {1: "Giêng", 12: "Chạp"}.get(month, str(month))
