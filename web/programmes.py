"""Chương trình: running orders that fill the sessions of the day, built, looked at and changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa
from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from content import library
from content.bulletins import Bulletin
from content.bulletins import State as BulletinState
from content.library import Wanted
from content.recordings import Recording
from loa.errors import ScheduleError
from loa.staff import May
from loa.times import DAY, after, local
from loa.words import say
from scheduler import (
    broadcasts,
    exceptions,
    programme_acts,
    programmes,
    regulation,
    targets,
)
from scheduler.broadcasts import Broadcast, Tally
from scheduler.programme_checks import Line
from scheduler.programmes import Programme
from web import (
    current,
    editors,
    lists,
    programme_form,
    programme_lines,
    programme_list,
    spreadsheets,
)
from web.programme_form import ProgrammeForm, Told
from web.programme_lines import Laid
from web.where_form import everywhere, offer

bp = Blueprint("programmes", __name__)

FOUND = 8
"""Bulletins offered at a time."""
RUNS_SHOWN = 7


@dataclass(frozen=True)
class Found:
    """A bulletin that may be added."""

    bulletin: Bulletin
    ms: int | None


@bp.get("/chuong-trinh")
def listing() -> str:
    form = programme_list.form()
    with current.read() as session:
        page = programme_list.page(session, form)
        return render_template(
            "programmes/listing.html", form=form, page=page, asked=lists.asked(), yesterday=_of_yesterday(session),
            slots=regulation.rules_at(session, current.now()).slots, warnings=programme_lines.warnings,
        )  # fmt: skip


@bp.get("/chuong-trinh.csv")
def download() -> Response:
    """The programmes of the filter, all of them."""
    form = programme_list.form()
    with spreadsheets.writing() as (text, file), current.read() as session:
        spreadsheets.rows(programme_list.rows(session, form), text)
    return spreadsheets.answer(file, "chuong-trinh.csv")


@bp.route("/chuong-trinh/moi", methods=["GET", "POST"])
@current.needs(May.SCHEDULE)
def new() -> Response:
    return _build(None)


@bp.route("/chuong-trinh/<int:programme_id>/sua", methods=["GET", "POST"])
@current.needs(May.SCHEDULE)
def change(programme_id: int) -> Response:
    return _build(programme_id)


@bp.post("/chuong-trinh/thu-tu")
@current.needs(May.SCHEDULE)
def lines() -> str:
    """The running order of the form, after the button that was pressed; nothing is stored."""
    form = ProgrammeForm()
    with current.read() as session:
        form.offer_times(regulation.rules_at(session, current.now()))
        laid = _laid(session, form, request.form.get("programme", type=int))
        return render_template("programmes/lines.html", form=form, laid=laid)


@bp.get("/chuong-trinh/tim")
@current.needs(May.SCHEDULE)
def search() -> str:
    with current.read() as session:
        return render_template("programmes/found.html", found=_find(session), sought=_sought())


@bp.get("/chuong-trinh/<int:programme_id>")
def show(programme_id: int) -> str:
    with current.read() as session:
        programme = programmes.get(session, programme_id)
        last = _last_run(session, programme)
        return render_template(
            "programmes/show.html",
            entry=programme_list.entry(session, programme),
            places=targets.words(session, programme.where),
            exceptions=exceptions.of(session, "programme_id", programme_id),
            sentence=exceptions.sentence,
            last=last,
            tallies=broadcasts.tallies(session, [row.id for row in last]),
            nothing=Tally({}),
            most=RUNS_SHOWN,
        )


@bp.get("/chuong-trinh/<int:programme_id>/ket-thuc")
@current.needs(May.SCHEDULE)
def ask_end(programme_id: int) -> str:
    with current.read() as session:
        entry = programme_list.entry(session, programmes.get(session, programme_id))
    return render_template("programmes/end.html", entry=entry)


@bp.post("/chuong-trinh/<int:programme_id>/ket-thuc")
@current.needs(May.SCHEDULE)
def end(programme_id: int) -> Response:
    with current.write() as session:
        found = programmes.get(session, programme_id)
        programme_acts.end(session, found, current.staff(), current.now())
    flash(
        say(
            "Đã kết thúc chương trình. Các mục chưa phát sẽ bị huỷ; mục đang phát vẫn phát cho hết."
        )
    )
    return redirect(url_for("programmes.listing"))


# -- building -------------------------------------------------------------------------------------


def _build(programme_id: int | None) -> Response:
    with current.read() as session:
        form = _form(session, programme_id)
    if request.method == "POST" and "change" not in request.form:
        saved = form.carry_out(lambda: _save(form, programme_id))
        if saved is not None:
            return redirect(url_for("programmes.show", programme_id=saved))
    with current.read() as session:
        laid = _laid(session, form, programme_id)
        page = render_template(
            "programmes/form.html", form=form, laid=laid, offer=offer(session), found=_find(session),
            sought=_sought(), programme_id=programme_id, is_copy="tu" in request.args,
        )  # fmt: skip
    return make_response(page, form.status)


def _form(session: Session, programme_id: int | None) -> ProgrammeForm:
    if request.method == "POST":
        form = ProgrammeForm()
    elif programme_id is not None:
        form = programme_form.as_read(programmes.get(session, programme_id))
    elif (copied := request.args.get("tu", type=int)) is not None:
        form = ProgrammeForm(data=_copied(programmes.get(session, copied)))
    else:
        form = ProgrammeForm(data=programme_form.anew(session) | everywhere(offer(session).places))
    form.offer_times(regulation.rules_at(session, current.now()))
    return form


def _copied(programme: Programme) -> dict[str, object]:
    """Its values for a new one that begins today."""
    values = programme_form.of_programme(programme) | {"start_date": _today(), "waived_why": ""}
    end_date = programme.end_date
    return values | ({"end_date": None} if end_date and end_date < _today() else {})


def _laid(session: Session, form: ProgrammeForm, programme_id: int | None) -> Laid:
    """The running order of the page, or where it is first shown that of the programme it is of."""
    try:
        found, told = _lines(session, programme_id)
    except ScheduleError as error:
        form.take(error)
        return Laid(refusal=error.sentence)
    return programme_lines.lay_out(session, form, found, told, programme_id)


def _lines(session: Session, programme_id: int | None) -> tuple[list[Line], Told]:
    if request.method == "POST":
        return programme_form.changed(programme_form.lines_sent(), request.form.get("change", ""))
    shown = programme_id if programme_id is not None else request.args.get("tu", type=int)
    return (programme_form.lines_of(programmes.get(session, shown)) if shown else []), Told()


def _save(form: ProgrammeForm, programme_id: int | None) -> int:
    order, why = form.order(programme_form.lines_sent()), form.waived_why.data or ""
    _demand_seen(form, order.lines, programme_id)
    now, zone, staff = current.now(), current.zone(), current.staff()
    with current.write() as session:
        if programme_id is None:
            made = programme_acts.add(session, staff, order, now=now, zone=zone, waived_why=why)
            flash(say("Đã lập chương trình “%(name)s”.", name=made.name))
            return made.id
        found = programmes.get(session, programme_id)
        form.demand_unchanged(
            programme_form.read(found),
            lambda: editors.last(session, "programme.change", programme=found.id),
        )
        programme_acts.change(session, found, staff, order, now=now, zone=zone, waived_why=why)
    flash(
        say(
            "Đã lưu chương trình. Lần đang phát (nếu có) vẫn phát như cũ; thay đổi có từ lần phát sau."
        )
    )
    return programme_id


def _demand_seen(form: ProgrammeForm, found: Sequence[Line], programme_id: int | None) -> None:
    """What would silence something is saved only by who has seen that. Raises ScheduleError."""
    if form.seen.data:
        return
    with current.read() as session:
        laid = programme_lines.lay_out(session, form, found, Told(), programme_id)
    if laid.is_grave and not laid.reasons:
        raise ScheduleError(
            say(
                "Chương trình trùng giờ với lượt khác (xem ở dưới). Hãy đổi giờ, nơi phát, hoặc đánh dấu đã xem."
            ),
            field="seen",
        )


def _sought() -> str:
    return request.values.get("tim", "").strip()


def _find(session: Session) -> list[Found]:
    """Approved bulletins first asked for by words, else those changed last."""
    wanted = Wanted(search=_sought(), state=BulletinState.APPROVED, valid_on=_today())
    found = library.listing(session, wanted, limit=FOUND)
    shas = [each.recording_sha for each in found if each.recording_sha]
    rows = sa.select(Recording.sha256, Recording.ms).where(Recording.sha256.in_(shas))
    lengths = {row.sha256: row.ms for row in session.execute(rows)}
    return [Found(each, lengths.get(each.recording_sha or "")) for each in found]


# -- looking --------------------------------------------------------------------------------------


def _last_run(session: Session, programme: Programme) -> Sequence[Broadcast]:
    """The broadcasts of the day on which it was heard last."""
    ours = sa.select(Broadcast).where(
        Broadcast.programme_id == programme.id, Broadcast.starts_at <= current.now()
    )
    newest = session.scalars(ours.order_by(Broadcast.starts_at.desc()).limit(1)).first()
    if newest is None:
        return []
    day = broadcasts.of_day(session, newest.starts_at, current.zone())
    return [
        row for row in day if row.programme_id == programme.id and row.starts_at <= current.now()
    ]


def _of_yesterday(session: Session) -> list[Programme]:
    """Programmes that were heard the day before today."""
    day = broadcasts.of_day(session, after(current.now(), -DAY), current.zone())
    ids = {row.programme_id for row in day if row.programme_id is not None and row.code is None}
    return [programmes.get(session, each) for each in sorted(ids)]


def _today() -> date:
    return local(current.now(), current.zone()).date()
