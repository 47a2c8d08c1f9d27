"""The form of a version of the regulation: rows that are added and removed by buttons, so that it needs no script."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec
from sqlalchemy.orm import Session
from wtforms import (
    BooleanField,
    FieldList,
    FormField,
    HiddenField,
    IntegerField,
    SelectField,
    StringField,
)

from devices import areas
from loa.errors import LoaError, ScheduleError
from loa.times import Instant
from loa.words import recall, say
from scheduler import regulation, rulebook_check
from scheduler.amending import Draft
from scheduler.regulation import QuietHours
from scheduler.rulebook import Cap, DayKind, Rulebook, Slot
from web import labels
from web.forms import Checkboxes, Day, Edited, Form, choices, optional

MOST_SPANS = 4
PLAYS = {
    "all": say("mọi bản tin"),
    "priority": say("chỉ bản tin ưu tiên và khẩn cấp"),
    "emergency": say("chỉ bản tin khẩn cấp"),
}
ANSWERS = {
    "allow": say("cho phát"),
    "reason": say("cho phát khi cán bộ ghi lý do (vào nhật ký)"),
    "refuse": say("từ chối"),
}


class SlotForm(Form):
    key = HiddenField()
    name = StringField(say("Tên khung giờ"))
    start = StringField(say("Bắt đầu"))
    minutes = IntegerField(say("Nhiều nhất (phút)"), [optional()])
    weekdays = Checkboxes(
        say("Các thứ"), coerce=int, choices=choices(enumerate(labels.SHORT_WEEKDAYS))
    )
    kinds = Checkboxes(say("Chỉ vào các loại ngày"), coerce=str, validate_choice=False)
    area_ids = Checkboxes(say("Chỉ ở các địa bàn"), coerce=int, validate_choice=False)


class CapForm(Form):
    since = StringField(say("Từ"))
    until = StringField(say("Đến"))
    most = IntegerField(say("Âm lượng tối đa (%)"), [optional()])
    area_ids = Checkboxes(say("Chỉ ở các địa bàn"), coerce=int, validate_choice=False)


class KindForm(Form):
    key = HiddenField()
    name = StringField(say("Tên loại ngày"))
    plays = SelectField(say("Được phát"), choices=choices(PLAYS.items()))
    sessions = BooleanField(say("Có các khung giờ phát"))


class Adding(NamedTuple):
    """A button that adds a row: the list, and what the row begins with."""

    field: str
    most: int
    row: Any


class RulesForm(Edited, Form):
    """Each entry of ``quiet`` is a span such as 21:00-05:00; an empty one is none."""

    quiet = FieldList(StringField(say("Giờ không phát")), max_entries=MOST_SPANS)
    slots = FieldList(
        FormField(SlotForm), say("Khung giờ phát"), max_entries=rulebook_check.MOST_SLOTS
    )
    most_sessions = IntegerField(say("Nhiều nhất bao nhiêu buổi mỗi ngày"), [optional()])
    most_minutes = IntegerField(say("Nhiều nhất bao nhiêu phút mỗi ngày"), [optional()])
    outside = SelectField(
        say("Bản tin thông thường ngoài khung giờ"), choices=choices(ANSWERS.items())
    )
    too_long = SelectField(
        say("Quá số phút hoặc số buổi của khung giờ, của ngày"), choices=choices(ANSWERS.items())
    )
    caps = FieldList(
        FormField(CapForm), say("Âm lượng theo giờ"), max_entries=rulebook_check.MOST_CAPS
    )
    kinds = FieldList(FormField(KindForm), say("Loại ngày"), max_entries=rulebook_check.MOST_KINDS)
    alone_minutes = IntegerField(say("Một người được tự phát khẩn cấp trong (phút)"), [optional()])
    since = Day(say("Có hiệu lực từ ngày"), [optional()])
    note = StringField(say("Căn cứ"))

    def offer(self, session: Session) -> None:
        """Fill in what may be chosen from: areas, and the kinds of day as they stand in the form."""
        places = choices((area.id, area.full_name) for _, area in areas.tree(session))
        kinds = choices((row.form.key.data, recall(row.form.name.data or "")) for row in self.kinds)
        for row in self.slots:
            row.form.area_ids.choices, row.form.kinds.choices = places, kinds
        for row in self.caps:
            row.form.area_ids.choices = places

    def take(self, error: LoaError) -> None:
        """Show the error at the row it names (``slots-2-start``), at its list, or above the form."""
        name, _, rest = (error.field or "").partition("-")
        listed = self._fields.get(name)
        if not isinstance(listed, FieldList):
            super().take(error)
            return
        listed.errors = [*listed.errors, "" if rest else error.sentence]
        for row in listed if rest else ():
            for field in row.form if isinstance(row, FormField) else ():
                if field.name == error.field:
                    field.errors = [*field.errors, error.sentence]

    def press(self, button: str) -> bool:
        """Add or remove the row that a button says, if it does; the rest stays as typed."""
        act, _, what = button.partition(":")
        if act == "them" and what in ADDED:
            self._add(ADDED[what])
        elif act == "bo":
            name, _, at = what.partition("-")
            self._remove(name, int(at) if at.isdigit() else -1)
        else:
            return False
        return True

    def _add(self, adding: Adding) -> None:
        listed = self._fields[adding.field]
        if len(listed) < adding.most:
            row = adding.row
            listed.append_entry({**row, "key": new_key()} if isinstance(row, dict) else row)

    def _remove(self, name: str, at: int) -> None:
        listed = self._fields.get(name)
        if name in ("quiet", "slots", "caps", "kinds") and 0 <= at < len(listed):
            kept = [entry.data for n, entry in enumerate(listed) if n != at]
            while len(listed):
                listed.pop_entry()
            for data in kept:
                listed.append_entry(data)

    def draft(self) -> Draft:
        """What was typed as a version of the regulation. Raises ScheduleError naming the field."""
        rules = Rulebook(
            slots=tuple(_slot(row.form, at) for at, row in enumerate(self.slots)),
            kinds=tuple(_kind(row.form) for row in self.kinds),
            most_sessions=self.most_sessions.data,
            most_minutes=self.most_minutes.data,
            caps=tuple(_cap(row.form, at) for at, row in enumerate(self.caps)),
            outside=self.outside.data,
            too_long=self.too_long.data,
            alone_minutes=self.alone_minutes.data or 0,
        )
        typed = [text for text in self.quiet.data if text and text.strip()]
        quiet = [regulation.parse_quiet(text) for text in typed]
        return Draft(
            quiet=quiet, rules=rules, since=self.since.data, note=(self.note.data or "").strip()
        )


ADDED = {
    "gio": Adding("quiet", MOST_SPANS, ""),
    "khung": Adding("slots", rulebook_check.MOST_SLOTS, {"weekdays": list(range(7)), "minutes": 15}),
    "am-luong": Adding("caps", rulebook_check.MOST_CAPS, {"most": 60}),
    "loai-ngay": Adding("kinds", rulebook_check.MOST_KINDS, {"plays": "all", "sessions": True}),
}  # fmt: skip


def new_key() -> str:
    """A name that stays when the row is called something else; of the kind DayMark.kind has room for."""
    return secrets.token_hex(4)


def values(quiet: Iterable[QuietHours], rules: Rulebook) -> dict[str, Any]:
    """What the form shows of rules that there are."""
    told: dict[str, Any] = msgspec.to_builtins(rules)
    return {**told, "quiet": [str(span).replace("–", "-") for span in quiet] or [""]}


def read(session: Session, now: Instant) -> dict[str, object]:
    """All that a new version takes the place of: the rules in force, and those that are to come."""
    coming = [each.id for each in regulation.versions(session) if each.since > now]
    stored = values(regulation.quiet_at(session, now), regulation.rules_at(session, now))
    return {**stored, "since": coming}


def _slot(row: Any, at: int) -> Slot:
    return Slot(
        key=row.key.data or new_key(), name=_text(row.name), start=_text(row.start),
        minutes=_number(row.minutes, f"slots-{at}-minutes", say("Hãy nhập số phút, ví dụ 15.")),
        weekdays=tuple(row.weekdays.data or ()), area_ids=tuple(row.area_ids.data or ()),
        kinds=tuple(row.kinds.data or ()),
    )  # fmt: skip


def _cap(row: Any, at: int) -> Cap:
    return Cap(
        since=_text(row.since), until=_text(row.until), area_ids=tuple(row.area_ids.data or ()),
        most=_number(row.most, f"caps-{at}-most", say("Hãy nhập âm lượng từ 0 đến 100.")),
    )  # fmt: skip


def _kind(row: Any) -> DayKind:
    return DayKind(
        key=row.key.data or new_key(), name=_text(row.name), plays=row.plays.data, sessions=row.sessions.data
    )  # fmt: skip


def _text(field: Any) -> str:
    return (field.data or "").strip()


def _number(field: Any, name: str, sentence: str) -> int:
    if field.data is None:
        raise ScheduleError(sentence, field=name)
    return int(field.data)
