"""Bản đồ: where the receivers stand and how they are. The list beside it says the same in words, and more."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask import (
    Blueprint,
    Response,
    flash,
    g,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask import session as kept
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse
from wtforms import StringField

from devices import fleet as receivers_fleet
from devices import receivers
from devices.areas import Area
from devices.fleet import Health, Spot
from devices.receivers import Receiver
from loa.errors import DeviceError
from loa.staff import May
from loa.words import say
from scheduler import levels, upcoming
from web import current, fleet, lists, live
from web.fleet import FleetForm
from web.forms import Form
from web.receivers import location

bp = Blueprint("map_page", __name__)

OWN = ("dat", "chon")
"""What the address says of this page alone: whom to place, and whom to point at."""
PER_PAGE = 25
DIGITS = 6
"""Of degrees: a tenth of a metre."""


class PlaceForm(Form):
    location = StringField(say("Toạ độ"))


@dataclass(frozen=True)
class Village:
    """An area's name, where its receivers stand."""

    id: int
    name: str
    lat: float | None
    lon: float | None
    receivers: int
    """How many of them have a place."""


@bp.get("/dau-thu/ban-do")
def show() -> AnyResponse:
    """The map and the list of the filter; ``dat`` names a receiver that is given its place, ``chon`` one shown."""
    form, page = _listed()
    with current.read() as session:
        placing, unplaced = _placing(session), _unplaced(session, form)
    values = {"location": fleet.spot_words(placing) if placing else ""}
    return _shown(form, page, PlaceForm(data=values), placing=placing, unplaced=unplaced)


@bp.get("/dau-thu/ban-do/tinh-trang")
def part() -> AnyResponse:
    """The list alone, kept live."""
    form, page = _listed()
    return live.answer(_list(form, page))


@bp.get("/dau-thu/ban-do/dau-thu.json")
def marks() -> AnyResponse:
    """What the map draws; 204 to a page that has just that."""
    form, now = fleet.form(), current.now()
    with current.read() as session:
        found = receivers_fleet.spots(session, form.wanted, now)
        titles = upcoming.titles(session, [each.playing for each in found if each.playing])
        near = villages(session)
    shown = {
        "receivers": [_mark(each, titles) for each in found],
        "areas": [[v.id, v.name, v.lat, v.lon, v.receivers] for v in near],
    }
    return _unless_seen(json.dumps(shown, ensure_ascii=False, separators=(",", ":")))


@bp.post("/dau-thu/<receiver_id>/vi-tri")
@current.needs(May.MANAGE)
def place(receiver_id: str) -> AnyResponse:
    """Say where it stands; what was there before can be taken back from the next page."""
    form = PlaceForm()
    undone = bool(request.form.get("undo"))
    before = form.carry_out(lambda: _place(receiver_id, form.location.data or "", undone))
    if before is None:
        return _refused(receiver_id, form)
    with current.read() as session:
        name = receivers.get(session, receiver_id).name
    if undone:
        flash(say("Đã trả đầu thu “%(name)s” về vị trí trước đó.", name=name))
    else:
        kept["placed"] = {"id": receiver_id, "name": name, "before": before}
    return redirect(url_for("map_page.show", chon=receiver_id, **lists.asked(*OWN)))


def villages(session: Session) -> list[Village]:
    """Areas with a place: their own or, without one, the middle of their receivers."""
    placed = sa.and_(Receiver.active, Receiver.lat.is_not(None), Receiver.lon.is_not(None))
    columns = (Area.id, Area.level, Area.name, Area.lat, Area.lon)
    found = (
        sa.select(*columns, sa.func.avg(Receiver.lat), sa.func.avg(Receiver.lon), sa.func.count(Receiver.id))
        .outerjoin(Receiver, sa.and_(Receiver.area_id == Area.id, placed))
        .group_by(*columns)
        .order_by(Area.id)
    )  # fmt: skip
    inside = levels.reach(session, current.staff())
    return [
        Village(id, f"{level} {name}", _rounded(mid_lat if lat is None else lat),
                _rounded(mid_lon if lon is None else lon), number)
        for id, level, name, lat, lon, mid_lat, mid_lon, number in session.execute(found)
        if (lat is not None or mid_lat is not None) and (inside is None or id in inside)
    ]  # fmt: skip


def _shown(
    form: FleetForm, page: fleet.Page, place_form: PlaceForm, *, placing: Receiver | None, unplaced: int
) -> AnyResponse:  # fmt: skip
    g.pictures_from, g.may_locate = current.config().map.origin, True
    asked = lists.asked(*OWN)
    text = render_template(
        "map/show.html", form=form, page=page, asked=asked, part=_list(form, page), placing=placing,
        place_form=place_form, unplaced=unplaced, tiles=current.config().map, chosen=request.args.get("chon", ""),
        placed=kept.pop("placed", None), Health=Health,
    )  # fmt: skip
    return make_response(text, place_form.status)


def _refused(receiver_id: str, place_form: PlaceForm) -> AnyResponse:
    """The same page again, with the sentence at the field."""
    form, page = _listed()
    with current.read() as session:
        placing, unplaced = receivers.get(session, receiver_id), _unplaced(session, form)
    return _shown(form, page, place_form, placing=placing, unplaced=unplaced)


def _list(form: FleetForm, page: fleet.Page) -> live.Part:
    return live.part("map/list.html", page=page, form=form, asked=lists.asked(*OWN), Health=Health)


def _listed() -> tuple[FleetForm, fleet.Page]:
    form = fleet.form()
    with current.read() as session:
        form.choose_places(session)
        return form, fleet.page(session, form, current.now(), PER_PAGE)


def _placing(session: Session) -> Receiver | None:
    """The receiver that is about to get its place, for whoever may say so."""
    receiver_id = request.args.get("dat", "")
    if not receiver_id or not current.staff().may(May.MANAGE):
        return None
    inside = levels.reach(session, current.staff())
    receiver = receivers.get(session, receiver_id)
    return receiver if inside is None or receiver.area_id in inside else None


def _unplaced(session: Session, form: FleetForm) -> int:
    """How many of the filter the map cannot show."""
    return fleet.count(session, form, current.now(), placed=False)


def _place(receiver_id: str, text: str, undone: bool) -> str:
    """Where it stood before, as it is typed."""
    lat, lon = location(text)
    if lat is None and not undone:
        raise DeviceError(
            say(
                "Chưa có vị trí. Hãy bấm lên bản đồ, dùng vị trí của điện thoại, hoặc nhập toạ độ."
            ),
            field="location",
        )
    with current.write() as session:
        receiver = receivers.get(session, receiver_id)
        before = fleet.spot_words(receiver)
        receivers.place(session, receiver, lat, lon, now=current.now(), by=current.staff().login)
    return before


def _unless_seen(text: str) -> Response:
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    if request.headers.get("X-Seen") == digest:
        return Response(status=204)
    return Response(text, mimetype="application/json", headers={"X-Digest": digest})


def _mark(spot: Spot, titles: dict[str, str]) -> list[Any]:
    """Id, name, area, latitude, longitude, health, what it plays ("" for a test tone; None: nothing), simulated."""
    title = None if spot.playing is None else titles.get(spot.playing, "")
    lat, lon = _rounded(spot.lat), _rounded(spot.lon)
    return [spot.id, spot.name, spot.area_id, lat, lon, spot.health, title, int(spot.simulated)]


def _rounded(degrees: float) -> float:
    return round(float(degrees), DIGITS)
