"""Nhật ký phát: what was broadcast where, what is proven, and the same as a CSV file."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import cast

import sqlalchemy as sa
from flask import Blueprint, make_response, render_template, request, send_file
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response
from wtforms import SelectField, StringField

from content.bulletins import Priority
from devices import receivers
from loa.errors import NotFound
from loa.times import Instant, local
from loa.words import say
from scheduler import levels, reports
from scheduler.broadcasts import DeliveryState
from scheduler.exports import csv_file, files
from scheduler.level_views import View
from scheduler.reporting import bulletin_codes, pages, papers, periods
from scheduler.reporting.papers import About
from scheduler.reporting.periods import Period
from scheduler.reporting.tables import Expectation
from scheduler.reports import LogFilter, LogRow
from web import archived, current, labels, spreadsheets
from web.forms import Day, Form, choices

bp = Blueprint("log", __name__)

PER_PAGE = 50
SHOWN_DAYS = 7
"""Span of the log before anything was asked for."""
ANY = ("", say("tất cả"))


class LogForm(Form):
    """The filter; its answers stand in the address, so a view of the log can be kept or sent."""

    since = Day(say("Từ ngày"), name="tu")
    until = Day(say("Đến ngày"), name="den")
    area = SelectField(say("Địa bàn"), name="dia_ban", validate_choice=False)
    receiver = SelectField(say("Đầu thu"), name="dau_thu", validate_choice=False)
    state = SelectField(
        say("Kết quả"),
        name="ket_qua",
        choices=choices([ANY, *labels.DELIVERY_STATES.items()]),
    )
    search = StringField(say("Tên bản tin"), name="tim")

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
    def unknown(self) -> int:
        return self.counts.get(DeliveryState.UNKNOWN, 0)

    @property
    def others(self) -> list[tuple[str, int]]:
        named = labels.DELIVERY_STATES.items()
        return [
            (word, self.counts[state])
            for state, word in named
            if self.counts.get(state) and state is not DeliveryState.PLAYED
        ]


@dataclass(frozen=True)
class Line:
    """A row, and what was told of its broadcast when the plan was sent."""

    row: LogRow
    title: str
    priority: Priority
    author: str
    approver: str
    asked_ms: int


@dataclass(frozen=True)
class Page:
    rows: list[Line]
    summary: Summary
    number: int
    pages: int


@bp.get("/nhat-ky")
def show() -> Response:
    form = _form()
    wanted = _filter(form)
    page = None
    if wanted is not None:
        with archived.read(wanted.since, wanted.until) as session:
            page = _page(session, wanted, request.args.get("trang", 1, type=int))
    names = {field.name for field in form}
    asked = {key: value for key, value in request.args.items() if key in names}
    shown = render_template(
        "log/show.html",
        form=form,
        page=page,
        asked=asked,
        coded=asked | {"ma": bulletin_codes.CODES},
        unheard=asked | {"ket_qua": DeliveryState.UNKNOWN.value},
        draft=bulletin_codes.DRAFT,
    )
    return make_response(shown, form.status)


@bp.get("/nhat-ky.csv")
def download() -> Response:
    """The rows of the filter, all of them."""
    form = _form()
    wanted = _filter(form)
    if wanted is None:
        return show()
    with (
        spreadsheets.writing() as (text, file),
        archived.read(wanted.since, wanted.until) as session,
    ):
        rows = papers.rows_of_log(session, wanted, _about(), codes=_codes())
        csv_file.write(rows, text, current.zone())
    return spreadsheets.answer(file, f"{_name(form)}.csv")


@bp.get("/nhat-ky.<kind>")
def workbook(kind: str) -> Response:
    """The same rows with real numbers and times, or as a program reads them."""
    if kind not in ("xlsx", "json"):
        raise NotFound(say("Không có định dạng này. Hãy chọn csv, json hoặc xlsx."))
    form = _form()
    wanted = _filter(form)
    if wanted is None:
        return show()
    with archived.read(wanted.since, wanted.until) as session:
        found = papers.of_log(session, wanted, _period(form), _about(), codes=_codes())
        file = spreadsheets.made(found, kind)
    name = f"{_name(form)}.{kind}"
    return send_file(file, files.KINDS[kind], as_attachment=True, download_name=name)


def _about() -> About:
    return About(current.config().station.name, current.zone(), current.now())


def _codes() -> bool:
    """Whether names and codes of “nhật ký bản tin” are asked for."""
    return request.args.get("ma") == bulletin_codes.CODES


def _period(form: LogForm) -> Period:
    return periods.span(cast(date, form.since.data), cast(date, form.until.data))


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
    found = pages.page(session, wanted, number, PER_PAGE)
    summary = Summary(sum(found.counts.values()), found.counts)
    return Page(_lines(session, found.rows), summary, found.number, found.pages)


def _lines(session: Session, rows: list[LogRow]) -> list[Line]:
    ids = {row.delivery.expectation_id for row in rows} - {None}
    found = sa.select(Expectation).where(Expectation.id.in_(ids))
    known = {each.id: each for each in session.scalars(found)} if ids else {}
    return [_line(row, known.get(row.delivery.expectation_id or 0)) for row in rows]


def _line(row: LogRow, frozen: Expectation | None) -> Line:
    told = frozen or row.broadcast
    names = frozen.approver or [] if frozen else row.broadcast.approver_names
    asked = row.delivery.expected_ms or row.delivery.ms
    return Line(row, told.title, told.priority, told.author, ", ".join(names), asked)


def _name(form: LogForm) -> str:
    head = "nhat-ky-ban-tin-ban-nhap" if _codes() else "nhat-ky-phat"
    return f"{head}-{form.since.data:%Y%m%d}-{form.until.data:%Y%m%d}"
