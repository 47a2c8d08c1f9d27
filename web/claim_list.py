"""Đầu thu chờ nhận, as a list: what is looked for among the claims that wait, and in what order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from flask import request
from sqlalchemy.orm import Session
from wtforms import SelectField, StringField

from devices import areas, claims
from devices.areas import Area
from devices.claims import Claim, Kind, State
from loa.times import local
from loa.words import say
from scheduler import levels
from web import current, lists
from web.forms import Form, choices

STATES = {State.WAITING: say("chờ máy nhận mã"), State.CLAIMED: say("chờ nghe thử")}
KINDS = {Kind.NEW: say("máy mới"), Kind.REPLACE: say("thay máy"), Kind.REISSUE: say("cấp lại mã")}
COLUMNS: dict[str, tuple[Any, ...]] = {
    "moi": (Claim.added_at.desc(), Claim.id.desc()),
    "dia_ban": (Area.name, Area.id, Claim.id),
}
"""What the list is sorted by in the database; the newest stands first. By name: in hand, as a dictionary does."""
HEADS = ("mã", "tên", "địa bàn", "số máy", "việc", "tình trạng", "thêm lúc")


class ClaimsForm(Form):
    search = StringField(say("Tìm theo tên, mã hoặc số máy"), name="tim")
    state = SelectField(
        say("Tình trạng"), name="tinh_trang", choices=choices([("", say("tất cả")), *STATES.items()])
    )  # fmt: skip
    area = SelectField(say("Địa bàn"), name="dia_ban", validate_choice=False)

    def choose_areas(self, session: Session) -> None:
        tree = levels.tree(session, current.staff())
        named = [(area.id, f"{'— ' * depth}{area.full_name}") for depth, area in tree]
        self.area.choices = choices([("", say("tất cả")), *named])


def form() -> ClaimsForm:
    return ClaimsForm(request.args, data={"search": "", "state": "", "area": ""})


def order() -> lists.Order:
    return lists.order(*COLUMNS, "ten")


def found(session: Session, form: ClaimsForm, order: lists.Order) -> list[Claim]:
    """Those that wait and match; a station has dozens of them, thousands on the day of a large import."""
    wanted = (
        sa.select(Claim).join(Area, Area.id == Claim.area_id).where(Claim.state.in_(claims.OPEN))
    )
    if form.state.data in list(State):
        wanted = wanted.where(Claim.state == State(form.state.data))
    if form.area.data and form.area.data.isdecimal():
        inside = areas.with_descendants(session, [int(form.area.data)])
        wanted = wanted.where(Claim.area_id.in_(inside))
    by_name = order.column == "ten"
    in_turn = COLUMNS["moi" if by_name else order.column]
    words = form.search.data or ""
    matching = [
        each
        for each in session.scalars(wanted.order_by(*in_turn))
        if lists.finds(words, each.name, each.receiver_id, each.serial)
    ]
    if by_name:
        return sorted(matching, key=lambda each: lists.by_letters(each.name), reverse=order.back)
    return matching[::-1] if order.back else matching


def lines(found: list[Claim]) -> Iterator[list[object]]:
    """The same as a table."""
    yield list(HEADS)
    for each in found:
        added = f"{local(each.added_at, current.zone()):%d/%m/%Y %H:%M}"
        yield [
            each.receiver_id, each.name, each.area.full_name, each.serial, KINDS[each.kind],
            STATES.get(each.state, each.state), added,
        ]  # fmt: skip
