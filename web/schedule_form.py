"""The form of a schedule: on which days, when, where; from a person's fields to the rule's text and back."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, time
from typing import Any, cast

from wtforms import BooleanField, IntegerField, RadioField, SelectField, StringField, TextAreaField
from wtforms.validators import Length

from loa.errors import ScheduleError
from scheduler import recurrence
from scheduler.recurrence import Recurrence
from scheduler.schedules import Kind, Rule, Schedule
from web import labels
from web.forms import Checkboxes, Clock, Day, Edited, choices, given, optional
from web.where_form import PlaceForm

END_OF_MONTH = ("cuối", "cuoi", "-1")


class ScheduleForm(Edited, PlaceForm):
    kind = RadioField("Phát khi nào", choices=choices(labels.SCHEDULE_KINDS.items()))
    at = Clock("Giờ phát", [given("Hãy nhập giờ phát, ví dụ 17:00.")])
    weekdays = Checkboxes("Các thứ", coerce=int, choices=choices(enumerate(labels.SHORT_WEEKDAYS)))
    other = SelectField(
        "Cách lặp", choices=choices(labels.OTHER_RECURRENCES.items()), default="moon"
    )
    interval = IntegerField("Mấy ngày, tuần, tháng hoặc năm một lần", [optional()])
    month_days = StringField("Các ngày trong tháng")
    nth = SelectField(
        "Lần thứ mấy trong tháng", coerce=int, choices=choices(labels.NTH.items()), default=1
    )
    nth_day = SelectField("Thứ", coerce=int, choices=choices(enumerate(labels.WEEKDAYS)), default=6)
    year_day = StringField("Ngày và tháng dương lịch")
    moon_days = StringField("Các ngày âm lịch")
    leap_months = BooleanField("Kể cả tháng nhuận")
    moon_day = StringField("Ngày và tháng âm lịch")
    start_date = Day("Ngày phát", [given("Hãy chọn ngày phát.")])
    end_date = Day("Đến hết ngày", [optional()])
    skips = Checkboxes("Không phát vào", coerce=str, validate_choice=False)
    minutes = IntegerField("Tiếp sóng bao nhiêu phút", [optional()])
    resumes = BooleanField("Phát lại từ đầu nếu bị ngắt (ví dụ vì tin khẩn cấp)")
    waived_why = TextAreaField(
        "Lý do vẫn phát", [Length(max=500, message="Hãy viết lý do gọn trong 500 chữ.")]
    )
    seen = BooleanField("Tôi đã xem các lượt trùng giờ, vẫn đặt")


def rule_of(form: ScheduleForm) -> Rule:
    """What was filled in. Raises ScheduleError naming the field."""
    kind, where = Kind(form.kind.data), form.where
    return Rule(
        kind=kind,
        at=cast(time, form.at.data),
        start_date=cast(date, form.start_date.data),
        end_date=None if kind is Kind.ONCE else form.end_date.data,
        weekdays=tuple(form.weekdays.data or ()) if kind is Kind.WEEKDAYS else (),
        recurs=str(_other(form)) if kind is Kind.OTHER else "",
        skips=() if kind is Kind.ONCE else tuple(form.skips.data or ()),
        minutes=form.minutes.data or 0,
        resumes=bool(form.resumes.data),
        area_ids=where.area_ids,
        group_ids=where.group_ids,
        except_ids=where.except_ids,
    )  # fmt: skip


def _other(form: ScheduleForm) -> Recurrence:
    """The rule behind "Khác…"."""
    every = _interval(form)
    match form.other.data:
        case "days":
            return _kept(Recurrence(freq="DAILY", interval=every), "interval")
        case "weeks":
            days = tuple(sorted(form.weekdays.data or ()))
            if not days:
                raise ScheduleError("Hãy chọn ít nhất một thứ trong tuần.", field="weekdays")
            return _kept(Recurrence(freq="WEEKLY", interval=every, weekdays=days), "interval")
        case "month_days":
            days = _days(form.month_days.data, 31, "month_days")
            return _kept(Recurrence(freq="MONTHLY", interval=every, month_days=days), "month_days")
        case "nth":
            found = Recurrence(
                freq="MONTHLY", interval=every, weekdays=(form.nth_day.data,), nth=form.nth.data
            )
            return _kept(found, "nth")
        case "year":
            day, month = _day_and_month(form.year_day.data, "year_day")
            found = Recurrence(freq="YEARLY", interval=every, months=(month,), month_days=(day,))
            return _kept(found, "year_day")
        case "moon":
            days = _days(form.moon_days.data, 30, "moon_days")
            months = () if form.leap_months.data else recurrence.EVERY_MONTH
            return _kept(_lunar("MONTHLY", months, days), "moon_days")
        case _:
            day, month = _day_and_month(form.moon_day.data, "moon_day")
            return _kept(_lunar("YEARLY", (month,), (day,)), "moon_day")


def _lunar(freq: recurrence.Freq, months: tuple[int, ...], days: tuple[int, ...]) -> Recurrence:
    """The thirtieth of a short month is heard on its last day, as people keep "30 Tết"."""
    return Recurrence(
        freq=freq, months=months, month_days=days, is_lunar=True, goes_back=30 in days
    )


def _kept(found: Recurrence, field: str) -> Recurrence:
    """The same, held against what the station keeps; a refusal is shown at ``field``."""
    try:
        return recurrence.parse(str(found))
    except ScheduleError as error:
        error.field = field
        raise


def _interval(form: ScheduleForm) -> int:
    if form.other.data in ("moon", "moon_year"):
        return 1
    every = form.interval.data
    if every is None:
        return 1
    if not 1 <= every <= recurrence.MOST_INTERVAL:
        raise ScheduleError(f"Hãy nhập số từ 1 đến {recurrence.MOST_INTERVAL}.", field="interval")
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
                f"Không hiểu ngày “{each}”. Hãy nhập các số từ 1 đến {most}, hoặc “cuối”.",
                field=field,
            )
    if not found:
        raise ScheduleError("Hãy nhập ít nhất một ngày, ví dụ 1, 15.", field=field)
    return tuple(sorted(found, key=lambda day: day if day > 0 else 99))


def _day_and_month(text: str | None, field: str) -> tuple[int, int]:
    """ "15/8" as (15, 8), "cuối/12" as (-1, 12). Raises ScheduleError."""
    found = re.fullmatch(r"(\d{1,2}|cuối|-1)\s*[/\-.]\s*(\d{1,2})", (text or "").strip().lower())
    if not found or not 1 <= int(found[2]) <= 12:
        raise ScheduleError("Hãy nhập ngày/tháng, ví dụ 15/8.", field=field)
    return (-1 if found[1] in END_OF_MONTH else int(found[1])), int(found[2])


# -- back to the fields ---------------------------------------------------------------------------


def filled(schedule: Schedule) -> dict[str, Any]:
    """The fields of a schedule as it is, for changing it."""
    found = recurrence.parse(schedule.rule)
    where = schedule.where
    return {
        "kind": schedule.kind, "at": schedule.at, "start_date": schedule.start_date,
        "end_date": None if schedule.kind is Kind.ONCE else schedule.end_date, "skips": schedule.skips,
        "minutes": schedule.minutes or None, "resumes": schedule.resumes, "waived_why": schedule.waived_why,
        "area_ids": where.area_ids, "group_ids": where.group_ids, "except_ids": where.except_ids,
        "except_text": ", ".join(where.except_ids), "weekdays": found.weekdays,
        **(_filled_other(found) if schedule.kind is Kind.OTHER else unfilled()),
    }  # fmt: skip


def read(schedule: Schedule) -> dict[str, object]:
    """All that the form changes."""
    return {**filled(schedule), "kind": [schedule.kind, schedule.rule]}


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


def quick_times(slots: Sequence[Any]) -> list[tuple[str, str]]:
    """(17:00, "Buổi chiều, 45 phút") of the station's sessions, each start once."""
    found: dict[str, str] = {}
    for slot in sorted(slots, key=lambda each: each.since):
        found.setdefault(
            f"{slot.since // 60:02d}:{slot.since % 60:02d}", f"{slot.name}, {slot.minutes} phút"
        )
    return list(found.items())
