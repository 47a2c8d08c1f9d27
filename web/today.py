"""Hôm nay: what sounds now and next, what became of it, and what needs attention."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import time, timedelta

import sqlalchemy as sa
from flask import Blueprint, flash, redirect, render_template, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from devices.receivers import Receiver
from loa.staff import May
from loa.times import DAY, Instant, after, at, local
from loa.words import counted, say
from scheduler import broadcasts
from scheduler.broadcasts import OPEN, Broadcast, Delivery, DeliveryState, State, Tally
from scheduler.level_views import View
from scheduler.levels import answers_for
from web import current, first_steps, labels, live, notices
from web.notices import Notice

bp = Blueprint("today", __name__)

MOST_ROWS = 30
"""Receivers shown in a card; the broadcast's own page has them all."""
GOOD = frozenset({DeliveryState.PLAYED, *OPEN})


@dataclass(frozen=True)
class Row:
    """One receiver in a card."""

    delivery: Delivery
    simulated: bool


@dataclass(frozen=True)
class Card:
    """One broadcast of the day; ``rows`` only where someone is likely to look."""

    broadcast: Broadcast
    tally: Tally
    rows: tuple[Row, ...] = ()
    hidden: int = 0
    may_stop: bool = False
    """Whether its reader may stop it now."""

    @property
    def outcome(self) -> labels.Outcome:
        return labels.outcome(broadcasts.state_there(self.broadcast, self.tally), self.tally)


@dataclass(frozen=True)
class Board:
    """The live part of the page."""

    cards: tuple[Card, ...]
    """What sounds now, then what is to come today."""
    past: tuple[Card, ...]
    """What is over today, the last first."""
    tomorrow: tuple[Card, ...]
    next: Broadcast | None
    notices: tuple[Notice, ...]
    has_receivers: bool


@bp.get("/")
def show() -> str:
    date = local(current.now(), current.zone()).date()
    with current.read() as session:
        steps = first_steps.steps(session, current.staff())
    return render_template(
        "today/show.html", part=_part(), date=labels.long_day(date),
        steps=steps, next_step=first_steps.next_of(steps),
    )  # fmt: skip


@bp.get("/hom-nay")
def board() -> Response:
    """The live part alone."""
    return live.answer(_part())


@bp.get("/dung-tat-ca")
@current.needs(May.STOP)
def ask_stop_all() -> str:
    with current.read() as session:
        near = _stoppable(session, current.now())
    return render_template("today/stop_all.html", broadcasts=near)


@bp.post("/dung-tat-ca")
@current.needs(May.STOP)
def stop_all() -> Response:
    with current.write() as session:
        number = broadcasts.stop_all(session, current.staff(), current.now())
    flash(
        counted("Đã ra lệnh dừng %(n)s lượt phát.", number)
        if number
        else say("Không có lượt nào để dừng.")
    )
    return redirect(url_for("today.show"))


def _part() -> live.Part:
    return live.part("today/board.html", board=_board())


def _stoppable(session: Session, now: Instant) -> list[Broadcast]:
    """What "Dừng tất cả" would stop now."""
    found = broadcasts.between(session, after(now, -DAY), after(now, broadcasts.STOP_ALL_AHEAD))
    return [
        b
        for b in found
        if b.state not in broadcasts.OVER
        and b.stop_requested_at is None
        and answers_for(session, current.staff(), b.by_area_id)
    ]


def _board() -> Board:
    now, zone = current.now(), current.zone()
    midnight = at(local(now, zone).date() + timedelta(days=1), time(0), zone) or now
    with current.read() as session:
        view = View(session, current.staff())
        today = view.broadcasts(broadcasts.of_day(session, now, zone))
        soon = view.broadcasts(
            broadcasts.between(session, midnight, max(after(now, DAY), midnight))
        )
        tallies = view.tallies([b.id for b in [*today, *soon]])
        focus = _in_focus(today, now)
        rows = {each: _rows(view, each, tallies[each]) for each in sorted(focus)}
        own = broadcasts.set_by(session, [b.id for b in today], current.staff())
        if current.staff().may(May.STOP):
            own |= {b.id for b in today if view.owns(b.by_area_id)}
        cards = [_card(b, tallies[b.id], rows.get(b.id, ()), b.id in own) for b in today]
        return Board(
            cards=tuple(_sounding_first(cards)),
            past=tuple(reversed([card for card in cards if _is_over(card)])),
            tomorrow=tuple(Card(b, tallies[b.id]) for b in soon),
            next=_next([b for b in [*today, *soon] if not _is_off(b, tallies[b.id])], now),
            notices=tuple(notices.everything(session, [*today, *soon], tallies, now)),
            has_receivers=session.scalar(sa.select(sa.exists().where(Receiver.active))) or False,
        )


def _sounding_first(cards: Iterable[Card]) -> list[Card]:
    """What is not over, in order of time but for what sounds now: nobody should have to look for that."""
    ahead = (card for card in cards if not _is_over(card))
    return sorted(ahead, key=lambda card: card.broadcast.state is not State.ON_AIR)


def _is_over(card: Card) -> bool:
    return card.broadcast.state in broadcasts.OVER


def _is_off(broadcast: Broadcast, tally: Tally) -> bool:
    return broadcasts.state_there(broadcast, tally) in broadcasts.OVER


def _next(found: Iterable[Broadcast], now: Instant) -> Broadcast | None:
    ahead = (b for b in found if b.starts_at > now and b.state not in broadcasts.OVER)
    return next(ahead, None)


def _in_focus(today: list[Broadcast], now: Instant) -> set[int]:
    """What sounds, what sounded last, and what sounds next: these are shown receiver by receiver."""
    begun = [b for b in today if b.starts_at <= now]
    upcoming = _next(today, now)
    on_air = {b.id for b in today if b.state is State.ON_AIR}
    return on_air | {b.id for b in begun[-1:]} | ({upcoming.id} if upcoming else set())


def _rows(view: View, broadcast_id: int, tally: Tally) -> tuple[Row, ...]:
    """As many as are shown; of a large station first what did not go well, and before anything happened none."""
    if tally.of(DeliveryState.PLANNED) == tally.total:
        return ()
    went_well = (Delivery.state.in_(GOOD),) if tally.total > MOST_ROWS else ()
    found = view.session.execute(
        sa.select(Delivery, Receiver.simulated)
        .join(Receiver, Delivery.receiver_id == Receiver.id)
        .where(Delivery.broadcast_id == broadcast_id, view.receivers())
        .order_by(*went_well, Delivery.area_name, Delivery.receiver_name, Delivery.receiver_id)
        .limit(MOST_ROWS)
    )
    return tuple(Row(delivery, simulated) for delivery, simulated in found)


def _card(broadcast: Broadcast, tally: Tally, rows: tuple[Row, ...], is_own: bool) -> Card:
    """``is_own``: its reader may stop it, before it is over."""
    over = broadcast.state in broadcasts.OVER or broadcast.stop_requested_at is not None
    return Card(broadcast, tally, rows, tally.total - len(rows) if rows else 0, is_own and not over)
