"""Điều khiển từ xa: volume, mute, delay, test tone and restart, of one receiver or of many."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response
from wtforms import BooleanField, IntegerField

from devices import groups, receivers, remote
from loa.errors import LoaError
from loa.staff import May
from loa.words import say
from scheduler import tones
from web import current, remote_many
from web.forms import Form, choices, given
from web.remote_many import ACTS, MANAGED, VOLUME_WANTED, BulkForm, in_service

bp = Blueprint("remote", __name__)


class SettingsForm(Form):
    volume = IntegerField(say("Âm lượng (0–100)"), [given(VOLUME_WANTED)])
    muted = BooleanField(say("Tắt tiếng đầu thu này"))
    delay_ms = IntegerField(
        say("Độ trễ (mili giây)"), [given(say("Hãy nhập độ trễ; không cần thì nhập 0."))]
    )


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
        flash(say("Đã lưu. Trang này sẽ báo khi đầu thu đã nhận."))
        return redirect(url_for("receivers.show", receiver_id=receiver_id))
    page = render_template("receivers/settings.html", form=form, receiver=receiver)
    return make_response(page, form.status)


def _set(receiver_id: str, form: SettingsForm) -> bool:
    marks: dict[str, Any] = {"now": current.now(), "by": current.staff().login}
    with current.write() as session:
        receiver = in_service(session, receiver_id)
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
            receiver = in_service(session, receiver_id)
            tones.ask(
                session, receiver, now=current.now(), zone=current.zone(), by=current.staff().login
            )
    except LoaError as error:
        with current.read() as session:
            receiver = receivers.get(session, receiver_id)
        page = render_template("receivers/tone.html", receiver=receiver, refusal=error.sentence)
        return make_response(page, 400)
    flash(say("Đã ra lệnh phát âm thử: ba tiếng ngắn sau khoảng năm giây."))
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
        receiver = in_service(session, receiver_id)
        told = remote.restart(session, [receiver.id], now=current.now(), by=current.staff().login)
    flash(
        say("Đã ra lệnh khởi động lại. Đầu thu làm khi không phát gì, rồi báo về.")
        if told
        else say("Vừa ra lệnh khởi động lại đầu thu này rồi. Hãy chờ hai phút.")
    )
    return redirect(url_for("receivers.show", receiver_id=receiver_id))


# -- many -----------------------------------------------------------------------------------------


@bp.route("/dau-thu/nhieu", methods=["GET", "POST"])
@current.needs(May.OPERATE)
def many() -> Response:
    """Asked for, shown once more with what it means, and done when that is confirmed."""
    form = BulkForm()
    if form.act.data in MANAGED:
        current.staff().demand(May.MANAGE)
    form.act.choices = choices(remote_many.acts_of_reader().items())
    with current.read() as session:
        chosen = remote_many.chosen_of_request(session)
        known = [(group.id, group.name) for group in groups.listing(session)]
    form.group.choices = choices([("", say("chọn nhóm")), *known])
    if request.form.get("sure"):
        said = form.carry_out(lambda: remote_many.do_asked(form, chosen))
        if said is not None:
            flash(said)
            return redirect(url_for("receivers.listing"))
    elif request.method == "POST" and form.carry_out(lambda: remote_many.check(form, chosen)):
        page = render_template(
            "receivers/many_sure.html",
            form=form,
            chosen=chosen,
            acts=ACTS,
            what=remote_many.what(form),
        )
        return make_response(page)
    page = render_template(
        "receivers/many.html", form=form, chosen=chosen, acts=remote_many.acts_of_reader()
    )
    return make_response(page, form.status)
