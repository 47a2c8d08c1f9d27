"""Báo cáo: the figures of a period or a campaign, on the page and as files, and the week on one page."""

from __future__ import annotations

from collections.abc import Callable
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
from loa.words import say
from scheduler import campaign_tables, levels
from scheduler.broadcasts import Broadcast
from scheduler.exports import files, words
from scheduler.exports.tables import Document, Table
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
    def has_areas(self) -> bool:
        return self.paper.figures.areas is not None

    @property
    def is_empty(self) -> bool:
        figures = self.paper.figures
        return not (figures.total.due or figures.drills.sums)


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
    return _by(papers.of_receivers, "receivers", say("Báo cáo theo đầu thu"))


@bp.get("/bao-cao/dia-ban")
def areas() -> Response:
    """Also a table of the report, which comes after the rest of it."""
    return _by(papers.of_areas, "areas", say("Báo cáo theo địa bàn"))


def _by(count: Callable[[Session, Period, About], Table], tab: str, title: str) -> Response:
    """A page with one table, or that table alone for the page that asks for a part of itself."""
    form = period_form.form()
    period = form.period
    table = None
    if period is not None:
        with archived.read_period(period) as session:
            table = count(session, period, _about(session))
    is_part = table is not None and "HX-Request" in request.headers
    shown = render_template(
        "reports/by_part.html" if is_part else "reports/by.html",
        form=form,
        table=table,
        tab=tab,
        title=title,
        period=period,
        asked=period_form.asked(period),
        **_shown(),
    )
    return make_response(shown, form.status)


@bp.get("/bao-cao/chien-dich/<int:campaign_id>")
def campaign(campaign_id: int) -> str:
    with archived.read_campaign(campaign_id) as session:
        found, line = of_campaign(session, campaign_id)
    return render_template(
        "reports/campaign.html", document=found, line=line, campaign_id=campaign_id, **_shown()
    )


@bp.get("/bao-cao/chien-dich/<int:campaign_id>/tep.<kind>")
def download_campaign(campaign_id: int, kind: str) -> Response:
    _demand(kind)
    with archived.read_campaign(campaign_id) as session:
        found, _ = of_campaign(session, campaign_id)
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
        levels.demand_whole(session, current.staff(), say("phát hành báo cáo"))
        gone.demand_current(session, *period.bounds(current.zone()))
        papers.issue(session, period, _about(session), current.staff())
    flash(say("Đã ghi số liệu của báo cáo như lúc phát hành."))
    return redirect(url_for("reports.show", **period_form.asked(period)))


def _quick() -> list[tuple[str, str]]:
    """(name, address) of the periods people mostly want."""
    today = period_form.today()
    month, half = periods.month(today), periods.half(today)
    named = (
        (say("Tháng này"), month), (say("Tháng trước"), month.before()), (say("6 tháng này"), half),
        (say("6 tháng trước"), half.before()), (say("Năm nay"), periods.year(today.year)),
    )  # fmt: skip
    here = url_for("reports.show")
    return [(name, f"{here}?{urlencode(period_form.asked(period))}") for name, period in named]


def _about(session: Session) -> About:
    inside = levels.reach(session, current.staff())
    return About(current.config().station.name, current.zone(), current.now(), inside)


def _page(session: Session, period: Period) -> Page:
    about = _about(session)
    paper = papers.of_period(session, period, about, with_receivers=False, with_areas=False)
    found = paper.figures.days
    if len(period.days) <= document.MOST_DAYS:
        groups = [(f"{day:%d/%m}", found.get(day, Counts())) for day in period.days]
    else:
        groups = list(document.months(found).items())
    return Page(paper, report_charts.piles(groups) if found else [], _chart(period, groups))


def _chart(period: Period, groups: list[tuple[str, Counts]]) -> str:
    if not groups:
        return ""
    first, last = groups[0][0], groups[-1][0]
    if len(period.days) <= document.MOST_DAYS:
        return say("Kết quả từng ngày, từ %(first)s đến %(last)s", first=first, last=last)
    return say("Kết quả từng tháng, từ %(first)s đến %(last)s", first=first, last=last)


def of_campaign(session: Session, campaign_id: int) -> tuple[Document, report_charts.Line]:
    found = campaign_tables.get(session, campaign_id)
    view = View(session, current.staff())
    if not view.shows(found.where, found.staff.area_id):
        raise NotFound(say("Không tìm thấy chiến dịch này. Hãy tải lại danh sách chiến dịch."))
    counted = figures.of_campaign(session, found, current.zone(), view.inside)
    made = document.of_period(
        counted, None, title=say("Kết quả chiến dịch “%(name)s”", name=found.name),
        station=current.config().station.name, made_on=period_form.today(),
    )  # fmt: skip
    reach = reached.of_campaign(session, found, current.zone(), current.now(), view.inside)
    made.tables.insert(1, document.of_reach(reach))
    named = unheard.of(session, Broadcast.campaign_id == found.id, view.inside)
    made.footnotes += unheard.footnotes(named, current.zone())
    return made, report_charts.reach(reach.curve, reach.target)


def _shown() -> dict[str, object]:
    """What the tables of every report need of Python."""
    return {"showers": lambda columns: words.showers(columns, current.zone()), "rate": words.rate}


def _demand(kind: str) -> None:
    if kind not in files.KINDS:
        raise NotFound(say("Không có định dạng này. Hãy chọn csv, json, xlsx hoặc docx."))


def _file(found: Document, kind: str, name: str) -> Response:
    """Written to a file first: a slow reader must not hold anything."""
    file = spreadsheets.made(found, kind)
    return send_file(file, files.KINDS[kind], as_attachment=True, download_name=f"{name}.{kind}")
