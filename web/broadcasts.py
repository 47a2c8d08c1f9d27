"""Lượt phát: one broadcast with all that is known of it at each receiver, and "Dừng"."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from flask import Blueprint, flash, redirect, render_template, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from content.recordings import Recording
from devices.receivers import Receiver
from loa.errors import ScheduleError
from loa.staff import May
from scheduler import broadcasts
from scheduler.broadcasts import Broadcast, Delivery, Tally
from web import current, labels, live

bp = Blueprint("broadcasts", __name__)


@dataclass(frozen=True)
class Page:
    broadcast: Broadcast
    tally: Tally
    rows: list[tuple[Delivery, bool]]
    """Each delivery, and whether its receiver is simulated."""
    recording: Recording | None

    @property
    def outcome(self) -> labels.Outcome:
        return labels.outcome(self.broadcast.state, self.tally)

    @property
    def may_be_stopped(self) -> bool:
        return (
            self.broadcast.state not in broadcasts.OVER and self.broadcast.stop_requested_at is None
        )


def load(session: Session, broadcast_id: int) -> Page:
    broadcast = broadcasts.get(session, broadcast_id)
    sha = broadcast.recording_sha
    rows = session.execute(
        sa.select(Delivery, Receiver.simulated)
        .join(Receiver, Delivery.receiver_id == Receiver.id)
        .where(Delivery.broadcast_id == broadcast_id)
        .order_by(Delivery.area_name, Delivery.receiver_name)
    )
    return Page(
        broadcast=broadcast,
        tally=broadcasts.tallies(session, [broadcast_id])[broadcast_id],
        rows=[(delivery, simulated) for delivery, simulated in rows],
        recording=session.get(Recording, sha) if sha else None,
    )


@bp.get("/luot-phat/<int:broadcast_id>")
def show(broadcast_id: int) -> str:
    with current.read() as session:
        page = load(session, broadcast_id)
    shown = live.part("broadcasts/deliveries.html", page=page)
    return render_template("broadcasts/show.html", page=page, part=shown)


@bp.get("/luot-phat/<int:broadcast_id>/ket-qua")
def part(broadcast_id: int) -> Response:
    """The live part alone."""
    with current.read() as session:
        page = load(session, broadcast_id)
    return live.answer(live.part("broadcasts/deliveries.html", page=page))


@bp.get("/luot-phat/<int:broadcast_id>/dung")
@current.needs(May.STOP)
def ask_stop(broadcast_id: int) -> str:
    with current.read() as session:
        page = load(session, broadcast_id)
    return render_template("broadcasts/stop.html", page=page)


@bp.post("/luot-phat/<int:broadcast_id>/dung")
@current.needs(May.STOP)
def stop(broadcast_id: int) -> Response:
    with current.write() as session:
        broadcast = broadcasts.get(session, broadcast_id)
        if broadcast.state in broadcasts.OVER:
            raise ScheduleError("Lượt phát này đã kết thúc nên không còn gì để dừng.")
        broadcasts.stop(session, broadcast, current.staff(), current.now())
    flash("Đã ra lệnh dừng. Từng đầu thu sẽ báo lại khi đã dừng.")
    return redirect(url_for("broadcasts.show", broadcast_id=broadcast_id))
