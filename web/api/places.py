"""Where things are heard: areas, groups, receivers and how these are."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

import sqlalchemy as sa
from msgspec import Meta
from sqlalchemy.orm import Session

from devices import areas, fleet, groups, receivers
from devices.areas import Area
from devices.fleet import Health
from devices.groups import Group, Member
from devices.receivers import Receiver
from loa.errors import NotFound
from loa.tokens import Scope
from scheduler.level_views import View
from web import current
from web.api import paging
from web.api.paging import Listed
from web.api.routes import Route
from web.api.wire import Id, Moment, Page, ReceiverId, Told, moment, perhaps


class AreaItem(Told, frozen=True):
    """A place of the tree: commune, village."""

    id: Id
    parent_id: int | None
    level: str
    name: str
    full_name: str
    households: int
    lat: float | None
    lon: float | None
    language: str
    """In which bulletins are heard there."""
    receivers: int
    """In service, there and below."""


class GroupItem(Told, frozen=True):
    """Receivers of any areas under one name."""

    id: Id
    name: str
    receiver_ids: list[str]


class ReceiverQuery(Listed, frozen=True):
    """Which receivers, by id."""

    area_id: Id | None = None
    """Those that stand there or below."""
    group_id: Id | None = None
    health: Health | None = None
    search: Annotated[str, Meta(max_length=200)] = ""
    retired: bool = False


class Seen(Told, frozen=True):
    """The last a receiver said of itself: a hint, never proof that anything sounded."""

    online: bool
    heard_at: Moment
    online_since: Moment | None
    volume: int
    power: str
    output: str
    clock_source: str
    disk: float
    """Part of its disk in use, 0 to 1."""
    firmware: str


class ReceiverItem(Told, frozen=True):
    """A box that drives a cluster of loudspeakers."""

    id: ReceiverId
    name: str
    area_id: int
    health: Health
    active: bool
    confirmed: bool
    """Somebody has heard it on the spot; until then it gets no broadcast."""
    simulated: bool
    muted: bool
    volume: int
    households: int
    lat: float | None
    lon: float | None
    seen: Seen | None


# -- areas ----------------------------------------------------------------------------------------


def areas_listing(session: Session, query: Listed) -> Page[AreaItem]:
    found = sa.select(Area).where(Area.id > (paging.after(query, Id) or 0))
    rows = session.scalars(found.order_by(Area.id).limit(query.limit + 1)).all()
    told = {each.id: each for each in _areas(session, rows)}
    return paging.page(rows, query, lambda area: told[area.id], lambda area: area.id)


def areas_show(session: Session, area_id: int) -> AreaItem:
    return _areas(session, [areas.get(session, area_id)])[0]


def _areas(session: Session, found: Iterable[Area]) -> list[AreaItem]:
    spoken_in, standing = areas.spoken_in(session), _standing(session)
    return [
        AreaItem(
            id=area.id, parent_id=area.parent_id, level=area.level, name=area.name,
            full_name=area.full_name, households=area.households, lat=area.lat, lon=area.lon,
            language=spoken_in[area.id], receivers=standing.get(area.id, 0),
        )
        for area in found
    ]  # fmt: skip


def _standing(session: Session) -> dict[int, int]:
    """Area id → receivers in service there and below."""
    counted = sa.select(Receiver.area_id, sa.func.count()).where(receivers.in_service())
    parents = {row.id: row.parent_id for row in session.execute(sa.select(Area.id, Area.parent_id))}
    found: dict[int, int] = {}
    for area_id, number in session.execute(counted.group_by(Receiver.area_id)):
        above: int | None = area_id
        while above is not None:
            found[above] = found.get(above, 0) + number
            above = parents[above]
    return found


# -- groups ---------------------------------------------------------------------------------------


def groups_listing(session: Session, query: Listed) -> Page[GroupItem]:
    found = sa.select(Group).where(Group.id > (paging.after(query, Id) or 0))
    rows = session.scalars(found.order_by(Group.id).limit(query.limit + 1)).all()
    members = _members(session, [group.id for group in rows])
    return paging.page(
        rows, query, lambda group: _group(group, members), lambda group: group.id
    )  # fmt: skip


def groups_show(session: Session, group_id: int) -> GroupItem:
    return _group(groups.get(session, group_id), _members(session, [group_id]))


def _group(group: Group, members: dict[int, list[str]]) -> GroupItem:
    return GroupItem(id=group.id, name=group.name, receiver_ids=members.get(group.id, []))


def _members(session: Session, group_ids: list[int]) -> dict[int, list[str]]:
    """Of each group those receivers that the reader gets to see."""
    found = (
        sa.select(Member.group_id, Member.receiver_id)
        .join(Receiver, Receiver.id == Member.receiver_id)
        .where(Member.group_id.in_(group_ids), View(session, current.staff()).receivers())
        .order_by(Member.receiver_id)
    )
    members: dict[int, list[str]] = {}
    for group_id, receiver_id in session.execute(found):
        members.setdefault(group_id, []).append(receiver_id)
    return members


# -- receivers ------------------------------------------------------------------------------------


def receivers_listing(session: Session, query: ReceiverQuery) -> Page[ReceiverItem]:
    wanted = fleet.Wanted(
        health=query.health, retired=query.retired, search=query.search, area_id=query.area_id,
        within_id=current.staff().area_id, group_id=query.group_id, after=paging.after(query, str) or "",
    )  # fmt: skip
    rows = fleet.listing(
        session, wanted, current.now(), order=fleet.Order.ID, limit=query.limit + 1
    )
    return paging.page(rows, query, _receiver, lambda receiver: receiver.id)


def receivers_show(session: Session, receiver_id: str) -> ReceiverItem:
    return _receiver(receiver(session, receiver_id))


def receiver(session: Session, receiver_id: str) -> Receiver:
    """The one that an address names. Raises NotFound."""
    if "\0" in receiver_id:  # no database keeps it
        raise NotFound("Không có đầu thu nào mang mã này. Hãy xem lại mã đầu thu.")
    return receivers.get(session, receiver_id)


def _receiver(receiver: Receiver) -> ReceiverItem:
    return ReceiverItem(
        id=receiver.id, name=receiver.name, area_id=receiver.area_id,
        health=fleet.health_of(receiver, current.now()), active=receiver.active,
        confirmed=receiver.confirmed_at is not None, simulated=receiver.simulated, muted=receiver.muted,
        volume=receiver.volume, households=receiver.households, lat=receiver.lat, lon=receiver.lon,
        seen=_seen(receiver),
    )  # fmt: skip


def _seen(receiver: Receiver) -> Seen | None:
    seen = receiver.presence
    if seen is None:
        return None
    return Seen(
        online=seen.is_online(current.now()), heard_at=moment(seen.heard_at),
        online_since=perhaps(seen.online_since), volume=seen.volume, power=seen.power,
        output=seen.output, clock_source=seen.clock_source, disk=seen.disk, firmware=seen.firmware,
    )  # fmt: skip


READ = Scope.RECEIVERS_READ
ROUTES = (
    Route("GET", "/areas", areas_listing, "All areas.", READ),
    Route("GET", "/areas/<id:area_id>", areas_show, "An area.", READ),
    Route("GET", "/groups", groups_listing, "Groups of receivers.", READ),
    Route("GET", "/groups/<id:group_id>", groups_show, "A group, and who is in it.", READ),
    Route("GET", "/receivers", receivers_listing, "Receivers and how they are, by id.", READ),
    Route("GET", "/receivers/<receiver_id>", receivers_show, "A receiver and how it is.", READ),
)
