"""Lịch phát: the rules that say when a bulletin sounds and where, and "Phát ngay"."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, time
from itertools import islice
from typing import cast

import sqlalchemy as sa
from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response
from wtforms import RadioField, StringField

from content import bulletins
from content.bulletins import Bulletin, Priority
from devices import areas, groups, receivers, remote
from devices.areas import Area
from devices.groups import Group
from devices.receivers import Receiver
from loa.errors import ScheduleError
from loa.staff import May
from loa.times import DAY, Instant, after, local
from scheduler import regulation, schedules, targets
from scheduler.schedules import Kind, Rule, Schedule
from scheduler.targets import Where
from web import current, labels
from web.forms import Checkboxes, Clock, Day, Form, choices, given, optional

bp = Blueprint("schedules", __name__)

PREVIEWED = 3
"""Coming broadcasts named while a rule is being filled in."""


LISTED = 200
"""Receivers offered one by one to be left out; of more, their ids are typed."""


class PlaceForm(Form):
    area_ids = Checkboxes("Phát ở đâu", coerce=int, validate_choice=False)
    group_ids = Checkboxes("Nhóm đầu thu", coerce=int, validate_choice=False)
    except_ids = Checkboxes("Trừ các đầu thu này", coerce=str, validate_choice=False)
    except_text = StringField("Trừ các đầu thu có mã")

    @property
    def where(self) -> Where:
        """Where the bulletin is to be heard."""
        typed = re.split(r"[\s,;]+", (self.except_text.data or "").strip())
        left_out = [*(self.except_ids.data or ()), *(each for each in typed if each)]
        return Where(
            tuple(self.area_ids.data or ()), tuple(self.group_ids.data or ()), tuple(left_out)
        )


class ScheduleForm(PlaceForm):
    kind = RadioField("Phát khi nào", choices=choices(labels.SCHEDULE_KINDS.items()))
    at = Clock("Giờ phát", [given("Hãy nhập giờ phát, ví dụ 17:00.")])
    weekdays = Checkboxes("Các thứ", coerce=int, choices=choices(enumerate(labels.SHORT_WEEKDAYS)))
    start_date = Day("Ngày phát", [given("Hãy chọn ngày phát.")])
    end_date = Day("Đến hết ngày", [optional()])


@dataclass(frozen=True)
class Place:
    """An area of the tree as the form offers it; ``receivers`` stand in it or below."""

    area: Area
    depth: int
    receivers: int


@dataclass(frozen=True)
class Offer:
    """What there is to choose from: the tree, groups with their sizes, and receivers to leave out."""

    places: list[Place]
    groups: list[tuple[Group, int]]
    by_area: list[tuple[str, list[tuple[str, str]]]]
    """Area → (id, name) of each receiver in it; empty when there are more than LISTED."""
    receivers: int


@dataclass(frozen=True)
class Line:
    """A schedule in the list."""

    schedule: Schedule
    next: Instant | None

    @property
    def is_running(self) -> bool:
        return self.schedule.ended_at is None and self.next is not None


@bp.get("/lich-phat")
def listing() -> str:
    with current.read() as session:
        found = schedules.listing(session)
        left_out = {
            schedule.id: targets.left_out(session, schedule.where.except_ids) for schedule in found
        }
    lines = [Line(schedule, _next(schedule)) for schedule in found]
    running = sorted((line for line in lines if line.is_running), key=lambda line: line.next or 0)
    return render_template(
        "schedules/listing.html",
        running=running,
        over=[each for each in lines if not each.is_running],
        left_out=left_out,
    )


@bp.route("/ban-tin/<int:bulletin_id>/dat-lich", methods=["GET", "POST"])
@current.needs(May.SCHEDULE)
def new(bulletin_id: int) -> Response:
    bulletin, offer = _asked(bulletin_id)
    form = (
        ScheduleForm() if request.method == "POST" else ScheduleForm(data=_defaults(offer.places))
    )
    said = form.carry_out(lambda: _add(bulletin_id, form))
    if said is not None:
        flash(said)
        return redirect(url_for("bulletins.show", bulletin_id=bulletin_id))
    page = render_template("schedules/form.html", form=form, bulletin=bulletin, offer=offer)
    return make_response(page, form.status)


@bp.post("/ban-tin/<int:bulletin_id>/xem-truoc")
@current.needs(May.SCHEDULE)
def preview(bulletin_id: int) -> str:
    """When the rule now in the form would sound: in words, whatever the browser's own way with dates."""
    form, refusal = ScheduleForm(), ""
    moments: list[Instant] = []
    if form.validate():
        try:
            moments, refusal = _preview(bulletin_id, _rule(form))
        except ScheduleError as error:
            refusal = error.sentence
    return render_template("schedules/preview.html", moments=moments, refusal=refusal)


@bp.route("/ban-tin/<int:bulletin_id>/phat-ngay", methods=["GET", "POST"])
@current.needs(May.SCHEDULE)
def now(bulletin_id: int) -> Response:
    bulletin, offer = _asked(bulletin_id)
    form = PlaceForm() if request.method == "POST" else PlaceForm(data=_everywhere(offer.places))
    if form.carry_out(lambda: _broadcast_now(bulletin_id, form)):
        flash("Đã ra lệnh phát ngay. Kết quả của từng đầu thu hiện ở trang này.")
        return redirect(url_for("today.show"))
    page = render_template("schedules/now.html", form=form, bulletin=bulletin, offer=offer)
    return make_response(page, form.status)


@bp.get("/lich-phat/<int:schedule_id>/ket-thuc")
@current.needs(May.SCHEDULE)
def ask_end(schedule_id: int) -> str:
    with current.read() as session:
        schedule = schedules.get(session, schedule_id)
    return render_template("schedules/end.html", line=Line(schedule, _next(schedule)))


