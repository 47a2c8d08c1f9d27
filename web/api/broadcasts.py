"""Broadcasts: those of a day, what became of each at every receiver by that receiver's own word, and stopping one."""

from __future__ import annotations

from datetime import date, time, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from content.bulletins import Priority
from devices.receivers import Receiver
from loa.errors import ScheduleError
from loa.times import DAY, Instant, after, at, local
from loa.tokens import Scope
from scheduler import broadcasts
from scheduler.broadcasts import Broadcast, Delivery, DeliveryState, State, Tally
from scheduler.level_views import View
from scheduler.retention import reading
from web import archived, current
from web.api import paging
from web.api.paging import Listed
from web.api.routes import Route
from web.api.wire import Id, Moment, Page, Told, moment, perhaps


class BroadcastQuery(Listed, frozen=True):
    """Which broadcasts, in order of time."""

    day: date | None = None
    """By the station's clock; today where none is named."""
    state: State | None = None


class BroadcastItem(Told, frozen=True):
    """One run of a schedule, programme, campaign or alert."""

    id: Id
    schedule_id: int | None
    programme_id: int | None
    campaign_id: int | None
    alert_id: int | None
    bulletin_id: Id
    title: str
    priority: Priority
    starts_at: Moment
    ends_at: Moment
    state: State
    code: str | None
    """Why it was missed or cancelled, as a word and as a sentence."""
    reason: str | None
    drill: bool
    author: str
    approvers: list[str]
    scheduler: str
    origin: str
    """By which rule it was planned."""
    deliveries: dict[DeliveryState, int]
    """How many receivers are in which state. Those not heard of are never counted as played."""


class DeliveryQuery(Listed, frozen=True):
    """Which deliveries, in the order in which they were made."""

    state: DeliveryState | None = None


class DeliveryItem(Told, frozen=True):
    """One broadcast at one receiver. What it says after `sent` is the receiver's own word, from its journal."""

    id: Id
    broadcast_id: Id
    receiver_id: str
    receiver_name: str
    area_name: str
    language: str
    state: DeliveryState
    reason: str | None
    sent_at: Moment | None
    accepted_at: Moment | None
    ready_at: Moment | None
    started_at: Moment | None
    ended_at: Moment | None
    late_ms: int | None
    ms: int
    played_ms: int | None
    volume: int | None
    relayed: str | None
    """Of a relay, what was heard: stream, fallback, mixed or none."""
    evidence: str | None
    """E1 decoder finished, E2 amplifier sensed, E3 microphone heard."""
    sha256: str | None
    """Of the sound it was to play."""


def listing(session: Session, query: BroadcastQuery) -> Page[BroadcastItem]:
    with archived.also(session, *_day(query)) as whole:
        return _listing(whole, query)


def _listing(session: Session, query: BroadcastQuery) -> Page[BroadcastItem]:
    view = View(session, current.staff())
    key = paging.after(query, tuple[int, Id])
    found = view.broadcasts(broadcasts.between(session, *_day(query)))
    tallies = view.tallies([each.id for each in found])
    if query.state is not None:
        found = [
            each for each in found if broadcasts.state_there(each, tallies[each.id]) is query.state
        ]
    if key is not None:
        found = [each for each in found if (each.starts_at, each.id) > key]
    return paging.page(
        found, query, lambda each: item(each, tallies[each.id]),
        lambda each: (each.starts_at, each.id),
    )  # fmt: skip


def _day(query: BroadcastQuery) -> tuple[Instant, Instant]:
    zone = current.zone()
    day = query.day or local(current.now(), zone).date()
    since = at(day, time(0), zone) or Instant(0)
    until = at(day + timedelta(days=1), time(0), zone) or after(since, DAY)
    return since, until


def show(session: Session, broadcast_id: int) -> BroadcastItem:
    with archived.also(session, *reading.broadcast_span(session, broadcast_id)) as whole:
        return _one(whole, broadcasts.get(whole, broadcast_id))


