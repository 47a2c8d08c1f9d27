"""Lịch phát: the rules that say when a bulletin sounds and where, and "Phát ngay"."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa
from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response
from wtforms import TextAreaField

from content import bulletins
from content.bulletins import Bulletin, Priority
from loa import words
from loa.errors import ScheduleError
from loa.staff import May
from loa.times import local
from loa.words import counted, say
from scheduler import calendar_file, days, regulation, schedule_checks, schedules, series, targets
from scheduler.broadcasts import Broadcast
from scheduler.level_views import View
from scheduler.schedules import Kind, Schedule
from web import (
    current,
    editors,
    labels,
    lists,
    plan_places,
    schedule_list,
    schedule_page,
    schedule_preview,
    spreadsheets,
    where_form,
)
from web.forms import version_of
from web.recurrence_form import unfilled
from web.schedule_form import ScheduleForm, filled, quick_times, read, rule_of
from web.where_form import Offer, Place, PlaceForm, offer, places

__all__ = ["Offer", "Place", "PlaceForm", "bp", "offer", "places"]

bp = Blueprint("schedules", __name__)


class NowForm(PlaceForm):
    waived_why = TextAreaField(say("Lý do vẫn phát"))


@bp.get("/lich-phat")
def listing() -> str:
    form = schedule_list.form()
    with current.read() as session:
        page = schedule_list.page(session, form)
    return render_template("schedules/listing.html", form=form, page=page, asked=lists.asked())


@bp.get("/lich-phat.csv")
def download() -> Response:
    """The schedules of the filter, all of them."""
    form = schedule_list.form()
    with spreadsheets.writing() as (text, file), current.read() as session:
        spreadsheets.rows(schedule_list.rows(session, form), text)
    return spreadsheets.answer(file, "lich-phat.csv")


@bp.get("/lich-phat.ics")
def calendar() -> Response:
    """All schedules, for the calendar of a phone or a computer."""
    with current.read() as session:
        text = calendar_file.write(
            session, current.config().station.name, current.now(), current.zone(),
            lambda found: View(session, current.staff()).sources(found),
        )  # fmt: skip
    answer = make_response(text)
    answer.headers["Content-Type"] = "text/calendar; charset=utf-8"
    answer.headers["Content-Disposition"] = 'attachment; filename="lich-phat.ics"'
    return answer


@bp.route("/ban-tin/<int:bulletin_id>/dat-lich", methods=["GET", "POST"])
@current.needs(May.SCHEDULE)
def new(bulletin_id: int) -> Response:
    with current.read() as session:
        bulletin, offered = bulletins.get(session, bulletin_id), offer(session)
    if request.method == "GET" and bulletin.priority is Priority.EMERGENCY:
        return _to_emergency()
    usual = _defaults(offered) | _linked()
    form = ScheduleForm() if request.method == "POST" else ScheduleForm(data=usual)
    said = form.carry_out(lambda: _add(bulletin_id, form))
    if said is not None:
        flash(said)
        return redirect(url_for("bulletins.show", bulletin_id=bulletin_id))
    return _form_page(form, bulletin, offered, None)


@bp.post("/ban-tin/<int:bulletin_id>/xem-truoc")
@current.needs(May.SCHEDULE)
def preview(bulletin_id: int) -> str:
    """When the rule now in the form would sound: in words, whatever the browser's own way with dates."""
    with current.read() as session:
        bulletin = bulletins.get(session, bulletin_id)
        shown = schedule_preview.look(session, bulletin, ScheduleForm())
    return render_template("schedules/preview.html", shown=shown, bulletin=bulletin)


@bp.route("/ban-tin/<int:bulletin_id>/phat-ngay", methods=["GET", "POST"])
@current.needs(May.SCHEDULE)
def now(bulletin_id: int) -> Response:
    with current.read() as session:
        bulletin, offered = bulletins.get(session, bulletin_id), offer(session)
    if request.method == "GET" and bulletin.priority is Priority.EMERGENCY:
        return _to_emergency()
    form = (
        NowForm()
        if request.method == "POST"
        else NowForm(data=where_form.everywhere(offered.places))
    )
    if form.carry_out(lambda: _broadcast_now(bulletin_id, form)):
        flash(say("Đã ra lệnh phát ngay. Kết quả của từng đầu thu hiện ở trang này."))
        return redirect(url_for("today.show"))
    page = render_template("schedules/now.html", form=form, bulletin=bulletin, offer=offered)
    return make_response(page, form.status)


