"""Phát bản tin mới: from a text or a recording to a bulletin handed in with its times, in one go."""

from __future__ import annotations

import secrets

import msgspec
from flask import (
    Blueprint,
    flash,
    make_response,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from content import bulletins, mentions, notices, recordings
from content.bulletins import Bulletin, Draft, Priority, State
from loa.errors import ScheduleError
from loa.staff import May
from loa.times import local
from loa.words import say
from scheduler import level_bulletins, schedule_checks, schedules
from web import (
    current,
    live,
    new_broadcast_page,
    part_form,
    saving,
    schedule_preview,
    uploads,
    where_form,
)
from web.bulletin_page import load
from web.new_broadcast_form import NoticeForm, WhatForm, WhenForm, notice_form

bp = Blueprint("new_broadcast", __name__)
OPEN = (State.DRAFT, State.REJECTED)
KEPT = "phat_moi"
"""In the sign-in's cookie: what a form that is sent a second time made the first time."""
MOST_KEPT, MAX_ONCE = 5, 20


# -- what is said ---------------------------------------------------------------------------------


@bp.route("/phat-moi", methods=["GET", "POST"])
@current.needs(May.WRITE)
@uploads.takes_upload
def what() -> Response:
    """The first step: words, a recording, or the notice ``mau`` with its blanks."""
    key = request.args.get("mau")
    if key:
        return _from_notice(key)
    form = WhatForm.of(None)
    form.parts = form.parts[:1] or [part_form.blank(0)]
    if "change" in request.form:
        form.change(request.form["change"])
        return _what_page(form)
    bulletin_id = form.carry_out(lambda: _write(form.draft(None)[0]))
    return _what_page(form) if bulletin_id is None else _to_when(bulletin_id)


def _from_notice(key: str) -> Response:
    with current.read() as opened:
        form = notice_form(notices.get(opened, key))
    bulletin_id = form.carry_out(lambda: _write(form.draft()))
    return _what_page(form, key) if bulletin_id is None else _to_when(bulletin_id)


def _what_page(form: WhatForm | NoticeForm, key: str = "") -> Response:
    with current.read() as opened:
        offered, earlier = notices.offered(opened), new_broadcast_page.earlier(opened)
    page = render_template(
        "new_broadcast/what.html", form=form, key=key, notices=offered, earlier=earlier,
        once=request.form.get("once") or secrets.token_urlsafe(9),
    )  # fmt: skip
    return make_response(page, form.status)


def _to_when(bulletin_id: int) -> Response:
    return redirect(url_for("new_broadcast.when", bulletin_id=bulletin_id))


def _write(draft: Draft) -> int:
    """A new bulletin whose sound is begun; where the same form made one before, that one as it is now."""
    once = request.form.get("once", "")
    made: dict[str, int] = session.get(KEPT, {})
    with current.write() as opened:
        bulletin = _made_before(opened, made.get(once), draft) or _new(opened, draft)
    if once:
        session[KEPT] = dict([*made.items(), (once[:MAX_ONCE], bulletin.id)][-MOST_KEPT:])
    return bulletin.id


def _made_before(opened: Session, bulletin_id: int | None, draft: Draft) -> Bulletin | None:
    bulletin = opened.get(Bulletin, bulletin_id) if bulletin_id is not None else None
    if (
        bulletin is None
        or bulletin.state is not State.DRAFT
        or bulletin.author_id != current.staff().id
    ):
        return None
    saving.save(opened, bulletin, draft)
    return bulletin


def _new(opened: Session, draft: Draft) -> Bulletin:
    now, content = current.now(), current.config().content
    bulletin = bulletins.write(
        opened, current.staff(), draft, now,
        max_characters=content.max_characters, relay_hosts=content.relay_hosts,
    )  # fmt: skip
    recordings.queue(opened, bulletin, now)
    return bulletin


@bp.post("/phat-moi/ten")
@current.needs(May.WRITE)
def name() -> str:
    """What the words now in the form would be called: a part of the form."""
    proposed = mentions.headline(part_form.tidy(request.form.get("parts-0-body", "")))
    return render_template("new_broadcast/name.html", proposed=proposed)


@bp.post("/phat-moi/lam-lai/<int:bulletin_id>")
@current.needs(May.WRITE)
def again(bulletin_id: int) -> Response:
    """A copy as a draft: the same parts, none of its days, and no recording that says it elsewise."""
    with current.write() as opened:
        old = bulletins.get(opened, bulletin_id)
        draft = msgspec.structs.replace(
            old.draft, translations=(), valid_from=None, valid_until=None
        )
        copy = _new(opened, draft)
        today = local(current.now(), current.zone()).date()
        dated = new_broadcast_page.dated(copy.body, today)
    if dated:
        flash(
            say(
                "Đã chép bản tin. Ngày nhắc trong bài đã qua: hãy bấm “Sửa nội dung” trước khi gửi."
            )
        )
    return _to_when(copy.id)


# -- how it sounds, where and when ----------------------------------------------------------------


@bp.route("/phat-moi/<int:bulletin_id>", methods=["GET", "POST"])
@current.needs(May.WRITE)
def when(bulletin_id: int) -> Response:
    """The other steps: hear it, choose where and when, hand it in."""
    with current.read() as opened:
        page, offered = load(opened, bulletin_id), where_form.offer(opened)
        level_bulletins.demand_change(opened, current.staff(), page.bulletin)
    if page.bulletin.priority is Priority.EMERGENCY:
        return redirect(url_for("bulletins.show", bulletin_id=bulletin_id))
    if page.bulletin.state not in OPEN:
        return redirect(url_for("new_broadcast.done", bulletin_id=bulletin_id))
    form = WhenForm() if request.method == "POST" else WhenForm(data=_usual(offered))
    if form.carry_out(lambda: _hand_in(bulletin_id, form)):
        return redirect(url_for("new_broadcast.done", bulletin_id=bulletin_id))
    with current.read() as opened:
        options = new_broadcast_page.options(opened, bulletins.get(opened, bulletin_id), form)
    shown = render_template(
        "new_broadcast/when.html", form=form, page=page, offer=offered, options=options,
        part=live.part("new_broadcast/sound.html", page=page),
    )  # fmt: skip
    return make_response(shown, form.status)


def _usual(offered: where_form.Offer) -> dict[str, object]:
    today = local(current.now(), current.zone()).date()
    return {"start_date": today, **where_form.everywhere(offered.places)}


@bp.get("/phat-moi/<int:bulletin_id>/am-thanh")
@current.needs(May.WRITE)
def sound(bulletin_id: int) -> Response:
    """The live part: the sound as far as it is made."""
    with current.read() as opened:
        page = load(opened, bulletin_id)
    return live.answer(live.part("new_broadcast/sound.html", page=page))


@bp.post("/phat-moi/<int:bulletin_id>/khung-gio")
@current.needs(May.WRITE)
def slots(bulletin_id: int) -> str:
    """The sessions and what speaks against the choice now in the form: a part of the page."""
    form = WhenForm()
    form.validate()
    with current.read() as opened:
        bulletin = bulletins.get(opened, bulletin_id)
        options = new_broadcast_page.options(opened, bulletin, form)
    return render_template(
        "new_broadcast/slots.html", form=form, options=options, bulletin=bulletin
    )


def _hand_in(bulletin_id: int, form: WhenForm) -> bool:
    """Submit the bulletin and keep its times, all or nothing."""
    me, now, zone = current.staff(), current.now(), current.zone()
    with current.write() as opened:
        bulletin = bulletins.get(opened, bulletin_id)
        level_bulletins.demand_change(opened, me, bulletin)
        schedule_checks.demand_ordinary(bulletin)
        bulletins.submit(opened, bulletin, me, now)
        if request.form.get("later"):
            return True
        _demand_timed(opened, bulletin, form)
        for moment in new_broadcast_page.moments(opened, bulletin, form):
            _demand_clear(opened, bulletin, form, moment)
            schedules.add(
                opened, bulletin, me, form.rule(moment), now=now, zone=zone,
                waived_why=form.waived_why.data or "",
            )  # fmt: skip
    return True


def _demand_timed(opened: Session, bulletin: Bulletin, form: WhenForm) -> None:
    """Raise ScheduleError where nobody chose a time and none was chosen before."""
    running = schedules.running(opened, [bulletin.id], current.now(), current.zone())
    if not form.is_timed and not running:
        raise ScheduleError(
            say("Hãy chọn ít nhất một khung giờ, hoặc bấm “Gửi duyệt, đặt giờ sau”."), field="slots"
        )


def _demand_clear(opened: Session, bulletin: Bulletin, form: WhenForm, moment: int) -> None:
    """Raise ScheduleError where something would not be heard because of it, unless its author has seen that."""
    report = schedule_preview.report(opened, bulletin, form.rule(moment))  # type: ignore[arg-type]
    if report is not None and report.found.is_grave and not form.seen.data:
        raise ScheduleError(
            say("Lượt này trùng giờ với lượt khác. Hãy chọn giờ khác, hoặc đánh dấu vào đây nếu vẫn muốn đặt."),
            field="seen",
        )  # fmt: skip


# -- afterwards -----------------------------------------------------------------------------------


@bp.get("/phat-moi/<int:bulletin_id>/xong")
@current.needs(May.WRITE)
def done(bulletin_id: int) -> str:
    """What happens next, and a way back."""
    with current.read() as opened:
        page = load(opened, bulletin_id)
        level_bulletins.demand_change(opened, current.staff(), page.bulletin)
    return render_template("new_broadcast/done.html", page=page)


@bp.post("/phat-moi/<int:bulletin_id>/rut-lai")
@current.needs(May.WRITE)
def recall(bulletin_id: int) -> Response:
    """Undo the handing in, with the times that came along with it."""
    me, now = current.staff(), current.now()
    with current.write() as opened:
        bulletin = bulletins.get(opened, bulletin_id)
        level_bulletins.demand_change(opened, me, bulletin)
        ended = _end_times(opened, bulletin)
        bulletins.recall(opened, bulletin, me, now)
    flash(
        say("Đã rút lại. Bản tin là bản nháp; các giờ phát vừa đặt đã huỷ.")
        if ended
        else say("Đã rút lại. Bản tin là bản nháp.")
    )
    return _to_when(bulletin_id)


def _end_times(opened: Session, bulletin: Bulletin) -> int:
    """End what this person scheduled as it was handed in; how many that were."""
    me, now, zone = current.staff(), current.now(), current.zone()
    along = [
        each
        for each in schedules.running(opened, [bulletin.id], now, zone)
        if each.staff_id == me.id and each.created_at == bulletin.submitted_at
    ]
    for schedule in along:
        schedules.end(opened, schedule, me, now)
    return len(along)
