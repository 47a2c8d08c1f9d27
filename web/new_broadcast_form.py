"""The forms of "Phát bản tin mới": what is said, as any bulletin's but with a name proposed; then where and when."""

from __future__ import annotations

from typing import Any, cast

from wtforms import BooleanField, StringField, TextAreaField

from content import mentions, notices
from content.bulletins import MAX_TITLE, Draft, Priority
from content.notices import Blank, Kind, Notice
from content.parts import spoken
from loa.times import Instant, local
from loa.words import say
from scheduler.schedules import Kind as ScheduleKind
from scheduler.schedules import Rule
from web import current
from web.bulletin_form import BulletinForm
from web.forms import AtMost, Checkboxes, Clock, Day, Form, optional
from web.part_form import Losses
from web.where_form import PlaceForm

MAX_WORDS = 500
"""Letters in one blank: a notice is not the place for a speech."""


class WhatForm(BulletinForm):
    """A bulletin's form whose name may be left to the station."""

    title = StringField(
        say("Tên bản tin"),
        [AtMost(MAX_TITLE, say("Tên bản tin dài quá %(most)s ký tự.", most=MAX_TITLE))],
    )

    def draft(self, former: Draft | None) -> tuple[Draft, Losses]:
        self.title.data = (self.title.data or "").strip() or self.proposed
        return super().draft(former)

    @property
    def proposed(self) -> str:
        """What it is called where nobody says otherwise."""
        part, today = (
            next(iter(self.parts), None),
            f"{local(current.now(), current.zone()):%d/%m/%Y}",
        )
        if part is not None and part.kind.data != "text":
            return say("Bản ghi âm ngày %(day)s", day=today)
        text = (part.body.data or "") if part is not None else ""
        return mentions.headline(text) or say("Bản tin ngày %(day)s", day=today)


class WhenForm(PlaceForm):
    """``slots``: starts of sessions, as instants; ``at`` on ``start_date`` is a time of one's own beside them."""

    slots = Checkboxes(say("Phát vào khung giờ nào"), coerce=int, validate_choice=False)
    start_date = Day(say("Ngày phát"), [optional()])
    at = Clock(say("Giờ phát"), [optional()])
    waived_why = TextAreaField(
        say("Lý do vẫn phát"), [AtMost(500, say("Hãy viết lý do gọn trong 500 chữ."))]
    )
    seen = BooleanField(say("Tôi đã xem các lượt trùng giờ, vẫn đặt"))

    @property
    def is_timed(self) -> bool:
        """Whether any time was chosen."""
        return bool(self.slots.data) or self.at.data is not None

    def rule(self, moment: Instant) -> Rule:
        """Once, then, where the form says."""
        where, wall = self.where, local(moment, current.zone())
        return Rule(
            kind=ScheduleKind.ONCE, at=wall.time().replace(tzinfo=None), start_date=wall.date(),
            area_ids=where.area_ids, group_ids=where.group_ids, except_ids=where.except_ids,
        )  # fmt: skip


# -- a notice's blanks ----------------------------------------------------------------------------


class NoticeForm(Form):
    """``blank_0``, ``blank_1``, … stand for the blanks of the notice; see ``notice_form``."""

    notice: Notice

    @property
    def blanks(self) -> list[Any]:
        """Their fields, in order."""
        return [self[f"blank_{number}"] for number in range(len(self.notice.blanks))]

    @property
    def values(self) -> dict[Blank, notices.Value]:
        return {
            blank: cast(notices.Value, field.data)
            for blank, field in zip(self.notice.blanks, self.blanks, strict=True)
        }

    def draft(self) -> Draft:
        """The bulletin it makes. Raises ContentError naming the blank."""
        body = notices.fill(self.notice, self.values)
        return Draft(
            title=notices.title(self.notice, self.values), field=self.notice.field,
            parts=spoken(body, speed=current.config().content.speed), priority=Priority.NORMAL,
        )  # fmt: skip


def notice_form(notice: Notice) -> NoticeForm:
    """The form of this notice, as it was sent."""
    fields = {f"blank_{number}": _field(blank) for number, blank in enumerate(notice.blanks)}
    form = cast(NoticeForm, type("FilledNoticeForm", (NoticeForm,), fields)())
    form.notice = notice
    return form


def _field(blank: Blank) -> Any:
    if blank.kind is Kind.DAY:
        return Day(blank.asks, [optional()])
    if blank.kind is Kind.CLOCK:
        return Clock(blank.asks, [optional()])
    limit = AtMost(MAX_WORDS, say("Hãy viết gọn trong %(most)s chữ.", most=MAX_WORDS))
    return StringField(blank.asks, [limit])
