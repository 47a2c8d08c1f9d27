"""Chiến dịch: what is to be heard so many times everywhere, how far it has come, and whether it will get there."""

from __future__ import annotations

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from markupsafe import Markup
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from loa.errors import LoaError
from loa.staff import May
from loa.words import say
from scheduler import campaign_forecast, campaigns, context, waivers
from scheduler.campaigns import Campaign
from scheduler.retention import gone, reading
from web import campaign_form, campaign_list, current, editors, lists, spreadsheets, where_form
from web import campaign_words as words
from web.campaign_form import CampaignForm

bp = Blueprint("campaigns", __name__, url_prefix="/chien-dich")


@bp.get("")
def listing() -> Response:
    form = campaign_list.form()
    with current.read() as session:
        page = campaign_list.page(session, form)
    shown = render_template(
        "campaigns/listing.html", form=form, page=page, words=words, asked=lists.asked()
    )
    return make_response(shown, form.status)


@bp.get("/danh-sach.csv")
def download() -> Response:
    """The campaigns of the filter, all of them."""
    form = campaign_list.form()
    with spreadsheets.writing() as (text, file), current.read() as session:
        spreadsheets.rows(campaign_list.rows(session, form), text)
    return spreadsheets.answer(file, "chien-dich.csv")


@bp.route("/moi", methods=["GET", "POST"])
@current.needs(May.SCHEDULE)
def new() -> Response:
    form = (
        CampaignForm()
        if request.method == "POST"
        else CampaignForm(data=campaign_form.defaults(campaign_list.today()))
    )
    return _filled_in(form, None)


@bp.route("/<int:campaign_id>/sua", methods=["GET", "POST"])
@current.needs(May.SCHEDULE)
def change(campaign_id: int) -> Response:
    with current.read() as session:
        campaign = campaigns.get(session, campaign_id)
        waived = waivers.at(session, current.now()).of_source("campaign", campaign_id)
    why = "".join(each.why for each in waived)
    form = CampaignForm() if request.method == "POST" else campaign_form.as_read(campaign, why)
    return _filled_in(form, campaign)


@bp.post("/xem-truoc")
@current.needs(May.SCHEDULE)
def preview() -> str:
    """The whole plan of what is now in the form, or why there is none."""
    known = request.args.get("sua", type=int)
    with current.read() as session:
        campaign = campaigns.get(session, known) if known else None
        return _plan(session, CampaignForm(), campaign)


@bp.get("/<int:campaign_id>")
def show(campaign_id: int) -> str | Response:
    with current.read() as session:
        campaign = campaigns.get(session, campaign_id)
        if gone.of_campaign(session, campaign_id, *reading.campaign_span(session, campaign_id)):
            flash(say("Chiến dịch này có phần đã lưu trữ: đây là báo cáo của nó."))
            return redirect(url_for("reports.campaign", campaign_id=campaign_id))
        found = context.read(session, campaign_list.rules())
        entry = campaign_list.entry(session, campaign, found)
        curve = campaign_forecast.curve(session, campaign, found, current.now())
        areas = words.by_area(found.fleet, entry.forecast, _area_names(session))
        names = {each.id: each.name for each in found.fleet.receivers.values()}
        plan = words.plan(entry.forecast, names, current.zone())
        waived = waivers.at(session, current.now()).of_source("campaign", campaign.id)
    return render_template(
        "campaigns/show.html", entry=entry, waived=waived, campaign=campaign, areas=areas, plan=plan, words=words,
        curve=words.curve(campaign, curve), points=curve,
    )  # fmt: skip


@bp.get("/<int:campaign_id>/tam-dung")
@current.needs(May.SCHEDULE)
def ask_pause(campaign_id: int) -> str:
    return _ask(campaign_id, "campaigns/pause.html")


@bp.post("/<int:campaign_id>/tam-dung")
@current.needs(May.SCHEDULE)
def pause(campaign_id: int) -> Response:
    with current.write() as session:
        campaign = campaigns.get(session, campaign_id)
        campaigns.pause(session, campaign, current.staff(), current.now())
    return _done(campaign_id, say("Đã tạm dừng. Các lượt chưa phát của chiến dịch bị huỷ."))