def _to_emergency() -> Response:
    flash(
        say("Bản tin khẩn cấp phát từ trang này: một người chuẩn bị, người thứ hai nghe và đồng ý.")
    )
    return redirect(url_for("emergency.show"))


@bp.get("/lich-phat/<int:schedule_id>")
def show(schedule_id: int) -> str:
    with current.read() as session:
        page = schedule_page.read(session, schedules.get(session, schedule_id))
    return render_template("schedules/show.html", page=page)


@bp.route("/lich-phat/<int:schedule_id>/sua", methods=["GET", "POST"])
@current.needs(May.SCHEDULE)
def change(schedule_id: int) -> Response:
    with current.read() as session:
        schedule, offered = schedules.get(session, schedule_id), offer(session)
        bulletin = schedule.bulletin
    form = ScheduleForm() if request.method == "POST" else _as_read(schedule)
    said = form.carry_out(lambda: _change(schedule_id, form))
    if said is not None:
        flash(said)
        return redirect(url_for("schedules.show", schedule_id=schedule_id))
    return _form_page(form, bulletin, offered, schedule)


@bp.post("/lich-phat/<int:schedule_id>/xem-truoc")
@current.needs(May.SCHEDULE)
def preview_change(schedule_id: int) -> str:
    """As ``preview``, for a schedule that is being changed."""
    with current.read() as session:
        schedule = schedules.get(session, schedule_id)
        bulletin = schedule.bulletin
        shown = schedule_preview.look(session, bulletin, ScheduleForm(), schedule)
    return render_template("schedules/preview.html", shown=shown, bulletin=bulletin)


@bp.get("/lich-phat/<int:schedule_id>/ket-thuc")
@current.needs(May.SCHEDULE)
def ask_end(schedule_id: int) -> str:
    with current.read() as session:
        schedule = schedules.get(session, schedule_id)
    return render_template("schedules/end.html", schedule=schedule)


@bp.post("/lich-phat/<int:schedule_id>/ket-thuc")
@current.needs(May.SCHEDULE)
def end(schedule_id: int) -> Response:
    with current.write() as session:
        schedules.end(session, schedules.get(session, schedule_id), current.staff(), current.now())
    flash(say("Đã kết thúc lịch phát. Các lượt chưa phát của lịch này sẽ bị huỷ."))
    return redirect(url_for("schedules.listing"))


def _form_page(
    form: ScheduleForm, bulletin: Bulletin, offered: Offer, schedule: Schedule | None
) -> Response:
    with current.read() as session:
        rules = regulation.rules_at(session, current.now())
        clashes = (
            schedule_preview.clashes_of(session, bulletin, form, schedule)
            if form.seen.errors or form.seen.data
            else None
        )
    page = render_template(
        "schedules/form.html", form=form, bulletin=bulletin, offer=offered, schedule=schedule,
        quick=quick_times(rules.slots), kinds=rules.kinds, clashes=clashes,
    )  # fmt: skip
    return make_response(page, form.status)


def _add(bulletin_id: int, form: ScheduleForm) -> str:
    """Schedule it; what to tell of that: when, where and at how many receivers."""
    with current.write() as session:
        bulletin = bulletins.get(session, bulletin_id)
        schedule_checks.demand_ordinary(bulletin)
        schedule = schedules.add(
            session, bulletin, current.staff(), rule_of(form), now=current.now(), zone=current.zone(),
            waived_why=form.waived_why.data or "",
        )  # fmt: skip
        _demand_seen(session, bulletin, form, schedule)
        return say("Đã đặt lịch: %(what)s", what=_where_words(session, schedule))


