"""Cấp trên: what comes to an area from above and what its officers say of it; and the limits of who sees what."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from flask import Blueprint, flash, g, make_response, redirect, render_template, request, url_for
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response
from wtforms import BooleanField, RadioField, TextAreaField

from devices import areas
from loa.errors import NotFound, ScheduleError
from loa.staff import May
from loa.times import Instant, local
from loa.words import say
from scheduler import (
    broadcasts,
    from_above,
    level_acts,
    level_early,
)
from scheduler import levels as rules_of_levels
from scheduler.from_above import Coming, Meeting
from scheduler.level_acts import Ordered
from scheduler.level_views import View
from scheduler.levels import Said
from web import current, labels, plan_places
from web.forms import Form

bp = Blueprint("levels", __name__)


class DeclineForm(Form):
    reason = TextAreaField(say("Lý do không nhận"))


class OrderForm(Form):
    first = RadioField(say("Lượt nào phát trước"), coerce=int, validate_choice=False)
    again = BooleanField(say("Xếp lượt kia phát ngay sau đó ở địa bàn"))
    reason = TextAreaField(say("Lý do"))


@dataclass(frozen=True)
class Row:
    """Something from above, with the form to decline it."""

    coming: Coming
    form: DeclineForm
    gives_way: bool
    """An officer of the area put another before it."""

    @property
    def date(self) -> date:
        return local(self.coming.sound.starts_at, current.zone()).date()

    @property
    def day(self) -> str:
        return labels.long_day(self.date)


@dataclass(frozen=True)
class Choice:
    """A meeting, with the form to put it in order."""

    meeting: Meeting
    form: OrderForm


# -- the page -------------------------------------------------------------------------------------


@bp.get("/cap-tren")
@current.needs(May.SCHEDULE)
def show() -> Response:
    return _page()


@bp.post("/cap-tren/luot/<int:broadcast_id>/khong-nhan")
@current.needs(May.SCHEDULE)
def decline(broadcast_id: int) -> Response:
    form = DeclineForm(prefix=_prefix(broadcast_id))
    if form.carry_out(lambda: _decline(broadcast_id, form)) is None:
        return _page({form._prefix: form})
    flash(say("Đã ghi: địa bàn không nhận lượt này. Trước giờ phát vẫn có thể nhận lại."))
    return redirect(url_for("levels.show"))


@bp.post("/cap-tren/luot/<int:broadcast_id>/thu-tu/<int:other_id>")
@current.needs(May.SCHEDULE)
def put_first(broadcast_id: int, other_id: int) -> Response:
    """Of the one from above and the one of the area, say which goes first."""
    form = OrderForm(prefix=_prefix(broadcast_id, other_id))
    done = form.carry_out(lambda: _put_first(form, broadcast_id, other_id))
    if done is None:
        return _page({form._prefix: form})
    flash(_said(done))
    return redirect(url_for("levels.show"))


@bp.post("/cap-tren/som")
@current.needs(May.SCHEDULE)
def bring_forward() -> Response:
    """Have something further ahead on the page with its form, to be decided now."""
    with current.write() as session:
        name, rules = request.form.get("luot", ""), plan_places.rules()
        me, now = current.staff(), current.now()
        row = level_early.bring_forward(session, name, me, now, rules)
        page = from_above.look(session, level_acts.own_area(me), now, rules)
        met = [each.key for each in page.meetings if each.above.broadcast_id == row.id]
        place = f"thu-tu-{met[0]}" if met else f"luot-{row.id}"
    return redirect(url_for("levels.show", mo=row.id, _anchor=place))


@bp.post("/cap-tren/quyet-dinh/<int:decision_id>/bo")
@current.needs(May.SCHEDULE)
def withdraw(decision_id: int) -> Response:
    with current.write() as session:
        decision = level_acts.get(session, decision_id)
        if not View(session, current.staff()).owns(decision.area_id):
            raise NotFound(say("Không tìm thấy quyết định này. Hãy tải lại trang Cấp trên."))
        level_acts.withdraw(session, decision, current.staff(), current.now())
    flash(say("Đã bỏ quyết định. Lượt phát lại theo lệ chung."))
    return redirect(url_for("levels.show"))


def _page(wrong: dict[str, Form] | None = None) -> Response:
    """The page; ``wrong`` are forms that must be corrected, by their prefix."""
    me, now, wrong = current.staff(), current.now(), wrong or {}
    with current.read() as session:
        looked = (
            from_above.look(session, me.area_id, now, plan_places.rules()) if me.area_id else None
        )
        own = areas.get(session, me.area_id).full_name if me.area_id else ""
        told = from_above.told(session, me, now)
        is_used = rules_of_levels.is_in_use(session)
    rows = _rows(looked, wrong) if looked else []
    choices = [_choice(each, wrong) for each in looked.meetings] if looked else []
    page = render_template(
        "levels/show.html", own=own, told=told, Said=Said, is_used=is_used, rows=rows, choices=choices,
        rule=plan_places.rule_in_words(), day=_day, refusals=_refusals(rows, choices, wrong),
        opened=request.args.get("mo", type=int),
    )  # fmt: skip
    return make_response(page, next((form.status for form in wrong.values()), 200))


def _refusals(rows: list[Row], choices: list[Choice], wrong: dict[str, Form]) -> list[str]:
    """What was refused where no form is shown any more at which to say so."""
    shown: list[Form] = [row.form for row in rows if row.coming.may_be_declined]
    shown += [choice.form for choice in choices]
    return [
        told
        for form in wrong.values()
        if not any(form is each for each in shown)
        for told in form.form_errors
    ]


def _rows(looked: from_above.Page, wrong: dict[str, Form]) -> list[Row]:
    behind = {each.above.broadcast_id for each in looked.meetings if each.first is each.own}
    return [_row(each, each.sound.broadcast_id in behind, wrong) for each in looked.coming]


def _row(coming: Coming, gives_way: bool, wrong: dict[str, Form]) -> Row:
    prefix = _prefix(coming.sound.broadcast_id or 0)
    known = wrong.get(f"{prefix}-")
    form = known if isinstance(known, DeclineForm) else DeclineForm(None, prefix=prefix)
    return Row(coming, form, gives_way)


def _choice(meeting: Meeting, wrong: dict[str, Form]) -> Choice:
    prefix = _prefix(meeting.above.broadcast_id or 0, meeting.own.broadcast_id)
    known = wrong.get(f"{prefix}-")
    if isinstance(known, OrderForm):
        return Choice(meeting, known)
    said = meeting.first or meeting.usual
    data = {"first": said.broadcast_id, "again": True}
    return Choice(meeting, OrderForm(None, prefix=prefix, data=data))


def _prefix(broadcast_id: int, other_id: int | None = None) -> str:
    return f"l{broadcast_id}" if other_id is None else f"l{broadcast_id}-{other_id}"


def _day(moment: Instant) -> str:
    return labels.long_day(local(moment, current.zone()).date())


def _decline(broadcast_id: int, form: DeclineForm) -> bool:
    with current.write() as session:
        broadcast = _seen(session, broadcast_id)
        level_acts.decline(
            session, broadcast, current.staff(), form.reason.data or "", current.now()
        )
    return True


def _put_first(form: OrderForm, broadcast_id: int, other_id: int) -> Ordered:
    with current.write() as session:
        both = {each: _seen(session, each) for each in (broadcast_id, other_id)}
        first = both.pop(form.first.data, None)
        if first is None:
            raise ScheduleError(say("Hãy chọn lượt phát trước."), field="first")
        (other,) = both.values()
        return level_acts.put_first(
            session, first, other, current.staff(), now=current.now(), zone=current.zone(),
            again=bool(form.again.data), reason=form.reason.data or "",
        )  # fmt: skip


def _said(done: Ordered) -> str:
    if done.schedule is not None:
        return say(
            "Đã ghi thứ tự. Lượt nhường được xếp lại lúc %(time)s ở địa bàn.",
            time=f"{done.schedule.at:%H:%M:%S}",
        )
    if done.refusal:
        return say(
            "Đã ghi thứ tự. Lượt nhường không phát ở nơi hai lượt gặp nhau, vì không xếp lại ngay sau đó được: "
            "%(refusal)s",
            refusal=done.refusal,
        )
    return say("Đã ghi thứ tự. Lượt nhường không phát ở nơi hai lượt gặp nhau.")


def _seen(session: Session, broadcast_id: int) -> broadcasts.Broadcast:
    """That broadcast, where the reader may know of it. Raises NotFound."""
    found = broadcasts.get(session, broadcast_id)
    if not View(session, current.staff()).broadcasts([found]):
        raise NotFound(say("Không tìm thấy lượt phát này. Hãy quay lại trang Hôm nay."))
    return found


# -- what waits -----------------------------------------------------------------------------------


@bp.app_template_global("answers_for")
def answers_for(area_id: int | None) -> bool:
    """Whether the reader may change what somebody who works for that area set."""
    if current.staff().area_id is None:
        return True
    if "answers_within" not in g:
        with current.read() as session:
            g.answers_within = rules_of_levels.reach(session, current.staff())
    return area_id in g.answers_within


@bp.app_template_global("levels_in_use")
def in_use() -> bool:
    """Whether anybody here works for less than the whole station."""
    if current.staff().area_id is not None:
        return True
    with current.read() as session:
        return rules_of_levels.is_in_use(session)


def undecided() -> list[Meeting]:
    """Meetings of which this reader is asked to say which goes first; asked once for a page."""
    me = current.staff()
    if me.area_id is None or not me.may(May.SCHEDULE):
        return []
    if "undecided" not in g:
        g.undecided = []
        try:
            with current.read() as session:
                rules = plan_places.rules()
                g.undecided = from_above.undecided(session, me.area_id, current.now(), rules)
        except (OperationalError, PoolTimeout):
            return []
    return list(g.undecided)
