"""What a drag wants of a whole series: its rule when one of its days is to be another day. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, time
from typing import Literal

from loa.errors import ScheduleError
from loa.words import say
from scheduler import recurrence
from web import labels


@dataclass(frozen=True)
class Target:
    """Where something is dragged to, and how long it is to be."""

    scope: Literal["one", "all"]
    to_day: date
    to_time: time
    minutes: int | None = None
    """None leaves its length as it is."""
    reason: str = ""
    waived_why: str = ""


def shifted(rule: str, start: date, end: date | None, day: date, to_day: date) -> tuple[str, date]:
    """(rule, first day) of the series when what it has on ``day`` is to be on ``to_day``.

    Raises ScheduleError where that cannot be said of a whole series.
    """
    found = recurrence.parse(rule)
    if day == to_day or (found.freq == "DAILY" and found.interval == 1):
        return rule, start  # of every day, only the hour is another
    if found.freq == "ONCE":
        return rule, to_day
    if found.freq != "WEEKLY" or found.interval != 1:
        raise ScheduleError(
            say(
                "Lịch này phát %(days)s nên không kéo cả lịch sang ngày khác được. "
                "Hãy chọn “Chỉ lần này”, hoặc mở lịch để sửa.",
                days=recurrence.words(rule, start),
            ),
            field="to_day",
        )
    if to_day.weekday() in found.weekdays:
        raise ScheduleError(
            say(
                "Lịch này đã phát vào %(weekday)s hằng tuần. Hãy chọn thứ khác, hoặc chọn “Chỉ lần này”.",
                weekday=labels.WEEKDAYS[to_day.weekday()],
            ),
            field="to_day",
        )
    if to_day < start or (end is not None and to_day > end):
        raise ScheduleError(
            say(
                "Ngày %(day)s nằm ngoài thời gian của lịch. Hãy chọn “Chỉ lần này”, hoặc mở lịch để sửa.",
                day=labels.short_date(to_day),
            ),
            field="to_day",
        )
    weekdays = sorted({*found.weekdays, to_day.weekday()} - {day.weekday()})
    return str(replace(found, weekdays=tuple(weekdays))), start
