"""Where and when a plan is asked for: a receiver or an area, a day and a minute of it, from an address."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any, NamedTuple, TypeVar

import sqlalchemy as sa
from flask import request
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict
from wtforms import SelectField, StringField

from devices import areas, receivers
from devices.areas import Area
from devices.receivers import Receiver
from loa.errors import NotFound, ScheduleError
from loa.times import HOUR, SECOND, Instant, at, instant, local
from loa.words import say
from scheduler import levels, precedence
from scheduler.level_views import View
from scheduler.sources import Rules
from web import current
from web.forms import MOST_YEARS, Clock, Day, Form, choices, is_near

LISTED = 200
"""Receivers offered in a list; of more, the id is typed."""
MOST_DAYS = 400
"""So far ahead or back a plan is shown."""


class PlaceForm(Form):
    noi = SelectField(say("Địa bàn"), coerce=str, validate_choice=False)
    dau_thu = SelectField(say("Đầu thu"), coerce=str, validate_choice=False)
    ma = StringField(say("Mã đầu thu"))


class DayForm(PlaceForm):
    ngay = Day(say("Ngày"))


class Sought(Form):
    """Added to the form of a plan that is a list."""

    tim = StringField(say("Tìm trong kế hoạch"))


class AheadForm(Sought, PlaceForm): ...


class PlanForm(Sought, DayForm): ...


class MinuteForm(DayForm):
    gio = Clock(say("Lúc"))


Filled = TypeVar("Filled", bound=PlaceForm)


class Scope(NamedTuple):
    """Where one looks: a receiver, an area with all below it, or the whole station."""

    receiver: Receiver | None
    area: Area | None
    ids: list[str]
    """Of the receivers there: those in service, or the one that was named."""
    words: str

    @property
    def asked(self) -> dict[str, Any]:
        """The same as words of an address."""
        if self.receiver is not None:
            return {"dau_thu": self.receiver.id}
        return {"noi": self.area.id} if self.area else {}


def rules() -> Rules:
    """What planning goes by at this station."""
    delivery = current.config().delivery
    return Rules(current.zone(), delivery.horizon_hours * HOUR, delivery.late_seconds * SECOND)


def rule_in_words() -> str:
    """Which of two sounds goes first."""
    return precedence.in_words(rules().late)


def asked(**usual: str) -> MultiDict[str, str]:
    """What stands in the address, with what is usual in place of what does not."""
    given = MultiDict(request.args)
    for name, value in usual.items():
        if not given.get(name):
            given[name] = value
    return given


def fill(form: Filled, session: Session) -> Filled:
    """The form with the places there are to choose from."""
    tree, view = levels.tree(session, current.staff()), View(session, current.staff())
    named: list[tuple[str, str]] = [("", say("Toàn đài"))] if view.inside is None else []
    named += [(str(area.id), "– " * depth + area.full_name) for depth, area in tree]
    form.noi.choices = choices(named)
    here = sa.and_(receivers.in_service(), view.receivers())
    number = session.scalar(sa.select(sa.func.count()).select_from(Receiver).where(here)) or 0
    if number > LISTED:
        del form.dau_thu
        return form
    found = sa.select(Receiver.id, Receiver.name).where(here)
    rows = [(row.id, row.name) for row in session.execute(found.order_by(Receiver.name))]
    chosen = request.args.get("dau_thu", "")
    if chosen and chosen not in dict(rows):
        rows += [(chosen, chosen)]  # one that is out of service still has a past
    form.dau_thu.choices = choices([("", say("Tất cả đầu thu của địa bàn")), *rows])
    del form.ma
    return form


def scope(session: Session, form: PlaceForm) -> Scope:
    """What was chosen of what the reader may see; a receiver goes before an area. Raises NotFound."""
    view = View(session, current.staff())
    if receiver_id := _receiver_id():
        receiver = receivers.get(session, receiver_id)
        if not view.shows_receiver(receiver_id):
            raise NotFound(
                say("Đầu thu %(id)s không thuộc địa bàn của bạn. Hãy chọn lại.", id=receiver_id)
            )
        return Scope(receiver, None, [receiver.id], say("đầu thu %(name)s", name=receiver.name))
    chosen = (form.noi.data or "").strip()
    standing = sa.select(Receiver.id).where(receivers.in_service()).order_by(Receiver.id)
    if view.inside is not None and not (chosen.isdecimal() and int(chosen) in view.inside):
        chosen = str(current.staff().area_id)
    if not chosen.isdecimal():
        return Scope(None, None, list(session.scalars(standing)), say("toàn đài"))
    area = areas.get(session, int(chosen))
    inside = Receiver.area_id.in_(areas.with_descendants(session, [area.id]))
    return Scope(None, area, list(session.scalars(standing.where(inside))), area.full_name)


def _receiver_id() -> str:
    """From the field or the list, whichever of them the form has."""
    typed = (request.args.get(name, "").strip() for name in ("ma", "dau_thu"))
    return next((one for one in typed if one), "")


def chosen_day(form: DayForm) -> date:
    """The day asked for, if it may be shown; else today, with the reason at the field."""
    today = local(current.now(), current.zone()).date()
    chosen = form.ngay.data or today
    if abs((chosen - today).days) > MOST_DAYS:
        sentence = say(
            "Chỉ xem được kế hoạch trong vòng %(most)s ngày trước và sau hôm nay.", most=MOST_DAYS
        )
        form.take(ScheduleError(sentence, field="ngay"))
        return today
    return chosen


def chosen_minute(form: MinuteForm) -> Instant | None:
    """The minute asked for; None where the station's clock skips it, with the reason at the field."""
    chosen, clock = chosen_day(form), form.gio.data or time()
    found = at(chosen, clock, current.zone())
    if found is None:
        sentence = say(
            "Ngày %(day)s không có lúc %(clock)s theo giờ của đài.", day=f"{chosen:%d/%m/%Y}", clock=f"{clock:%H:%M}"
        )  # fmt: skip
        form.take(ScheduleError(sentence, field="gio"))
    return found


def linked_moment() -> Instant | None:
    """``luc`` of an address: 2026-11-21T17:05 by the station's clock. Raises NotFound where that is years away."""
    try:
        typed = datetime.fromisoformat(request.args.get("luc", ""))
    except ValueError:
        return None
    if not is_near(typed.date()):
        raise NotFound(
            say(
                "Đường dẫn có ngày cách đây quá %(most)s năm. Hãy chọn lại ngày giờ.",
                most=MOST_YEARS,
            )
        )
    return instant(typed.replace(tzinfo=current.zone()))


def linked(moment: Instant) -> str:
    """The same of a moment."""
    return f"{local(moment, current.zone()):%Y-%m-%dT%H:%M}"
