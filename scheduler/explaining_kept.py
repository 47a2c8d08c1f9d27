"""What the database keeps of the broadcasts near a moment: all that "Vì sao?" is told from (scheduler.explaining)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from devices.areas import Area
from devices.receivers import Receiver
from loa.staff import Staff
from loa.times import MINUTE, Instant, after
from loa.words import say
from scheduler import waivers
from scheduler.broadcasts import Broadcast, Delivery
from scheduler.levels import AreaDecision
from scheduler.projection import LONGEST, Sound
from scheduler.waivers import Waivers


@dataclass(frozen=True)
class Places:
    """The areas, and which of them have officers of their own."""

    names: Mapping[int, str]
    parents: Mapping[int, int | None]
    officers: frozenset[int]

    def own(self, area_id: int) -> int | None:
        """The nearest area, from that one up, that has officers; None where only the whole station has."""
        return next((each for each in self._line(area_id) if each in self.officers), None)

    def is_above(self, own: int, area_id: int | None) -> bool:
        """Whether what somebody of ``area_id`` (None: of the whole station) set comes to ``own`` from above."""
        return area_id is None or area_id in self._line(own)[1:]

    def name(self, area_id: int | None) -> str:
        return say("cả đài") if area_id is None else self.names.get(area_id, "")

    def _line(self, area_id: int) -> list[int]:
        found: list[int] = []
        at: int | None = area_id
        while at is not None:
            found.append(at)
            at = self.parents.get(at)
        return found


class Kept(NamedTuple):
    """Rows of the broadcasts near, and what people said of them."""

    deliveries: dict[tuple[int, str], Delivery]
    delivered: set[int]
    """Broadcasts of which anybody has a delivery; others never came so far."""
    approvers: dict[int, list[str]]
    decisions: list[AreaDecision]
    waivers: Waivers
    places: Places


def read(
    session: Session,
    near: Iterable[Sound],
    asked: Sequence[Receiver],
    moment: Instant,
    now: Instant,
) -> Kept:
    """For the minute that begins at ``moment``, as people ask for these receivers ``now``."""
    since, until = after(moment, -LONGEST), after(moment, MINUTE)
    ids = [
        each.broadcast_id
        for each in near
        if each.broadcast_id is not None and since <= each.starts_at < until
    ]
    deliveries = session.scalars(
        sa.select(Delivery).where(
            Delivery.broadcast_id.in_(ids), Delivery.receiver_id.in_([each.id for each in asked])
        )
    )
    any_at_all = sa.select(Delivery.broadcast_id).where(Delivery.broadcast_id.in_(ids)).distinct()
    names = sa.select(Broadcast.id, Broadcast.approver_names).where(Broadcast.id.in_(ids))
    decided = sa.select(AreaDecision).where(AreaDecision.broadcast_id.in_(ids))
    return Kept(
        {(each.broadcast_id, each.receiver_id): each for each in deliveries},
        set(session.scalars(any_at_all)),
        {row.id: row.approver_names for row in session.execute(names)},
        list(session.scalars(decided.order_by(AreaDecision.id))),
        waivers.at(session, min(until, now)),
        _places(session),
    )


def _places(session: Session) -> Places:
    found = session.scalars(sa.select(Area)).all()
    officers = sa.select(Staff.area_id).where(Staff.area_id.is_not(None), Staff.active).distinct()
    return Places(
        {each.id: each.full_name for each in found},
        {each.id: each.parent_id for each in found},
        frozenset(each for each in session.scalars(officers) if each is not None),
    )
