"""The fleet as a list: receivers searched, narrowed, sorted and counted by the database, whatever their number."""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, contains_eager

from devices import areas
from devices.areas import Area
from devices.groups import Member
from devices.receivers import MISSED_HEARTBEATS, Presence, Receiver
from loa import searching
from loa.times import SECOND, Instant

DISK_NEARLY_FULL = 0.9


class Health(enum.StrEnum):
    """How a receiver is; the four add up to all in service. A hint for staff: only its journal proves a sound."""

    WELL = "well"
    IMPAIRED = "impaired"
    OFFLINE = "offline"
    NEVER = "never"


class Order(enum.StrEnum):
    AREA = "area"
    NAME = "name"
    WORST = "worst"
    HEARD = "heard"
    VOLUME = "volume"
    ID = "id"


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which receivers are looked for; what is None or empty narrows nothing."""

    health: Health | None = None
    retired: bool = False
    """Those that were retired or replaced, instead of those in service."""
    search: str = ""
    """Words of the name, with or without marks, or parts of the id."""
    area_id: int | None = None
    """Those that stand there or below."""
    within_id: int | None = None
    """The same, of the area for which whoever asks works."""
    group_id: int | None = None
    after: str = ""
    """Those whose id comes after this one."""
    placed: bool | None = None
    """Those whose place on the map is known, or those whose is not."""


def health_of(receiver: Receiver, now: Instant) -> Health:
    """Never heard of is not the same as lost."""
    seen = receiver.presence
    if seen is None:
        return Health.NEVER
    if not seen.is_online(now):
        return Health.OFFLINE
    troubled = (
        seen.output == "fault" or seen.clock_source == "none"
        or seen.disk >= DISK_NEARLY_FULL or seen.power == "bat"
    )  # fmt: skip
    return Health.IMPAIRED if troubled else Health.WELL


def listing(
    session: Session,
    wanted: Wanted,
    now: Instant,
    *,
    order: Order = Order.AREA,
    back: bool = False,
    limit: int | None = None,
    offset: int = 0,
) -> list[Receiver]:
    """Receivers with their presence and area, in one query after that of the areas; ``back``: the last first."""
    orders: dict[Order, tuple[Any, ...]] = {
        Order.AREA: (Area.name, Area.id),
        Order.NAME: (),
        Order.WORST: (sa.case((Presence.receiver_id.is_(None), 1), else_=0), _rank(now)),
        Order.HEARD: (-sa.func.coalesce(Presence.heard_at, 0),),
        Order.VOLUME: (sa.case((Receiver.muted, -1), else_=Receiver.volume),),
        Order.ID: (Receiver.id,),
    }
    in_turn: tuple[Any, ...] = (*orders[order], Receiver.search_key, Receiver.id)
    found = (
        sa.select(Receiver)
        .join(Area, Area.id == Receiver.area_id)
        .outerjoin(Presence, Presence.receiver_id == Receiver.id)
        .where(*_conditions(session, wanted, now))
        .options(contains_eager(Receiver.area), contains_eager(Receiver.presence))
        .order_by(*(each.desc() if back else each for each in in_turn))
    )
    return list(session.scalars(found.limit(limit).offset(offset)))


@dataclass(frozen=True)
class Spot:
    """A receiver on the map."""

    id: str
    name: str
    area_id: int
    lat: float
    lon: float
    health: Health
    playing: str | None
    """Occurrence it says it plays; None of one that is not heard."""
    simulated: bool


def spots(session: Session, wanted: Wanted, now: Instant) -> list[Spot]:
    """All of them whose place is known, as few words as a map needs: a province has thousands."""
    is_heard = sa.and_(Presence.receiver_id.is_not(None), is_online(now))
    found = (
        sa.select(
            Receiver.id, Receiver.name, Receiver.area_id, Receiver.lat, Receiver.lon, _health(now),
            sa.case((is_heard, Presence.playing), else_=None), Receiver.simulated,
        )
        .select_from(Receiver)
        .outerjoin(Presence, Presence.receiver_id == Receiver.id)
        .where(*_conditions(session, replace(wanted, placed=True), now))
        .order_by(Receiver.id)
    )  # fmt: skip
    return [
        Spot(id, name, area, lat, lon, Health(health), playing, simulated)
        for id, name, area, lat, lon, health, playing, simulated in session.execute(found)
    ]


def ids(session: Session, wanted: Wanted, now: Instant) -> list[str]:
    """Ids of all of them."""
    found = (
        sa.select(Receiver.id)
        .outerjoin(Presence, Presence.receiver_id == Receiver.id)
        .where(*_conditions(session, wanted, now))
    )
    return list(session.scalars(found.order_by(Receiver.id)))


def counts(session: Session, wanted: Wanted, now: Instant) -> dict[Health, int]:
    """How many of them are how, whatever health was asked for, in one query."""
    matching = (
        sa.select(_health(now).label("health"))
        .select_from(Receiver)
        .outerjoin(Presence, Presence.receiver_id == Receiver.id)
        .where(*_conditions(session, replace(wanted, health=None, retired=False), now))
        .subquery()
    )
    counted = sa.select(matching.c.health, sa.func.count()).group_by(matching.c.health)
    found: dict[str, int] = {one: number for one, number in session.execute(counted)}  # noqa: C416 - a Row is no pair to mypy
    return {each: found.get(each.value, 0) for each in Health}


def retired(session: Session, wanted: Wanted, now: Instant) -> int:
    """How many of them are out of service."""
    conditions = _conditions(session, replace(wanted, health=None, retired=True), now)
    found = sa.select(sa.func.count(Receiver.id)).select_from(Receiver).where(*conditions)
    return session.scalar(found) or 0


def is_online(now: Instant) -> sa.ColumnElement[bool]:
    """``Presence.is_online`` as a condition."""
    silence = MISSED_HEARTBEATS * Presence.heartbeat_ms + 5 * SECOND
    return sa.and_(Presence.online, now - Presence.heard_at <= silence)


def is_troubled() -> sa.ColumnElement[bool]:
    """It complains of something."""
    return sa.or_(
        Presence.output == "fault",
        Presence.clock_source == "none",
        Presence.disk >= DISK_NEARLY_FULL,
        Presence.power == "bat",
    )


def _healths(now: Instant) -> dict[Health, sa.ColumnElement[bool]]:
    """Each apart from the others."""
    never, online = Presence.receiver_id.is_(None), is_online(now)
    return {
        Health.NEVER: never,
        Health.OFFLINE: sa.and_(sa.not_(never), sa.not_(online)),
        Health.IMPAIRED: sa.and_(online, is_troubled()),
        Health.WELL: sa.and_(online, sa.not_(is_troubled())),
    }


def _health(now: Instant) -> sa.ColumnElement[str]:
    """``health_of`` as a column."""
    return sa.case(
        *((condition, each.value) for each, condition in _healths(now).items()), else_=""
    )


def _rank(now: Instant) -> sa.ColumnElement[int]:
    healths = _healths(now)
    worst = (Health.OFFLINE, Health.IMPAIRED, Health.WELL)
    return sa.case(*((healths[each], rank) for rank, each in enumerate(worst)), else_=9)


def _conditions(session: Session, wanted: Wanted, now: Instant) -> list[sa.ColumnElement[bool]]:
    found: list[sa.ColumnElement[bool]] = [Receiver.active == (not wanted.retired)]
    if wanted.health is not None and not wanted.retired:
        found.append(_healths(now)[wanted.health])
    if wanted.area_id is not None:
        found.append(Receiver.area_id.in_(areas.with_descendants(session, [wanted.area_id])))
    if wanted.within_id is not None:
        found.append(Receiver.area_id.in_(areas.with_descendants(session, [wanted.within_id])))
    if wanted.placed is not None:
        known = sa.and_(Receiver.lat.is_not(None), Receiver.lon.is_not(None))
        found.append(known if wanted.placed else sa.not_(known))
    if wanted.after:
        found.append(Receiver.id > wanted.after)
    if wanted.group_id is not None:
        members = sa.select(Member.receiver_id).where(Member.group_id == wanted.group_id)
        found.append(Receiver.id.in_(members))
    found += [
        sa.or_(
            searching.matches(Receiver.search_key, word),
            Receiver.id.contains(word.lower(), autoescape=True),
        )
        for word in wanted.search.split()
    ]
    return found
