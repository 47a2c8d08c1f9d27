"""Địa bàn: the tree of communes and villages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from flask_wtf.file import FileField
from werkzeug.wrappers import Response
from wtforms import IntegerField, SelectField, StringField, TextAreaField

from devices import areas
from devices.areas import Area
from loa import languages
from loa.errors import DeviceError
from loa.staff import May
from loa.times import local
from loa.words import say
from scheduler import area_import, csv_values
from scheduler.area_import import Plan
from web import current, labels, lists, spreadsheets
from web.forms import Form, choices, given, required
from web.receivers import location
from web.where_form import Place, places

bp = Blueprint("areas", __name__)
MOST_BYTES = 500_000
PER_PAGE = 100
LEVELS = ("xã", "phường", "thôn", "tổ dân phố", "ấp", "khu phố")
"""Offered while one types; what a commune calls its places is the same in every language."""
COLUMNS = (
    ("tên", say("ví dụ Đông Hải, hoặc cả cấp: thôn Đông Hải")),
    ("cấp", say("thôn, tổ dân phố, ấp…; không cần nếu đã ghi ở cột tên")),
    ("thuộc", say("tên địa bàn cấp trên; đài chỉ có một xã thì không cần")),
    ("số hộ", say("số nguyên")),
    ("vĩ độ, kinh độ", say("ví dụ 20.8561 và 106.6822; không có cũng được")),
)
"""Of a table that is brought in, and what stands in each."""
LEVEL_WANTED = say("Hãy nhập cấp của địa bàn, ví dụ: thôn.")
NAME_WANTED = say("Hãy nhập tên địa bàn.")
HOUSEHOLDS_WANTED = say("Hãy nhập số hộ; chưa biết thì nhập 0.")


class EditForm(Form):
    level = StringField(say("Cấp"), [required(LEVEL_WANTED)])
    name = StringField(say("Tên"), [required(NAME_WANTED)])
    parent = SelectField(say("Thuộc"), coerce=int)
    households = IntegerField(say("Số hộ"), [given(HOUSEHOLDS_WANTED)])
    location = StringField(say("Toạ độ"))


class AreaForm(EditForm):
    language = SelectField(say("Nghe bản tin bằng tiếng"), validate_choice=False)


class ImportForm(Form):
    """``csv`` holds what was read from the file, once it was looked at."""

    file = FileField(say("Tệp CSV"))
    csv = TextAreaField(say("Hoặc dán bảng vào đây"))


class LanguageForm(Form):
    language = SelectField(say("Nghe bản tin bằng tiếng"), validate_choice=False)


@dataclass(frozen=True)
class Line:
    """An area in the list."""

    place: Place
    number: int
    """Its place in the tree, of which it follows the area above it."""
    above: str
    """Name of the area above it; empty at the top."""


KEYS: dict[str, Callable[[Line], Any]] = {
    "cay": lambda line: line.number,
    "ten": lambda line: lists.by_letters(line.place.area.name),
    "ho": lambda line: (line.place.area.households, line.number),
    "so": lambda line: (line.place.receivers, line.number),
}
"""What the list is sorted by, as the address names it; it comes as a tree."""


@bp.get("/dia-ban")
def listing() -> str:
    order, search = lists.order(*KEYS), request.args.get("tim", "")
    with current.read() as session:
        found, spoken_in = _lines(places(session)), areas.spoken_in(session)
    wanted = [each for each in found if lists.finds(search, each.place.area.full_name)]
    here = lists.slice_of(len(wanted), PER_PAGE)
    return render_template(
        "areas/listing.html", lines=here.of(order.sorted(wanted, KEYS)), spoken_in=spoken_in,
        is_tree=order.column == "cay" and not order.back and not search, order=order, slice=here,
        search=search, asked=lists.asked(), is_empty=not found,
    )  # fmt: skip


def _lines(found: list[Place]) -> list[Line]:
    names = {place.area.id: place.area.full_name for place in found}
    return [
        Line(place, number, names.get(place.area.parent_id or 0, ""))
        for number, place in enumerate(found)
    ]


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
        flash(say("Đã thêm địa bàn."))
        return redirect(url_for("areas.listing"))
    return make_response(render_template("areas/form.html", form=form, levels=LEVELS), form.status)


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
            say(
                "Đã đặt tiếng của %(area)s. Các lượt sắp phát sẽ đổi theo; lượt đang phát thì không.",
                area=area.full_name,
            )
        )
        return redirect(url_for("areas.listing"))
    return make_response(render_template("areas/language.html", form=form, area=area), form.status)


@bp.route("/dia-ban/<int:area_id>/sua", methods=["GET", "POST"])
@current.needs(May.MANAGE)
def edit(area_id: int) -> Response:
    """Its name, level, place in the tree, households and coordinates."""
    with current.read() as session:
        area, found = areas.get(session, area_id), places(session)
        inside = areas.with_descendants(session, [area_id])
    form = EditForm(
        data={
            "level": area.level, "name": area.name, "parent": area.parent_id or 0,
            "households": area.households,
            "location": csv_values.spot_words((area.lat, area.lon)),
        }
    )  # fmt: skip
    form.parent.choices = choices(_parents([each for each in found if each.area.id not in inside]))
    if form.carry_out(lambda: _change(area_id, form)):
        flash(say("Đã lưu %(level)s %(name)s.", level=form.level.data, name=form.name.data))
        return redirect(url_for("areas.listing"))
    here = next(each for each in found if each.area.id == area_id)
    page = render_template(
        "areas/edit.html", form=form, area=area, receivers=here.receivers, below=len(inside) - 1
    )
    return make_response(page, form.status)


@bp.get("/dia-ban.csv")
def download() -> Response:
    """All areas, as a table that can be brought back."""
    with spreadsheets.writing() as (text, file), current.read() as session:
        spreadsheets.rows(area_import.lines(session), text)
    return spreadsheets.answer(file, f"dia-ban-{local(current.now(), current.zone()):%Y%m%d}.csv")


@bp.route("/dia-ban/nhap", methods=["GET", "POST"])
@current.needs(May.MANAGE)
def bring_in() -> Response:
    """Take a table in: looked at first, and done once that was confirmed."""
    form = ImportForm()
    if request.form.get("sure"):
        done = form.carry_out(lambda: _bring_in(form))
        if done is not None:
            told = {"new": len(done.new), "changed": len(done.changed)}
            flash(say("Đã nhập: thêm %(new)s địa bàn, đổi %(changed)s địa bàn.", **told))
            return redirect(url_for("areas.listing"))
    elif request.method == "POST":
        looked = form.carry_out(lambda: _looked_at(form))
        if looked is not None:
            plan, text = looked
            return make_response(render_template("areas/import_plan.html", plan=plan, text=text))
    return make_response(
        render_template("areas/import.html", form=form, most=MOST_BYTES, columns=COLUMNS),
        form.status,
    )


def _looked_at(form: ImportForm) -> tuple[Plan, str]:
    text = form.csv.data or ""
    if form.file.data or not text.strip():
        text = spreadsheets.text_of(form.file.data, MOST_BYTES, DeviceError)
    with current.read() as session:
        return area_import.look_at(session, text), text


def _bring_in(form: ImportForm) -> Plan:
    with current.write() as session:
        plan = area_import.look_at(session, form.csv.data or "")
        area_import.bring_in(session, plan, now=current.now(), by=current.staff().login)
    return plan


def _change(area_id: int, form: EditForm) -> bool:
    lat, lon = location(form.location.data)
    with current.write() as session:
        areas.change(
            session, areas.get(session, area_id), name=form.name.data or "", level=form.level.data or "",
            households=form.households.data or 0, lat=lat, lon=lon,
            parent=areas.get(session, form.parent.data) if form.parent.data else None,
            now=current.now(), by=current.staff().login,
        )  # fmt: skip
    return True


def _set_language(area_id: int, form: LanguageForm) -> bool:
    with current.write() as session:
        areas.set_language(
            session, areas.get(session, area_id), form.language.data or None,
            now=current.now(), by=current.staff().login,
        )  # fmt: skip
    return True


def _inherited(area: Area, spoken_in: dict[int, str]) -> str:
    if area.parent_id is None:
        return say("chưa chọn (%(language)s)", language=labels.language(languages.KINH))
    above = labels.language(spoken_in[area.parent_id])
    return say("như cấp trên (%(language)s)", language=above)


def _languages(inherited: str = say("như cấp trên")) -> list[tuple[str, str]]:
    return [("", inherited), *((code, labels.language(code)) for code in languages.NAMES)]


def _parents(found: list[Place]) -> list[tuple[int, str]]:
    tree = [(place.area.id, f"{'— ' * place.depth}{place.area.full_name}") for place in found]
    return [(0, say("không thuộc địa bàn nào (cấp cao nhất)")), *tree]


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
