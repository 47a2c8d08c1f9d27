"""Đầu thu: the boxes that drive the loudspeakers, how they are, and their accounts."""

from __future__ import annotations

import re

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
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse
from wtforms import IntegerField, SelectField, StringField

from devices import areas, broker, receivers, trust
from devices.receivers import Receiver
from loa import staff as people
from loa.errors import DeviceError
from loa.staff import May
from loa.words import say
from web import current, fleet, lists, live, receiver_page
from web.fleet import FleetForm
from web.forms import Form, choices, given, required

bp = Blueprint("receivers", __name__)


class ReceiverForm(Form):
    name = StringField(
        say("Tên đầu thu"), [required(say("Hãy nhập tên đầu thu, ví dụ: Cột nhà văn hoá."))]
    )
    area = SelectField(say("Địa bàn"), coerce=int)
    volume = IntegerField(say("Âm lượng (0–100)"), [given(say("Hãy nhập âm lượng từ 0 đến 100."))])
    households = IntegerField(
        say("Số hộ nghe được"), [given(say("Hãy nhập số hộ; chưa biết thì nhập 0."))]
    )
    location = StringField(say("Toạ độ"))

    def choose_areas(self, session: Session) -> None:
        """Offer the areas as a tree."""
        tree = areas.tree(session)
        self.area.choices = choices((a.id, f"{'— ' * depth}{a.full_name}") for depth, a in tree)


class NewReceiverForm(ReceiverForm):
    id = StringField(
        say("Mã đầu thu"), [required(say("Hãy nhập mã đầu thu, ví dụ: thon-dong-01."))]
    )
    public_key = StringField(
        say("Khoá công khai"), [required(say("Hãy dán khoá công khai của đầu thu."))]
    )


@bp.get("/dau-thu")
def listing() -> str:
    form, page = _listed()
    asked = lists.asked()
    part = live.part("receivers/fleet.html", page=page, form=form, asked=asked)
    return render_template("receivers/listing.html", part=part, form=form, page=page, asked=asked)


@bp.get("/dau-thu/tinh-trang")
def part() -> AnyResponse:
    """The live part alone."""
    form, page = _listed()
    shown = live.part("receivers/fleet.html", page=page, form=form, asked=lists.asked())
    return live.answer(shown)


def _listed() -> tuple[FleetForm, fleet.Page]:
    form = fleet.form()
    with current.read() as session:
        form.choose_places(session)
        return form, fleet.page(session, form, current.now())


@bp.route("/dau-thu/moi", methods=["GET", "POST"])
@current.needs(May.MANAGE)
def new() -> AnyResponse:
    form = NewReceiverForm()
    if request.method == "GET":
        form.volume.data, form.households.data = 70, 0
    with current.read() as session:
        form.choose_areas(session)
    password = form.carry_out(lambda: _add(form))
    if password is not None:
        return _show_once(form.id.data or "", password)
    page = render_template("receivers/form.html", form=form, receiver=None)
    return make_response(page, form.status)


@bp.get("/dau-thu/<receiver_id>")
def show(receiver_id: str) -> str:
    with current.read() as session:
        page = receiver_page.load(session, receiver_id)
    shown = live.part("receivers/state.html", page=page)
    return render_template("receivers/show.html", page=page, part=shown)


@bp.get("/dau-thu/<receiver_id>/tinh-trang")
def show_part(receiver_id: str) -> AnyResponse:
    """The live part alone."""
    with current.read() as session:
        page = receiver_page.load(session, receiver_id)
    return live.answer(live.part("receivers/state.html", page=page))


@bp.route("/dau-thu/<receiver_id>/sua", methods=["GET", "POST"])
@current.needs(May.MANAGE)
def change(receiver_id: str) -> AnyResponse:
    with current.read() as session:
        receiver = receivers.get(session, receiver_id)
        form = ReceiverForm() if request.method == "POST" else ReceiverForm(data=_values(receiver))
        form.choose_areas(session)
    if form.carry_out(lambda: _change(receiver_id, form)):
        flash(say("Đã lưu. Âm lượng mới có hiệu lực từ kế hoạch phát tiếp theo của đầu thu."))
        return redirect(url_for("receivers.show", receiver_id=receiver_id))
    page = render_template("receivers/form.html", form=form, receiver=receiver)
    return make_response(page, form.status)


