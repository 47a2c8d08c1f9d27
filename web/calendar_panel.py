"""The small panel of one thing in the calendar: what it is, what a move would come to, and what can be done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import TypeVar

from flask import Blueprint, make_response, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from loa.errors import ScheduleError
from loa.staff import May
from loa.times import Instant, local
from loa.words import say
from scheduler import alerts, broadcasts, campaigns, exceptions
from scheduler.admission import ReasonNeeded
from scheduler.fixes import Kind as FixKind
from scheduler.fixes import Report
from scheduler.level_views import View
from scheduler.targets import words as where_words
from web import calendar_acts, current, labels, plan_places
from web.calendar_acts import Done, Open
from web.calendar_forms import BackForm, MoveForm, SkipForm
from web.calendar_items import Item, NoSuchDay
from web.calendar_programme import OfProgramme
from web.calendar_schedule import OfSchedule
from web.forms import Form, day_of_address

bp = Blueprint("calendar_panel", __name__)

F = TypeVar("F", bound=Form)
PACED = say(
    "Giờ này do đài tự xếp theo chỉ tiêu của chiến dịch, có thể còn đổi. Muốn đổi, hãy mở chiến dịch."
)
# What the page's script is told: something was changed; what is shown is old; a move was refused.
CHANGED, OLD, REFUSED = "lichDoi", "lichCu", "lichTuChoi"


@dataclass
class Preview:
    """What a move would come to."""

    series: str = ""
    """The whole series as it would be, in words; empty for a move of one day."""
    refusal: str = ""
    needs_reason: str = ""
    clashes: Report | None = None


# -- of a schedule, of a programme ----------------------------------------------------------------


def _schedule(schedule_id: int, day: str) -> Open:
    on = day_of_address(day, say("lịch phát"))
    return lambda session: OfSchedule(session, schedule_id, on)


def _programme(programme_id: int, day: str) -> Open:
    on = day_of_address(day, say("lịch phát"))
    return lambda session: OfProgramme(session, programme_id, on)


@bp.get("/lich-phat/lich/mot-lich/<int:schedule_id>/<day>")
def of_schedule(schedule_id: int, day: str) -> Response:
    return _show(_schedule(schedule_id, day))


@bp.post("/lich-phat/lich/mot-lich/<int:schedule_id>/<day>/xem")
@current.needs(May.SCHEDULE)
def preview_schedule(schedule_id: int, day: str) -> Response:
    return _preview(_schedule(schedule_id, day))


@bp.post("/lich-phat/lich/mot-lich/<int:schedule_id>/<day>/doi")
@current.needs(May.SCHEDULE)
def move_schedule(schedule_id: int, day: str) -> Response:
    return _do(_schedule(schedule_id, day), MoveForm(), calendar_acts.move)


@bp.post("/lich-phat/lich/mot-lich/<int:schedule_id>/<day>/bo")
@current.needs(May.SCHEDULE)
def skip_schedule(schedule_id: int, day: str) -> Response:
    return _do(_schedule(schedule_id, day), SkipForm(), calendar_acts.skip)


@bp.post("/lich-phat/lich/mot-lich/<int:schedule_id>/<day>/lai")
@current.needs(May.SCHEDULE)
def restore_schedule(schedule_id: int, day: str) -> Response:
    return _do(_schedule(schedule_id, day), BackForm(), calendar_acts.restore)


@bp.get("/lich-phat/lich/chuong-trinh/<int:programme_id>/<day>")
def of_programme(programme_id: int, day: str) -> Response:
    return _show(_programme(programme_id, day))


@bp.post("/lich-phat/lich/chuong-trinh/<int:programme_id>/<day>/xem")
@current.needs(May.SCHEDULE)
def preview_programme(programme_id: int, day: str) -> Response:
    return _preview(_programme(programme_id, day))


@bp.post("/lich-phat/lich/chuong-trinh/<int:programme_id>/<day>/doi")
@current.needs(May.SCHEDULE)
def move_programme(programme_id: int, day: str) -> Response:
    return _do(_programme(programme_id, day), MoveForm(), calendar_acts.move)


@bp.post("/lich-phat/lich/chuong-trinh/<int:programme_id>/<day>/bo")
@current.needs(May.SCHEDULE)
def skip_programme(programme_id: int, day: str) -> Response:
    return _do(_programme(programme_id, day), SkipForm(), calendar_acts.skip)


@bp.post("/lich-phat/lich/chuong-trinh/<int:programme_id>/<day>/lai")
@current.needs(May.SCHEDULE)
def restore_programme(programme_id: int, day: str) -> Response:
    return _do(_programme(programme_id, day), BackForm(), calendar_acts.restore)


# -- what cannot be moved -------------------------------------------------------------------------


@bp.get("/lich-phat/lich/luot/<int:broadcast_id>")
def of_broadcast(broadcast_id: int) -> str:
    """A run that is planned or over."""
    with current.read() as session:
        found = broadcasts.get(session, broadcast_id)
        tally = View(session, current.staff()).tallies([found.id])[found.id]
        return render_template(
            "calendar/fixed.html", title=found.title, at=found.starts_at, places=where_words(session, found.where),
            outcome=labels.outcome(found.state, tally), why_not=found.reason, fixed="", why=_why(found.starts_at),
            link=url_for("broadcasts.show", broadcast_id=broadcast_id), link_words=say("Mở lượt phát"),
        )  # fmt: skip


@bp.get("/lich-phat/lich/chien-dich/<int:campaign_id>")
def of_campaign(campaign_id: int) -> str:
    """A run that a campaign means to have."""
    moment = plan_places.linked_moment() or current.now()
    with current.read() as session:
        found = campaigns.get(session, campaign_id)
        return render_template(
            "calendar/fixed.html", title=found.name, at=moment, places=where_words(session, found.where),
            outcome=None, why_not="", fixed=PACED, why=_why(moment),
            link=url_for("campaigns.show", campaign_id=campaign_id), link_words=say("Mở chiến dịch"),
        )  # fmt: skip


@bp.get("/lich-phat/lich/khan-cap/<int:alert_id>")
def of_alert(alert_id: int) -> str:
    """A run that an order wants."""
    moment = plan_places.linked_moment() or current.now()
    with current.read() as session:
        found = alerts.get(session, alert_id)
        return render_template(
            "calendar/fixed.html", title=say("Lệnh khẩn cấp"), at=moment, places=where_words(session, found.where),
            outcome=None, why_not="", fixed=say("Lệnh khẩn cấp không dời được từ lịch."), why=_why(moment),
            link=url_for("emergency.show"), link_words=say("Mở trang Khẩn cấp"),
        )  # fmt: skip


@bp.errorhandler(NoSuchDay)
def gone(error: NoSuchDay) -> Response:
    """The panel of a day that the series no longer has."""
    answer = make_response(render_template("calendar/gone.html", sentence=error.sentence))
    answer.status_code = 200 if request.method == "GET" else 404
    answer.headers["HX-Trigger"] = OLD
    return answer


# -- shown ----------------------------------------------------------------------------------------


def _show(open_item: Open) -> Response:
    with current.read() as session:
        item, form = open_item(session), MoveForm(formdata=None)
        form.fill_in(item)
        was = request.args.get("ban", "")
        is_stale = bool(was) and was != item.version
        is_dragged = not is_stale and _drag(form, item)
        answer = _page(session, item, form, is_stale=is_stale, is_dragged=is_dragged)
    if is_stale:
        answer.headers["HX-Trigger"] = OLD
    return answer


def _drag(form: MoveForm, item: Item) -> bool:
    """Fill in where it was dragged to, as the address says; whether it was."""
    moment, minutes = plan_places.linked_moment(), request.args.get("phut", type=int)
    if moment is not None:
        at = local(moment, current.zone())
        form.to_day.data, form.to_time.data = at.date(), at.time()
    if minutes is not None and item.minutes is not None:
        form.minutes.data, form.scope.data = minutes, "all"
    return moment is not None


def _page(
    session: Session, item: Item, form: MoveForm, *, is_stale: bool = False, is_dragged: bool = False
) -> Response:  # fmt: skip
    moment = item.at()
    told = exceptions.sentence(item.exception, item.clock) if item.exception else ""
    page = render_template(
        "calendar/panel.html",
        day_heard=_day(moment), item=item, form=form, at=moment, is_stale=is_stale, is_dragged=is_dragged,
        may_change=_may_change(session, item, moment), why=_why(moment) if moment else "", told=told,
        shown=_come_to(item, form) if form.is_submitted() and form.to_time.data and form.to_day.data else None,
        address=partial(calendar_acts.address, item),
    )  # fmt: skip
    return make_response(page, form.status)


def _may_change(session: Session, item: Item, moment: Instant | None) -> bool:
    person = current.staff()
    is_ahead = moment is not None and moment > current.now()
    return is_ahead and person.may(May.SCHEDULE) and View(session, person).owns(item.area_id)


def _day(moment: Instant | None) -> date | None:
    return local(moment, current.zone()).date() if moment else None


def _why(moment: Instant) -> str:
    return url_for("why.show", luc=plan_places.linked(moment))


def _preview(open_item: Open) -> Response:
    form = MoveForm()
    with current.read() as session:
        shown = _look(open_item(session), form)
    if not shown.refusal:
        error = calendar_acts.tried(open_item, form)
        shown.needs_reason = error.sentence if isinstance(error, ReasonNeeded) else ""
        shown.refusal = error.sentence if error and not shown.needs_reason else ""
    answer = make_response(render_template("calendar/preview.html", shown=shown, form=form))
    if shown.refusal:
        answer.headers["HX-Trigger"] = REFUSED
    return answer


def _look(item: Item, form: MoveForm) -> Preview:
    """What the form says, in words, and what it would meet."""
    if not form.validate():
        told = [str(sentence) for found in form.errors.values() for sentence in found]
        return Preview(refusal=" ".join(told))
    return _come_to(item, form)


def _come_to(item: Item, form: MoveForm) -> Preview:
    """The same of a form whose fields are well-formed."""
    try:
        target = form.target(item)
        series = item.words_of(target) if target.scope == "all" else ""
        clashes = item.clashes(target)
    except ScheduleError as error:
        return Preview(refusal=error.sentence)
    if clashes is not None:  # of the ways out, those that have a field here
        shifts = [each for each in clashes.fixes if each.kind is FixKind.SHIFT]
        clashes = clashes._replace(fixes=shifts)
    return Preview(series, clashes=clashes)


# -- done -----------------------------------------------------------------------------------------


def _do(open_item: Open, form: F, act: Callable[[Open, F], Done]) -> Response:
    done = form.carry_out(lambda: act(open_item, form))
    if done is None:
        return _again(open_item, form)
    answer = make_response(render_template("calendar/done.html", done=done))
    told = {"HX-Retarget": "#lich-bao", "HX-Reswap": "innerHTML", "HX-Trigger": CHANGED}
    answer.headers.update(told)
    return answer


def _again(open_item: Open, form: Form) -> Response:
    """The panel as it now is, with why it was not done."""
    with current.read() as session:
        item = open_item(session)
        if isinstance(form, MoveForm):
            shown = form
        else:
            shown = MoveForm(formdata=None)
            shown.fill_in(item)
            shown.form_errors = [str(each) for found in form.errors.values() for each in found]
        answer = _page(session, item, shown)
    answer.status_code = 400
    answer.headers["HX-Trigger"] = OLD
    return answer
