"""Nhật ký phát: what was broadcast where, what is proven, and the same as a CSV file."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import cast

from flask import Blueprint, make_response, render_template, request, send_file
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response
from wtforms import SelectField, StringField

from devices import receivers
from loa.times import Instant, local
from scheduler import levels, reports
from scheduler.broadcasts import DeliveryState
from scheduler.exports import csv_file, xlsx_file
from scheduler.exports.tables import Document, Table
from scheduler.level_views import View
from scheduler.reporting import log as log_of_deliveries
from scheduler.reporting import periods
from scheduler.reports import LogFilter, LogRow
from web import current, labels, spreadsheets
from web.forms import Day, Form, choices

bp = Blueprint("log", __name__)

PER_PAGE = 50
SHOWN_DAYS = 7
"""Span of the log before anything was asked for."""
ANY = ("", "tất cả")


class LogForm(Form):
    """The filter; its answers stand in the address, so a view of the log can be kept or sent."""

    since = Day("Từ ngày", name="tu")
    until = Day("Đến ngày", name="den")
    area = SelectField("Địa bàn", name="dia_ban", validate_choice=False)
    receiver = SelectField("Đầu thu", name="dau_thu", validate_choice=False)
    state = SelectField(
        "Kết quả",
        name="ket_qua",
        choices=choices([ANY, *labels.DELIVERY_STATES.items()]),
    )
    search = StringField("Tên bản tin", name="tim")

    def choose_places(self, session: Session) -> None:
        view = View(session, current.staff())
        known = [
            each
            for each in (*receivers.listing(session), *receivers.listing(session, active=False))
            if view.inside is None or each.area_id in view.inside
        ]
        names = sorted({receiver.area.full_name for receiver in known})
        self.area.choices = choices([ANY, *((name, name) for name in names)])
        self.receiver.choices = choices(
            [ANY, *((each.id, f"{each.name} ({each.id})") for each in known)]
        )


@dataclass(frozen=True)
class Summary:
    """How many deliveries match, by state: the parts add up to the whole."""

    total: int
    counts: dict[DeliveryState, int]

    @property
    def played(self) -> int:
        return self.counts.get(DeliveryState.PLAYED, 0)

    @property
    def others(self) -> list[tuple[str, int]]:
        named = labels.DELIVERY_STATES.items()
        return [
            (word, self.counts[state])
            for state, word in named
            if self.counts.get(state) and state is not DeliveryState.PLAYED
        ]


@dataclass(frozen=True)
class Page:
    rows: list[LogRow]
    summary: Summary
    number: int
    pages: int


@bp.get("/nhat-ky")
def show() -> Response:
    form = _form()
    wanted = _filter(form)
    page = None
    if wanted is not None:
        with current.read() as session:
            page = _page(session, wanted, request.args.get("trang", 1, type=int))
    asked = {key: value for key, value in request.args.items() if key != "trang"}
    shown = render_template("log/show.html", form=form, page=page, asked=asked)
    return make_response(shown, form.status)


@bp.get("/nhat-ky.csv")
def download() -> Response:
    """The rows of the filter, all of them."""
    form = _form()
    wanted = _filter(form)
    if wanted is None:
        return show()
    with spreadsheets.writing() as (text, file), current.read() as session:
        csv_file.write(_table(session, wanted), text, current.zone())
    return spreadsheets.answer(file, _name(form))


@bp.get("/nhat-ky.xlsx")
def workbook() -> Response:
    """The same rows with real numbers and times."""
    form = _form()
    wanted = _filter(form)
    if wanted is None:
        return show()
    with tempfile.TemporaryDirectory(dir=spreadsheets.folder()) as folder:
        path = Path(folder) / "nhat-ky.xlsx"
        with current.read() as session:
            xlsx_file.write(_document(session, wanted, form), path, current.zone())
        # Open, it outlives its folder until the answer is sent.
        file = path.open("rb")
    name = _name(form).replace(".csv", ".xlsx")
    return send_file(file, spreadsheets.XLSX, as_attachment=True, download_name=name)


def _table(session: Session, wanted: LogFilter) -> Table:
    return Table(
        "log", "Nhật ký phát", log_of_deliveries.COLUMNS, log_of_deliveries.rows(session, wanted)
    )


def _document(session: Session, wanted: LogFilter, form: LogForm) -> Document:
    first, last = cast(date, form.since.data), cast(date, form.until.data)
    made_on = local(current.now(), current.zone()).date()
    name = periods.span(first, last).name
    station = current.config().station.name
    return Document(
        "Nhật ký phát", name, station, made_on, first, last, tables=[_table(session, wanted)]
    )


def _form() -> LogForm:
    today = local(current.now(), current.zone()).date()
    anything = {"area": "", "receiver": "", "state": "", "search": ""}
    span = {"since": today - timedelta(days=SHOWN_DAYS - 1), "until": today}
    form = LogForm(request.args, data={**span, **anything})
    with current.read() as session:
        form.choose_places(session)
    return form


def _filter(form: LogForm) -> LogFilter | None:
    """What the form asks for; None when it must be corrected first."""
    found = form.checked(lambda: _span(form))
    if found is None:
        return None
    since, until = found
    return LogFilter(
        since=since,
        until=until,
        area=form.area.data or None,
        receiver_id=form.receiver.data or None,
        state=DeliveryState(form.state.data) if form.state.data else None,
        search=form.search.data or "",
        within=_within(),
    )


def _within() -> frozenset[int] | None:
    with current.read() as session:
        return levels.reach(session, current.staff())


def _span(form: LogForm) -> tuple[Instant, Instant]:
    first, last = cast(date, form.since.data), cast(date, form.until.data)
    return reports.whole_days(first, last, current.zone())


def _page(session: Session, wanted: LogFilter, number: int) -> Page:
    counts = reports.count_by_state(session, wanted)
    total = sum(counts.values())
    pages = max(-(-total // PER_PAGE), 1)
    number = min(max(number, 1), pages)
    rows = reports.log_rows(session, wanted, limit=PER_PAGE, offset=(number - 1) * PER_PAGE)
    return Page(list(rows), Summary(total, counts), number, pages)


def _name(form: LogForm) -> str:
    return f"nhat-ky-phat-{form.since.data:%Y%m%d}-{form.until.data:%Y%m%d}.csv"
