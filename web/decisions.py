"""What is decided about a bulletin: hand it in, approve it, send it back, withdraw it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import sqlalchemy as sa
from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response
from wtforms import BooleanField, IntegerField, TextAreaField

from content import bulletins, decisions, library
from content.bulletins import Bulletin, Priority
from content.versions import Difference
from loa import words
from loa.errors import NotAllowed
from loa.staff import May, Role, Staff
from loa.times import DAY, Instant
from loa.words import counted, say
from scheduler import schedules, uses, withdrawing
from scheduler.uses import Use
from web import changes, current, live, second_step
from web.bulletin_page import Page, load, next_broadcast
from web.forms import Form, optional, required
from web.second_step import Confirmed

bp = Blueprint("decisions", __name__)
bp.app_template_filter("brief_changes")(changes.brief)
bp.app_template_filter("changes")(changes.listed)
bp.app_template_filter("excerpt")(changes.excerpt)


class DecisionForm(Form):
    """``version`` is what the approver read; the sounds named by the page stand in fields called sha."""

    version = IntegerField(validators=[optional()])

    @property
    def heard(self) -> list[str]:
        """The sounds that the page let the approver hear."""
        return request.form.getlist("sha")


class ApproveForm(Confirmed, DecisionForm):
    listened = BooleanField(
        say("Tôi đã nghe bản ghi từ đầu đến cuối"),
        [required(say("Hãy nghe hết bản ghi rồi đánh dấu vào đây."))],
        name="heard",
    )


class RejectForm(DecisionForm):
    reason = TextAreaField(say("Lý do trả lại"))


@dataclass(frozen=True)
class Waiting:
    """A bulletin in the queue."""

    bulletin: Bulletin
    use: Use
    given: list[decisions.Decision]
    changes: Difference | None
    """Since it was last approved; None when it never was."""
    is_own: bool
    """Its reader wrote or changed it."""

    @property
    def sounds_soon(self) -> bool:
        """Whether a schedule wants it within a day."""
        return self.use.next is not None and self.use.next - current.now() < DAY


@dataclass(frozen=True)
class Approvers:
    """How many people must approve a bulletin, and whether the station has them."""

    needed: int
    given: int
    able: int
    """Active approvers who neither wrote nor changed it and have not approved it yet."""

    @property
    def missing(self) -> int:
        return max(self.needed - self.given, 1)

    @property
    def too_few(self) -> bool:
        """Whether it cannot be approved, as the station is staffed."""
        return self.able < self.missing


@bp.get("/duyet")
def queue() -> str:
    """What waits for approval: for its reader first, then what waits for others."""
    me = current.staff()
    with current.read() as session:
        found = _waiting(session, library.waiting(session), me)
        mine = {bulletin.id for bulletin in library.to_decide(session, me)}
    return render_template(
        "decisions/queue.html",
        mine=[each for each in found if each.bulletin.id in mine],
        others=[each for each in found if each.bulletin.id not in mine],
        needed=current.config().content.emergency_approvers,
    )


@bp.post("/ban-tin/<int:bulletin_id>/gui-duyet")
@current.needs(May.WRITE)
def submit(bulletin_id: int) -> Response:
    with current.write() as session:
        bulletin = bulletins.get(session, bulletin_id)
        bulletins.submit(session, bulletin, current.staff(), current.now())
    flash(say("Đã gửi duyệt. Người duyệt sẽ thấy bản tin này ở trang Hôm nay và trang Duyệt."))
    return redirect(url_for("bulletins.show", bulletin_id=bulletin_id))


@bp.post("/ban-tin/<int:bulletin_id>/duyet")
@current.needs(May.APPROVE)
def approve(bulletin_id: int) -> Response:
    form = ApproveForm()
    decision = form.carry_out(lambda: _approve(bulletin_id, form))
    if decision is None:
        return _show_again(bulletin_id, approving=form)
    if decision.complete:
        flash(say("Đã duyệt. Bản tin có thể phát."))
    else:
        flash(say("Đã ghi nhận bạn duyệt. Bản tin khẩn cấp này còn chờ một người duyệt khác."))
    return redirect(url_for("bulletins.show", bulletin_id=bulletin_id))


@bp.post("/ban-tin/<int:bulletin_id>/tra-lai")
@current.needs(May.APPROVE)
def reject(bulletin_id: int) -> Response:
    form = RejectForm()
    if form.carry_out(lambda: _reject(bulletin_id, form)):
        flash(say("Đã trả lại bản tin cho người soạn."))
        return redirect(url_for("bulletins.show", bulletin_id=bulletin_id))
    return _show_again(bulletin_id, rejecting=form)


@bp.get("/ban-tin/<int:bulletin_id>/thu-hoi")
def ask_withdraw(bulletin_id: int) -> str:
    now, zone = current.now(), current.zone()
    with current.read() as session:
        page = load(session, bulletin_id)
        running = schedules.running(session, [bulletin_id], now, zone)
        stopped = uses.live(session, bulletin_id)
    if not page.may_withdraw(current.staff()):
        raise NotAllowed(say("Chỉ người soạn, người duyệt hoặc quản trị được thu hồi bản tin này."))
    following = [(each, schedules.next_of(each, now, zone)) for each in running]
    return render_template("decisions/withdraw.html", page=page, running=following, stopped=stopped)


@bp.post("/ban-tin/<int:bulletin_id>/thu-hoi")
def withdraw(bulletin_id: int) -> Response:
    me, now = current.staff(), current.now()
    with current.write() as session:
        bulletin = bulletins.get(session, bulletin_id)
        done = withdrawing.withdraw(session, bulletin, me, now, current.zone())
    flash(_what_ended(done.schedules, done.broadcasts))
    return redirect(url_for("bulletins.show", bulletin_id=bulletin_id))


def _what_ended(ended: int, stopped: int) -> str:
    found = [counted("kết thúc %(n)s lịch phát", ended)] if ended else []
    found += [counted("huỷ hoặc dừng %(n)s lượt phát", stopped)] if stopped else []
    if not found:
        return say("Đã thu hồi bản tin.")
    return say("Đã thu hồi bản tin. Đã %(done)s.", done=words.join(", ", found))


@bp.app_template_global("approvers_of")
def approvers_of(page: Page) -> Approvers:
    """Who must still approve the bulletin of a page, and whether there is anybody."""
    barred = page.writers | {decision.staff_id for decision in page.given}
    able = sa.select(sa.func.count()).where(
        Staff.active, Staff.role == Role.APPROVER, Staff.id.not_in(barred)
    )
    needed = bulletins.approvers_needed(page.bulletin, current.config().content.emergency_approvers)
    with current.read() as session:
        return Approvers(needed, len(page.given), session.scalar(able) or 0)


@bp.app_template_global("next_broadcast")
def next_broadcast_of(bulletin: Bulletin) -> Instant | None:
    """When a schedule wants the bulletin next: that stays silent once a change ends its approval."""
    with current.read() as session:
        return next_broadcast(session, bulletin.id)


@bp.app_template_global("left_to_decide")
def left_to_decide(page: Page) -> list[Bulletin]:
    """What else waits for its reader, who decided last about the bulletin of the page."""
    me = current.staff()
    if not page.decisions or page.decisions[0].staff_id != me.id or page.may_decide(me):
        return []
    with current.read() as session:
        found = library.to_decide(session, me)
    return [bulletin for bulletin in found if bulletin.id != page.bulletin.id]


def _waiting(session: Session, found: list[Bulletin], me: Staff) -> list[Waiting]:
    used = uses.of(session, found, current.now(), current.zone())
    given = decisions.standing(session, [bulletin.id for bulletin in found])
    writers = bulletins.writers_of(session, found)
    changed = bulletins.changes(session, found)
    return [
        Waiting(each, used[each.id], given.get(each.id, []), changed[each.id], me.id in writers[each.id])
        for each in found
    ]  # fmt: skip


def _approve(bulletin_id: int, form: ApproveForm) -> decisions.Decision:
    with current.read() as session:
        priority = bulletins.get(session, bulletin_id).priority
    second_step.demand(form, emergency=priority is Priority.EMERGENCY)
    with current.write() as session:
        return bulletins.approve(
            session,
            bulletins.get(session, bulletin_id),
            current.staff(),
            form.heard,
            current.now(),
            version=form.version.data or 0,
            emergency_approvers=current.config().content.emergency_approvers,
        )


def _reject(bulletin_id: int, form: RejectForm) -> decisions.Decision:
    with current.write() as session:
        return bulletins.reject(
            session,
            bulletins.get(session, bulletin_id),
            current.staff(),
            form.heard,
            form.reason.data or "",
            current.now(),
            version=form.version.data or 0,
        )


def _show_again(
    bulletin_id: int, *, approving: ApproveForm | None = None, rejecting: RejectForm | None = None
) -> Response:
    """The bulletin's page with the refusal at its form; only a new state of the bulletin renews that part."""
    with current.read() as session:
        page = load(session, bulletin_id)
    told = live.part("bulletins/sound.html", page=page, approving=approving, rejecting=rejecting)
    plain = live.part("bulletins/sound.html", page=page)
    part = dataclasses.replace(told, digest=plain.digest)
    return make_response(render_template("bulletins/show.html", page=page, part=part), 400)
