"""Forms of the emergency pages."""

from __future__ import annotations

from typing import cast

from flask import request
from sqlalchemy.orm import Session
from wtforms import BooleanField, IntegerField, SelectField, StringField, TextAreaField

from content.bulletins import Bulletin
from loa import searching, words
from loa.errors import ScheduleError
from loa.times import DAY, HOUR, MINUTE, SECOND, Instant, after, local
from loa.words import say
from scheduler import alert_orders, alert_templates
from scheduler.alert_orders import OWN_WORDS, Order
from scheduler.alert_templates import Template
from scheduler.alerts import Alert
from web import alert_names, current
from web.emergency_page import is_whole
from web.forms import Form, choices, given, optional, required
from web.second_step import Confirmed
from web.where_form import Offer, PlaceForm

__all__ = ["ConsentForm", "OrderForm", "PlaceForm", "WhyForm", "order_form"]

RHYTHMS = {
    0: say("phát một lần"),
    **{minutes: say("mỗi %(minutes)s phút", minutes=minutes) for minutes in (2, 5, 10, 15, 30)},
    60: say("mỗi giờ"),
}
USUAL_EVERY = 5
LATE = 90 * SECOND
"""An order that took longer from the finger to the station is not carried out: who pressed may have given it up."""


class OrderForm(PlaceForm):
    """``blank_0``, ``blank_1``, … stand for the blanks of the template; see ``order_form``."""

    hours = IntegerField(
        say("Có hạn trong (giờ)"),
        [given(say("Lệnh khẩn cấp phải có hạn. Hãy nhập số giờ, ví dụ 2."))],
    )
    every = SelectField(say("Lặp lại"), coerce=int, choices=choices(RHYTHMS.items()))
    times = IntegerField(say("Nhiều nhất (lần)"), [optional()])
    drill = BooleanField(say("Đây là diễn tập"))
    template_key = OWN_WORDS
    template: Template | None = None

    def order(self, now: Instant, bulletin: Bulletin | None) -> Order:
        """What was filled in. Raises LoaError naming the field."""
        title, body = ("", "") if bulletin is not None else self.said()
        hours = cast(int, self.hours.data)
        return Order(
            where=self.where, expires_at=after(now, max(-1, min(hours, 1_000)) * HOUR),
            every_ms=self.every.data * MINUTE, times=self.times.data or 0, drill=bool(self.drill.data),
            title=title, body=body, template=self.template_key, bulletin=bulletin,
        )  # fmt: skip

    def said(self) -> tuple[str, str]:
        """Title and words."""
        if self.template is None:
            return "", ""
        names = alert_templates.blanks(self.template)
        values = {name: self[f"blank_{n}"].data or "" for n, name in enumerate(names)}
        filled = alert_templates.fill(self.template, values)
        return filled.title, filled.text

    @property
    def blanks(self) -> list[object]:
        """The fields of the template's blanks, in order."""
        return [field for field in self if field.name.startswith("blank_")]


class OwnWordsForm(OrderForm):
    title = StringField(
        say("Tên lệnh"), [required(say("Hãy đặt tên cho lệnh, ví dụ: Vỡ đê ở thôn Bãi."))]
    )
    body = TextAreaField(say("Lời phát"), [required(say("Hãy nhập lời cần phát."))])

    def said(self) -> tuple[str, str]:
        return self.title.data or "", self.body.data or ""


def order_form(template: Template | None, bulletin: Bulletin | None, offer: Offer) -> OrderForm:
    """The form for these words: the template's blanks, free words, or none where a bulletin has them."""
    kind: type[OrderForm] = OwnWordsForm
    if bulletin is not None:
        kind = OrderForm
    elif template is not None:
        kind = _with_blanks(template)
    if request.method == "POST":
        return kind()
    return kind(data={"hours": alert_orders.USUAL_HOURS, "every": USUAL_EVERY, **_one_root(offer)})


def _with_blanks(template: Template) -> type[OrderForm]:
    names = alert_templates.blanks(template)
    fields = {
        f"blank_{number}": StringField(
            alert_names.of_blank(name),
            # What is typed there is read out, in Vietnamese.
            render_kw={
                "placeholder": template.blanks.get(name, ""),
                "autocomplete": "off",
                "lang": "vi",
                "data-blank": name,
            },
        )
        for number, name in enumerate(names)
    }
    key = next(key for key, each in alert_templates.known().items() if each is template)
    return type("TemplateForm", (OrderForm,), {**fields, "template": template, "template_key": key})


def _one_root(offer: Offer) -> dict[str, object]:
    roots = [place.area.id for place in offer.places if place.depth == 0]
    return {"area_ids": roots if len(roots) == 1 else []}


class ConsentForm(Confirmed, Form):
    """``version`` and ``terms`` are what was read; the sounds named by the page stand in fields called sha.

    ``pressed`` is when the button was, by the station's clock as the page has it; without scripts it is empty.
    """

    version = IntegerField(validators=[optional()])
    terms = StringField()
    listened = BooleanField(
        say("Tôi đã nghe bản ghi từ đầu đến cuối"),
        [required(say("Hãy nghe hết bản ghi rồi đánh dấu vào đây."))],
        name="heard",
    )
    sure = StringField(say("Xác nhận phát cả đài"))
    pressed = IntegerField(validators=[optional()])

    @property
    def heard(self) -> list[str]:
        """The sounds that the page let them hear."""
        return request.form.getlist("sha")

    def demand_fresh(self) -> None:
        """Raise ScheduleError where the network held it back for long: a siren that comes late is a danger."""
        pressed, now = self.pressed.data, current.now()
        if pressed is not None and now - pressed > LATE:
            raise ScheduleError(
                say(
                    "Lệnh bấm lúc %(pressed)s mà tới đài lúc %(now)s nên không được thực hiện. "
                    "Hãy tải lại trang, xem tình hình rồi bấm lần nữa.",
                    pressed=_clock(Instant(max(pressed, now - DAY))),
                    now=_clock(now),
                )
            )

    def demand_sure(self, session: Session, alert: Alert, word: str) -> None:
        """Raise ScheduleError where it goes to the whole station and nobody held the button or typed the word."""
        said = searching.without_marks((self.sure.data or "").strip().casefold())
        wanted = {searching.without_marks(each) for each in (str(word), words.told(word))}
        if is_whole(session, alert.where) and said not in wanted:
            raise ScheduleError(
                say(
                    "Lệnh này phát ở mọi đầu thu. Hãy giữ nút 3 giây, hoặc gõ “%(word)s” để xác nhận.",
                    word=word,
                ),
                field="sure",
            )


def _clock(at: Instant) -> str:
    return f"{local(at, current.zone()):%H:%M:%S}"


class WhyForm(Form):
    """Why it ends: one of the buttons (``vi``), or words of one's own."""

    why = StringField(say("Lý do khác"))

    @property
    def reason(self) -> str:
        return request.form.get("vi", "") or self.why.data or ""
