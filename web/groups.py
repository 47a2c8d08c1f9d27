"""Nhóm: receivers of any areas that are spoken to together."""

from __future__ import annotations

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response
from wtforms import StringField

from devices import groups
from loa.errors import DeviceError
from loa.staff import May
from scheduler import schedules
from web import current, labels
from web.forms import Checkboxes, Form, required
from web.schedules import Offer, offer

bp = Blueprint("groups", __name__)


class GroupForm(Form):
    name = StringField("Tên nhóm", [required("Hãy nhập tên nhóm, ví dụ: Các nhà văn hoá.")])
    receiver_ids = Checkboxes("Các đầu thu trong nhóm", coerce=str, validate_choice=False)
    typed = StringField("Mã các đầu thu trong nhóm")

    @property
    def members(self) -> list[str]:
        """Those ticked, and those whose ids were typed."""
        typed = (self.typed.data or "").replace(",", " ").replace(";", " ").split()
        return [*(self.receiver_ids.data or []), *typed]


@bp.get("/dau-thu/nhom")
def listing() -> str:
    with current.read() as session:
        found, sizes = groups.listing(session), groups.sizes(session)
    return render_template("receivers/groups.html", groups=found, sizes=sizes)


@bp.route("/dau-thu/nhom/them", methods=["GET", "POST"])
@current.needs(May.MANAGE)
def new() -> Response:
    form = GroupForm()
    name = form.carry_out(lambda: _add(form))
    if name:
        flash(f"Đã lập nhóm “{name}”. Khi đặt lịch có thể chọn phát cho nhóm này.")
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
        flash(f"Đã lưu nhóm “{name}”. Các lượt sắp phát sẽ theo nhóm mới.")
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
                f"Nhóm “{group.name}” còn {len(used)} lịch phát sắp tới ({labels.rule(used[0])}). "
                "Hãy kết thúc các lịch đó trước."
            )
        schedules.forget_group(session, group_id)
        groups.remove(session, groups.get(session, group_id), now=now, by=current.staff().login)
    flash(f"Đã bỏ nhóm “{group.name}”. Các đầu thu của nhóm vẫn còn.")
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
