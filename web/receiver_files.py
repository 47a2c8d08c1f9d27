"""The fleet as a CSV file: taken home, and brought back with changes after a look at what they would do."""

from __future__ import annotations

import logging

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from flask_wtf.file import FileField
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.wrappers import Response
from wtforms import TextAreaField

from loa.errors import DeviceError, LoaError
from loa.staff import May
from loa.times import local
from scheduler import fleet_files, fleet_import
from scheduler.fleet_import import Plan
from web import current, fleet, spreadsheets
from web.forms import Form

log = logging.getLogger(__name__)
bp = Blueprint("receiver_files", __name__)

MOST_BYTES = 1_500_000
"""A file of 10,000 receivers with nothing but what can be changed is about as large."""
SHOWN = 200
"""Lines of a kind shown before they are brought in."""


class ImportForm(Form):
    """``csv`` holds what was read from the file, once it was looked at."""

    file = FileField("Tệp CSV")
    csv = TextAreaField()


@bp.get("/dau-thu.csv")
def download() -> Response:
    """The receivers of the list's filter, all of them."""
    now, zone = current.now(), current.zone()
    wanted = fleet.form().wanted
    with spreadsheets.writing() as (text, file), current.read() as session:
        spreadsheets.rows(fleet_files.lines(session, wanted, now, zone), text)
    return spreadsheets.answer(file, f"dau-thu-{local(now, zone):%Y%m%d}.csv")


@bp.route("/dau-thu/nhap", methods=["GET", "POST"])
@current.needs(May.MANAGE)
def bring_in() -> Response:
    """Take a file in: looked at first, and done once that was confirmed."""
    form = ImportForm()
    if request.form.get("sure"):
        done = form.carry_out(lambda: _bring_in(form))
        if done is not None:
            flash(_said(done))
            return redirect(url_for("receivers.listing"))
    elif request.method == "POST":
        looked = form.carry_out(lambda: _looked_at(form))
        if looked is not None:
            plan, text = looked
            page = render_template("receivers/import_plan.html", plan=plan, text=text, most=SHOWN)
            return make_response(page)
    page = render_template(
        "receivers/import.html", form=form, most=MOST_BYTES, columns=fleet_files.EDITABLE
    )
    return make_response(page, form.status)


def _said(plan: Plan) -> str:
    waiting = f", {len(plan.new)} đầu thu mới đang chờ máy nhận mã" if plan.new else ""
    return f"Đã nhập: đổi {len(plan.changed)} đầu thu{waiting}."


def _bring_in(form: ImportForm) -> Plan:
    """Portion by portion, so that the station's own work goes on between; what is in stays in."""
    with current.read() as session:
        plan = fleet_import.look_at(session, form.csv.data or "")
    saved = 0
    for portion in plan.portions():
        try:
            with current.write() as session:
                fleet_import.bring_in(session, portion, now=current.now(), by=current.staff().login)
        except (LoaError, SQLAlchemyError) as error:
            if not saved:
                raise
            log.warning("an import ended after %s of %s lines: %s", saved, plan.lines, error)
            raise DeviceError(_ended_early(saved, plan.lines, error), field="file") from error
        saved += portion.lines
    return plan


def _ended_early(saved: int, lines: int, error: Exception) -> str:
    why = error.sentence if isinstance(error, LoaError) else "Cơ sở dữ liệu đang bận."
    return (
        f"Đã nhập {saved}/{lines} đầu thu rồi phải dừng. {why} Hãy nhập lại tệp này: "
        "những đầu thu đã nhập thì không đổi gì nữa."
    )


def _looked_at(form: ImportForm) -> tuple[Plan, str]:
    text = spreadsheets.text_of(form.file.data, MOST_BYTES, DeviceError)
    with current.read() as session:
        return fleet_import.look_at(session, text), text
