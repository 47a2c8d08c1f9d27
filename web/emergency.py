"""Khẩn cấp: what sounds, what waits for a second person, and a new alert in few taps."""

from __future__ import annotations

from flask import (
    Blueprint,
    Response,
    flash,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response as AnyResponse
from wtforms import FileField

from content import bulletins
from loa.errors import LoaError, ScheduleError
from loa.staff import May
from loa.words import say
from scheduler import (
    alert_consent,
    alert_orders,
    alert_templates,
    alerts,
    canned,
    cap,
    cap_messages,
    cap_out,
)
from scheduler.alerts import State
from scheduler.level_views import View
from web import alert_names, current, live, second_step, standing_alerts
from web.emergency_forms import ConsentForm, OrderForm, PlaceForm, WhyForm, order_form
from web.emergency_page import Reach, load, reach
from web.forms import Form
from web.where_form import offer

bp = Blueprint("emergency", __name__)

STATES = {
    State.WAITING: say("chờ đồng ý"),
    State.ACTIVE: say("đang hiệu lực"),
    State.ENDED: say("đã kết thúc sớm"),
    State.EXPIRED: say("đã hết hạn"),
    State.REFUSED: say("bị bỏ"),
}
TONES = {State.WAITING: "wait", State.ACTIVE: "live"}
ENDINGS = (say("Hết nguy hiểm"), say("Báo nhầm"), say("Thay bằng lệnh khác"))
"""Why an alert is ended, mostly: one tap each."""
WHOLE = say("cả đài")
"""Typed, or held for, where an alert goes to every receiver."""


class CapForm(Form):
    upload = FileField(say("Tệp CAP (XML)"))


@bp.app_context_processor
def _standing() -> dict[str, object]:
    return {"standing_alerts": standing_alerts.shown, "ALERT_STATES": STATES, "ALERT_TONES": TONES}


bp.app_template_global("alert_lines")(standing_alerts.lines)
bp.app_template_global("alerts_for_me")(standing_alerts.for_me)
bp.app_template_filter("alert_rhythm")(alerts.rhythm)


@bp.get("/khan-cap")
def show() -> str:
    with current.read() as session:
        kept = canned.suitable(session)
        numbers = [each for each in canned.listed(session) if not each.void]
        whole = reach(session, None, current.now())
    return render_template(
        "emergency/show.html", part=_board(), kept=kept,
        templates={key: alert_names.of(key) for key in alert_templates.known()},
        numbers=numbers, whole=whole,
    )  # fmt: skip


@bp.get("/khan-cap/dang-co")
def board() -> AnyResponse:
    """The live part of the first page."""
    return live.answer(_board())


def _board() -> live.Part:
    with current.read() as session:
        view = View(session, current.staff())
        found, past = view.sources(alerts.standing(session)), view.sources(alerts.past(session))
        reached = {each.id: reach(session, each.where, current.now()) for each in found}
    return live.part("emergency/board.html", standing=found, past=past, reached=reached)


@bp.route("/khan-cap/moi", methods=["GET", "POST"])
@current.needs(May.SCHEDULE)
def new() -> AnyResponse:
    """A new one: by the template ``mau``, or with the approved bulletin ``ban_tin``, or in words of one's own."""
    key, number = request.args.get("mau", ""), request.args.get("ban_tin", type=int)
    template = alert_templates.get(key) if key else None
    with current.read() as session:
        bulletin = bulletins.get(session, number) if number is not None else None
        offered, whole = offer(session), reach(session, None, current.now())
    form = order_form(template, bulletin, offered)
    alert_id = form.carry_out(lambda: _prepare(form, number))
    if alert_id is not None:
        return redirect(url_for("emergency.alert", alert_id=alert_id))
    page = render_template(
        "emergency/new.html", form=form, template=template,
        name=alert_names.of_template(template) if template else "", bulletin=bulletin, offer=offered,
        whole=whole, sounds=alert_orders.MOST_SOUNDS,
    )  # fmt: skip
    return make_response(page, form.status)


def _prepare(form: OrderForm, bulletin_id: int | None) -> int:
    now, zone = current.now(), current.zone()
    with current.write() as session:
        bulletin = bulletins.get(session, bulletin_id) if bulletin_id is not None else None
        order = form.order(now, bulletin)
        return alert_orders.prepare(session, current.staff(), order, now, zone).id


@bp.get("/khan-cap/<int:alert_id>")
def alert(alert_id: int) -> str:
    return _page(alert_id)


@bp.get("/khan-cap/<int:alert_id>/dang-co")
def state(alert_id: int) -> AnyResponse:
    """The live part of an alert's page."""
    return live.answer(_state(alert_id))


def _page(alert_id: int, wrong: Form | None = None) -> str:
    with current.read() as session:
        page = load(session, alert_id)
        offered = offer(session)
        form = wrong if isinstance(wrong, PlaceForm) else PlaceForm(data=page.places(session))
    return render_template(
        "emergency/alert.html", page=page, part=_state(alert_id, wrong), form=form, offer=offered
    )


def _state(alert_id: int, wrong: Form | None = None) -> live.Part:
    with current.read() as session:
        page = load(session, alert_id)
    return live.part("emergency/state.html", page=page, wrong=wrong, whole=WHOLE)


@bp.post("/khan-cap/<int:alert_id>/dong-y")
@current.needs(May.APPROVE)
def agree(alert_id: int) -> AnyResponse:
    form = ConsentForm()
    sounds = form.carry_out(lambda: _agree(alert_id, form))
    if sounds is None:
        return make_response(_page(alert_id, form), 400)
    flash(
        say("Đã đồng ý. Loa cất tiếng sau vài giây.")
        if sounds
        else say("Đã ghi nhận bạn đồng ý. Lệnh còn chờ một người duyệt khác.")
    )
    return redirect(url_for("emergency.alert", alert_id=alert_id))


def _agree(alert_id: int, form: ConsentForm) -> bool:
    form.demand_fresh()
    second_step.demand(form, emergency=True)
    with current.write() as session:
        found = alerts.get(session, alert_id)
        form.demand_sure(session, found, WHOLE)
        return alert_consent.agree(
            session, found, current.staff(), form.heard, current.now(), current.zone(),
            version=form.version.data or 0, terms=form.terms.data or "",
            emergency_approvers=current.config().content.emergency_approvers,
        )  # fmt: skip


@bp.post("/khan-cap/<int:alert_id>/mot-minh")
@current.needs(May.APPROVE)
def sound_alone(alert_id: int) -> AnyResponse:
    form = ConsentForm()
    if form.carry_out(lambda: _sound_alone(alert_id, form)) is None:
        return make_response(_page(alert_id, form), 400)
    flash(
        say(
            "Đã ra lệnh phát. Hãy gọi ngay người duyệt thứ hai: không có người đồng ý, lệnh sẽ tự dừng."
        )
    )
    return redirect(url_for("emergency.alert", alert_id=alert_id))


def _sound_alone(alert_id: int, form: ConsentForm) -> int:
    form.demand_fresh()
    second_step.demand(form, emergency=True)
    with current.write() as session:
        found = alerts.get(session, alert_id)
        form.demand_sure(session, found, WHOLE)
        return alert_consent.sound_alone(
            session, found, current.staff(), form.heard, current.now(), current.zone(),
            version=form.version.data or 0, terms=form.terms.data or "",
            emergency_approvers=current.config().content.emergency_approvers,
        )  # fmt: skip


@bp.post("/khan-cap/<int:alert_id>/noi-phat")
@current.needs(May.SCHEDULE)
def choose_where(alert_id: int) -> AnyResponse:
    form = PlaceForm()
    if not form.carry_out(lambda: _choose_where(alert_id, form)):
        return make_response(_page(alert_id, form), 400)
    return redirect(url_for("emergency.alert", alert_id=alert_id))


def _choose_where(alert_id: int, form: PlaceForm) -> bool:
    with current.write() as session:
        found = alerts.get(session, alert_id)
        alert_orders.choose_where(session, found, current.staff(), form.where, current.now())
    return True


@bp.route("/khan-cap/<int:alert_id>/dung", methods=["GET", "POST"])
@current.needs(May.STOP)
def stop(alert_id: int) -> AnyResponse:
    """End it, with a reason."""
    with current.read() as session:
        found = alerts.get(session, alert_id)
    form = WhyForm()
    if form.carry_out(lambda: _stop(alert_id, form)):
        flash(say("Đã dừng. Loa im trong vài giây; các lần lặp lại đã bị huỷ."))
        return redirect(url_for("emergency.show"))
    endings = [(str(why), why) for why in ENDINGS]  # stored in Vietnamese, whoever reads
    page = render_template("emergency/stop.html", alert=found, form=form, endings=endings)
    return make_response(page, form.status)


def _stop(alert_id: int, form: WhyForm) -> bool:
    with current.write() as session:
        found = alerts.get(session, alert_id)
        alert_orders.end(session, found, current.staff(), form.reason, current.now())
    return True


@bp.route("/khan-cap/<int:alert_id>/bo", methods=["GET", "POST"])
@current.needs(May.SCHEDULE)
def refuse(alert_id: int) -> AnyResponse:
    """Let one that waits come to nothing."""
    with current.read() as session:
        found = alerts.get(session, alert_id)
    form = WhyForm()
    if form.carry_out(lambda: _refuse(alert_id, form)):
        flash(say("Đã bỏ lệnh. Không có gì được phát."))
        return redirect(url_for("emergency.show"))
    page = render_template("emergency/refuse.html", alert=found, form=form)
    return make_response(page, form.status)


def _refuse(alert_id: int, form: WhyForm) -> bool:
    with current.write() as session:
        found = alerts.get(session, alert_id)
        alert_orders.refuse(session, found, current.staff(), form.reason, current.now())
    return True


# -- CAP ------------------------------------------------------------------------------------------


@bp.get("/khan-cap/<int:alert_id>.cap")
def cap_file(alert_id: int) -> Response:
    """The alert as a CAP 1.2 message."""
    station, zone = current.config().station.name, current.zone()
    with current.read() as session:
        message = cap_out.message(session, alerts.get(session, alert_id), station, zone)
    return Response(cap.write(message, zone), mimetype=cap.TYPE)


@bp.route("/khan-cap/nhan-cap", methods=["GET", "POST"])
@current.needs(May.SCHEDULE)
def take_in() -> AnyResponse:
    """Bring a CAP message."""
    form = CapForm()
    row = form.carry_out(lambda: _take_in(form))
    if row is None:
        with current.read() as session:
            messages = cap_messages.latest(session)
        page = render_template("emergency/cap.html", form=form, messages=messages)
        return make_response(page, form.status)
    flash(row.outcome)
    if row.alert_id is not None:
        return redirect(url_for("emergency.alert", alert_id=row.alert_id))
    return redirect(url_for("emergency.take_in"))


def _take_in(form: CapForm) -> cap_messages.CapMessage:
    file = form.upload.data
    if not isinstance(file, FileStorage) or not file.filename:
        raise ScheduleError(say("Hãy chọn tệp CAP cần nhận."), field="upload")
    data = file.stream.read(cap.MOST_BYTES + 1)
    try:
        with current.write() as session:
            return cap_messages.take_in(
                session, current.staff(), data, current.now(), current.zone()
            )
    except ScheduleError as error:
        raise LoaError(error.sentence, field="upload") from error


__all__ = ["Reach", "bp"]
