"""Sự cố: everything wrong in the fleet, oldest first, each with its age and what to do; "Đã biết"."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response
from wtforms import SelectField, StringField

from devices import areas, outages
from devices.areas import Area
from devices.outages import Fault, Kind
from devices.receivers import Receiver
from loa import searching
from loa.staff import May
from loa.times import MINUTE, local
from loa.words import say
from scheduler import levels
from scheduler.level_views import View
from web import current, lists, remedies, spreadsheets
from web.forms import Form, choices

bp = Blueprint("faults", __name__)

KNOWN, NEW = "da-biet", "chua-ai-lo"
COLUMNS: dict[str, tuple[Any, ...]] = {
    "tu": (Fault.since,),
    "dau_thu": (Receiver.search_key,),
    "dia_ban": (Area.name, Area.id),
    "loai": (Fault.kind,),
}
"""What the list is sorted by, as the address names it; the oldest fault stands first."""
HEADS = ("mã", "tên", "địa bàn", "sự cố", "chi tiết", "từ", "đã kéo dài (phút)", "đã biết", "ghi chú")  # fmt: skip


class FaultsForm(Form):
    search = StringField(say("Tìm theo tên hoặc mã"), name="tim")
    kind = SelectField(
        say("Loại"), name="loai", choices=choices([("", say("tất cả")), *remedies.FAULTS.items()])
    )
    area = SelectField(say("Địa bàn"), name="dia_ban", validate_choice=False)
    known = SelectField(
        say("Đã có người lo"), name="da_biet",
        choices=choices([("", say("tất cả")), (NEW, say("chưa ai lo")), (KNOWN, say("đã biết"))]),
    )  # fmt: skip

    def choose_areas(self, session: Session) -> None:
        tree = levels.tree(session, current.staff())
        named = [(area.id, f"{'— ' * depth}{area.full_name}") for depth, area in tree]
        self.area.choices = choices([("", say("tất cả")), *named])


class NoteForm(Form):
    note = StringField(say("Ghi chú"))


@dataclass(frozen=True)
class Page:
    faults: list[Fault]
    counts: dict[Kind, int]
    """Those that match but for their kind, by kind."""
    slice: lists.Slice


@bp.get("/dau-thu/loi")
def listing() -> str:
    form, order = _form(), lists.order(*COLUMNS)
    with current.read() as session:
        form.choose_areas(session)
        page = _page(session, form, order)
    asked = lists.asked()
    return render_template("receivers/faults.html", form=form, page=page, asked=asked, order=order)


@bp.get("/dau-thu/loi.csv")
def download() -> Response:
    """Those of the list's filter, all of them."""
    with spreadsheets.writing() as (text, file), current.read() as session:
        found = _found(session, _form(), lists.order(*COLUMNS))
        spreadsheets.rows([HEADS, *_lines(session.scalars(found))], text)
    day = local(current.now(), current.zone())
    return spreadsheets.answer(file, f"su-co-{day:%Y%m%d}.csv")


@bp.route("/dau-thu/loi/<int:fault_id>/da-biet", methods=["GET", "POST"])
@current.needs(May.OPERATE)
def known(fault_id: int) -> Response:
    """Somebody looks after it: it leaves Hôm nay, not the list."""
    with current.read() as session:
        fault = outages.get(session, fault_id)
    form = NoteForm() if request.method == "POST" else NoteForm(data={"note": fault.note or ""})
    if form.carry_out(lambda: _take_note(fault_id, form)):
        flash(say("Đã ghi nhận sự cố của đầu thu “%(name)s”.", name=fault.receiver.name))
        return redirect(url_for("faults.listing"))
    return make_response(
        render_template("receivers/known.html", form=form, fault=fault), form.status
    )


def _take_note(fault_id: int, form: NoteForm) -> bool:
    person = current.staff()
    with current.write() as session:
        outages.take_note(
            session, outages.get(session, fault_id), form.note.data or "",
            now=current.now(), by=person.name, login=person.login,
        )  # fmt: skip
    return True


def _form() -> FaultsForm:
    return FaultsForm(request.args, data={"search": "", "kind": "", "area": "", "known": ""})


def _page(session: Session, form: FaultsForm, order: lists.Order) -> Page:
    counted = sa.select(Fault.kind, sa.func.count()).join(Receiver).where(*_matching(session, form))
    counts = {one: number for one, number in session.execute(counted.group_by(Fault.kind))}  # noqa: C416 - a Row is no pair to mypy
    kind = _kind(form)
    here = lists.slice_of(counts.get(kind, 0) if kind else sum(counts.values()))
    found = _found(session, form, order).limit(here.per_page).offset(here.offset)
    return Page(list(session.scalars(found)), counts, here)


def _found(session: Session, form: FaultsForm, order: lists.Order) -> sa.Select[Fault]:
    """Those asked for, in the order asked for."""
    in_turn = (*COLUMNS[order.column], Fault.since, Fault.id)
    found = sa.select(Fault).join(Receiver).join(Area, Area.id == Receiver.area_id)
    if kind := _kind(form):
        found = found.where(Fault.kind == kind)
    turned = (each.desc() if order.back else each for each in in_turn)
    return found.where(*_matching(session, form)).order_by(*turned)


def _kind(form: FaultsForm) -> Kind | None:
    return Kind(form.kind.data) if form.kind.data in list(Kind) else None


def _matching(session: Session, form: FaultsForm) -> list[sa.ColumnElement[bool]]:
    """All that is asked for but the kind."""
    conditions: list[sa.ColumnElement[bool]] = [Fault.until.is_(None), Receiver.active.is_(True)]
    conditions.append(View(session, current.staff()).receivers())
    if form.area.data and form.area.data.isdecimal():
        inside = areas.with_descendants(session, [int(form.area.data)])
        conditions.append(Receiver.area_id.in_(inside))
    if form.known.data in (KNOWN, NEW):
        taken = Fault.known_at.is_not(None)
        conditions.append(taken if form.known.data == KNOWN else sa.not_(taken))
    for word in (form.search.data or "").split():
        by_id = Receiver.id.contains(word.lower(), autoescape=True)
        conditions.append(sa.or_(searching.matches(Receiver.search_key, word), by_id))
    return conditions


def _lines(faults: sa.ScalarResult[Fault]) -> Iterator[list[object]]:
    now, zone = current.now(), current.zone()
    for each in faults:
        r = each.receiver
        known = (
            f"{each.known_by}, {local(each.known_at, zone):%d/%m/%Y %H:%M}" if each.known_at else ""
        )
        yield [
            r.id, r.name, r.area.full_name, remedies.FAULTS[each.kind], each.detail,
            f"{local(each.since, zone):%d/%m/%Y %H:%M}", each.lasted(now) // MINUTE, known, each.note,
        ]  # fmt: skip
