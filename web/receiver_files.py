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
from loa.words import counted, say
from scheduler import fleet_files, fleet_import
from scheduler.fleet_import import Plan
from web import current, fleet, spreadsheets
from web.forms import Form

log = logging.getLogger(__name__)
bp = Blueprint("receiver_files", __name__)

MOST_BYTES = 1_500_000
"""A file of 10,000 receivers with nothing but what can be changed is about as large."""
COLUMNS = (
    ("mã", say("mã đầu thu; mã chưa có thì là đầu thu mới")),
    ("số máy", say("in trên hộp; đủ để nhận ra đầu thu khi không có mã")),
    ("tên", say("ví dụ Cột nhà văn hoá")),
    ("địa bàn", say("tên, hoặc cả cấp trên: xã Mẫu > thôn Đông; phải có sẵn")),
    ("số hộ, âm lượng", say("số nguyên; âm lượng từ 0 đến 100")),
    ("vĩ độ, kinh độ", say("ví dụ 20.8561 và 106.6822; để trống cả hai là bỏ toạ độ")),
    ("nhóm", say("các nhóm cách nhau bằng dấu chấm phẩy; nhóm chưa có thì được lập")),
)
"""Of a table that is brought in, and what stands in each."""
SHOWN = 200
"""Lines of a kind shown before they are brought in."""


class ImportForm(Form):
    """``csv`` holds what was read from the file, once it was looked at."""

    file = FileField(say("Tệp CSV"))
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
    page = render_template("receivers/import.html", form=form, most=MOST_BYTES, columns=COLUMNS)
    return make_response(page, form.status)


def _said(plan: Plan) -> str:
    if not plan.new:
        return counted("Đã nhập: đổi %(n)s đầu thu.", len(plan.changed))
    return say(
        "Đã nhập: đổi %(changed)s đầu thu, %(new)s đầu thu mới đang chờ máy nhận mã.",
        changed=len(plan.changed),
        new=len(plan.new),
    )


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
    why = error.sentence if isinstance(error, LoaError) else say("Cơ sở dữ liệu đang bận.")
    return say(
        "Đã nhập %(saved)s/%(lines)s đầu thu rồi phải dừng. %(why)s Hãy nhập lại tệp này: "
        "những đầu thu đã nhập thì không đổi gì nữa.",
        saved=saved,
        lines=lines,
        why=why,
    )


def _looked_at(form: ImportForm) -> tuple[Plan, str]:
    text = spreadsheets.text_of(form.file.data, MOST_BYTES, DeviceError)
    with current.read() as session:
        return fleet_import.look_at(session, text), text
