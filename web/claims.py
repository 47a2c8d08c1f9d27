"""Thêm đầu thu: a place for a new box, its one-time code, and the test tone somebody must hear; also a box in the
place of another, and one that begins anew."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response
from wtforms import IntegerField, SelectField, StringField

from devices import areas, claims, clones, receivers
from devices.claims import Claim, FormerKey, Kind, Place, State
from devices.clones import Alarm
from devices.receivers import Receiver
from loa.errors import DeviceError
from loa.staff import May
from loa.times import local
from loa.words import say
from scheduler import schedules, tones
from scheduler.tones import Stage
from web import claim_list, claim_progress, current, fleet, lists, live, spreadsheets
from web.forms import Form, choices, given, required
from web.receivers import location

bp = Blueprint("claims", __name__)


class PlaceForm(Form):
    name = StringField(
        say("Tên đầu thu"), [required(say("Hãy nhập tên đầu thu, ví dụ: Cột nhà văn hoá."))]
    )
    area = SelectField(say("Địa bàn"), coerce=int)
    serial = StringField(say("Số máy (serial)"))
    id = StringField(say("Mã đầu thu"))
    volume = IntegerField(say("Âm lượng (0–100)"), [given(say("Hãy nhập âm lượng từ 0 đến 100."))])
    households = IntegerField(
        say("Số hộ nghe được"), [given(say("Hãy nhập số hộ; chưa biết thì nhập 0."))]
    )
    location = StringField(say("Toạ độ"))


class SerialForm(Form):
    serial = StringField(say("Số máy (serial)"))


@dataclass(frozen=True)
class Traces:
    """What a receiver's own page says of its claims: what it replaced, what replaced it, what is still to do."""

    open: Claim | None
    replaced_by: Receiver | None
    replaces: Receiver | None
    serial: str
    former_keys: list[FormerKey]
    alarm: Alarm | None


@bp.app_template_global("claim_traces")
def traces(receiver_id: str) -> Traces:
    """For the page of a receiver."""
    with current.read() as session:
        return Traces(
            claims.open_of(session, receiver_id), claims.replaced_by(session, receiver_id),
            claims.replaces(session, receiver_id), claims.serial_of(session, receiver_id),
            claims.former_keys(session, receiver_id), clones.of_receiver(session, receiver_id),
        )  # fmt: skip


# -- a place for a box ----------------------------------------------------------------------------


@bp.route("/dau-thu/them", methods=["GET", "POST"])
@current.needs(May.MANAGE)
def new() -> Response:
    form = PlaceForm()
    if request.method == "GET":
        form.volume.data, form.households.data = 70, 0
    with current.read() as session:
        _choose_areas(form, session)
    claim_id = form.carry_out(lambda: _add(form))
    if claim_id is not None:
        return redirect(url_for("claims.show", claim_id=claim_id))
    page = render_template("claims/form.html", form=form, old=None)
    return make_response(page, form.status)


@bp.route("/dau-thu/<receiver_id>/thay", methods=["GET", "POST"])
@current.needs(May.MANAGE)
def replace(receiver_id: str) -> Response:
    """A new box in the place of this one."""
    with current.read() as session:
        old = receivers.get(session, receiver_id)
        form = PlaceForm() if request.method == "POST" else PlaceForm(data=_values(old))
        _choose_areas(form, session)
    claim_id = form.carry_out(lambda: _add(form, receiver_id))
    if claim_id is not None:
        return redirect(url_for("claims.show", claim_id=claim_id))
    page = render_template("claims/form.html", form=form, old=old)
    return make_response(page, form.status)


@bp.route("/dau-thu/<receiver_id>/cap-lai", methods=["GET", "POST"])
@current.needs(May.MANAGE)
def reissue(receiver_id: str) -> Response:
    """The same receiver, wiped or set up anew: another key, another journal."""
    with current.read() as session:
        receiver = receivers.get(session, receiver_id)
        known = claims.serial_of(session, receiver_id)
    form = SerialForm() if request.method == "POST" else SerialForm(data={"serial": known})
    claim_id = form.carry_out(lambda: _reissue(receiver_id, form))
    if claim_id is not None:
        return redirect(url_for("claims.show", claim_id=claim_id))
    page = render_template("claims/reissue.html", form=form, receiver=receiver)
    return make_response(page, form.status)


def _add(form: PlaceForm, replaces: str | None = None) -> int:
    lat, lon = location(form.location.data)
    now, by = current.now(), current.staff().login
    with current.write() as session:
        place = Place(
            form.name.data or "", areas.get(session, form.area.data), form.volume.data or 0,
            form.households.data or 0, lat, lon,
        )  # fmt: skip
        old = receivers.get(session, replaces) if replaces else None
        claim = claims.add(
            session, place, serial=(form.serial.data or "").strip(), id=form.id.data or "", replaces=old,
            now=now, by=by,
        )  # fmt: skip
        claims.issue(session, claim, now=now, by=by)
        return claim.id


def _reissue(receiver_id: str, form: SerialForm) -> int:
    now, by = current.now(), current.staff().login
    with current.write() as session:
        receiver = receivers.get(session, receiver_id)
        serial = (form.serial.data or "").strip()
        claim = claims.reissue(session, receiver, serial=serial, now=now, by=by)
        claims.issue(session, claim, now=now, by=by)
        return claim.id


def _choose_areas(form: PlaceForm, session: Session) -> None:
    tree = areas.tree(session)
    form.area.choices = choices((a.id, f"{'— ' * depth}{a.full_name}") for depth, a in tree)


def _values(old: Receiver) -> dict[str, object]:
    return {
        "name": old.name, "area": old.area_id, "volume": old.volume, "households": old.households,
        "location": fleet.spot_words(old),
    }  # fmt: skip


