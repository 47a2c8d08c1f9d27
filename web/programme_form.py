"""The form of a programme: its time, days and places, and the lines of its running order as they are built."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import request
from sqlalchemy.orm import Session
from wtforms import (
    BooleanField,
    HiddenField,
    IntegerField,
    SelectField,
    StringField,
    TextAreaField,
)

from loa.errors import ScheduleError
from loa.times import MINUTE, local
from loa.words import counted, recall, say
from scheduler import recurrence, regulation
from scheduler.programme_checks import Line, Order
from scheduler.programmes import ItemKind, Programme
from scheduler.rulebook import Rulebook
from scheduler.series import Kind
from web import current, recurrence_form
from web.forms import Checkboxes, Clock, Day, Edited, choices, given, optional, required, version_of
from web.recurrence_form import RecurrenceFields, unfilled
from web.where_form import PlaceForm

OWN_TIME = ""
FILL_MINUTES = 5
"""What a new line begins with."""


class ProgrammeForm(Edited, RecurrenceFields, PlaceForm):
    name = StringField(
        say("Tên chương trình"), [required(say("Hãy đặt tên, ví dụ: Bản tin sáng."))]
    )
    slot = SelectField(say("Phát vào"), validate_choice=False)
    at = Clock(say("Giờ phát"), [optional()])
    minutes = IntegerField(say("Tối đa (phút)"), [optional()])
    start_date = Day(say("Từ ngày"), [given(say("Hãy chọn ngày phát."))])
    end_date = Day(say("Đến hết ngày"), [optional()])
    skips = Checkboxes(say("Không phát vào"), validate_choice=False)
    waived_why = TextAreaField(say("Lý do vẫn cần phát"))
    seen = BooleanField(say("Tôi đã xem các lượt trùng giờ, vẫn lưu"))
    items = HiddenField(say("Thứ tự phát"))
    """Only so that mistakes in the running order have a place to stand; the lines are fields of their own."""

    def offer_times(self, rules: Rulebook) -> None:
        """The sessions and kinds of day of the regulation in force."""
        slots = [
            (
                slot.key,
                counted(
                    "khung giờ %(name)s: %(start)s, tối đa %(n)s phút",
                    slot.minutes,
                    name=slot.name,
                    start=slot.start,
                ),
            )
            for slot in rules.slots
        ]
        self.slot.choices = choices([*slots, (OWN_TIME, say("giờ riêng"))])
        self.skips.choices = choices(
            (kind.key, recall(kind.name).lower()) for kind in rules.kinds if kind.key != "normal"
        )

    def order(self, lines: Sequence[Line]) -> Order:
        """All that is filled in. Raises ScheduleError."""
        if self.start_date.data is None:
            raise ScheduleError(say("Hãy chọn ngày phát."), field="start_date")
        return Order(
            name=self.name.data or "", slot=self.slot.data or None, at=self.at.data, minutes=self.minutes.data or 0,
            rule=self.days[1], skips=tuple(self.skips.data or ()), start_date=self.start_date.data,
            end_date=self.end_date.data, where=self.where, lines=tuple(lines),
        )  # fmt: skip


def of_programme(programme: Programme) -> dict[str, object]:
    """The form's values for what is stored."""
    where, is_once = programme.where, programme.rule == recurrence.ONCE
    return {
        "name": programme.name, "slot": programme.slot or OWN_TIME, "at": programme.at,
        "minutes": programme.minutes or None, **recurrence_form.filled(programme.rule),
        "start_date": programme.start_date, "end_date": None if is_once else programme.end_date,
        "skips": programme.skips,
        "area_ids": list(where.area_ids), "group_ids": list(where.group_ids), "except_ids": list(where.except_ids),
        "except_text": ", ".join(where.except_ids), "waived_why": programme.waived_why,
    }  # fmt: skip


def read(programme: Programme) -> dict[str, object]:
    """All that the form changes."""
    items = [[item.kind, item.bulletin_id, item.ms] for item in programme.items]
    return {**of_programme(programme), "items": items}


def as_read(programme: Programme) -> ProgrammeForm:
    """The form of what is stored, to be changed."""
    return ProgrammeForm(data=of_programme(programme) | {"version": version_of(read(programme))})


def anew(session: Session) -> dict[str, object]:
    """What a new programme begins with: the first session of the regulation, every day from tomorrow on."""
    slots = regulation.rules_at(session, current.now()).slots
    today = local(current.now(), current.zone()).date()
    return {
        "slot": slots[0].key if slots else OWN_TIME,
        "kind": Kind.DAILY,
        "start_date": today,
        **unfilled(),
    }


# -- lines ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Told:
    """What the last press did: said aloud, and where the keyboard is to stand."""

    words: str = ""
    place: int = 0
    button: str = ""


def lines_sent() -> list[Line]:
    """The running order as it stands in the page. Raises ScheduleError."""
    columns = [
        request.form.getlist(name) for name in ("line_kind", "line_bulletin", "line_minutes")
    ]
    return [_line(place, *each) for place, each in enumerate(zip(*columns, strict=False), start=1)]


def _line(place: int, kind: str, bulletin: str, minutes: str) -> Line:
    if kind not in set(ItemKind):
        raise ScheduleError(
            say("Mục %(n)s: không rõ loại mục “%(kind)s”.", n=place, kind=kind), field="items"
        )
    number = minutes.strip()
    if number and not number.isdecimal():
        raise ScheduleError(
            say("Mục %(n)s: số phút “%(typed)s” phải là số nguyên.", n=place, typed=minutes),
            field="items",
        )
    return Line(
        ItemKind(kind), int(bulletin) if bulletin.isdecimal() else None, int(number or 0) * MINUTE
    )


def lines_of(programme: Programme) -> list[Line]:
    """The running order as it is stored."""
    return [Line(item.kind, item.bulletin_id, item.ms) for item in programme.items]


def changed(lines: Sequence[Line], press: str) -> tuple[list[Line], Told]:
    """The lines after a button was pressed: up-2, down-2, remove-2, add-17, chime-17, fill; else as they were."""
    act, _, number = press.partition("-")
    place = int(number) if number.isdecimal() else 0
    found = list(lines)
    if act == "fill":
        return [*found, Line(ItemKind.FILL, None, FILL_MINUTES * MINUTE)], Told(
            say("Đã thêm khoảng dành cho chiến dịch.")
        )
    if act in ("add", "chime") and place:
        kind = ItemKind.CHIME if act == "chime" else ItemKind.BULLETIN
        return [*found, Line(kind, place)], Told(
            say("Đã thêm vào vị trí %(place)s.", place=len(found) + 1)
        )
    if act == "remove" and 1 <= place <= len(found):
        del found[place - 1]
        return found, Told(say("Đã bỏ mục %(n)s.", n=place), min(place, len(found)), "remove")
    to = {"up": place - 1, "down": place + 1}.get(act, 0)
    if 1 <= place <= len(found) and 1 <= to <= len(found):
        found.insert(to - 1, found.pop(place - 1))
        if act == "up":
            said = say("Đã chuyển lên vị trí %(place)s trên %(all)s.", place=to, all=len(found))
        else:
            said = say("Đã chuyển xuống vị trí %(place)s trên %(all)s.", place=to, all=len(found))
        return found, Told(said, to, act)
    return found, Told()
