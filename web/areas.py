"""Địa bàn: the tree of communes and villages."""

from __future__ import annotations

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response
from wtforms import IntegerField, SelectField, StringField

from devices import areas
from devices.areas import Area
from loa import languages
from loa.staff import May
from web import current
from web.forms import Form, choices, given, required
from web.receivers import location
from web.schedules import Place, places

bp = Blueprint("areas", __name__)


class AreaForm(Form):
    level = StringField("Cấp", [required("Hãy nhập cấp của địa bàn, ví dụ: thôn.")])
    name = StringField("Tên", [required("Hãy nhập tên địa bàn.")])
    parent = SelectField("Thuộc", coerce=int)
    households = IntegerField("Số hộ", [given("Hãy nhập số hộ; chưa biết thì nhập 0.")])
    location = StringField("Toạ độ")
    language = SelectField("Nghe bản tin bằng tiếng", validate_choice=False)


class LanguageForm(Form):
    language = SelectField("Nghe bản tin bằng tiếng", validate_choice=False)


@bp.get("/dia-ban")
def listing() -> str:
    with current.read() as session:
        found, spoken_in = places(session), areas.spoken_in(session)
    return render_template("areas/listing.html", places=found, spoken_in=spoken_in)


@bp.route("/dia-ban/moi", methods=["GET", "POST"])
@current.needs(May.MANAGE)
def new() -> Response:
    with current.read() as session:
        found = places(session)
    form = AreaForm()
    form.parent.choices = choices(_parents(found))
    form.language.choices = choices(_languages())
    if request.method == "GET":
        form.parent.data, form.households.data = request.args.get("thuoc", 0, type=int), 0
    if form.carry_out(lambda: _add(form)):
        flash("Đã thêm địa bàn.")
        return redirect(url_for("areas.listing"))
    return make_response(render_template("areas/form.html", form=form), form.status)


@bp.route("/dia-ban/<int:area_id>/tieng", methods=["GET", "POST"])
@current.needs(May.MANAGE)
def language(area_id: int) -> Response:
    """In which language bulletins are heard in an area and below it."""
    with current.read() as session:
        area, spoken_in = areas.get(session, area_id), areas.spoken_in(session)
    form = LanguageForm(data={"language": area.language or ""})
    form.language.choices = choices(_languages(_inherited(area, spoken_in)))
    if form.carry_out(lambda: _set_language(area_id, form)):
        flash(
            f"Đã đặt tiếng của {area.full_name}. Các lượt sắp phát sẽ đổi theo; lượt đang phát thì không."
        )
        return redirect(url_for("areas.listing"))
    return make_response(render_template("areas/language.html", form=form, area=area), form.status)


def _set_language(area_id: int, form: LanguageForm) -> bool:
    with current.write() as session:
        areas.set_language(
            session, areas.get(session, area_id), form.language.data or None,
            now=current.now(), by=current.staff().login,
        )  # fmt: skip
    return True


def _inherited(area: Area, spoken_in: dict[int, str]) -> str:
    if area.parent_id is None:
        return f"chưa chọn (tiếng {languages.name(languages.KINH)})"
    return f"như cấp trên (tiếng {languages.name(spoken_in[area.parent_id])})"


def _languages(inherited: str = "như cấp trên") -> list[tuple[str, str]]:
    return [("", inherited), *((code, f"tiếng {name}") for code, name in languages.NAMES.items())]


def _parents(found: list[Place]) -> list[tuple[int, str]]:
    tree = [(place.area.id, f"{'— ' * place.depth}{place.area.full_name}") for place in found]
    return [(0, "không thuộc địa bàn nào (cấp cao nhất)"), *tree]


def _add(form: AreaForm) -> bool:
    lat, lon = location(form.location.data)
    with current.write() as session:
        parent = areas.get(session, form.parent.data) if form.parent.data else None
        areas.add(
            session, name=form.name.data or "", level=form.level.data or "", parent=parent,
            households=form.households.data or 0, lat=lat, lon=lon, language=form.language.data or None,
            now=current.now(), by=current.staff().login,
        )  # fmt: skip
    return True