@bp.get("/dau-thu/<receiver_id>/ngung")
@current.needs(May.MANAGE)
def ask_retire(receiver_id: str) -> str:
    with current.read() as session:
        receiver = receivers.get(session, receiver_id)
    return render_template("receivers/retire.html", receiver=receiver)


@bp.post("/dau-thu/<receiver_id>/ngung")
@current.needs(May.MANAGE)
def retire(receiver_id: str) -> AnyResponse:
    with current.write() as session:
        receiver = receivers.get(session, receiver_id)
        receivers.retire(session, receiver, now=current.now(), by=current.staff().login)
    told = say("Đã ngừng dùng đầu thu “%(name)s”. Lịch sử phát của nó vẫn còn.", name=receiver.name)
    flash(told)
    return redirect(url_for("receivers.listing"))


@bp.post("/dau-thu/<receiver_id>/station.json")
@current.needs(May.MANAGE)
def station_file(receiver_id: str) -> AnyResponse:
    """The file a receiver is set up with. It holds the password, which the station itself has not kept."""
    password = request.form.get("password", "")
    with current.read() as session:
        receiver = receivers.get(session, receiver_id)
    if not broker.check_password(password, receiver.password_hash):
        raise DeviceError(
            say("Mật khẩu này không phải của đầu thu nên không tạo được tệp."), field="password"
        )
    content = trust.station_json(current.config(), receiver_id, password)
    headers = {
        "Content-Disposition": "attachment; filename=station.json",
        "Cache-Control": "no-store",
    }
    return Response(content, mimetype="application/json", headers=headers)


def _add(form: NewReceiverForm) -> str:
    """Add the receiver; returns its password, which is kept nowhere."""
    lat, lon = location(form.location.data)
    password = people.new_password()
    with current.write() as session:
        receivers.add(
            session, id=(form.id.data or "").strip(), name=form.name.data or "",
            area=areas.get(session, form.area.data), public_key=form.public_key.data or "",
            password=password, volume=form.volume.data or 0, households=form.households.data or 0,
            lat=lat, lon=lon, now=current.now(), by=current.staff().login,
        )  # fmt: skip
    return password


def _change(receiver_id: str, form: ReceiverForm) -> bool:
    lat, lon = location(form.location.data)
    with current.write() as session:
        receivers.change(
            session, receivers.get(session, receiver_id), name=form.name.data or "",
            area=areas.get(session, form.area.data), volume=form.volume.data or 0,
            households=form.households.data or 0, lat=lat, lon=lon,
            now=current.now(), by=current.staff().login,
        )  # fmt: skip
    return True


def _show_once(receiver_id: str, password: str) -> AnyResponse:
    page = render_template("receivers/added.html", receiver_id=receiver_id, password=password)
    return make_response(page, {"Cache-Control": "no-store"})


def _values(receiver: Receiver) -> dict[str, object]:
    return {
        "name": receiver.name, "area": receiver.area_id, "volume": receiver.volume,
        "households": receiver.households, "location": fleet.spot_words(receiver),
    }  # fmt: skip


def location(text: str | None) -> tuple[float | None, float | None]:
    """Latitude and longitude as maps give them to copy: 20.8561, 106.6822. Raises DeviceError."""
    if not text or not text.strip():
        return None, None
    found = re.fullmatch(r"\s*(-?\d{1,2}(?:\.\d+)?)\s*[,; ]\s*(-?\d{1,3}(?:\.\d+)?)\s*", text)
    lat, lon = (float(found[1]), float(found[2])) if found else (999.0, 999.0)
    if abs(lat) > 90 or abs(lon) > 180:
        raise DeviceError(
            say(
                "Toạ độ “%(text)s” phải gồm vĩ độ, kinh độ, ví dụ: 20.8561, 106.6822.",
                text=text.strip(),
            ),
            field="location",
        )
    return lat, lon
