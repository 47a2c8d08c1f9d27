"""The form of a schedule: on which days, when, where; from a person's fields to the rule's text and back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, time
from typing import Any, cast

from wtforms import BooleanField, IntegerField, TextAreaField
from wtforms.validators import Length

from loa.words import counted, say
from scheduler.schedules import Kind, Rule, Schedule
from web import recurrence_form
from web.forms import Checkboxes, Clock, Day, Edited, given, optional
from web.recurrence_form import RecurrenceFields
from web.where_form import PlaceForm


class ScheduleForm(Edited, RecurrenceFields, PlaceForm):
    at = Clock(say("Giờ phát"), [given(say("Hãy nhập giờ phát, ví dụ 17:00."))])
    start_date = Day(say("Ngày phát"), [given(say("Hãy chọn ngày phát."))])
    end_date = Day(say("Đến hết ngày"), [optional()])
    skips = Checkboxes(say("Không phát vào"), coerce=str, validate_choice=False)
    minutes = IntegerField(say("Tiếp sóng bao nhiêu phút"), [optional()])
    resumes = BooleanField(say("Phát lại từ đầu nếu bị ngắt (ví dụ vì tin khẩn cấp)"))
    waived_why = TextAreaField(
        say("Lý do vẫn phát"), [Length(max=500, message=say("Hãy viết lý do gọn trong 500 chữ."))]
    )
    seen = BooleanField(say("Tôi đã xem các lượt trùng giờ, vẫn đặt"))


def rule_of(form: ScheduleForm) -> Rule:
    """What was filled in. Raises ScheduleError naming the field."""
    (kind, recurs), where = form.days, form.where
    return Rule(
        kind=kind,
        at=cast(time, form.at.data),
        start_date=cast(date, form.start_date.data),
        end_date=None if kind is Kind.ONCE else form.end_date.data,
        weekdays=tuple(form.weekdays.data or ()) if kind is Kind.WEEKDAYS else (),
        recurs=recurs if kind is Kind.OTHER else "",
        skips=() if kind is Kind.ONCE else tuple(form.skips.data or ()),
        minutes=form.minutes.data or 0,
        resumes=bool(form.resumes.data),
        area_ids=where.area_ids,
        group_ids=where.group_ids,
        except_ids=where.except_ids,
    )  # fmt: skip


# -- back to the fields ---------------------------------------------------------------------------


def filled(schedule: Schedule) -> dict[str, Any]:
    """The fields of a schedule as it is, for changing it."""
    where = schedule.where
    return {
        "at": schedule.at, "start_date": schedule.start_date,
        "end_date": None if schedule.kind is Kind.ONCE else schedule.end_date, "skips": schedule.skips,
        "minutes": schedule.minutes or None, "resumes": schedule.resumes, "waived_why": schedule.waived_why,
        "area_ids": where.area_ids, "group_ids": where.group_ids, "except_ids": where.except_ids,
        "except_text": ", ".join(where.except_ids), **recurrence_form.filled(schedule.rule),
    }  # fmt: skip


def read(schedule: Schedule) -> dict[str, object]:
    """All that the form changes."""
    return {**filled(schedule), "kind": [schedule.kind, schedule.rule]}


def quick_times(slots: Sequence[Any]) -> list[tuple[str, str]]:
    """(17:00, "Buổi chiều, 45 phút") of the station's sessions, each start once."""
    found: dict[str, str] = {}
    for slot in sorted(slots, key=lambda each: each.since):
        found.setdefault(
            f"{slot.since // 60:02d}:{slot.since % 60:02d}",
            counted("%(name)s, %(n)s phút", slot.minutes, name=slot.name),
        )
    return list(found.items())