@bp.post("/lich-phat/<int:schedule_id>/ket-thuc")
@current.needs(May.SCHEDULE)
def end(schedule_id: int) -> Response:
    with current.write() as session:
        schedules.end(session, schedules.get(session, schedule_id), current.staff(), current.now())
    flash("Đã kết thúc lịch phát. Các lượt chưa phát của lịch này sẽ bị huỷ.")
    return redirect(url_for("schedules.listing"))


def _add(bulletin_id: int, form: ScheduleForm) -> str:
    """Schedule it; what to tell of that: when, where and at how many receivers."""
    with current.write() as session:
        bulletin = bulletins.get(session, bulletin_id)
        schedule = schedules.add(
            session, bulletin, current.staff(), _rule(form), now=current.now(), zone=current.zone()
        )
        places = targets.words(session, schedule.where)
        number = targets.count(session, schedule.where)
    return f"Đã đặt lịch: {labels.rule(schedule)}, {places}, {number} đầu thu."


def _broadcast_now(bulletin_id: int, form: PlaceForm) -> bool:
    where = form.where
    with current.write() as session:
        bulletin = bulletins.get(session, bulletin_id)
        schedules.broadcast_now(
            session, bulletin, current.staff(), where.area_ids, group_ids=where.group_ids,
            except_ids=where.except_ids, now=current.now(), zone=current.zone(),
        )  # fmt: skip
    return True


def _rule(form: ScheduleForm) -> Rule:
    kind, where = Kind(form.kind.data), form.where
    return Rule(
        kind=kind,
        at=cast(time, form.at.data),
        start_date=cast(date, form.start_date.data),
        end_date=None if kind is Kind.ONCE else form.end_date.data,
        weekdays=tuple(form.weekdays.data or ()) if kind is Kind.WEEKDAYS else (),
        area_ids=where.area_ids,
        group_ids=where.group_ids,
        except_ids=where.except_ids,
    )


def _preview(bulletin_id: int, rule: Rule) -> tuple[list[Instant], str]:
    """The next broadcasts of a rule, and why they may not sound, if they may not."""
    if rule.kind is Kind.WEEKDAYS and not rule.weekdays:
        return [], ""
    now, zone = current.now(), current.zone()
    ahead = after(now, schedules.LOOK_AHEAD_DAYS * DAY)
    moments = list(islice(schedules.occurrences(rule, now, ahead, zone), PREVIEWED))
    with current.read() as session:
        bulletin = bulletins.get(session, bulletin_id)
        length = max(schedules.length_ms(session, bulletin, rule.where), 1) + remote.MOST_DELAY
        quiet = regulation.quiet_at(session, now)
    emergency = bulletin.priority is Priority.EMERGENCY
    for moment in moments:
        regulation.demand_allowed(quiet, moment, after(moment, length), zone, emergency=emergency)
    return moments, "" if moments else "Giờ này đã qua. Hãy chọn giờ hoặc ngày khác."


def _asked(bulletin_id: int) -> tuple[Bulletin, Offer]:
    with current.read() as session:
        return bulletins.get(session, bulletin_id), offer(session)


def offer(session: Session) -> Offer:
    """What there is to choose from now."""
    sizes = groups.sizes(session)
    number = session.scalar(sa.select(sa.func.count()).where(receivers.in_service())) or 0
    return Offer(
        places=places(session),
        groups=[(group, sizes.get(group.id, 0)) for group in groups.listing(session)],
        by_area=_by_area(session) if number <= LISTED else [],
        receivers=number,
    )


def _by_area(session: Session) -> list[tuple[str, list[tuple[str, str]]]]:
    found = (
        sa.select(Area.level, Area.name, Receiver.id, Receiver.name.label("called"))
        .join(Receiver, Receiver.area_id == Area.id)
        .where(receivers.in_service())
        .order_by(Area.name, Area.id, Receiver.name, Receiver.id)
    )
    named: dict[str, list[tuple[str, str]]] = {}
    for row in session.execute(found):
        named.setdefault(f"{row.level} {row.name}", []).append((row.id, row.called))
    return list(named.items())


def places(session: Session) -> list[Place]:
    """The tree of areas with the number of receivers that each would reach."""
    tree = areas.tree(session)
    counted = sa.select(Receiver.area_id, sa.func.count()).where(receivers.in_service())
    rows = session.execute(counted.group_by(Receiver.area_id))
    standing: dict[int, int] = {one: number for one, number in rows}  # noqa: C416 - a Row is no pair to mypy
    found: list[Place] = []
    # From the last row up: below an area stand the deeper rows that follow it.
    for depth, area in reversed(tree):
        below = 0
        for each in reversed(found):
            if each.depth <= depth:
                break
            below += each.receivers if each.depth == depth + 1 else 0
        found.append(Place(area, depth, standing.get(area.id, 0) + below))
    return found[::-1]


def _everywhere(places: list[Place]) -> dict[str, object]:
    """A station of one commune usually speaks to all of it."""
    roots = [place.area.id for place in places if place.depth == 0]
    return {"area_ids": roots if len(roots) == 1 else []}


def _defaults(places: list[Place]) -> dict[str, object]:
    today = local(current.now(), current.zone()).date()
    return {"kind": Kind.ONCE, "start_date": today, **_everywhere(places)}


def _next(schedule: Schedule) -> Instant | None:
    """The next instant at which the schedule sounds; None when it is over or its bulletin was withdrawn."""
    return schedules.next_of(schedule, current.now(), current.zone())
