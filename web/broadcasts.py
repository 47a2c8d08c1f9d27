"""Lượt phát: one broadcast with all that is known of it at each receiver, and "Dừng"."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from flask import Blueprint, flash, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from content.recordings import Recording
from devices.receivers import Receiver
from loa.errors import ScheduleError
from loa.languages import KINH
from loa.staff import May
from loa.words import say
from scheduler import broadcasts, from_above, readiness
from scheduler.broadcasts import Broadcast, Delivery, Tally
from scheduler.broadcasts import DeliveryState as D
from scheduler.level_views import View
from scheduler.levels import Said
from scheduler.readiness import Unready
from web import archived, current, labels, live

bp = Blueprint("broadcasts", __name__)
PER_PAGE = 100
Theirs = sa.Select[Delivery, bool]
"""Deliveries of a broadcast, and whether their receivers are simulated."""
WRONG = (D.INTERRUPTED, D.FAILED, D.MISSED, D.REFUSED, D.UNKNOWN)


@dataclass(frozen=True)
class Page:
    broadcast: Broadcast
    tally: Tally
    rows: list[tuple[Delivery, bool]]
    """Each delivery of this page of them, and whether its receiver is simulated; where there are several pages, what
    went wrong comes first."""
    number: int
    pages: int
    sounds: list[tuple[str, Recording]]
    """Language and sound of what its receivers are to play: the bulletin's own first."""
    may_stop: bool
    """Whether its reader may stop such a broadcast."""
    unready: list[Unready]
    """Who may miss it as things stand, shortly before its time."""
    decided: list[from_above.Told]
    """What areas said of it."""
    is_theirs: bool
    """Whether it was set for its reader's area, or below."""

    @property
    def outcome(self) -> labels.Outcome:
        return labels.outcome(broadcasts.state_there(self.broadcast, self.tally), self.tally)

    @property
    def may_be_stopped(self) -> bool:
        """Whether its reader may stop it now."""
        over = self.broadcast.state in broadcasts.OVER or self.broadcast.stop_requested_at
        return self.may_stop and not over

    @property
    def is_above(self) -> bool:
        """Whether it comes to its reader's area from a wider one."""
        return not self.is_theirs and current.staff().may(May.SCHEDULE)

    def language(self, delivery: Delivery) -> str:
        """What is heard at a place that speaks another language than Kinh; empty elsewhere."""
        if delivery.language == KINH:
            return ""
        spoken = labels.language(delivery.language)
        own = delivery.recording_sha == self.broadcast.recording_sha
        return say("%(spoken)s, nghe bản tiếng Kinh", spoken=spoken) if own else spoken


def load(session: Session, broadcast_id: int) -> Page:
    broadcast, view = broadcasts.get(session, broadcast_id), View(session, current.staff())
    theirs = (
        sa.select(Delivery, Receiver.simulated)
        .join(Receiver, Delivery.receiver_id == Receiver.id)
        .where(Delivery.broadcast_id == broadcast_id, view.receivers())
    )
    rows, number, pages = _one_page(session, theirs)
    return Page(
        broadcast=broadcast,
        tally=view.tallies([broadcast_id])[broadcast_id],
        rows=rows,
        number=number,
        pages=pages,
        sounds=_sounds(session, broadcast, theirs),
        may_stop=broadcasts.may_stop(session, broadcast, current.staff()),
        unready=view.here(readiness.unready(session, current.now(), broadcast_id=broadcast_id)),
        decided=from_above.of_broadcast(session, broadcast_id, current.staff()),
        is_theirs=view.owns(broadcast.by_area_id),
    )


def _one_page(session: Session, theirs: Theirs) -> tuple[list[tuple[Delivery, bool]], int, int]:
    """The rows of the page asked for, its number, and how many there are."""
    total = session.scalar(theirs.with_only_columns(sa.func.count())) or 0
    pages = max(-(-total // PER_PAGE), 1)
    number = min(max(request.args.get("trang", 1, type=int), 1), pages)
    wrong_first = [sa.case((Delivery.state.in_(WRONG), 0), else_=1)] if pages > 1 else []
    shown = theirs.order_by(*wrong_first, Delivery.area_name, Delivery.receiver_name, Delivery.id)
    found = session.execute(shown.limit(PER_PAGE).offset((number - 1) * PER_PAGE))
    return [(delivery, simulated) for delivery, simulated in found], number, pages


def _sounds(
    session: Session, broadcast: Broadcast, deliveries: Theirs
) -> list[tuple[str, Recording]]:
    """Each sound once, with the language it is in."""
    shas = {broadcast.recording_sha: KINH}
    spoken = deliveries.with_only_columns(Delivery.recording_sha, Delivery.language).distinct()
    for sha, language in session.execute(spoken.order_by(Delivery.language)):
        shas.setdefault(sha, language)
    found = [(language, session.get(Recording, sha)) for sha, language in shas.items() if sha]
    return [(language, recording) for language, recording in found if recording is not None]


@bp.get("/luot-phat/<int:broadcast_id>")
def show(broadcast_id: int) -> str:
    with archived.read_broadcast(broadcast_id) as session:
        page = load(session, broadcast_id)
    shown = live.part("broadcasts/deliveries.html", page=page)
    return render_template("broadcasts/show.html", page=page, part=shown, Said=Said)


@bp.get("/luot-phat/<int:broadcast_id>/ket-qua")
def part(broadcast_id: int) -> Response:
    """The live part alone."""
    with archived.read_broadcast(broadcast_id) as session:
        page = load(session, broadcast_id)
    return live.answer(live.part("broadcasts/deliveries.html", page=page))


@bp.get("/luot-phat/<int:broadcast_id>/dung")
@current.needs(May.SCHEDULE)
def ask_stop(broadcast_id: int) -> str:
    with current.read() as session:
        page = load(session, broadcast_id)
    if not page.may_stop:
        current.staff().demand(May.STOP)
    return render_template("broadcasts/stop.html", page=page)


@bp.post("/luot-phat/<int:broadcast_id>/dung")
@current.needs(May.SCHEDULE)
def stop(broadcast_id: int) -> Response:
    with current.write() as session:
        broadcast = broadcasts.get(session, broadcast_id)
        if broadcast.state in broadcasts.OVER:
            raise ScheduleError(say("Lượt phát này đã kết thúc nên không còn gì để dừng."))
        broadcasts.stop(session, broadcast, current.staff(), current.now())
    flash(say("Đã ra lệnh dừng. Từng đầu thu sẽ báo lại khi đã dừng."))
    return redirect(url_for("broadcasts.show", broadcast_id=broadcast_id))
