"""Lưu trữ: for how long what piles up is kept, the archives there are, and what is held back by request."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, flash, make_response, redirect, render_template, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response
from wtforms import IntegerField, SelectField, StringField

from loa.staff import May
from loa.times import DAY, Instant, after
from loa.words import say
from scheduler import reports
from scheduler.retention import gone, holds, night, overview, rules
from scheduler.retention.holds import Order
from scheduler.retention.night import Due
from scheduler.retention.overview import Kept
from scheduler.retention.tables import Archive, Hold, Rule
from web import current
from web.forms import Day, Form, choices, optional, required

bp = Blueprint("retention", __name__)
FAILURE_SHOWN = 7 * DAY
SPAN, CAMPAIGN, BULLETIN = "span", "campaign", "bulletin"
WHAT = {SPAN: say("một khoảng ngày"), CAMPAIGN: say("một chiến dịch"), BULLETIN: say("một bản tin")}
REASON = say("Hãy ghi lý do.")


@dataclass(frozen=True)
class Page:
    """All there is to say."""

    rule: str
    newest: Rule | None
    confirmed: bool
    kinds: list[Kept]
    due: list[Due]
    archives: list[tuple[Archive, str, bool]]
    """With its state in words, and whether its file is lost."""
    holds: list[Hold]
    failure: tuple[Instant, str] | None


class HoldForm(Form):
    what = SelectField(say("Giữ lại"), choices=choices(WHAT.items()), default=SPAN)
    since = Day(say("Từ ngày"), validators=[optional()])
    until = Day(say("Đến ngày"), validators=[optional()])
    number = IntegerField(say("Số của chiến dịch hoặc bản tin"), [optional()])
    reason = StringField(say("Lý do"), [required(REASON)])


class LiftForm(Form):
    reason = StringField(say("Lý do gỡ"), [required(REASON)])


@bp.get("/luu-tru")
@current.needs(May.MANAGE)
def show() -> str:
    with current.read() as session:
        page = _page(session)
    return render_template("retention/show.html", page=page)


@bp.get("/luu-tru/dong-y")
@current.needs(May.MANAGE)
def ask_confirm() -> str:
    with current.read() as session:
        page = _page(session)
    return render_template("retention/confirm.html", page=page)


@bp.post("/luu-tru/dong-y")
@current.needs(May.MANAGE)
def confirm() -> Response:
    with current.write() as session:
        rules.confirm(session, current.config(), current.staff(), current.now())
    flash(say("Đã đồng ý. Đài lưu trữ ban đêm, ngoài giờ phát, từng tháng một."))
    return redirect(url_for("retention.show"))


@bp.post("/luu-tru/ngung")
@current.needs(May.MANAGE)
def stop() -> Response:
    with current.write() as session:
        rules.stop(session, current.config(), current.staff(), current.now())
    flash(say("Đã tạm ngừng. Không có gì được chuyển đi cho tới khi quản trị đồng ý lại."))
    return redirect(url_for("retention.show"))


@bp.route("/luu-tru/giu-lai", methods=["GET", "POST"])
@current.needs(May.MANAGE)
def hold() -> Response:
    form = HoldForm()
    if form.carry_out(lambda: _hold(form)) is not None:
        flash(say("Đã ghi yêu cầu giữ lại. Không có gì liên quan được chuyển đi cho tới khi gỡ."))
        return redirect(url_for("retention.show"))
    return make_response(render_template("retention/hold.html", form=form), form.status)


@bp.route("/luu-tru/giu-lai/<int:hold_id>/go", methods=["GET", "POST"])
@current.needs(May.MANAGE)
def lift(hold_id: int) -> Response:
    form = LiftForm()
    if form.carry_out(lambda: _lift(form, hold_id)) is not None:
        flash(say("Đã gỡ yêu cầu giữ lại."))
        return redirect(url_for("retention.show"))
    with current.read() as session:
        found = holds.get(session, hold_id)
    shown = render_template("retention/lift.html", form=form, hold=found)
    return make_response(shown, form.status)


def _page(session: Session) -> Page:
    config, now = current.config(), current.now()
    confirmed = rules.confirmed(session, config)
    return Page(
        rule=overview.rule(config, confirmed=confirmed), newest=rules.newest(session), confirmed=confirmed,
        kinds=overview.kinds(config), due=list(night.due(session, config, now)),
        archives=[
            (each, overview.state(each, progress, config), not (config.archives / each.name).exists())
            for each, progress in gone.listing(session)
        ],
        holds=list(holds.listing(session)), failure=overview.last_failure(session, after(now, -FAILURE_SHOWN)),
    )  # fmt: skip


def _hold(form: HoldForm) -> Hold:
    what, number = form.what.data, form.number.data
    since, until = _days(form) if what == SPAN else (None, None)
    order = Order(
        reason=form.reason.data or "", since=since, until=until,
        campaign_id=number if what == CAMPAIGN else None, bulletin_id=number if what == BULLETIN else None,
    )  # fmt: skip
    with current.write() as session:
        return holds.add(session, current.staff(), order, current.now())


def _days(form: HoldForm) -> tuple[Instant | None, Instant | None]:
    if form.since.data is None or form.until.data is None:
        return None, None
    return reports.whole_days(form.since.data, form.until.data, current.zone())


def _lift(form: LiftForm, hold_id: int) -> Hold:
    with current.write() as session:
        return holds.lift(session, hold_id, current.staff(), form.reason.data or "", current.now())
