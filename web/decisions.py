"""What is decided about a bulletin: hand it in, approve it, send it back, withdraw it."""

from __future__ import annotations

from flask import Blueprint, flash, make_response, redirect, render_template, url_for
from werkzeug.wrappers import Response
from wtforms import BooleanField, HiddenField, TextAreaField

from content import bulletins
from loa.errors import NotAllowed
from loa.staff import May
from web import current, live, texts
from web.bulletins import load
from web.forms import Form, required

bp = Blueprint("decisions", __name__)


class ApproveForm(Form):
    """``sha`` is the sound that the page let the approver hear."""

    sha = HiddenField()
    heard = BooleanField(
        "Tôi đã nghe bản ghi này từ đầu đến cuối",
        [required("Hãy nghe hết bản ghi rồi đánh dấu vào đây.")],
    )


class RejectForm(Form):
    sha = HiddenField()
    reason = TextAreaField("Lý do trả lại")


@bp.post("/ban-tin/<int:bulletin_id>/gui-duyet")
@current.needs(May.WRITE)
def submit(bulletin_id: int) -> Response:
    with current.write() as session:
        bulletin = bulletins.get(session, bulletin_id)
        bulletins.submit(session, bulletin, current.staff(), current.now())
    flash("Đã gửi duyệt. Người duyệt sẽ thấy bản tin này ở trang Hôm nay.")
    return redirect(url_for("bulletins.show", bulletin_id=bulletin_id))


@bp.post("/ban-tin/<int:bulletin_id>/duyet")
@current.needs(May.APPROVE)
def approve(bulletin_id: int) -> Response:
    form = ApproveForm()
    if form.carry_out(lambda: _approve(bulletin_id, form)):
        flash("Đã duyệt. Bản tin có thể phát.")
        return redirect(url_for("bulletins.show", bulletin_id=bulletin_id))
    return _show_again(bulletin_id, approving=form)


@bp.post("/ban-tin/<int:bulletin_id>/tra-lai")
@current.needs(May.APPROVE)
def reject(bulletin_id: int) -> Response:
    form = RejectForm()
    if form.carry_out(lambda: _reject(bulletin_id, form)):
        flash("Đã trả lại bản tin cho người soạn.")
        return redirect(url_for("bulletins.show", bulletin_id=bulletin_id))
    return _show_again(bulletin_id, rejecting=form)


@bp.get("/ban-tin/<int:bulletin_id>/thu-hoi")
def ask_withdraw(bulletin_id: int) -> str:
    with current.read() as session:
        page = load(session, bulletin_id)
    if not page.may_withdraw(current.staff()):
        raise NotAllowed("Chỉ người soạn, người duyệt hoặc quản trị được thu hồi bản tin này.")
    return render_template("decisions/withdraw.html", page=page)


@bp.post("/ban-tin/<int:bulletin_id>/thu-hoi")
def withdraw(bulletin_id: int) -> Response:
    with current.write() as session:
        bulletin = bulletins.get(session, bulletin_id)
        bulletins.withdraw(session, bulletin, current.staff(), current.now())
    flash("Đã thu hồi bản tin. Các lượt chưa phát của nó sẽ bị huỷ.")
    return redirect(url_for("bulletins.show", bulletin_id=bulletin_id))


def _approve(bulletin_id: int, form: ApproveForm) -> bool:
    with current.write() as session:
        bulletin = bulletins.get(session, bulletin_id)
        bulletins.approve(session, bulletin, current.staff(), form.sha.data or "", current.now())
    return True


def _reject(bulletin_id: int, form: RejectForm) -> bool:
    sha, reason = form.sha.data or "", form.reason.data or ""
    with current.write() as session:
        bulletin = bulletins.get(session, bulletin_id)
        bulletins.reject(session, bulletin, current.staff(), sha, reason, current.now())
    return True


def _show_again(
    bulletin_id: int, *, approving: ApproveForm | None = None, rejecting: RejectForm | None = None
) -> Response:
    """The bulletin's page with the refusal at its form."""
    with current.read() as session:
        page = load(session, bulletin_id)
    shown = render_template(
        "bulletins/show.html",
        page=page,
        text=texts.of(page.bulletin, page.recording),
        part=live.part("bulletins/sound.html", page=page, approving=approving, rejecting=rejecting),
    )
    return make_response(shown, 400)
