"""Báo cáo: the figures of a period or a campaign, on the page and as files, and the week on one page."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import IO, Any, cast
from urllib.parse import urlencode

from flask import (
    Blueprint,
    flash,
    make_response,
    redirect,
    render_template,
    request,
    send_file,
    url_for,
)
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from loa.errors import NotFound
from loa.staff import May
from loa.times import Instant, local
from scheduler import campaign_tables, levels
from scheduler.exports import csv_file, docx_file, json_file, words, xlsx_file
from scheduler.exports.tables import Document, Table
from scheduler.level_views import View
from scheduler.reporting import document, figures, fleet, issuing, periods, reached, week
from scheduler.reporting.figures import Figures, Inside
from scheduler.reporting.periods import Period
from web import current, report_charts, spreadsheets
from web.forms import Day, Form

bp = Blueprint("reports", __name__)
TITLE = "Kết quả phát thanh của đài truyền thanh"
KINDS = {
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
    "xlsx": spreadsheets.XLSX,
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
}


class PeriodForm(Form):
    """The span; its answers stand in the address."""

    since = Day("Từ ngày", name="tu")
    until = Day("Đến ngày", name="den")


@dataclass(frozen=True)
class Page:
    """What a report's page shows."""

    document: Document
    figures: Figures
    piles: list[report_charts.Pile]
    issued_at: Instant | None
    changes: list[str]


@bp.get("/bao-cao")
def show() -> Response:
    form = _form()
    period = _period(form)
    page = None
    if period is not None:
        with current.read() as session:
            page = _page(session, period)
    shown = render_template(
        "reports/show.html", form=form, page=page, quick=_quick(), asked=_asked(period), **_shown()
    )
    return make_response(shown, form.status)


@bp.get("/bao-cao/tep.<kind>")
def download(kind: str) -> Response:
    """The same as a file."""
    form = _form()
    period = _period(form)
    if kind not in KINDS:
        raise NotFound("Không có định dạng này. Hãy chọn csv, json, xlsx hoặc docx.")
    if period is None:
        return show()
    with current.read() as session:
        found = _document(session, period)
        found.tables.append(_fleet(session, period))
    return _file(found, kind, f"bao-cao-{period.first:%Y%m%d}-{period.last:%Y%m%d}")


@bp.get("/bao-cao/dau-thu")
def receivers() -> Response:
    form = _form()
    period = _period(form)
    table = None
    if period is not None:
        with current.read() as session:
            table = _fleet(session, period)
            table.rows = list(table.rows)
    shown = render_template(
        "reports/receivers.html",
        form=form,
        table=table,
        period=period,
        asked=_asked(period),
        **_shown(),
    )
    return make_response(shown, form.status)


@bp.get("/bao-cao/chien-dich/<int:campaign_id>")
def campaign(campaign_id: int) -> str:
    with current.read() as session:
        found, line = _campaign(session, campaign_id)
    return render_template(
        "reports/campaign.html", document=found, line=line, campaign_id=campaign_id, **_shown()
    )


@bp.get("/bao-cao/chien-dich/<int:campaign_id>/tep.<kind>")
def download_campaign(campaign_id: int, kind: str) -> Response:
    if kind not in KINDS:
        raise NotFound("Không có định dạng này. Hãy chọn csv, json, xlsx hoặc docx.")
    with current.read() as session:
        found, _ = _campaign(session, campaign_id)
    return _file(found, kind, f"bao-cao-chien-dich-{campaign_id}")


@bp.get("/bao-cao/tuan-nay")
def this_week() -> str:
    with current.read() as session:
        found = week.of_station(session, current.zone(), current.now(), _inside(session))
    return render_template(
        "reports/week.html",
        week=found,
        said=document.sentences(found.found, found.before),
        **_shown(),
    )


@bp.post("/bao-cao/phat-hanh")
@current.needs(May.SCHEDULE)
def issue() -> Response:
    form = _form(request.form)
    period = _period(form)
    if period is None:
        return show()
    with current.write() as session:
        levels.demand_whole(session, current.staff(), "phát hành báo cáo")
        found = figures.of_period(session, period, current.zone())
        issuing.issue(session, found, current.staff(), current.now(), current.zone())
    flash("Đã ghi số liệu của báo cáo như lúc phát hành.")
    return redirect(url_for("reports.show", **_asked(period)))


def _form(given: object = None) -> PeriodForm:
    month = periods.month(_today())
    return PeriodForm(given or request.args, data={"since": month.first, "until": month.last})


def _today() -> date:
    return local(current.now(), current.zone()).date()


