"""What is filled in in the panel of a calendar."""

from __future__ import annotations

from datetime import date, time
from typing import Literal, cast

from wtforms import BooleanField, HiddenField, IntegerField, RadioField, StringField, TextAreaField
from wtforms.validators import Length, NumberRange

from loa.errors import ScheduleError
from loa.times import local
from loa.words import say
from scheduler.exceptions import MOST_REASON
from web import current
from web.calendar_items import Item
from web.calendar_series import Target
from web.forms import Clock, Day, Form, choices, given, optional

SCOPES = {"one": say("Chỉ lần này"), "all": say("Cả lịch, từ nay về sau")}
MOST_MINUTES = 720


class MoveForm(Form):
    version = HiddenField()
    scope = RadioField(say("Dời"), choices=choices(SCOPES.items()), default="one")
    to_time = Clock(say("Giờ phát"), [given(say("Hãy nhập giờ phát, ví dụ 17:00."))])
    to_day = Day(say("Ngày phát"), [given(say("Hãy chọn ngày phát."))])
    minutes = IntegerField(
        say("Thời lượng (phút)"),
        [
            optional(),
            NumberRange(
                1, MOST_MINUTES, say("Hãy nhập từ 1 đến %(most)s phút.", most=MOST_MINUTES)
            ),
        ],
    )
    reason = StringField(
        say("Lý do"),
        [
            Length(
                max=MOST_REASON, message=say("Hãy viết gọn trong %(most)s chữ.", most=MOST_REASON)
            )
        ],
    )
    waived_why = TextAreaField(
        say("Lý do vẫn phát"), [Length(max=500, message=say("Hãy viết lý do gọn trong 500 chữ."))]
    )
    seen = BooleanField(say("Tôi đã xem các lượt trùng giờ, vẫn đổi"))

    def target(self, item: Item) -> Target:
        """What was filled in. Raises ScheduleError where that cannot be of one day alone."""
        scope = "all" if item.is_single else cast(Literal["one", "all"], self.scope.data)
        minutes = self.minutes.data if self.minutes.data != item.minutes else None
        if minutes is not None and scope == "one":
            raise ScheduleError(
                say(
                    "Thời lượng là của cả lịch nên không đổi riêng một lần được. Hãy chọn “Cả lịch”."
                ),
                field="scope",
            )
        return Target(
            scope, cast(date, self.to_day.data), cast(time, self.to_time.data), minutes,
            self.reason.data or "", self.waived_why.data or "",
        )  # fmt: skip

    def fill_in(self, item: Item) -> None:
        """What is stored."""
        moment = item.at()
        if moment is not None:
            at = local(moment, current.zone())
            self.to_day.data, self.to_time.data = at.date(), at.time()
        self.minutes.data, self.version.data = item.minutes, item.version


class SkipForm(Form):
    version = HiddenField()


class BackForm(Form):
    exception = IntegerField(validators=[given(say("Hãy tải lại lịch."))])
    before = IntegerField(validators=[optional()])
