"""Recurrence: the days of a series, and how they are called. Its text is read by scheduler.recurrence_text."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Final, Literal

from dateutil.rrule import MONTHLY, YEARLY, rrule
from dateutil.rrule import weekday as nth_weekday

from loa.words import join, say
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

NAMES = (
    say("thứ Hai"),
    say("thứ Ba"),
    say("thứ Tư"),
    say("thứ Năm"),
    say("thứ Sáu"),
    say("thứ Bảy"),
    say("Chủ nhật"),
)
NTH = {
    1: say("đầu tiên"),
    2: say("lần thứ 2"),
    3: say("lần thứ 3"),
    4: say("lần thứ 4"),
    5: say("lần thứ 5"),
    -1: say("cuối cùng"),
}
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
        return join(" ", [NAMES[start.weekday()], f"{start:%d/%m/%Y}"])
    if found.is_lunar:
        return _lunar_words(found)
    if found.freq == "DAILY":
        return _every(found)
    if found.freq == "WEEKLY":
        return _and_every(_weekday_words(found.weekdays), found)
    if found.freq == "YEARLY":
        return _yearly_words(found)
    if found.nth:
        return _nth_words(found)
    return join("", [_and_every(_day_words(found.month_days), found), _missing(found.month_days)])


def _every(rule: Recurrence) -> str:
    n = rule.interval
    match rule.freq:
        case "DAILY":
            return say("%(n)s ngày một lần", n=n) if n > 1 else say("hằng ngày")
        case "WEEKLY":
            return say("%(n)s tuần một lần", n=n) if n > 1 else say("hằng tuần")
        case "YEARLY":
            return say("%(n)s năm một lần", n=n) if n > 1 else say("hằng năm")
    return say("%(n)s tháng một lần", n=n) if n > 1 else say("hằng tháng")


def _and_every(days: str, rule: Recurrence) -> str:
    return join(" " if rule.interval == 1 else ", ", [days, _every(rule)])


def _weekday_words(days: tuple[int, ...]) -> str:
    if len(days) > 2 and days == tuple(range(days[0], days[-1] + 1)):
        return say("%(first)s đến %(last)s", first=NAMES[days[0]], last=NAMES[days[-1]])
    return join(", ", [NAMES[each] for each in days])


def _nth_words(rule: Recurrence) -> str:
    """thứ Hai đầu tiên trong tháng, hằng tháng."""
    days = [say("%(day)s %(nth)s", day=NAMES[each], nth=NTH[rule.nth]) for each in rule.weekdays]
    told = say("%(days)s trong tháng, %(every)s", days=join(", ", days), every=_every(rule))
    return (
        join("", [told, say(" (tháng không có lần thứ 5 thì bỏ qua)")]) if rule.nth == 5 else told
    )


def _day_words(days: tuple[int, ...]) -> str:
    """ngày 1, 15 và ngày cuối tháng."""
    numbers = ", ".join(str(each) for each in days if each > 0)
    if -1 not in days:
        return say("ngày %(numbers)s", numbers=numbers)
    if not numbers:
        return say("ngày cuối tháng")
    return say("ngày %(numbers)s và ngày cuối tháng", numbers=numbers)


def _missing(days: tuple[int, ...]) -> str:
    """What becomes of a day that some months do not have."""
    short = join(say(" hoặc "), [each for each in days if each > 28])
    return say(" (tháng không có ngày %(days)s thì bỏ qua)", days=short) if short else ""


def _yearly_words(rule: Recurrence) -> str:
    named = [
        say("ngày %(day)s", day=f"{day}/{month}")
        if day > 0
        else say("ngày cuối tháng %(month)s", month=month)
        for month in rule.months
        for day in rule.month_days
    ]
    is_leap = 2 in rule.months and 29 in rule.month_days
    only = say(" (chỉ năm nhuận có ngày 29/2)") if is_leap else ""
    return join("", [_and_every(join(", ", named), rule), only])


def _lunar_words(rule: Recurrence) -> str:
    if rule.freq == "YEARLY":
        named = join(
            ", ",
            [_lunar_day(day, _lunar_month(m)) for m in rule.months for day in rule.month_days],
        )
        notes = join("; ", filter(None, [say("không kể tháng nhuận"), _short_lunar(rule)]))
        return say("%(days)s âm lịch hằng năm (%(notes)s)", days=named, notes=notes)
    named = join(", ", [_lunar_day(day) for day in rule.month_days])
    leap = say("kể cả tháng nhuận") if rule.with_leap_months else say("trừ tháng nhuận")
    notes = join("; ", filter(None, [leap, _short_lunar(rule)]))
    return say("%(days)s âm lịch hằng tháng (%(notes)s)", days=named, notes=notes)


def _short_lunar(rule: Recurrence) -> str:
    """What becomes of day 30 where the month has 29."""
    if 30 not in rule.month_days:
        return ""
    return say("tháng thiếu thì ngày 29") if rule.goes_back else say("tháng thiếu thì bỏ qua")


def _lunar_day(day: int, month: str = "") -> str:
    """mùng 1, rằm, ngày 23, ngày cuối tháng; ``month``: tháng Giêng."""
    if day == -1:
        return say("ngày cuối %(month)s", month=month) if month else say("ngày cuối tháng")
    if day == 15:
        name = say("rằm")
    else:
        name = say("mùng %(day)s", day=day) if day <= 10 else say("ngày %(day)s", day=day)
    return say("%(day)s %(month)s", day=name, month=month) if month else name


def _lunar_month(month: int) -> str:
    names = {1: say("tháng Giêng"), 12: say("tháng Chạp")}
    return names.get(month, say("tháng %(month)s", month=month))
