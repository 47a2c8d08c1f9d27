"""Views: what a person who works for one area gets to see: what is heard there, and what is set for it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import Session

from devices.receivers import Receiver
from loa.staff import Staff
from scheduler import broadcasts, levels, targets
from scheduler.broadcasts import Broadcast, Delivery, Tally
from scheduler.targets import Where


class Placed(Protocol):
    """A schedule, programme, campaign or alert."""

    @property
    def where(self) -> Where: ...
    @property
    def staff(self) -> Staff: ...


class AtReceiver(Protocol):
    """Something about one receiver."""

    @property
    def receiver_id(self) -> str: ...


P = TypeVar("P", bound=Placed)
H = TypeVar("H", bound=AtReceiver)


class View:
    """What one person sees; of the whole station everything."""

    def __init__(self, session: Session, staff: Staff) -> None:
        self.session = session
        self.inside = levels.reach(session, staff)
        """The areas; None is all of them."""
        self._touched: dict[Where, bool] = {}

    def sources(self, found: Iterable[P]) -> list[P]:
        """Those of them that concern the person."""
        return [each for each in found if self.shows(each.where, each.staff.area_id)]

    def broadcasts(self, found: Sequence[Broadcast]) -> list[Broadcast]:
        """The same of broadcasts: also those that were heard here by receivers that have moved since."""
        if self.inside is None:
            return list(found)
        heard = self._heard([each.id for each in found])
        return [
            each for each in found if each.id in heard or self.shows(each.where, each.by_area_id)
        ]

    def shows(self, where: Where, by_area_id: int | None) -> bool:
        """Whether something that is heard there, set for that area, concerns the person."""
        return self.inside is None or by_area_id in self.inside or self._touches(where)

    def owns(self, by_area_id: int | None) -> bool:
        """Whether what was set for that area is the person's to change."""
        return self.inside is None or by_area_id in self.inside

    def tallies(self, broadcast_ids: Sequence[int]) -> dict[int, Tally]:
        """What became of each of these at the receivers there."""
        if self.inside is None:
            return broadcasts.tallies(self.session, broadcast_ids)
        return broadcasts.tallies(self.session, broadcast_ids, self.receivers())

    def shows_receiver(self, receiver_id: str) -> bool:
        if self.inside is None:
            return True
        found = sa.select(Receiver.area_id).where(Receiver.id == receiver_id)
        return self.session.scalar(found) in self.inside

    def receivers(self) -> sa.ColumnElement[bool]:
        """The condition on ``Receiver`` of standing there."""
        return sa.true() if self.inside is None else Receiver.area_id.in_(self.inside)

    def here(self, found: Sequence[H]) -> list[H]:
        """Those of them that are about a receiver there."""
        if self.inside is None or not found:
            return list(found)
        standing = set(self.session.scalars(sa.select(Receiver.id).where(self.receivers())))
        return [each for each in found if each.receiver_id in standing]

    def _touches(self, where: Where) -> bool:
        if where not in self._touched:
            found = sa.select(Receiver.id).where(
                targets.standing_in(self.session, where), self.receivers()
            )
            self._touched[where] = self.session.scalar(found.limit(1)) is not None
        return self._touched[where]

    def _heard(self, broadcast_ids: Sequence[int]) -> set[int]:
        found = (
            sa.select(Delivery.broadcast_id)
            .join(Receiver, Receiver.id == Delivery.receiver_id)
            .where(Delivery.broadcast_id.in_(broadcast_ids), self.receivers())
        )
        return set(self.session.scalars(found.distinct()))