@bp.post("/<int:campaign_id>/tiep-tuc")
@current.needs(May.SCHEDULE)
def resume(campaign_id: int) -> Response:
    with current.write() as session:
        campaign = campaigns.get(session, campaign_id)
        campaigns.resume(session, campaign, current.staff(), current.now())
    return _done(
        campaign_id, say("Chiến dịch chạy tiếp: phần còn lại được rải đều vào những ngày còn lại.")
    )


@bp.get("/<int:campaign_id>/ket-thuc")
@current.needs(May.SCHEDULE)
def ask_end(campaign_id: int) -> str:
    return _ask(campaign_id, "campaigns/end.html")


@bp.post("/<int:campaign_id>/ket-thuc")
@current.needs(May.SCHEDULE)
def end(campaign_id: int) -> Response:
    with current.write() as session:
        campaign = campaigns.get(session, campaign_id)
        campaigns.end(session, campaign, current.staff(), current.now())
    return _done(campaign_id, say("Đã kết thúc chiến dịch. Các lượt chưa phát bị huỷ."))


def _ask(campaign_id: int, template: str) -> str:
    with current.read() as session:
        campaign = campaigns.get(session, campaign_id)
    return render_template(template, campaign=campaign)


def _done(campaign_id: int, said: str) -> Response:
    flash(said)
    return redirect(url_for("campaigns.show", campaign_id=campaign_id))


# -- the form -------------------------------------------------------------------------------------


def _filled_in(form: CampaignForm, campaign: Campaign | None) -> Response:
    """Save what was sent; show it again with what is wrong, or with its plan where that was asked for."""
    is_look = "xem" in request.form
    saved = None if is_look else form.carry_out(lambda: _save(form, campaign))
    if saved is not None:
        return _done(
            saved,
            say("Đã lưu chiến dịch. Kế hoạch được tính lại mỗi đêm theo những lượt đã phát thật."),
        )
    with current.read() as session:
        plan = Markup(_plan(session, form, campaign)) if is_look else ""  # noqa: S704 - a template of ours
        page = render_template(
            "campaigns/form.html", form=form, campaign=campaign, offer=where_form.offer(session), plan=plan,
            choices=campaign_form.offered(session, form, campaign),
        )  # fmt: skip
    return make_response(page, 200 if is_look else form.status)


def _save(form: CampaignForm, campaign: Campaign | None) -> int:
    order, staff, now, zone = (
        campaign_form.order(form),
        current.staff(),
        current.now(),
        current.zone(),
    )
    why = form.waived_why.data or ""
    with current.write() as session:
        if campaign is None:
            return campaigns.add(session, order, staff, now, zone, why).id
        known = campaigns.get(session, campaign.id)
        form.demand_unchanged(
            campaign_form.read(known),
            lambda: editors.last(session, "campaign.change", campaign=known.id),
        )
        campaigns.change(session, known, order, staff, now, zone, why)
        return known.id


def _plan(session: Session, form: CampaignForm, known: Campaign | None) -> str:
    if not form.validate():
        return render_template("campaigns/plan.html", refusal="", plan=None)
    try:
        draft = campaigns.draft(
            session,
            campaign_form.order(form),
            current.staff(),
            current.now(),
            current.zone(),
            known,
        )
    except LoaError as error:
        return render_template("campaigns/plan.html", refusal=error.sentence, plan=None)
    found = context.read(session, campaign_list.rules())
    forecast = campaign_forecast.forecast(
        session, draft, current.now(), campaign_list.rules(), found
    )
    names = {each.id: each.name for each in found.fleet.receivers.values()}
    return render_template(
        "campaigns/plan.html", refusal="", plan=words.plan(forecast, names, current.zone()),
        forecast=forecast, campaign=draft, words=words,
    )  # fmt: skip


# -- what there is to see -------------------------------------------------------------------------


def _area_names(session: Session) -> dict[int, str]:
    return {place.area.id: place.area.full_name for place in where_form.places(session)}