def _period(form: PeriodForm) -> Period | None:
    """What the form asks for; None when it must be corrected first."""
    return form.checked(
        lambda: periods.span(cast(date, form.since.data), cast(date, form.until.data))
    )


def _asked(period: Period | None) -> dict[str, Any]:
    return {} if period is None else {"tu": str(period.first), "den": str(period.last)}


def _quick() -> list[tuple[str, str]]:
    """(name, address) of the periods people mostly want."""
    today = _today()
    month, half = periods.month(today), periods.half(today)
    named = (
        ("Tháng này", month), ("Tháng trước", month.before()), ("6 tháng này", half),
        ("6 tháng trước", half.before()), ("Năm nay", periods.year(today.year)),
    )  # fmt: skip
    here = url_for("reports.show")
    return [(name, f"{here}?{urlencode(_asked(period))}") for name, period in named]


def _inside(session: Session) -> Inside:
    return levels.reach(session, current.staff())


def _page(session: Session, period: Period) -> Page:
    zone, inside = current.zone(), _inside(session)
    found = figures.of_period(session, period, zone, inside)
    before = figures.total(session, period.before(), zone, inside)
    made = document.of_period(
        found, before, title=TITLE, station=current.config().station.name, made_on=_today()
    )
    issued = issuing.last(session, *period.bounds(zone)) if inside is None else None
    days = period.days if len(period.days) <= document.MOST_DAYS else []
    return Page(
        made, found, report_charts.days(found.days, days), issued.issued_at if issued else None,
        issuing.changes(issued, found) if issued else [],
    )  # fmt: skip


def _document(session: Session, period: Period) -> Document:
    page = _page(session, period)
    if page.issued_at is not None:
        when = f"{local(page.issued_at, current.zone()):%d/%m/%Y %H:%M}"
        said = "; ".join(page.changes) or "không số liệu nào thay đổi"
        page.document.footnotes.append(f"So với bản phát hành lúc {when}: {said}.")
    return page.document


def _fleet(session: Session, period: Period) -> Table:
    found = fleet.of_period(session, period, current.zone(), current.now(), _inside(session))
    return document.of_receivers(found)


def _campaign(session: Session, campaign_id: int) -> tuple[Document, report_charts.Line]:
    found = campaign_tables.get(session, campaign_id)
    view = View(session, current.staff())
    if not view.shows(found.where, found.staff.area_id):
        raise NotFound("Không tìm thấy chiến dịch này. Hãy tải lại danh sách chiến dịch.")
    counted = figures.of_campaign(session, found, current.zone(), view.inside)
    made = document.of_period(
        counted, None, title=f"Kết quả chiến dịch “{found.name}”",
        station=current.config().station.name, made_on=_today(),
    )  # fmt: skip
    reach = reached.of_campaign(session, found, current.zone(), current.now())
    made.tables.insert(1, document.of_reach(reach))
    return made, report_charts.reach(reach.curve, reach.target)


def _shown() -> dict[str, object]:
    """What the tables of every report need of Python."""
    return {"shower": lambda column: words.shower(column, current.zone()), "rate": words.rate}


def _file(found: Document, kind: str, name: str) -> Response:
    """Written to a file first: a slow reader must not hold anything."""
    with ExitStack() as on_failure:
        file = on_failure.enter_context(tempfile.TemporaryFile(dir=spreadsheets.folder()))
        _WRITERS[kind](found, file)
        on_failure.pop_all()  # from here on the response closes it
    file.seek(0)
    return send_file(file, KINDS[kind], as_attachment=True, download_name=f"{name}.{kind}")


def _csv(found: Document, file: IO[bytes]) -> None:
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    csv_file.write_all(found.tables, text, current.zone())
    text.detach()


def _json(found: Document, file: IO[bytes]) -> None:
    text = io.TextIOWrapper(file, encoding="utf-8", newline="")
    json_file.write(found, text)
    text.detach()


def _xlsx(found: Document, file: IO[bytes]) -> None:
    with tempfile.TemporaryDirectory(dir=spreadsheets.folder()) as folder:
        path = Path(folder) / "bao-cao.xlsx"
        xlsx_file.write(found, path, current.zone())
        file.write(path.read_bytes())


def _docx(found: Document, file: IO[bytes]) -> None:
    docx_file.write(found, file, current.zone())


_WRITERS: dict[str, Callable[[Document, IO[bytes]], None]] = {
    "csv": _csv, "json": _json, "xlsx": _xlsx, "docx": _docx,
}  # fmt: skip
