"""Chứng cứ: a bundle for whoever wants to check the station's log, and a check of one that somebody brings."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import cast

from flask import Blueprint, make_response, redirect, render_template, send_file, url_for
from flask_wtf.file import FileField
from sqlalchemy.orm import Session
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response
from wtforms import BooleanField, SelectField, StringField

from loa.errors import NotAllowed, ScheduleError
from loa.staff import May
from loa.times import Instant, local
from loa.words import say
from scheduler import campaign_tables, levels, reports
from scheduler.evidence import jobs, outside, station_keys
from scheduler.evidence.jobs import Job
from scheduler.evidence.tables import Handing
from verifier import loa_verify
from web import current, uploads
from web.forms import Day, Form, choices

bp = Blueprint("evidence", __name__)
SHOWN_DAYS = 30
WHOLE = ("", say("mọi thứ trong kỳ"))
CHECKPOINT_MOST = 1_000_000


class MakeForm(Form):
    """What the bundle is to be of. A campaign brings its own days."""

    since = Day(say("Từ ngày"), name="tu")
    until = Day(say("Đến ngày"), name="den")
    campaign = SelectField(say("Chiến dịch"), name="chien_dich", validate_choice=False)
    whole_log = BooleanField(say("Kèm nhật ký hệ thống từ dòng đầu tiên"), name="ca_so")

    def choose(self, session: Session) -> None:
        found = campaign_tables.listing(session)
        self.campaign.choices = choices([WHOLE, *((each.uid, each.name) for each in found)])


class CheckForm(Form):
    """A bundle that somebody brought, and what it is held against."""

    file = FileField(say("Gói chứng cứ (.zip)"), name="goi")
    key = StringField(say("Dấu vân tay khoá của đài lập gói"), name="khoa")
    checkpoint = FileField(say("Tệp dấu mốc"), name="dau_moc")


@dataclass(frozen=True)
class Page:
    """What the page shows besides its forms. ``keys``: kid → fingerprint."""

    jobs: list[Job]
    keys: dict[str, str]
    places: list[str]
    handed: list[Handing]
    failing: list[Handing]


@bp.get("/chung-cu")
@current.needs(May.STOP)
def show() -> Response:
    _demand_whole_station()
    return _shown(_make_form(), CheckForm(formdata=None))


@bp.post("/chung-cu/lap")
@current.needs(May.STOP)
def make() -> Response:
    """Start making a bundle."""
    _demand_whole_station()
    form = _make_form()
    job = form.carry_out(lambda: _make(form))
    if job is None:
        return _shown(form, CheckForm(formdata=None))
    return redirect(url_for("evidence.job", job_id=job.id))


@bp.post("/chung-cu/kiem")
@uploads.takes_upload
@current.needs(May.STOP)
def check() -> Response:
    """Start checking a bundle."""
    _demand_whole_station()
    form = CheckForm()
    job = form.carry_out(lambda: _check(form))
    if job is None:
        return _shown(_make_form(is_sent=False), form)
    return redirect(url_for("evidence.job", job_id=job.id))


@bp.get("/chung-cu/<job_id>")
@current.needs(May.STOP)
def job(job_id: str) -> str:
    """How far it is, and what it came to."""
    return _state("evidence/job.html", job_id)


@bp.get("/chung-cu/<job_id>/tinh-hinh")
@current.needs(May.STOP)
def state(job_id: str) -> str:
    """The part of that page that changes."""
    return _state("evidence/state.html", job_id)


@bp.get("/chung-cu/<job_id>/goi.zip")
@current.needs(May.STOP)
def download(job_id: str) -> Response:
    _demand_whole_station()
    found = jobs.find(current.config(), job_id, current.now())
    path = jobs.bundle_file(current.config(), found)
    days = "-".join(f"{day:%Y%m%d}" for day in _days(found))
    return send_file(
        path, "application/zip", as_attachment=True, download_name=f"chung-cu-{days}.zip"
    )


@bp.get("/chung-cu/loa_verify.py")
@current.needs(May.STOP)
def verifier() -> Response:
    """The program by which an outsider checks a bundle."""
    path = Path(loa_verify.__file__)
    return send_file(path, "text/x-python", as_attachment=True, download_name="loa_verify.py")


def _demand_whole_station() -> None:
    """A bundle holds what every area heard: one who answers for one area is not given it."""
    with current.read() as session:
        inside = levels.reach(session, current.staff())
    if inside is not None:
        raise NotAllowed(
            say(
                "Gói chứng cứ gồm mọi địa bàn, nên chỉ cán bộ của cả đài lập và kiểm được. Hãy nhờ quản trị."
            )
        )


def _state(template: str, job_id: str) -> str:
    _demand_whole_station()
    found = jobs.find(current.config(), job_id, current.now())
    percent = jobs.progress(current.config(), found)
    return render_template(template, job=found, percent=percent, days=_days(found))


def _days(found: Job) -> tuple[date, date]:
    zone = current.zone()
    first = local(Instant(found.since), zone).date()
    return first, local(Instant(max(found.until - 1, found.since)), zone).date()


def _shown(form: MakeForm, checking: CheckForm) -> Response:
    with current.read() as session:
        page = _page(session)
    shown = render_template("evidence/show.html", form=form, checking=checking, page=page)
    return make_response(shown, max(form.status, checking.status))


def _page(session: Session) -> Page:
    config, now = current.config(), current.now()
    keys = station_keys.of(config, session)
    return Page(
        jobs=jobs.listing(config, now),
        keys={key.kid: loa_verify.fingerprint(key.x) for key in keys},
        places=outside.places(config),
        handed=outside.handed(session),
        failing=outside.failing(session, config, now),
    )


def _make_form(*, is_sent: bool = True) -> MakeForm:
    today = local(current.now(), current.zone()).date()
    said = {"since": today - timedelta(days=SHOWN_DAYS), "until": today, "campaign": ""}
    form = MakeForm(data=said) if is_sent else MakeForm(formdata=None, data=said)
    with current.read() as session:
        form.choose(session)
    return form


def _make(form: MakeForm) -> Job:
    first, last = cast(date, form.since.data), cast(date, form.until.data)
    uid = form.campaign.data or None
    with current.read() as session:
        for each in campaign_tables.listing(session):
            if each.uid == uid:
                first, last = each.start_date, each.end_date
    since, until = reports.whole_days(first, last, current.zone())
    parts = current.parts()
    return jobs.begin_bundle(
        parts.config, parts.database, (since, until, uid),
        whole_log=bool(form.whole_log.data), by=current.staff().login, now=current.now(),
        run=jobs.in_a_process,
    )  # fmt: skip


def _check(form: CheckForm) -> Job:
    sent = form.file.data
    if not isinstance(sent, FileStorage) or not isinstance(sent.stream, uploads.Incoming):
        raise ScheduleError(say("Hãy chọn tệp gói chứng cứ (.zip)."), field="file")
    try:
        anchors = [
            loa_verify.anchor(each) for each in (form.key.data or "").split(",") if each.strip()
        ]
    except loa_verify.Unreadable as error:
        raise ScheduleError(str(error), field="key") from error
    sent.stream.flush()
    parts = current.parts()
    return jobs.begin_check(
        parts.config, parts.database, sent.stream.path, uploads.plain_name(sent.filename or ""),
        anchors=anchors, outside=_outside(form), by=current.staff().login, now=current.now(),
        run=jobs.in_a_process,
    )  # fmt: skip


def _outside(form: CheckForm) -> str:
    """The text of a file of checkpoints that came along."""
    sent = form.checkpoint.data
    if not isinstance(sent, FileStorage) or not sent.filename:
        return ""
    return sent.stream.read(CHECKPOINT_MOST).decode("utf-8", "replace")
