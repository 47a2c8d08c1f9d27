"""Báo cáo các xã: the bundles of evidence that other stations hand in, counted together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from flask import (
    Blueprint,
    flash,
    make_response,
    redirect,
    render_template,
    send_file,
    url_for,
)
from flask_wtf.file import FileField
from sqlalchemy.orm import Session
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response
from wtforms import StringField

from loa.errors import NotFound
from loa.staff import May
from loa.words import say
from scheduler import levels
from scheduler.exports import files, words
from scheduler.exports.tables import Document
from scheduler.reporting.periods import Period
from scheduler.rollup import document, figures, importing, reading, stations
from scheduler.rollup.importing import Outcome
from scheduler.rollup.reading import RollupError
from scheduler.rollup.tables import RollupStation
from web import current, period_form, spreadsheets, uploads
from web.forms import Form

bp = Blueprint("rollup", __name__)
MOST_BYTES = 20_000_000
"""Checking a larger one takes longer than a page may: the command line takes it."""


class BundleForm(Form):
    file = FileField(say("Gói chứng cứ (.zip)"))
    key = StringField(say("Xác nhận khoá mới"))
    name = StringField(say("Tên đài ở đây"))


class StationForm(Form):
    name = StringField(say("Tên đài"))


@dataclass(frozen=True)
class Page:
    document: Document
    waiting: list[RollupStation]
    """Stations that have never handed in anything."""


@bp.get("/bao-cao/cac-xa")
def show() -> Response:
    return _show(BundleForm(formdata=None), StationForm(formdata=None))


@bp.get("/bao-cao/cac-xa/tep.<kind>")
def download(kind: str) -> Response:
    """The same as a file."""
    if kind not in files.KINDS:
        raise NotFound(say("Không có định dạng này. Hãy chọn csv, json, xlsx hoặc docx."))
    form = period_form.form()
    period = form.period
    if period is None:
        return show()
    with current.read() as session:
        made = _document(session, period)
    name = f"tong-hop-{period.first:%Y%m%d}-{period.last:%Y%m%d}.{kind}"
    file = spreadsheets.made(made, kind)
    return cast(
        Response, send_file(file, files.KINDS[kind], as_attachment=True, download_name=name)
    )


@bp.post("/bao-cao/cac-xa/nhap")
@current.needs(May.MANAGE)
@uploads.takes_upload
def take_in() -> Response:
    form = BundleForm()
    outcome = form.carry_out(lambda: _take_in(form))
    if outcome is None:
        return _show(form, StationForm(formdata=None))
    for sentence in outcome.sentences:
        flash(sentence)
    return redirect(url_for("rollup.show"))


def _take_in(form: BundleForm) -> Outcome:
    given = form.file.data
    if not isinstance(given, FileStorage) or not given.filename:
        raise RollupError(say("Hãy chọn tệp .zip mà xã xuất bằng “loa evidence”."), field="file")
    stream = given.stream
    if not isinstance(stream, uploads.Incoming):
        raise TypeError("a file that did not come through Request")
    stream.flush()
    if stream.path.stat().st_size > MOST_BYTES:
        raise RollupError(
            say(
                "Gói lớn hơn %(most)s MB. Hãy nhập trên máy chủ bằng lệnh “loa rollup import”.",
                most=MOST_BYTES // 1_000_000,
            ),
            field="file",
        )
    bundle = reading.read(stream.path, 1)
    with current.write() as session:
        return importing.take_in(
            session, bundle, uploads.plain_name(given.filename), current.staff(), current.now(),
            name=form.name.data or "", key=form.key.data or "",
        )  # fmt: skip


@bp.post("/bao-cao/cac-xa/them")
@current.needs(May.MANAGE)
def expect() -> Response:
    form = StationForm()
    if form.carry_out(lambda: _expect(form)):
        flash(say("Đã thêm “%(name)s”: báo cáo sẽ nhắc khi đài này chưa nộp.", name=form.name.data))
        return redirect(url_for("rollup.show"))
    return _show(BundleForm(formdata=None), form)


def _expect(form: StationForm) -> RollupStation:
    with current.write() as session:
        return stations.expect(session, form.name.data or "", current.staff(), current.now())


@bp.post("/bao-cao/cac-xa/<int:commune_id>/bo")
@current.needs(May.MANAGE)
def drop(commune_id: int) -> Response:
    with current.write() as session:
        station = stations.get(session, commune_id)
        stations.drop(session, station, current.staff(), current.now())
    flash(say("Đã bỏ “%(name)s” khỏi danh sách phải nộp.", name=station.name))
    return redirect(url_for("rollup.show"))


def _show(bundle: BundleForm, station: StationForm) -> Response:
    form = period_form.form()
    period = form.period
    page = None
    with current.read() as session:
        levels.demand_whole(session, current.staff(), say("xem báo cáo của các xã"))
        if period is not None:
            waiting = [each for each in stations.listed(session) if not each.keys]
            page = Page(_document(session, period), waiting)
    shown = render_template(
        "rollup/show.html", form=form, bundle=bundle, station_form=station, page=page, asked=period_form.asked(period),
        showers=lambda columns: words.showers(columns, current.zone()),
    )  # fmt: skip
    return make_response(shown, max(form.status, bundle.status, station.status))


def _document(session: Session, period: Period) -> Document:
    levels.demand_whole(session, current.staff(), say("xem báo cáo của các xã"))
    found = figures.of_period(session, period, current.zone(), current.now())
    return document.of_period(
        found, station=current.config().station.name, made_on=period_form.today()
    )