# -- its code, and the tone -----------------------------------------------------------------------


@bp.get("/dau-thu/cho-nhan")
def listing() -> str:
    form, order = claim_list.form(), claim_list.order()
    with current.read() as session:
        form.choose_areas(session)
        found = claim_list.found(session, form, order)
    here = lists.slice_of(len(found))
    return render_template(
        "claims/listing.html", claims=here.of(found), slice=here, form=form, order=order,
        asked=lists.asked(), State=State, Kind=Kind, states=claim_list.STATES,
    )  # fmt: skip


@bp.get("/dau-thu/cho-nhan.csv")
def download() -> Response:
    """Those of the list's filter, all of them."""
    with spreadsheets.writing() as (text, file), current.read() as session:
        found = claim_list.found(session, claim_list.form(), claim_list.order())
        spreadsheets.rows(claim_list.lines(found), text)
    day = local(current.now(), current.zone())
    return spreadsheets.answer(file, f"dau-thu-cho-nhan-{day:%Y%m%d}.csv")


@bp.get("/dau-thu/cho-nhan/<int:claim_id>")
def show(claim_id: int) -> str:
    with current.read() as session:
        claim = claims.get(session, claim_id)
    return render_template("claims/show.html", claim=claim, part=_part(claim_id), Kind=Kind)


@bp.get("/dau-thu/cho-nhan/<int:claim_id>/tinh-trang")
def part(claim_id: int) -> Response:
    """The live part alone."""
    return live.answer(_part(claim_id))


@bp.post("/dau-thu/cho-nhan/<int:claim_id>/ma")
@current.needs(May.MANAGE)
def issue(claim_id: int) -> Response:
    with current.write() as session:
        claim = claims.get(session, claim_id)
        claims.issue(session, claim, now=current.now(), by=current.staff().login)
    return _back(claim_id)


@bp.get("/dau-thu/cho-nhan/<int:claim_id>/huy")
@current.needs(May.MANAGE)
def ask_cancel(claim_id: int) -> str:
    with current.read() as session:
        claim = claims.get(session, claim_id)
    return render_template("claims/cancel.html", claim=claim, Kind=Kind)


@bp.post("/dau-thu/cho-nhan/<int:claim_id>/huy")
@current.needs(May.MANAGE)
def cancel(claim_id: int) -> Response:
    with current.write() as session:
        claim = claims.get(session, claim_id)
        claims.cancel(session, claim, now=current.now(), by=current.staff().login)
    flash(say("Đã huỷ. Mã đã cấp không dùng được nữa."))
    return redirect(url_for("claims.listing"))


@bp.post("/dau-thu/cho-nhan/<int:claim_id>/phat-thu")
@current.needs(May.OPERATE)
def play(claim_id: int) -> Response:
    """Sound the test tone where the box stands."""
    with current.write() as session:
        claim = _claimed(session, claim_id)
        tones.ask(
            session, receivers.get(session, claim.receiver_id), now=current.now(),
            zone=current.zone(), by=current.staff().login,
        )  # fmt: skip
    return _back(claim_id)


@bp.post("/dau-thu/cho-nhan/<int:claim_id>/nghe-thay")
@current.needs(May.OPERATE)
def heard(claim_id: int) -> Response:
    with current.write() as session:
        claim = _claimed(session, claim_id)
        if not claim_progress.was_played(session, claim, current.now()):
            raise DeviceError(
                say(
                    "Đầu thu chưa báo đã phát tiếng thử nào. Hãy bấm “Phát âm thử” và đứng nghe ở loa trước khi "
                    "xác nhận."
                )
            )
        claims.confirm(session, claim, now=current.now(), by=current.staff().login)
        if claim.replaces_id is not None:
            schedules.follow(session, claim.replaces_id, claim.receiver_id, current.now())
        receiver_id, name = claim.receiver_id, claim.name
    told = say(
        "Đã xác nhận “%(name)s”. Từ giờ đầu thu này nhận các lượt phát của địa bàn.", name=name
    )
    flash(told)
    return redirect(url_for("receivers.show", receiver_id=receiver_id))


@bp.post("/dau-thu/cho-nhan/<int:claim_id>/khong-nghe-thay")
@current.needs(May.OPERATE)
def not_heard(claim_id: int) -> Response:
    with current.write() as session:
        claim = _claimed(session, claim_id)
        claims.not_heard(session, claim, now=current.now(), by=current.staff().login)
    return redirect(url_for("claims.show", claim_id=claim_id, khong_nghe=1))


@bp.post("/dau-thu/<receiver_id>/khong-phai-ban-sao")
@current.needs(May.MANAGE)
def settle(receiver_id: str) -> Response:
    """An alarm that somebody has looked into and found to be none."""
    with current.write() as session:
        receivers.get(session, receiver_id)
        clones.settle(session, receiver_id, now=current.now(), by=current.staff().login)
    flash(say("Đã ghi nhận: không phải máy sao chép. Nếu lại có dấu hiệu, đài sẽ báo tiếp."))
    return redirect(url_for("receivers.show", receiver_id=receiver_id))


def _claimed(session: Session, claim_id: int) -> Claim:
    claim = claims.get(session, claim_id)
    if claim.state is not State.CLAIMED:
        raise DeviceError(
            say("Đầu thu này chưa nhận mã, hoặc đã được xác nhận. Hãy tải lại trang.")
        )
    return claim


def _back(claim_id: int) -> Response:
    return redirect(url_for("claims.show", claim_id=claim_id))


def _part(claim_id: int) -> live.Part:
    with current.read() as session:
        progress = claim_progress.of(session, claims.get(session, claim_id), current.now())
    return live.part("claims/progress.html", p=progress, State=State, Kind=Kind, Stage=Stage)
