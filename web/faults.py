"""Sự cố: everything wrong in the fleet, oldest first, each with its age and what to do; "Đã biết"."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response
from wtforms import SelectField, StringField

from devices import areas, outages
from devices.outages import Fault, Kind
from devices.receivers import Receiver
from loa.staff import May
from scheduler.level_views import View
from web import current, remedies
from web.forms import Form, choices

bp = Blueprint("faults", __name__)

PER_PAGE = 50


class FaultsForm(Form):
    kind = SelectField(
        "Loại", name="loai", choices=choices([("", "tất cả"), *remedies.FAULTS.items()])
    )
    area = SelectField("Địa bàn", name="dia_ban", validate_choice=False)


class NoteForm(Form):
    note = StringField("Ghi chú")


@dataclass(frozen=True)
class Page:
    faults: list[Fault]
    counts: dict[Kind, int]
    """Open ones of the area asked for, by kind."""
    total: int
    number: int
    pages: int


@bp.get("/dau-thu/loi")
def listing() -> str:
    form = FaultsForm(request.args, data={"kind": "", "area": ""})
    with current.read() as session:
        tree = areas.tree(session)
        named = [(area.id, f"{'— ' * depth}{area.full_name}") for depth, area in tree]
        form.area.choices = choices([("", "tất cả"), *named])
        page = _page(session, form)
    asked = {key: value for key, value in request.args.items() if key != "trang" and value}
    return render_template("receivers/faults.html", form=form, page=page, asked=asked)


@bp.route("/dau-thu/loi/<int:fault_id>/da-biet", methods=["GET", "POST"])
@current.needs(May.OPERATE)
def known(fault_id: int) -> Response:
    """Somebody looks after it: it leaves Hôm nay, not the list."""
    with current.read() as session:
        fault = outages.get(session, fault_id)
    form = NoteForm() if request.method == "POST" else NoteForm(data={"note": fault.note or ""})
    if form.carry_out(lambda: _take_note(fault_id, form)):
        flash(f"Đã ghi nhận sự cố của đầu thu “{fault.receiver.name}”.")
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


def _page(session: Session, form: FaultsForm) -> Page:
    here = _here(session, form)
    counted = sa.select(Fault.kind, sa.func.count()).join(Receiver).where(*here)
    counts = {one: number for one, number in session.execute(counted.group_by(Fault.kind))}  # noqa: C416 - a Row is no pair to mypy
    kind = Kind(form.kind.data) if form.kind.data in list(Kind) else None
    total = counts.get(kind, 0) if kind else sum(counts.values())
    pages = max(-(-total // PER_PAGE), 1)
    number = min(max(request.args.get("trang", 1, type=int), 1), pages)
    found = sa.select(Fault).join(Receiver).where(*here)
    if kind:
        found = found.where(Fault.kind == kind)
    found = found.order_by(Fault.since, Fault.id).limit(PER_PAGE).offset((number - 1) * PER_PAGE)
    return Page(list(session.scalars(found)), counts, total, number, pages)


def _here(session: Session, form: FaultsForm) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = [Fault.until.is_(None), Receiver.active.is_(True)]
    conditions.append(View(session, current.staff()).receivers())
    if form.area.data and form.area.data.isdecimal():
        inside = areas.with_descendants(session, [int(form.area.data)])
        conditions.append(Receiver.area_id.in_(inside))
    return conditions