def _as_read(schedule: Schedule) -> ScheduleForm:
    return ScheduleForm(data={**filled(schedule), "version": version_of(read(schedule))})


def _change(schedule_id: int, form: ScheduleForm) -> str:
    with current.write() as session:
        schedule = schedules.get(session, schedule_id)
        schedule_checks.demand_ordinary(schedule.bulletin)
        form.demand_unchanged(
            read(schedule), lambda: editors.last(session, "schedule.change", schedule=schedule.id)
        )
        changed = schedules.change(
            session, schedule, current.staff(), rule_of(form), now=current.now(), zone=current.zone(),
            waived_why=form.waived_why.data or "",
        )  # fmt: skip
        if not changed:
            return say("Không có gì thay đổi.")
        _demand_seen(session, schedule.bulletin, form, schedule)
        said = say("Đã sửa lịch: %(what)s", what=_where_words(session, schedule))
        return words.join(" ", filter(None, [said, _twice_today(session, schedule)]))


def _demand_seen(
    session: Session, bulletin: Bulletin, form: ScheduleForm, schedule: Schedule
) -> None:
    """Raise ScheduleError where something would not be heard because of it, unless its author has seen that."""
    if form.seen.data:
        return
    clashes = schedule_preview.clashes_of(session, bulletin, form, schedule)
    if clashes is not None and clashes.found.is_grave:
        raise ScheduleError(
            say(
                "Lịch này trùng giờ với lịch khác nên có lượt sẽ không phát được hoặc bị ngắt. "
                "Hãy sửa theo cách gợi ý, hoặc đánh dấu vào đây nếu vẫn muốn đặt."
            ),
            field="seen",
        )


def _twice_today(session: Session, schedule: Schedule) -> str:
    """To whoever has just changed a time that was heard today already: that it is heard again."""
    now, zone = current.now(), current.zone()
    today = local(now, zone).date()
    until = days.first_of(today + timedelta(days=1), zone)
    ahead = series.occasions(schedule, now, until, zone, schedule.exceptions)
    again = next((each.at for each in ahead if each.is_heard), None)
    found = sa.select(sa.func.max(Broadcast.starts_at)).where(
        Broadcast.schedule_id == schedule.id, Broadcast.starts_at <= now, Broadcast.code.is_(None),
        Broadcast.starts_at >= days.first_of(today, zone),
    )  # fmt: skip
    before = session.scalar(found)
    if again is None or before is None:
        return ""
    return say(
        "Lưu ý: hôm nay lịch này đã phát lúc %(before)s và sẽ phát lần nữa lúc %(again)s. "
        "Nếu không muốn, hãy bỏ lượt hôm nay.",
        before=labels.clock(before, zone),
        again=labels.clock(again, zone),
    )


def _where_words(session: Session, schedule: Schedule) -> str:
    places = targets.words(session, schedule.where)
    number = targets.count(session, schedule.where)
    return counted(
        "%(rule)s, %(places)s, %(n)s đầu thu.", number, rule=labels.rule(schedule), places=places
    )


def _broadcast_now(bulletin_id: int, form: NowForm) -> bool:
    where = form.where
    with current.write() as session:
        bulletin = bulletins.get(session, bulletin_id)
        schedule_checks.demand_ordinary(bulletin)
        schedules.broadcast_now(
            session, bulletin, current.staff(), where.area_ids, group_ids=where.group_ids,
            except_ids=where.except_ids, now=current.now(), zone=current.zone(),
            waived_why=form.waived_why.data or "",
        )  # fmt: skip
    return True


def _defaults(offered: Offer) -> dict[str, object]:
    today = local(current.now(), current.zone()).date()
    places = where_form.everywhere(offered.places)
    return {"kind": Kind.ONCE, "start_date": today, **unfilled(), **places}


def _linked() -> dict[str, object]:
    """The day and the hour that a place of the calendar stands for, by the address."""
    moment = plan_places.linked_moment()
    if moment is None:
        return {}
    at = local(moment, current.zone())
    return {"start_date": at.date(), "at": at.time()}
