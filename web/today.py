"""Hôm nay: what sounds now and next, what became of it, and what needs attention."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import time, timedelta

import sqlalchemy as sa
from flask import Blueprint, flash, redirect, render_template, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from content import bulletins, library
from content.bulletins import Bulletin, Priority
from content.recordings import Rendering, RenderingState
from devices import receivers
from devices.receivers import Receiver
from loa.staff import May
from loa.times import DAY, MINUTE, Instant, after, at, local
from scheduler import broadcasts
from scheduler.broadcasts import OPEN, Broadcast, Delivery, DeliveryState, State, Tally
from web import current, health, labels, live
from web.health import Health

bp = Blueprint("today", __name__)

READY_BEFORE = 30 * MINUTE
"""A receiver without the sound so shortly before its time needs someone to look."""
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
        return labels.outcome(self.broadcast.state, self.tally)


@dataclass(frozen=True)
class Notice:
    """Something that needs attention, and the page on which to deal with it."""

    sentence: str
    link: str
    tone: str = "doubt"


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
    return render_template("today/show.html", part=_part(), date=labels.long_day(date))


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
    flash(f"Đã ra lệnh dừng {number} lượt phát." if number else "Không có lượt nào để dừng.")
    return redirect(url_for("today.show"))


def _part() -> live.Part:
    return live.part("today/board.html", board=_board())


def _stoppable(session: Session, now: Instant) -> list[Broadcast]:
    """What "Dừng tất cả" would stop now."""
    found = broadcasts.between(session, after(now, -DAY), after(now, broadcasts.STOP_ALL_AHEAD))
    return [b for b in found if b.state not in broadcasts.OVER and b.stop_requested_at is None]


def _board() -> Board:
    now, zone = current.now(), current.zone()
    midnight = at(local(now, zone).date() + timedelta(days=1), time(0), zone) or now
    with current.read() as session:
        today = broadcasts.of_day(session, now, zone)
        soon = broadcasts.between(session, midnight, max(after(now, DAY), midnight))
        tallies = broadcasts.tallies(session, [b.id for b in [*today, *soon]])
        rows = _rows(session, _in_focus(today, now))
        own = broadcasts.set_by(session, [b.id for b in today], current.staff())
        cards = [_card(b, tallies[b.id], rows.get(b.id), b.id in own) for b in today]
        return Board(
            cards=tuple(_sounding_first(cards)),
            past=tuple(reversed([card for card in cards if _is_over(card)])),
            tomorrow=tuple(Card(b, tallies[b.id]) for b in soon),
            next=_next([*today, *soon], now),
            notices=tuple(_notices(session, [*today, *soon], tallies, now)),
            has_receivers=session.scalar(sa.select(sa.exists().where(Receiver.active))) or False,
        )


def _sounding_first(cards: Iterable[Card]) -> list[Card]:
    """What is not over, in order of time but for what sounds now: nobody should have to look for that."""
    ahead = (card for card in cards if not _is_over(card))
    return sorted(ahead, key=lambda card: card.broadcast.state is not State.ON_AIR)


def _is_over(card: Card) -> bool:
    return card.broadcast.state in broadcasts.OVER


def _next(found: Iterable[Broadcast], now: Instant) -> Broadcast | None:
    ahead = (b for b in found if b.starts_at > now and b.state not in broadcasts.OVER)
    return next(ahead, None)


def _in_focus(today: list[Broadcast], now: Instant) -> set[int]:
    """What sounds, what sounded last, and what sounds next: these are shown receiver by receiver."""
    begun = [b for b in today if b.starts_at <= now]
    upcoming = _next(today, now)
    on_air = {b.id for b in today if b.state is State.ON_AIR}
    return on_air | {b.id for b in begun[-1:]} | ({upcoming.id} if upcoming else set())


def _rows(session: Session, ids: set[int]) -> dict[int, list[Row]]:
    found = session.execute(
        sa.select(Delivery, Receiver.simulated)
        .join(Receiver, Delivery.receiver_id == Receiver.id)
        .where(Delivery.broadcast_id.in_(ids))
        .order_by(Delivery.area_name, Delivery.receiver_name)
    )
    rows: dict[int, list[Row]] = {}
    for delivery, simulated in found:
        rows.setdefault(delivery.broadcast_id, []).append(Row(delivery, simulated))
    return rows


def _card(broadcast: Broadcast, tally: Tally, rows: list[Row] | None, is_own: bool) -> Card:
    """Of a large station the card shows first what did not go well; before anything happened, nothing."""
    rows = (
        rows
        if rows and any(row.delivery.state is not DeliveryState.PLANNED for row in rows)
        else []
    )
    if len(rows) > MOST_ROWS:
        rows = sorted(rows, key=lambda row: row.delivery.state in GOOD)
    over = broadcast.state in broadcasts.OVER or broadcast.stop_requested_at is not None
    may_stop = not over and (is_own or current.staff().may(May.STOP))
    return Card(broadcast, tally, tuple(rows[:MOST_ROWS]), max(len(rows) - MOST_ROWS, 0), may_stop)


def _notices(
    session: Session, near: list[Broadcast], tallies: dict[int, Tally], now: Instant
) -> Iterable[Notice]:
    if not health.scheduler_is_running(session, now):
        yield Notice(
            "Bộ điều hành của đài chưa chạy: không có lệnh phát mới nào được gửi đi. "
            "Hãy báo người quản trị khởi động lại Loa.", "", "bad",
        )  # fmt: skip
    yield from _contradicted(session)
    yield from _waiting(session)
    yield from _unready(near, tallies, now)
    yield from _silent(session, now)
    yield from _without_sound(session)


def _contradicted(session: Session) -> Iterable[Notice]:
    """A journal that tells its past in another way than it did: restored, cloned, or tampered with."""
    for receiver in receivers.contradicted(session):
        yield Notice(
            f"Nhật ký của đầu thu “{receiver.name}” mâu thuẫn với phần đã gửi về trước đây: thiết bị có thể đã bị "
            "sao chép, phục hồi hoặc can thiệp. Đài giữ bản đầu tiên và không nhận phần sau.",
            url_for("receivers.show", receiver_id=receiver.id),
            "bad",
        )


def _waiting(session: Session) -> Iterable[Notice]:
    """Bulletins that wait for this reader."""
    me = current.staff()
    waiting = library.to_decide(session, me)
    if urgent := sum(bulletin.priority is Priority.EMERGENCY for bulletin in waiting):
        link = url_for("decisions.queue")
        yield Notice(f"{urgent} bản tin khẩn cấp chờ bạn nghe và duyệt.", link, "bad")
    if usual := len(waiting) - urgent:
        yield Notice(f"{usual} bản tin chờ bạn nghe và duyệt.", url_for("decisions.queue"), "wait")
    if me.may(May.WRITE):
        returned = sa.select(sa.func.count()).where(
            Bulletin.state == bulletins.State.REJECTED, Bulletin.author_id == me.id
        )
        if number := session.scalar(returned):
            link = url_for("library.show", trang_thai="rejected")
            yield Notice(f"{number} bản tin của bạn bị trả lại, cần sửa.", link)


def _unready(near: list[Broadcast], tallies: dict[int, Tally], now: Instant) -> Iterable[Notice]:
    """Broadcasts to come that will not sound as things stand."""
    for broadcast in near:
        if broadcast.starts_at <= now or broadcast.state in broadcasts.OVER:
            continue
        what = f"Lượt {labels.soon(broadcast.starts_at, now, current.zone())} “{broadcast.title}”"
        tally = tallies[broadcast.id]
        late = tally.of(DeliveryState.PLANNED, DeliveryState.SENT, DeliveryState.ACCEPTED)
        if broadcast.recording_sha is None:
            link = url_for("bulletins.show", bulletin_id=broadcast.bulletin_id)
            yield Notice(f"{what} sẽ không phát vì bản tin chưa được duyệt.", link, "bad")
        elif late and broadcast.starts_at - now < READY_BEFORE:
            link = url_for("broadcasts.show", broadcast_id=broadcast.id)
            yield Notice(f"{what}: {late}/{tally.total} đầu thu chưa sẵn sàng.", link)


def _silent(session: Session, now: Instant) -> Iterable[Notice]:
    active = session.scalars(sa.select(Receiver).where(Receiver.active)).unique().all()
    found = [health.of_receiver(receiver, now) for receiver in active]
    for kind, what in ((Health.OFFLINE, "mất kết nối"), (Health.IMPAIRED, "báo có trục trặc")):
        if number := found.count(kind):
            yield Notice(f"{number}/{len(active)} đầu thu {what}.", url_for("receivers.listing"))


def _without_sound(session: Session) -> Iterable[Notice]:
    newest = sa.select(sa.func.max(Rendering.id)).group_by(Rendering.bulletin_id)
    failed = session.execute(
        sa.select(Bulletin.id, Bulletin.title)
        .join(Rendering, Rendering.bulletin_id == Bulletin.id)
        .where(
            Rendering.id.in_(newest),
            Rendering.state == RenderingState.FAILED,
            Bulletin.sounds == {},
            Bulletin.state != bulletins.State.WITHDRAWN,
        )
    )
    for bulletin_id, title in failed:
        link = url_for("bulletins.show", bulletin_id=bulletin_id)
        yield Notice(f"Không tạo được âm thanh của bản tin “{title}”.", link, "bad")
