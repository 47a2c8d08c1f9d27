"""Điều khiển từ xa: volume, mute, delay, test tone and restart, of one receiver or of many."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response
from wtforms import BooleanField, IntegerField, RadioField, SelectField, StringField
from wtforms.validators import Optional

from devices import fleet as receivers_fleet
from devices import groups, receivers, remote
from devices.receivers import Receiver
from loa.errors import DeviceError, LoaError
from loa.staff import May
from scheduler import tones
from scheduler.level_views import View
from web import current, fleet
from web.forms import Form, choices, given, required

bp = Blueprint("remote", __name__)

ACTS = {
    "volume": "Đặt âm lượng",
    "mute": "Tắt tiếng",
    "unmute": "Bật tiếng lại",
    "delay": "Đặt độ trễ",
    "tone": "Phát âm thử",
    "restart": "Khởi động lại",
    "group": "Đưa vào nhóm",
}
MANAGED = frozenset({"group"})
"""Acts that change what broadcasts are sent to: for who may change groups on their own pages."""
MOST_TONES = 50
MOST_RESTARTS = 500
"""Such as start anew come back all at once."""
NAMED = 12


class SettingsForm(Form):
    volume = IntegerField("Âm lượng (0–100)", [given("Hãy nhập âm lượng từ 0 đến 100.")])
    muted = BooleanField("Tắt tiếng đầu thu này")
    delay_ms = IntegerField("Độ trễ (mili giây)", [given("Hãy nhập độ trễ; không cần thì nhập 0.")])


class BulkForm(Form):
    act = RadioField(
        "Việc cần làm", [required("Hãy chọn việc cần làm.")], choices=choices(ACTS.items())
    )
    volume = IntegerField("Âm lượng (0–100)", [Optional()])
    delay_ms = IntegerField("Độ trễ (mili giây, 0–1000)", [Optional()])
    group = SelectField("Nhóm đã có", validate_choice=False)
    new_group = StringField("hoặc tên nhóm mới")


@dataclass(frozen=True)
class Chosen:
    """The receivers an act is for, and how to ask for them again."""

    ids: list[str]
    names: list[str]
    again: list[tuple[str, str]]
    """(name, value) of what the next form must carry."""

    @property
    def more(self) -> int:
        return len(self.ids) - len(self.names)

    @property
    def mark(self) -> str:
        """Another wherever the receivers are others."""
        return hashlib.sha256(" ".join(self.ids).encode()).hexdigest()[:16]


# -- one receiver ---------------------------------------------------------------------------------


@bp.route("/dau-thu/<receiver_id>/cai-dat", methods=["GET", "POST"])
@current.needs(May.OPERATE)
def settings(receiver_id: str) -> Response:
    with current.read() as session:
        receiver = receivers.get(session, receiver_id)
    form = (
        SettingsForm()
        if request.method == "POST"
        else SettingsForm(
            data={
                "volume": receiver.volume,
                "muted": receiver.muted,
                "delay_ms": receiver.delay_ms,
            }
        )
    )
    if form.carry_out(lambda: _set(receiver_id, form)):
        flash("Đã lưu. Trang này sẽ báo khi đầu thu đã nhận.")
        return redirect(url_for("receivers.show", receiver_id=receiver_id))
    page = render_template("receivers/settings.html", form=form, receiver=receiver)
    return make_response(page, form.status)


def _set(receiver_id: str, form: SettingsForm) -> bool:
    marks: dict[str, Any] = {"now": current.now(), "by": current.staff().login}
    with current.write() as session:
        receiver = _in_service(session, receiver_id)
        remote.set_volume(session, [receiver.id], form.volume.data or 0, **marks)
        remote.set_muted(session, [receiver.id], bool(form.muted.data), **marks)
        remote.set_delay(session, [receiver.id], form.delay_ms.data or 0, **marks)
    return True


@bp.get("/dau-thu/<receiver_id>/phat-thu")
@current.needs(May.OPERATE)
def ask_tone(receiver_id: str) -> str:
    with current.read() as session:
        receiver = receivers.get(session, receiver_id)
    return render_template("receivers/tone.html", receiver=receiver, refusal="")


@bp.post("/dau-thu/<receiver_id>/phat-thu")
@current.needs(May.OPERATE)
def tone(receiver_id: str) -> Response:
    """Have it sound its test tone; in quiet hours the reason stands on the page."""
    try:
        with current.write() as session:
            receiver = _in_service(session, receiver_id)
            tones.ask(
                session, receiver, now=current.now(), zone=current.zone(), by=current.staff().login
            )
    except LoaError as error:
        with current.read() as session:
            receiver = receivers.get(session, receiver_id)
        page = render_template("receivers/tone.html", receiver=receiver, refusal=error.sentence)
        return make_response(page, 400)
    flash("Đã ra lệnh phát âm thử: ba tiếng ngắn sau khoảng năm giây.")
    return redirect(url_for("receivers.show", receiver_id=receiver_id))


@bp.get("/dau-thu/<receiver_id>/khoi-dong-lai")
@current.needs(May.OPERATE)
def ask_restart(receiver_id: str) -> str:
    with current.read() as session:
        receiver = receivers.get(session, receiver_id)
    return render_template("receivers/restart.html", receiver=receiver)


@bp.post("/dau-thu/<receiver_id>/khoi-dong-lai")
@current.needs(May.OPERATE)
def restart(receiver_id: str) -> Response:
    with current.write() as session:
        receiver = _in_service(session, receiver_id)
        told = remote.restart(session, [receiver.id], now=current.now(), by=current.staff().login)
    flash(
        "Đã ra lệnh khởi động lại. Đầu thu làm khi không phát gì, rồi báo về."
        if told
        else "Vừa ra lệnh khởi động lại đầu thu này rồi. Hãy chờ hai phút."
    )
    return redirect(url_for("receivers.show", receiver_id=receiver_id))


def _in_service(session: Session, receiver_id: str) -> Receiver:
    receiver = receivers.get(session, receiver_id)
    if not receiver.active:
        raise DeviceError(f"Đầu thu “{receiver.name}” đã thôi dùng nên không điều khiển được.")
    return receiver


# -- many -----------------------------------------------------------------------------------------


@bp.route("/dau-thu/nhieu", methods=["GET", "POST"])
@current.needs(May.OPERATE)
def many() -> Response:
    """Asked for, shown once more with what it means, and done when that is confirmed."""
    form = BulkForm()
    if form.act.data in MANAGED:
        current.staff().demand(May.MANAGE)
    form.act.choices = choices(_acts().items())
    with current.read() as session:
        chosen = _chosen(session)
        known = [(group.id, group.name) for group in groups.listing(session)]
    form.group.choices = choices([("", "chọn nhóm"), *known])
    if request.form.get("sure"):
        said = form.carry_out(lambda: _do_asked(form, chosen))
        if said is not None:
            flash(said)
            return redirect(url_for("receivers.listing"))
    elif request.method == "POST" and form.carry_out(lambda: _check(form, chosen)):
        page = render_template("receivers/many_sure.html", form=form, chosen=chosen, acts=ACTS)
        return make_response(page)
    page = render_template("receivers/many.html", form=form, chosen=chosen, acts=_acts())
    return make_response(page, form.status)


def _acts() -> dict[str, str]:
    """What its reader may do with many."""
    may = current.staff().may(May.MANAGE)
    return {act: word for act, word in ACTS.items() if may or act not in MANAGED}


def _chosen(session: Session) -> Chosen:
    """Those ticked in the list, or all that a filter lets through."""
    values = request.form if request.method == "POST" else request.args
    ticked = values.getlist("r")
    again: list[tuple[str, str]] = []
    if not values.get("tat_ca"):
        view = View(session, current.staff())
        ids = [
            each for each in dict.fromkeys(ticked)
            if session.get(Receiver, each) and view.shows_receiver(each)
        ]  # fmt: skip
        again += [("r", each) for each in ids]
    else:
        form = fleet.FleetForm(values)
        ids = receivers_fleet.ids(session, form.wanted, current.now())
        names = ("tim", "tinh_trang", "dia_ban", "nhom")
        again += [(name, values[name]) for name in names if values.get(name)]
        again.append(("tat_ca", "1"))
    named = [session.get_one(Receiver, each).name for each in ids[:NAMED]]
    return Chosen(ids, named, again)


def _check(form: BulkForm, chosen: Chosen) -> bool:
    """Raise DeviceError for what could not be done, before it is asked whether to do it."""
    if not chosen.ids:
        raise DeviceError("Chưa chọn đầu thu nào. Hãy quay lại danh sách và đánh dấu đầu thu.")
    act, number = form.act.data, len(chosen.ids)
    if act == "volume" and not 0 <= _number(form.volume.data) <= 100:
        raise DeviceError("Hãy nhập âm lượng từ 0 đến 100.", field="volume")
    if act == "delay" and not 0 <= _number(form.delay_ms.data) <= remote.MOST_DELAY:
        raise DeviceError("Hãy nhập độ trễ từ 0 đến 1000 mili giây.", field="delay_ms")
    if act == "group" and not (form.group.data or (form.new_group.data or "").strip()):
        raise DeviceError("Hãy chọn nhóm hoặc nhập tên nhóm mới.", field="group")
    most = {"tone": MOST_TONES, "restart": MOST_RESTARTS}.get(act, number)
    if number > most:
        raise DeviceError(
            f"Việc này làm được cho {most} đầu thu một lần, đang chọn {number}. Hãy chọn ít hơn.",
            field="act",
        )
    return True


def _do_asked(form: BulkForm, chosen: Chosen) -> str:
    """Carry it out for those it was asked for. A filter may let others through by now: then ask once more."""
    if request.form.get("tat_ca") and request.form.get("tap") != chosen.mark:
        raise DeviceError(
            "Danh sách đầu thu khớp bộ lọc vừa thay đổi nên chưa làm gì. "
            f"Bây giờ có {len(chosen.ids)} đầu thu; hãy xem lại rồi bấm “Tiếp tục”."
        )
    return _do(form, chosen)


def _number(value: int | None) -> int:
    return -1 if value is None else value


def _do(form: BulkForm, chosen: Chosen) -> str:
    """Carry it out; what to tell of it."""
    _check(form, chosen)
    marks: dict[str, Any] = {"now": current.now(), "by": current.staff().login}
    ids = chosen.ids
    with current.write() as session:
        match form.act.data:
            case "volume":
                volume = _number(form.volume.data)
                done = remote.set_volume(session, ids, volume, **marks)
                return f"Đã đặt âm lượng {volume} cho {len(done)} đầu thu."
            case "delay":
                delay = _number(form.delay_ms.data)
                done = remote.set_delay(session, ids, delay, **marks)
                return f"Đã đặt độ trễ {delay} ms cho {len(done)} đầu thu."
            case "mute":
                return f"Đã tắt tiếng {len(remote.set_muted(session, ids, True, **marks))} đầu thu."
            case "unmute":
                done = remote.set_muted(session, ids, False, **marks)
                return f"Đã bật tiếng lại {len(done)} đầu thu."
            case "restart":
                told = remote.restart(session, ids, **marks)
                return f"Đã ra lệnh khởi động lại {len(told)} đầu thu."
            case "tone":
                return _tones(session, ids)
            case _:
                return _group(session, form, ids, marks)


def _tones(session: Session, ids: list[str]) -> str:
    for each in ids:
        tones.ask(
            session, _in_service(session, each), now=current.now(), zone=current.zone(),
            by=current.staff().login,
        )  # fmt: skip
    return f"Đã ra lệnh phát âm thử ở {len(ids)} đầu thu, sau khoảng năm giây."


def _group(session: Session, form: BulkForm, ids: list[str], marks: dict[str, Any]) -> str:
    name = (form.new_group.data or "").strip()
    if name:
        group = groups.add(session, name, ids, **marks)
        return f"Đã lập nhóm “{group.name}” gồm {len(ids)} đầu thu."
    group = groups.get(session, int(form.group.data))
    came = groups.add_members(session, group, ids, **marks)
    return f"Đã đưa thêm {came} đầu thu vào nhóm “{group.name}”."
