"""Nhóm: receivers of any areas that are spoken to together."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response
from wtforms import StringField

from devices import groups
from loa.errors import DeviceError
from loa.staff import May
from loa.times import local
from loa.words import say
from scheduler import schedules
from web import current, labels, lists, spreadsheets
from web.forms import Checkboxes, Form, required
from web.schedules import Offer, offer

bp = Blueprint("groups", __name__)


class GroupForm(Form):
    name = StringField(
        say("Tên nhóm"), [required(say("Hãy nhập tên nhóm, ví dụ: Các nhà văn hoá."))]
    )
    receiver_ids = Checkboxes(say("Các đầu thu trong nhóm"), coerce=str, validate_choice=False)
    typed = StringField(say("Mã các đầu thu trong nhóm"))

    @property
    def members(self) -> list[str]:
        """Those ticked, and those whose ids were typed."""
        typed = (self.typed.data or "").replace(",", " ").replace(";", " ").split()
        return [*(self.receiver_ids.data or []), *typed]


@dataclass(frozen=True)
class Line:
    """A group in the list."""

    id: int
    name: str
    receivers: int


KEYS = {
    "ten": lambda line: lists.by_letters(line.name),
    "so": lambda line: (line.receivers, lists.by_letters(line.name)),
}
"""What the list is sorted by, as the address names it."""


@bp.get("/dau-thu/nhom")
def listing() -> str:
    order = lists.order(*KEYS)
    with current.read() as session:
        found = _found(session, order)
    here = lists.slice_of(len(found))
    return render_template(
        "receivers/groups.html", groups=here.of(found), slice=here, order=order, asked=lists.asked(),
        search=request.args.get("tim", ""),
    )  # fmt: skip


@bp.get("/dau-thu/nhom.csv")
def download() -> Response:
    """The groups of the list's filter, a line for each receiver in them."""
    with spreadsheets.writing() as (text, file), current.read() as session:
        members = {
            line.name: groups.member_ids(session, line.id)
            for line in _found(session, lists.order(*KEYS))
        }
        lines = [[name, id] for name, ids in members.items() for id in ids or [""]]
        spreadsheets.rows([["nhóm", "mã đầu thu"], *lines], text)
    day = local(current.now(), current.zone())
    return spreadsheets.answer(file, f"nhom-dau-thu-{day:%Y%m%d}.csv")


def _found(session: Session, order: lists.Order) -> list[Line]:
    """Those whose name has the words looked for."""
    sizes, words = groups.sizes(session), request.args.get("tim", "")
    found = [
        Line(each.id, each.name, sizes.get(each.id, 0))
        for each in groups.listing(session)
        if lists.finds(words, each.name)
    ]
    return order.sorted(found, KEYS)


@bp.route("/dau-thu/nhom/them", methods=["GET", "POST"])
@current.needs(May.MANAGE)
def new() -> Response:
    form = GroupForm()
    name = form.carry_out(lambda: _add(form))
    if name:
        flash(say("Đã lập nhóm “%(name)s”. Khi đặt lịch có thể chọn phát cho nhóm này.", name=name))
        return redirect(url_for("groups.listing"))
    return _shown(form)


@bp.route("/dau-thu/nhom/<int:group_id>", methods=["GET", "POST"])
@current.needs(May.MANAGE)
def change(group_id: int) -> Response:
    with current.read() as session:
        group = groups.get(session, group_id)
        ids = groups.member_ids(session, group_id)
    values = {"name": group.name, "receiver_ids": ids, "typed": ", ".join(ids)}
    form = GroupForm() if request.method == "POST" else GroupForm(data=values)
    name = form.carry_out(lambda: _change(group_id, form))
    if name:
        flash(say("Đã lưu nhóm “%(name)s”. Các lượt sắp phát sẽ theo nhóm mới.", name=name))
        return redirect(url_for("groups.listing"))
    return _shown(form, group)


@bp.route("/dau-thu/nhom/<int:group_id>/bo", methods=["GET", "POST"])
@current.needs(May.MANAGE)
def remove(group_id: int) -> Response:
    now, zone = current.now(), current.zone()
    with current.read() as session:
        group = groups.get(session, group_id)
        used = schedules.speaking_to(session, group_id, now, zone)
    if request.method == "GET":
        return make_response(render_template("receivers/group_remove.html", group=group, used=used))
    with current.write() as session:
        if used := schedules.speaking_to(session, group_id, now, zone):
            raise DeviceError(
                say(
                    "Nhóm “%(name)s” còn %(n)s lịch phát sắp tới (%(first)s). Hãy kết thúc các lịch đó trước.",
                    name=group.name,
                    n=len(used),
                    first=labels.rule(used[0]),
                )
            )
        schedules.forget_group(session, group_id)
        groups.remove(session, groups.get(session, group_id), now=now, by=current.staff().login)
    flash(say("Đã bỏ nhóm “%(name)s”. Các đầu thu của nhóm vẫn còn.", name=group.name))
    return redirect(url_for("groups.listing"))


def _shown(form: GroupForm, group: groups.Group | None = None) -> Response:
    with current.read() as session:
        choice: Offer = offer(session)
    page = render_template("receivers/group_form.html", form=form, group=group, offer=choice)
    return make_response(page, form.status)


def _add(form: GroupForm) -> str:
    with current.write() as session:
        group = groups.add(
            session, form.name.data or "", form.members,
            now=current.now(), by=current.staff().login,
        )  # fmt: skip
    return group.name


def _change(group_id: int, form: GroupForm) -> str:
    with current.write() as session:
        group = groups.get(session, group_id)
        groups.change(
            session, group, form.name.data or "", form.members,
            now=current.now(), by=current.staff().login,
        )  # fmt: skip
    return group.name
