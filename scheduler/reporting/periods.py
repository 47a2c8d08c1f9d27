"""Spans of whole days that reports are made of: week, month, half year, year, or as asked. Pure.

The half years are those of the papers due before 1 June and before 1 December.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from loa.errors import ScheduleError
from loa.times import Instant
from loa.words import say
from scheduler import reports

MOST_DAYS = 366 * 3


@dataclass(frozen=True)
class Period:
    """The days ``first`` to ``last``, both included."""

    first: date
    last: date
    kind: str = "span"
    """week, month, half, year or span."""

    @property
    def name(self) -> str:
        """As a report's head says it."""
        if self.kind == "month":
            return say("tháng %(month)s năm %(year)s", month=self.first.month, year=self.first.year)
        if self.kind == "half":
            return say(
                "6 tháng, từ %(first)s đến %(last)s",
                first=f"{self.first:%d/%m/%Y}",
                last=f"{self.last:%d/%m/%Y}",
            )
        if self.kind == "year":
            return say("năm %(year)s", year=self.first.year)
        if self.kind == "week":
            return say(
                "tuần từ %(first)s đến %(last)s",
                first=f"{self.first:%d/%m}",
                last=f"{self.last:%d/%m/%Y}",
            )
        return say(
            "từ %(first)s đến %(last)s",
            first=f"{self.first:%d/%m/%Y}",
            last=f"{self.last:%d/%m/%Y}",
        )

    @property
    def days(self) -> list[date]:
        return [self.first + timedelta(days=n) for n in range((self.last - self.first).days + 1)]

    def bounds(self, zone: ZoneInfo) -> tuple[Instant, Instant]:
        """[since, until) as instants."""
        return reports.whole_days(self.first, self.last, zone)

    def before(self) -> Period:
        """The period it is compared with: the one before of its kind, else as many days before."""
        last = self.first - timedelta(days=1)
        if self.kind == "month":
            return month(last)
        if self.kind == "half":
            return half(last)
        if self.kind == "year":
            return year(last.year)
        return Period(last - (self.last - self.first), last, self.kind)


def week(day: date) -> Period:
    """Monday to Sunday."""
    first = day - timedelta(days=day.weekday())
    return Period(first, first + timedelta(days=6), "week")


def month(day: date) -> Period:
    first = day.replace(day=1)
    return Period(first, _next_month(first) - timedelta(days=1), "month")


def _next_month(first: date) -> date:
    return (first + timedelta(days=32)).replace(day=1)


def half(day: date) -> Period:
    """1 December to 31 May, or 1 June to 30 November."""
    if 6 <= day.month <= 11:
        return Period(date(day.year, 6, 1), date(day.year, 11, 30), "half")
    begun = day.year if day.month == 12 else day.year - 1
    return Period(date(begun, 12, 1), date(begun + 1, 5, 31), "half")


def year(number: int) -> Period:
    return Period(date(number, 1, 1), date(number, 12, 31), "year")


def span(first: date, last: date) -> Period:
    """Any days; a whole month or year is known as such. Raises ScheduleError."""
    if last < first:
        raise ScheduleError(
            say(
                "Ngày cuối %(last)s đứng trước ngày đầu %(first)s.",
                last=f"{last:%d/%m/%Y}",
                first=f"{first:%d/%m/%Y}",
            ),
            field="until",
        )
    if (last - first).days >= MOST_DAYS:
        raise ScheduleError(
            say("Một báo cáo gồm nhiều nhất ba năm. Hãy chọn khoảng ngắn hơn."), field="until"
        )
    known = (month(first), half(first), year(first.year), week(first))
    return next((p for p in known if (p.first, p.last) == (first, last)), Period(first, last))


def parse(text: str) -> Period:
    """``2026``, ``2026-11``, ``2026-H1`` (due before 1 June), ``2026-H2`` or ``2026-11-01..2026-11-15``.

    Raises ScheduleError.
    """
    try:
        if found := re.fullmatch(r"(\d{4})", text):
            return year(int(found[1]))
        if found := re.fullmatch(r"(\d{4})-[Hh]([12])", text):
            return half(date(int(found[1]), 5 if found[2] == "1" else 11, 1))
        if re.fullmatch(r"\d{4}-\d{2}", text):
            return month(date.fromisoformat(f"{text}-01"))
        first, _, last = text.partition("..")
        return span(date.fromisoformat(first), date.fromisoformat(last or first))
    except ValueError as error:
        raise ScheduleError(
            say(
                "Kỳ báo cáo “%(text)s” không hợp lệ. Ví dụ đúng: 2026, 2026-11, 2026-H1, 2026-11-01..2026-11-15.",
                text=text,
            ),
            field="period",
        ) from error