def deliveries(session: Session, broadcast_id: int, query: DeliveryQuery) -> Page[DeliveryItem]:
    broadcasts.get(session, broadcast_id)
    with archived.also(session, *reading.broadcast_span(session, broadcast_id)) as whole:
        return _deliveries(whole, broadcast_id, query)


def _deliveries(session: Session, broadcast_id: int, query: DeliveryQuery) -> Page[DeliveryItem]:
    found = sa.select(Delivery).join(Receiver, Receiver.id == Delivery.receiver_id)
    here = View(session, current.staff()).receivers()
    return part_of(session, found.where(Delivery.broadcast_id == broadcast_id, here), query)


def part_of(
    session: Session, found: sa.Select[Delivery], query: DeliveryQuery
) -> Page[DeliveryItem]:
    """The part asked for of these deliveries, in the order in which they were made."""
    found = found.where(Delivery.id > (paging.after(query, Id) or 0))
    if query.state is not None:
        found = found.where(Delivery.state == query.state)
    rows = session.scalars(found.order_by(Delivery.id).limit(query.limit + 1)).all()
    return paging.page(rows, query, delivery, lambda each: each.id)


def stop(session: Session, broadcast_id: int) -> BroadcastItem:
    """Silence it where it sounds and cancel it where it does not yet."""
    broadcast = broadcasts.get(session, broadcast_id)
    if broadcast.state in broadcasts.OVER:
        raise ScheduleError("Lượt phát này đã kết thúc nên không còn gì để dừng.", code="over")
    broadcasts.stop(session, broadcast, current.staff(), current.now())
    return _one(session, broadcast)


# -- as it is told --------------------------------------------------------------------------------


def _one(session: Session, broadcast: Broadcast) -> BroadcastItem:
    view = View(session, current.staff())
    return item(broadcast, view.tallies([broadcast.id])[broadcast.id])


def item(broadcast: Broadcast, tally: Tally) -> BroadcastItem:
    return BroadcastItem(
        id=broadcast.id, schedule_id=broadcast.schedule_id, programme_id=broadcast.programme_id,
        campaign_id=broadcast.campaign_id, alert_id=broadcast.alert_id, bulletin_id=broadcast.bulletin_id,
        title=broadcast.title, priority=broadcast.priority, starts_at=moment(broadcast.starts_at),
        ends_at=moment(broadcast.ends_at), state=broadcasts.state_there(broadcast, tally),
        code=broadcast.code, reason=broadcast.reason, drill=broadcast.drill, author=broadcast.author,
        approvers=broadcast.approver_names, scheduler=broadcast.scheduler, origin=broadcast.origin,
        deliveries=dict(tally.counts),
    )  # fmt: skip


def delivery(made: Delivery) -> DeliveryItem:
    return DeliveryItem(
        id=made.id, broadcast_id=made.broadcast_id, receiver_id=made.receiver_id, receiver_name=made.receiver_name,
        area_name=made.area_name, language=made.language, state=made.state,
        reason=made.reason, sent_at=perhaps(made.sent_at), accepted_at=perhaps(made.accepted_at),
        ready_at=perhaps(made.ready_at), started_at=perhaps(made.started_at),
        ended_at=perhaps(made.ended_at), late_ms=made.late_ms, ms=made.ms,
        played_ms=made.played_ms, volume=made.volume, relayed=made.rel,
        evidence=made.evidence, sha256=made.recording_sha,
    )  # fmt: skip


READ, WRITE = Scope.BROADCASTS_READ, Scope.BROADCASTS_WRITE
ROUTES = (
    Route("GET", "/broadcasts", listing, "The broadcasts of a day, in order of time.", READ),
    Route("GET", "/broadcasts/<id:broadcast_id>", show, "A broadcast.", READ),
    Route(
        "GET", "/broadcasts/<id:broadcast_id>/deliveries", deliveries,
        "What became of a broadcast at each receiver, and how far that is proven.", READ,
    ),
    Route("POST", "/broadcasts/<id:broadcast_id>/stop", stop, "Stop a broadcast.", WRITE),
)  # fmt: skip
