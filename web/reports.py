"""Báo cáo: the figures of a period or a campaign, on the page and as files, and the week on one page."""

from __future__ import annotations

from dataclasses import dataclass
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
from scheduler import campaign_tables, levels
from scheduler.broadcasts import Broadcast
from scheduler.exports import files, words
from scheduler.exports.tables import Document
from scheduler.level_views import View
from scheduler.reporting import document, figures, papers, periods, reached, unheard, week
from scheduler.reporting.counts import Counts
from scheduler.reporting.papers import About, Paper
from scheduler.reporting.periods import Period
from scheduler.retention import gone
from web import archived, current, period_form, report_charts, spreadsheets

bp = Blueprint("reports", __name__)


@dataclass(frozen=True)
class Page:
    """What a report's page shows."""

    paper: Paper
    piles: list[report_charts.Pile]
    chart: str
    """What the piles are of."""

    @property
    def is_empty(self) -> bool:
        figures = self.paper.figures
        return not (figures.total.due or figures.drills.states)


@bp.get("/bao-cao")
def show() -> Response:
    form = period_form.form()
    period = form.period
    page = None
    if period is not None:
        with archived.read_period(period) as session:
            page = _page(session, period)
    shown = render_template(
        "reports/show.html",
        form=form,
        page=page,
        quick=_quick(),
        asked=period_form.asked(period),
        **_shown(),
    )
    return make_response(shown, form.status)


@bp.get("/bao-cao/tep.<kind>")
def download(kind: str) -> Response:
    """The same as a file."""
    form = period_form.form()
    period = form.period
    _demand(kind)
    if period is None:
        return show()
    with archived.read_period(period) as session:
        found = papers.of_period(session, period, _about(session)).document
    return _file(found, kind, f"bao-cao-{period.first:%Y%m%d}-{period.last:%Y%m%d}")


@bp.get("/bao-cao/dau-thu")
def receivers() -> Response:
    form = period_form.form()
    period = form.period
    table = None
    if period is not None:
        with archived.read_period(period) as session:
            table = papers.of_receivers(session, period, _about(session))
    shown = render_template(
        "reports/receivers.html",
        form=form,
        table=table,
        period=period,
        asked=period_form.asked(period),
        **_shown(),
    )
    return make_response(shown, form.status)


@bp.get("/bao-cao/chien-dich/<int:campaign_id>")
def campaign(campaign_id: int) -> str:
    with archived.read_campaign(campaign_id) as session:
        found, line = _campaign(session, campaign_id)
    return render_template(
        "reports/campaign.html", document=found, line=line, campaign_id=campaign_id, **_shown()
    )


@bp.get("/bao-cao/chien-dich/<int:campaign_id>/tep.<kind>")
def download_campaign(campaign_id: int, kind: str) -> Response:
    _demand(kind)
    with archived.read_campaign(campaign_id) as session:
        found, _ = _campaign(session, campaign_id)
    return _file(found, kind, f"bao-cao-chien-dich-{campaign_id}")


@bp.get("/bao-cao/tuan-nay")
def this_week() -> str:
    with current.read() as session:
        view = View(session, current.staff())
        found = week.of_station(session, current.zone(), current.now(), view)
    return render_template(
        "reports/week.html",
        week=found,
        unheard=unheard.footnotes(found.unheard, current.zone()),
        said=document.sentences(found.found, found.before),
        **_shown(),
    )


@bp.post("/bao-cao/phat-hanh")
@current.needs(May.SCHEDULE)
def issue() -> Response:
    form = period_form.form(request.form)
    period = form.period
    if period is None:
        return show()
    with current.write() as session:
        levels.demand_whole(session, current.staff(), "phát hành báo cáo")
        gone.demand_current(session, *period.bounds(current.zone()))
        papers.issue(session, period, _about(session), current.staff())
    flash("Đã ghi số liệu của báo cáo như lúc phát hành.")
    return redirect(url_for("reports.show", **period_form.asked(period)))


def _quick() -> list[tuple[str, str]]:
    """(name, address) of the periods people mostly want."""
    today = period_form.today()
    month, half = periods.month(today), periods.half(today)
    named = (
        ("Tháng này", month), ("Tháng trước", month.before()), ("6 tháng này", half),
        ("6 tháng trước", half.before()), ("Năm nay", periods.year(today.year)),
    )  # fmt: skip
    here = url_for("reports.show")
    return [(name, f"{here}?{urlencode(period_form.asked(period))}") for name, period in named]


def _about(session: Session) -> About:
    inside = levels.reach(session, current.staff())
    return About(current.config().station.name, current.zone(), current.now(), inside)


def _page(session: Session, period: Period) -> Page:
    paper = papers.of_period(session, period, _about(session), with_receivers=False)
    found = paper.figures.days
    if len(period.days) <= document.MOST_DAYS:
        groups = [(f"{day:%d/%m}", found.get(day, Counts())) for day in period.days]
    else:
        groups = list(document.months(found).items())
    each = "ngày" if len(period.days) <= document.MOST_DAYS else "tháng"
    chart = f"Kết quả từng {each}, từ {groups[0][0]} đến {groups[-1][0]}" if groups else ""
    return Page(paper, report_charts.piles(groups) if found else [], chart)


def _campaign(session: Session, campaign_id: int) -> tuple[Document, report_charts.Line]:
    found = campaign_tables.get(session, campaign_id)
    view = View(session, current.staff())
    if not view.shows(found.where, found.staff.area_id):
        raise NotFound("Không tìm thấy chiến dịch này. Hãy tải lại danh sách chiến dịch.")
    counted = figures.of_campaign(session, found, current.zone(), view.inside)
    made = document.of_period(
        counted, None, title=f"Kết quả chiến dịch “{found.name}”",
        station=current.config().station.name, made_on=period_form.today(),
    )  # fmt: skip
    reach = reached.of_campaign(session, found, current.zone(), current.now(), view.inside)
    made.tables.insert(1, document.of_reach(reach))
    named = unheard.of(session, Broadcast.campaign_id == found.id, view.inside)
    made.footnotes += unheard.footnotes(named, current.zone())
    return made, report_charts.reach(reach.curve, reach.target)


def _shown() -> dict[str, object]:
    """What the tables of every report need of Python."""
    return {"shower": lambda column: words.shower(column, current.zone()), "rate": words.rate}


def _demand(kind: str) -> None:
    if kind not in files.KINDS:
        raise NotFound("Không có định dạng này. Hãy chọn csv, json, xlsx hoặc docx.")


def _file(found: Document, kind: str, name: str) -> Response:
    """Written to a file first: a slow reader must not hold anything."""
    file = spreadsheets.made(found, kind)
    return send_file(file, files.KINDS[kind], as_attachment=True, download_name=f"{name}.{kind}")
