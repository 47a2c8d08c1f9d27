"""The days of a series as a person fills them in: one part of every form that has them, and back from the rule.

What another program has set and these fields cannot say is offered as it is, and kept.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from wtforms import BooleanField, HiddenField, IntegerField, RadioField, SelectField, StringField

from loa.errors import ScheduleError
from loa.words import say
from scheduler import recurrence
from scheduler.recurrence import Recurrence
from scheduler.series import Kind, kind_of
from web import labels
from web.forms import Checkboxes, Form, choices, optional

END_OF_MONTH = ("cuối", "cuoi", "-1")
KEPT = "kept"


class RecurrenceFields(Form):
    """Added to a form of ours; its template shows them with ``schedules/recurrence.html``."""

    kind = RadioField(say("Phát khi nào"), choices=choices(labels.SCHEDULE_KINDS.items()))
    weekdays = Checkboxes(
        say("Các thứ"), coerce=int, choices=choices(enumerate(labels.SHORT_WEEKDAYS))
    )
    other = SelectField(
        say("Cách lặp"), choices=choices(labels.OTHER_RECURRENCES.items()), default="moon"
    )
    interval = IntegerField(say("Mấy ngày, tuần, tháng hoặc năm một lần"), [optional()])
    month_days = StringField(say("Các ngày trong tháng"))
    nth = SelectField(
        say("Lần thứ mấy trong tháng"), coerce=int, choices=choices(labels.NTH.items()), default=1
    )
    nth_day = SelectField(
        say("Thứ"), coerce=int, choices=choices(enumerate(labels.WEEKDAYS)), default=6
    )
    year_day = StringField(say("Ngày và tháng dương lịch"))
    moon_days = StringField(say("Các ngày âm lịch"))
    leap_months = BooleanField(say("Kể cả tháng nhuận"))
    moon_day = StringField(say("Ngày và tháng âm lịch"))
    rule = HiddenField(say("Phát khi nào"))
    """The days as they were, where the fields have no words for them."""

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        kept = _kept_rule(self.rule.data)
        told = {KEPT: recurrence.words(kept, date.min)} if kept else {}
        self.kind.choices = choices((labels.SCHEDULE_KINDS | told).items())

    @property
    def days(self) -> tuple[Kind, str]:
        """Which of the ways it is, and on which days, as scheduler.recurrence reads it. Raises ScheduleError."""
        kept = _kept_rule(self.rule.data)
        if self.kind.data == KEPT and kept:
            return Kind.OTHER, kept
        match self.kind.data:
            case Kind.ONCE:
                return Kind.ONCE, recurrence.ONCE
            case Kind.DAILY:
                return Kind.DAILY, str(Recurrence(freq="DAILY"))
            case Kind.WEEKDAYS:
                return Kind.WEEKDAYS, str(Recurrence(freq="WEEKLY", weekdays=_weekdays(self.data)))
            case Kind.OTHER:
                return Kind.OTHER, str(_other(self.data))
        raise ScheduleError(say("Hãy chọn những ngày phát."), field="kind")


def _weekdays(said: Mapping[str, Any]) -> tuple[int, ...]:
    days = tuple(sorted(said["weekdays"] or ()))
    if not days:
        raise ScheduleError(say("Hãy chọn ít nhất một thứ trong tuần."), field="weekdays")
    return days


def _other(said: Mapping[str, Any]) -> Recurrence:
    """The rule behind "Khác…"."""
    every = _interval(said)
    match said["other"]:
        case "days":
            return _checked(Recurrence(freq="DAILY", interval=every), "interval")
        case "weeks":
            found = Recurrence(freq="WEEKLY", interval=every, weekdays=_weekdays(said))
            return _checked(found, "interval")
        case "month_days":
            days = _days(said["month_days"], 31, "month_days")
            return _checked(
                Recurrence(freq="MONTHLY", interval=every, month_days=days), "month_days"
            )
        case "nth":
            found = Recurrence(
                freq="MONTHLY", interval=every, weekdays=(said["nth_day"],), nth=said["nth"]
            )
            return _checked(found, "nth")
        case "year":
            day, month = _day_and_month(said["year_day"], "year_day")
            found = Recurrence(freq="YEARLY", interval=every, months=(month,), month_days=(day,))
            return _checked(found, "year_day")
        case "moon":
            days = _days(said["moon_days"], 30, "moon_days")
            months = () if said["leap_months"] else recurrence.EVERY_MONTH
            return _checked(_lunar("MONTHLY", months, days), "moon_days")
        case _:
            day, month = _day_and_month(said["moon_day"], "moon_day")
            return _checked(_lunar("YEARLY", (month,), (day,)), "moon_day")


def _lunar(freq: recurrence.Freq, months: tuple[int, ...], days: tuple[int, ...]) -> Recurrence:
    """The thirtieth of a short month is heard on its last day, as people keep "30 Tết"."""
    return Recurrence(
        freq=freq, months=months, month_days=days, is_lunar=True, goes_back=30 in days
    )


def _checked(found: Recurrence, field: str) -> Recurrence:
    """The same, held against what the station keeps; a refusal is shown at ``field``."""
    try:
        return recurrence.parse(str(found))
    except ScheduleError as error:
        error.field = field
        raise


def _interval(said: Mapping[str, Any]) -> int:
    if said["other"] in ("moon", "moon_year"):
        return 1
    every = said["interval"]
    if every is None:
        return 1
    if not 1 <= every <= recurrence.MOST_INTERVAL:
        raise ScheduleError(
            say("Hãy nhập số từ 1 đến %(most)s.", most=recurrence.MOST_INTERVAL), field="interval"
        )
    return int(every)


def _days(text: str | None, most: int, field: str) -> tuple[int, ...]:
    """ "1, 15, cuối" as numbers, the last day of a month as -1. Raises ScheduleError."""
    found = set()
    for each in filter(None, re.split(r"[\s,;]+|và", (text or "").strip().lower())):
        if each in END_OF_MONTH:
            found.add(-1)
        elif each == "rằm":
            found.add(15)
        elif each.isdigit() and 1 <= int(each) <= most:
            found.add(int(each))
        elif each not in ("ngày", "mùng", "tháng"):
            raise ScheduleError(
                say(
                    "Không hiểu ngày “%(typed)s”. Hãy nhập các số từ 1 đến %(most)s, hoặc “cuối”.",
                    typed=each,
                    most=most,
                ),
                field=field,
            )
    if not found:
        raise ScheduleError(say("Hãy nhập ít nhất một ngày, ví dụ 1, 15."), field=field)
    return tuple(sorted(found, key=lambda day: day if day > 0 else 99))


def _day_and_month(text: str | None, field: str) -> tuple[int, int]:
    """ "15/8" as (15, 8), "cuối/12" as (-1, 12). Raises ScheduleError."""
    found = re.fullmatch(r"(\d{1,2}|cuối|-1)\s*[/\-.]\s*(\d{1,2})", (text or "").strip().lower())
    if not found or not 1 <= int(found[2]) <= 12:
        raise ScheduleError(say("Hãy nhập ngày/tháng, ví dụ 15/8."), field=field)
    return (-1 if found[1] in END_OF_MONTH else int(found[1])), int(found[2])


# -- back to the fields ---------------------------------------------------------------------------


def filled(rule: str) -> dict[str, Any]:
    """The fields of a rule that is stored."""
    found, kind = recurrence.parse(rule), kind_of(rule)
    other = _filled_other(found) if kind is Kind.OTHER else unfilled()
    is_kept = _kept_rule(rule) is not None
    return {"kind": KEPT if is_kept else kind, "rule": rule, "weekdays": found.weekdays, **other}


def _kept_rule(rule: str | None) -> str | None:
    """The rule, if it is one that the fields cannot say."""
    try:
        found = recurrence.parse(rule or recurrence.ONCE)
    except ScheduleError:
        return None  # made by no page of ours
    if kind_of(str(found)) is not Kind.OTHER:
        return None
    said = {"weekdays": found.weekdays, **_filled_other(found)}
    try:
        return None if _other(said) == found else str(found)
    except ScheduleError:
        return str(found)


def unfilled() -> dict[str, Any]:
    """What stands in the fields of "Khác…" before anything was chosen there."""
    return {"other": "moon", "interval": None, "leap_months": True, "moon_days": "1, 15"}


def _filled_other(found: Recurrence) -> dict[str, Any]:
    days = ", ".join("cuối" if each < 0 else str(each) for each in found.month_days)
    in_year = f"{days}/{found.months[0]}" if found.months else ""
    every = {**unfilled(), "interval": found.interval if found.interval > 1 else None}
    if found.is_lunar:
        leap = found.freq == "YEARLY" or found.with_leap_months
        yearly = {"other": "moon_year", "moon_day": in_year}
        monthly = {"other": "moon", "moon_days": days}
        return every | {"leap_months": leap} | (yearly if found.freq == "YEARLY" else monthly)
    if found.nth:
        return every | {"other": "nth", "nth": found.nth, "nth_day": found.weekdays[0]}
    return every | {
        "DAILY": {"other": "days"}, "WEEKLY": {"other": "weeks"},
        "MONTHLY": {"other": "month_days", "month_days": days}, "YEARLY": {"other": "year", "year_day": in_year},
    }.get(found.freq, {})  # fmt: skip
