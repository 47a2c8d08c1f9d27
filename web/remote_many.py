"""What is done with many receivers at once: which were chosen, whether it can be done, and what to tell of it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from flask import request
from sqlalchemy.orm import Session
from wtforms import IntegerField, RadioField, SelectField, StringField
from wtforms.validators import Optional

from devices import fleet as receivers_fleet
from devices import groups, receivers, remote
from devices.receivers import Receiver
from loa.errors import DeviceError
from loa.staff import May
from loa.words import counted, join, say
from scheduler import tones
from scheduler.level_views import View
from web import current, fleet
from web.forms import Form, choices, required

ACTS = {
    "volume": say("Đặt âm lượng"),
    "mute": say("Tắt tiếng"),
    "unmute": say("Bật tiếng lại"),
    "delay": say("Đặt độ trễ"),
    "tone": say("Phát âm thử"),
    "restart": say("Khởi động lại"),
    "group": say("Đưa vào nhóm"),
}
MANAGED = frozenset({"group"})
"""Acts that change what broadcasts are sent to: for who may change groups on their own pages."""
MOST_TONES = 50
MOST_RESTARTS = 500
"""Such as start anew come back all at once."""
NAMED = 12
VOLUME_WANTED = say("Hãy nhập âm lượng từ 0 đến 100.")


class BulkForm(Form):
    act = RadioField(
        say("Việc cần làm"),
        [required(say("Hãy chọn việc cần làm."))],
        choices=choices(ACTS.items()),
    )
    volume = IntegerField(say("Âm lượng (0–100)"), [Optional()])
    delay_ms = IntegerField(say("Độ trễ (mili giây, 0–1000)"), [Optional()])
    group = SelectField(say("Nhóm đã có"), validate_choice=False)
    new_group = StringField(say("hoặc tên nhóm mới"))


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
    def named(self) -> str:
        """Their names; of many, the first ones and how many more there are."""
        names = join(", ", self.names)
        return (
            counted("%(names)s và %(n)s đầu thu nữa", self.more, names=names)
            if self.more
            else names
        )

    @property
    def mark(self) -> str:
        """Another wherever the receivers are others."""
        return hashlib.sha256(" ".join(self.ids).encode()).hexdigest()[:16]


def acts_of_reader() -> dict[str, str]:
    """What its reader may do with many."""
    may = current.staff().may(May.MANAGE)
    return {act: word for act, word in ACTS.items() if may or act not in MANAGED}


def what(form: BulkForm) -> str:
    """The act with its number, where it has one."""
    word = ACTS[form.act.data]
    if form.act.data == "volume":
        return say("%(act)s %(volume)s", act=word, volume=form.volume.data)
    if form.act.data == "delay":
        return say("%(act)s %(ms)s ms", act=word, ms=form.delay_ms.data)
    return word


def chosen_of_request(session: Session) -> Chosen:
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
        names = ("tim", "tinh_trang", "dia_ban", "nhom", "vi_tri")
        again += [(name, values[name]) for name in names if values.get(name)]
        again.append(("tat_ca", "1"))
    named = [session.get_one(Receiver, each).name for each in ids[:NAMED]]
    return Chosen(ids, named, again)


def check(form: BulkForm, chosen: Chosen) -> bool:
    """Raise DeviceError for what could not be done, before it is asked whether to do it."""
    if not chosen.ids:
        raise DeviceError(say("Chưa chọn đầu thu nào. Hãy quay lại danh sách và đánh dấu đầu thu."))
    act, number = form.act.data, len(chosen.ids)
    if act == "volume" and not 0 <= _number(form.volume.data) <= 100:
        raise DeviceError(VOLUME_WANTED, field="volume")
    if act == "delay" and not 0 <= _number(form.delay_ms.data) <= remote.MOST_DELAY:
        raise DeviceError(say("Hãy nhập độ trễ từ 0 đến 1000 mili giây."), field="delay_ms")
    if act == "group" and not (form.group.data or (form.new_group.data or "").strip()):
        raise DeviceError(say("Hãy chọn nhóm hoặc nhập tên nhóm mới."), field="group")
    most = {"tone": MOST_TONES, "restart": MOST_RESTARTS}.get(act, number)
    if number > most:
        raise DeviceError(
            say(
                "Việc này làm được cho %(most)s đầu thu một lần, đang chọn %(number)s. Hãy chọn ít hơn.",
                most=most,
                number=number,
            ),
            field="act",
        )
    return True


def do_asked(form: BulkForm, chosen: Chosen) -> str:
    """Carry it out for those it was asked for. A filter may let others through by now: then ask once more."""
    if request.form.get("tat_ca") and request.form.get("tap") != chosen.mark:
        raise DeviceError(
            say(
                "Danh sách đầu thu khớp bộ lọc vừa thay đổi nên chưa làm gì. Bây giờ có %(n)s đầu thu; "
                "hãy xem lại rồi bấm “Tiếp tục”.",
                n=len(chosen.ids),
            )
        )
    return _do(form, chosen)


def _number(value: int | None) -> int:
    return -1 if value is None else value


def _do(form: BulkForm, chosen: Chosen) -> str:
    """Carry it out; what to tell of it."""
    check(form, chosen)
    marks: dict[str, Any] = {"now": current.now(), "by": current.staff().login}
    ids = chosen.ids
    with current.write() as session:
        match form.act.data:
            case "volume":
                volume = _number(form.volume.data)
                done = remote.set_volume(session, ids, volume, **marks)
                return counted(
                    "Đã đặt âm lượng %(volume)s cho %(n)s đầu thu.", len(done), volume=volume
                )
            case "delay":
                delay = _number(form.delay_ms.data)
                done = remote.set_delay(session, ids, delay, **marks)
                return counted("Đã đặt độ trễ %(ms)s ms cho %(n)s đầu thu.", len(done), ms=delay)
            case "mute":
                done = remote.set_muted(session, ids, True, **marks)
                return counted("Đã tắt tiếng %(n)s đầu thu.", len(done))
            case "unmute":
                done = remote.set_muted(session, ids, False, **marks)
                return counted("Đã bật tiếng lại %(n)s đầu thu.", len(done))
            case "restart":
                told = remote.restart(session, ids, **marks)
                return counted("Đã ra lệnh khởi động lại %(n)s đầu thu.", len(told))
            case "tone":
                return _tones(session, ids)
            case _:
                return _group(session, form, ids, marks)


def _tones(session: Session, ids: list[str]) -> str:
    for each in ids:
        tones.ask(
            session, in_service(session, each), now=current.now(), zone=current.zone(),
            by=current.staff().login,
        )  # fmt: skip
    return counted("Đã ra lệnh phát âm thử ở %(n)s đầu thu, sau khoảng năm giây.", len(ids))


def _group(session: Session, form: BulkForm, ids: list[str], marks: dict[str, Any]) -> str:
    name = (form.new_group.data or "").strip()
    if name:
        group = groups.add(session, name, ids, **marks)
        return counted("Đã lập nhóm “%(name)s” gồm %(n)s đầu thu.", len(ids), name=group.name)
    group = groups.get(session, int(form.group.data))
    came = groups.add_members(session, group, ids, **marks)
    return counted("Đã đưa thêm %(n)s đầu thu vào nhóm “%(name)s”.", came, name=group.name)


def in_service(session: Session, receiver_id: str) -> Receiver:
    """That receiver. Raises DeviceError where it is out of service."""
    receiver = receivers.get(session, receiver_id)
    if not receiver.active:
        raise DeviceError(
            say("Đầu thu “%(name)s” đã thôi dùng nên không điều khiển được.", name=receiver.name)
        )
    return receiver
