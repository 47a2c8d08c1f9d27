"""Alerts, to be read. Whoever orders, agrees to or ends one does so at the pages, where a second person looks."""

from __future__ import annotations

from contextlib import AbstractContextManager

import sqlalchemy as sa
from sqlalchemy.orm import Session

from devices.receivers import Receiver
from loa.tokens import Scope
from scheduler import alerts
from scheduler.alerts import Alert, State
from scheduler.broadcasts import Broadcast, Delivery
from scheduler.level_views import View
from scheduler.retention import reading
from web import archived, current
from web.api import broadcasts, paging
from web.api.broadcasts import BroadcastItem, DeliveryItem, DeliveryQuery
from web.api.paging import Listed
from web.api.routes import Route
from web.api.wire import Id, Moment, Page, Person, Told, moment, perhaps, person


class AlertQuery(Listed, frozen=True):
    """Which alerts, the last ordered first."""

    state: State | None = None


class AlertItem(Told, frozen=True):
    """One order to sound an emergency."""

    id: Id
    title: str
    state: State
    drill: bool
    template: str | None
    bulletin_id: Id
    area_ids: list[int]
    group_ids: list[int]
    except_ids: list[str]
    words: str
    by: Person
    second: Person | None
    """Who agreed."""
    alone: Person | None
    """The one officer on whose word it sounded until a second agreed."""
    created_at: Moment
    agreed_at: Moment | None
    alone_until: Moment | None
    starts_at: Moment | None
    """First sound; null until it was agreed to."""
    expires_at: Moment
    every_ms: int
    """From start to start; 0 sounds once."""
    times: int
    """How often at most; 0 until it expires."""
    replaces_id: int | None
    ended_at: Moment | None
    ended_by: str | None
    ended_why: str | None


def listing(session: Session, query: AlertQuery) -> Page[AlertItem]:
    found = sa.select(Alert)
    if query.state is not None:
        found = found.where(Alert.state == query.state)
    rows = paging.sources(session, query, found, Alert.id)
    return paging.page(rows, query, _item, lambda each: each.id)


def show(session: Session, alert_id: int) -> AlertItem:
    return _item(alerts.get(session, alert_id))


def sounded(session: Session, alert_id: int, query: Listed) -> Page[BroadcastItem]:
    """Its repetitions, in order of time."""
    alerts.get(session, alert_id)
    found = sa.select(Broadcast).where(
        Broadcast.alert_id == alert_id, Broadcast.id > (paging.after(query, Id) or 0)
    )
    found = found.order_by(Broadcast.id).limit(query.limit + 1)
    with _whole(session, alert_id) as whole:
        rows = whole.scalars(found).all()
        tallies = View(whole, current.staff()).tallies([each.id for each in rows])
        return paging.page(
            rows, query, lambda each: broadcasts.item(each, tallies[each.id]), lambda each: each.id
        )


def deliveries(session: Session, alert_id: int, query: DeliveryQuery) -> Page[DeliveryItem]:
    """All its repetitions at each receiver."""
    alerts.get(session, alert_id)
    ours = sa.select(Broadcast.id).where(Broadcast.alert_id == alert_id)
    found = sa.select(Delivery).join(Receiver, Receiver.id == Delivery.receiver_id)
    with _whole(session, alert_id) as whole:
        here = View(whole, current.staff()).receivers()
        return broadcasts.part_of(whole, found.where(Delivery.broadcast_id.in_(ours), here), query)


def _whole(session: Session, alert_id: int) -> AbstractContextManager[Session]:
    """A view in which none of its deliveries is wanting."""
    return archived.also(session, *reading.alert_span(session, alert_id))


def _item(alert: Alert) -> AlertItem:
    where = alert.where
    return AlertItem(
        id=alert.id, title=alert.title, state=alert.state, drill=alert.drill, template=alert.template,
        bulletin_id=alert.bulletin_id, area_ids=sorted(where.area_ids), group_ids=sorted(where.group_ids),
        except_ids=sorted(where.except_ids), words=alerts.words(alert, current.zone()),
        by=person(alert.staff), second=person(alert.second) if alert.second else None,
        alone=person(alert.lone) if alert.lone else None, created_at=moment(alert.created_at),
        agreed_at=perhaps(alert.agreed_at), alone_until=perhaps(alert.alone_until),
        starts_at=perhaps(alert.starts_at), expires_at=moment(alert.expires_at), every_ms=alert.every_ms,
        times=alert.times, replaces_id=alert.replaces_id, ended_at=perhaps(alert.ended_at),
        ended_by=alert.ended_by, ended_why=alert.ended_why,
    )  # fmt: skip


READ = Scope.ALERTS_READ
ROUTES = (
    Route("GET", "/alerts", listing, "Emergency orders, the last first.", READ),
    Route("GET", "/alerts/<id:alert_id>", show, "An emergency order.", READ),
    Route("GET", "/alerts/<id:alert_id>/broadcasts", sounded, "Its repetitions, and what became of them.", READ),
    Route("GET", "/alerts/<id:alert_id>/deliveries", deliveries, "What became of it at each receiver.", READ),
)  # fmt: skip
