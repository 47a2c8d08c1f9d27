"""One receiver ordered from afar, and what is wrong with receivers. What it does is its own word, told later."""

from __future__ import annotations

from typing import Annotated, Any

import sqlalchemy as sa
from msgspec import Meta
from sqlalchemy.orm import Session

from devices import areas, outages, remote
from devices.outages import Fault, Kind
from devices.receivers import Receiver
from loa.errors import DeviceError
from loa.tokens import Scope
from scheduler import tones, upcoming
from scheduler.level_views import View
from web import current
from web.api import paging, places
from web.api.paging import Listed
from web.api.places import ReceiverItem
from web.api.routes import Route
from web.api.wire import Id, Moment, Page, Strict, Told, moment, perhaps


class Settings(Strict, frozen=True):
    """What a receiver is to keep to; what is left out stays."""

    volume: Annotated[int, Meta(ge=0, le=100)] | None = None
    muted: bool | None = None
    delay_ms: Annotated[int, Meta(ge=0, le=remote.MOST_DELAY)] | None = None


class ToneItem(Told, frozen=True):
    """A test tone that was ordered. Whether it was heard the receiver's journal will say."""

    starts_at: Moment


class Restarted(Told, frozen=True):
    """Whether a receiver was told to start anew; not twice within two minutes."""

    told: bool


class NextItem(Told, frozen=True):
    """A broadcast that is to be heard at a receiver."""

    broadcast_id: Id
    title: str
    starts_at: Moment
    ends_at: Moment


class Coming(Told, frozen=True):
    """What a receiver is to play in the next two days."""

    items: list[NextItem]


class FaultQuery(Listed, frozen=True):
    """Which faults of receivers in service, the oldest first."""

    kind: Kind | None = None
    area_id: Id | None = None
    """Of receivers that stand there or below."""
    receiver_id: Annotated[str, Meta(max_length=32)] = ""


class FaultItem(Told, frozen=True):
    """Something wrong with a receiver that still is."""

    id: Id
    receiver_id: str
    receiver_name: str
    kind: Kind
    since: Moment
    detail: str
    known_at: Moment | None
    """When somebody said that they look after it."""
    known_by: str | None
    note: str | None


class Note(Strict, frozen=True):
    """What whoever looks after it writes down."""

    note: Annotated[str, Meta(max_length=500)] = ""


# -- orders ---------------------------------------------------------------------------------------


def change(session: Session, receiver_id: str, body: Settings) -> ReceiverItem:
    receiver = _in_service(session, receiver_id)
    marks: dict[str, Any] = {"now": current.now(), "by": current.staff().login}
    if body.volume is not None:
        remote.set_volume(session, [receiver.id], body.volume, **marks)
    if body.muted is not None:
        remote.set_muted(session, [receiver.id], body.muted, **marks)
    if body.delay_ms is not None:
        remote.set_delay(session, [receiver.id], body.delay_ms, **marks)
    return places.receivers_show(session, receiver_id)


def tone(session: Session, receiver_id: str) -> ToneItem:
    receiver = _in_service(session, receiver_id)
    asked = tones.ask(
        session, receiver, now=current.now(), zone=current.zone(), by=current.staff().login
    )
    return ToneItem(starts_at=moment(asked.starts_at))


def restart(session: Session, receiver_id: str) -> Restarted:
    receiver = _in_service(session, receiver_id)
    told = remote.restart(session, [receiver.id], now=current.now(), by=current.staff().login)
    return Restarted(told=bool(told))


def _in_service(session: Session, receiver_id: str) -> Receiver:
    receiver = places.receiver(session, receiver_id)
    if not receiver.active:
        raise DeviceError(
            f"Đầu thu “{receiver.name}” đã thôi dùng nên không điều khiển được.", code="over"
        )
    return receiver


def coming(session: Session, receiver_id: str) -> Coming:
    """What it is to play, in order of time."""
    receiver = places.receiver(session, receiver_id)
    found = upcoming.coming(session, receiver.id, current.now())
    return Coming(
        items=[
            NextItem(
                broadcast_id=each.id, title=each.title, starts_at=moment(each.starts_at), ends_at=moment(each.ends_at)
            )
            for each, _ in found
        ]
    )  # fmt: skip


# -- faults ---------------------------------------------------------------------------------------


def faults(session: Session, query: FaultQuery) -> Page[FaultItem]:
    found = sa.select(Fault).join(Receiver).where(*_wanted(session, query))
    rows = session.scalars(found.order_by(Fault.since, Fault.id).limit(query.limit + 1)).all()
    return paging.page(rows, query, _fault, lambda each: (each.since, each.id))


def _wanted(session: Session, query: FaultQuery) -> list[sa.ColumnElement[bool]]:
    here = View(session, current.staff()).receivers()
    wanted = [Fault.until.is_(None), Receiver.active.is_(True), here]
    if query.kind is not None:
        wanted.append(Fault.kind == query.kind)
    if query.area_id is not None:
        inside = areas.with_descendants(session, [query.area_id])
        wanted.append(Receiver.area_id.in_(inside))
    if query.receiver_id:
        wanted.append(Fault.receiver_id == query.receiver_id)
    if (key := paging.after(query, tuple[paging.Time, Id])) is not None:
        later = sa.and_(Fault.since == key[0], Fault.id > key[1])
        wanted.append(sa.or_(Fault.since > key[0], later))
    return wanted


def know(session: Session, fault_id: int, body: Note) -> FaultItem:
    """Somebody looks after it."""
    fault, person = outages.get(session, fault_id), current.staff()
    outages.take_note(
        session, fault, body.note, now=current.now(), by=person.name, login=person.login
    )
    return _fault(fault)


def _fault(fault: Fault) -> FaultItem:
    return FaultItem(
        id=fault.id, receiver_id=fault.receiver_id, receiver_name=fault.receiver.name, kind=fault.kind,
        since=moment(fault.since), detail=fault.detail, known_at=perhaps(fault.known_at),
        known_by=fault.known_by, note=fault.note,
    )  # fmt: skip


READ, OPERATE = Scope.RECEIVERS_READ, Scope.RECEIVERS_OPERATE
ROUTES = (
    Route("GET", "/receivers/<receiver_id>/coming", coming, "What a receiver is to play in the next two days.", READ),
    Route("POST", "/receivers/<receiver_id>/settings", change, "Volume, muting and delay of a receiver.", OPERATE),
    Route("POST", "/receivers/<receiver_id>/tone", tone, "Have a receiver sound its test tone.", OPERATE, 201),
    Route("POST", "/receivers/<receiver_id>/restart", restart, "Have a receiver start anew.", OPERATE),
    Route("GET", "/faults", faults, "What is wrong with receivers now, the oldest first.", READ),
    Route("POST", "/faults/<id:fault_id>/known", know, "Say that somebody looks after a fault.", OPERATE),
)  # fmt: skip
