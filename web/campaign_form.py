"""The form of a campaign: what is sent, as an order, and what is offered to choose from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import cast

import sqlalchemy as sa
from flask import request
from sqlalchemy.orm import Session
from wtforms import IntegerField, RadioField, SelectField, StringField, TextAreaField
from wtforms.validators import Length

from content.bulletins import Bulletin, Priority
from content.bulletins import State as BulletinState
from content.recordings import Recording
from loa.times import HOUR
from loa.words import say
from scheduler import campaigns
from scheduler.campaigns import Aim, Campaign, Line, Order, Per, Target
from web import campaign_words as words
from web import current, where_form
from web.forms import Checkboxes, Day, Edited, Form, choices, given, optional, version_of
from web.where_form import PlaceForm

OFFERED = 40
"""Approved bulletins to choose from, the newest."""


class CampaignForm(Edited, PlaceForm):
    name = StringField(say("Tên chiến dịch"), [given(say("Hãy đặt tên cho chiến dịch."))])
    basis = TextAreaField(say("Căn cứ"), [optional()])
    start_date = Day(say("Từ ngày"), [given(say("Hãy chọn ngày bắt đầu."))])
    end_date = Day(say("Đến hết ngày"), [given(say("Hãy chọn ngày kết thúc."))])
    aim = RadioField(say("Chỉ tiêu tính theo"), choices=choices(words.AIMS.items()))
    number = IntegerField(say("Con số"), [given(say("Hãy nhập con số của chỉ tiêu."))])
    per = SelectField(say("Trong"), choices=choices(words.PERS.items()))
    times = IntegerField(say("Mỗi hộ nghe ít nhất"), [optional()])
    weight = IntegerField(say("Phần phút so với chiến dịch khác"), [optional()])
    lines = Checkboxes(say("Bản tin"), coerce=int, validate_choice=False)
    waived_why = TextAreaField(
        say("Lý do vẫn phát"), [Length(max=500, message=say("Hãy viết lý do gọn trong 500 chữ."))]
    )


class LineForm(Form):
    """What is said of one bulletin."""

    weight = IntegerField(say("Trọng số"), [optional()])
    apart = IntegerField(say("Cách nhau ít nhất (giờ)"), [optional()])
    first = Day(say("Phát từ ngày"), [optional()])
    last = Day(say("Đến hết ngày"), [optional()])


@dataclass(frozen=True)
class Choice:
    """A bulletin that may be chosen."""

    bulletin: Bulletin
    ms: int
    form: LineForm


def order(form: CampaignForm) -> Order:
    """What the form asks for."""
    aim = Aim(form.aim.data)
    return Order(
        name=form.name.data or "", basis=form.basis.data or "", where=form.where,
        start_date=cast(date, form.start_date.data), end_date=cast(date, form.end_date.data),
        target=Target(
            aim=aim, number=form.number.data or 0, times=form.times.data or 1,
            per=Per.TOTAL if aim is Aim.REACH else Per(form.per.data),
        ),
        lines=tuple(_line(each) for each in form.lines.data or ()),
        weight=1 if form.weight.data is None else form.weight.data,
    )  # fmt: skip


def _line(bulletin_id: int) -> Line:
    said = LineForm(prefix=f"b{bulletin_id}")
    said.validate()
    return Line(
        bulletin_id=bulletin_id, weight=1 if said.weight.data is None else said.weight.data,
        apart_ms=(said.apart.data or 0) * HOUR, start_date=said.first.data, end_date=said.last.data,
    )  # fmt: skip


def offered(session: Session, form: CampaignForm, campaign: Campaign | None) -> list[Choice]:
    """Bulletins to choose from: those chosen, then approved ones, the newest first."""
    chosen = [int(each) for each in form.lines.data or ()]
    may_be = sa.and_(
        Bulletin.state == BulletinState.APPROVED, Bulletin.priority != Priority.EMERGENCY, Bulletin.relay.is_(None)
    )  # fmt: skip
    found = sa.select(Bulletin).where(sa.or_(may_be, Bulletin.id.in_(chosen)))
    order = found.order_by(Bulletin.id.in_(chosen).desc(), Bulletin.id.desc())
    bulletins = session.scalars(order.limit(OFFERED + len(chosen))).all()
    lengths = _lengths(session, bulletins)
    said = {each.bulletin_id: each for each in campaign.messages} if campaign else {}
    return [
        Choice(each, lengths.get(each.recording_sha or "", 0), _line_form(each.id, said))
        for each in bulletins
    ]


def _line_form(bulletin_id: int, said: Mapping[int, campaigns.Message]) -> LineForm:
    if request.method == "POST":
        return LineForm(prefix=f"b{bulletin_id}")
    known = said.get(bulletin_id)
    data: dict[str, object] = {"weight": 1}
    if known is not None:
        data = {
            "weight": known.weight, "apart": known.apart_ms // HOUR or None, "first": known.start_date,
            "last": known.end_date,
        }  # fmt: skip
    return LineForm(prefix=f"b{bulletin_id}", data=data)


def _lengths(session: Session, found: Sequence[Bulletin]) -> dict[str, int]:
    shas = [each.recording_sha for each in found if each.recording_sha]
    rows = session.execute(
        sa.select(Recording.sha256, Recording.ms).where(Recording.sha256.in_(shas))
    )
    return {row.sha256: row.ms for row in rows}


def defaults(today: date) -> dict[str, object]:
    """Of a new campaign."""
    with current.read() as session:
        everywhere = where_form.everywhere(where_form.own_places(session))
    return {
        "start_date": today, "aim": Aim.PLAYS, "number": 20, "per": Per.TOTAL, "times": 1, "weight": 1, **everywhere,
    }  # fmt: skip


def as_data(campaign: Campaign) -> dict[str, object]:
    """Of one that is to be changed."""
    where, target = campaign.where, campaign.target
    return {
        "name": campaign.name, "basis": campaign.basis, "start_date": campaign.start_date,
        "end_date": campaign.end_date, "aim": target.aim, "number": target.number, "per": target.per,
        "times": target.times, "weight": campaign.weight, "area_ids": list(where.area_ids),
        "group_ids": list(where.group_ids), "except_ids": list(where.except_ids),
        "lines": [each.bulletin_id for each in campaign.messages],
    }  # fmt: skip


def read(campaign: Campaign) -> dict[str, object]:
    """All that the form changes."""
    lines = [
        [each.bulletin_id, each.weight, each.apart_ms, each.start_date, each.end_date]
        for each in sorted(campaign.messages, key=lambda each: each.bulletin_id)
    ]
    return {**as_data(campaign), "lines": lines}


def as_read(campaign: Campaign, waived_why: str) -> CampaignForm:
    """The form of what is stored, to be changed; with the reason given for what the regulation let through."""
    stored = {"waived_why": waived_why, "version": version_of(read(campaign))}
    return CampaignForm(data=as_data(campaign) | stored)
