"""From above: what comes to an area from a wider one, where that meets the area's own, and what areas said of it.

Reading only; what officers do about it is in scheduler.level_acts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from content.bulletins import Priority
from devices import areas
from devices.areas import Area
from loa.staff import Staff
from loa.times import DAY, HOUR, Instant, after
from scheduler import context, declining, levels, precedence, projection
from scheduler.broadcasts import Broadcast
from scheduler.context import Fleet
from scheduler.declining import Apart
from scheduler.levels import AreaDecision
from scheduler.projection import Sound
from scheduler.sources import Rules
from scheduler.targets import Where

AHEAD = 7 * DAY
"""So far what comes from above is shown."""
ASKED_FOR = 48 * HOUR
"""So far ahead an officer is reminded to say which of two goes first; who wants to may say so earlier."""
EARLY = ("schedule_id", "programme_id")
"""Sources whose broadcasts may be made ahead (scheduler.level_early)."""
KEPT = 30 * DAY
"""So long what areas decided is shown to who is above them."""


@dataclass(frozen=True)
class Coming:
    """Something from above that is to be heard in the area."""

    sound: Sound
    receivers: int
    """Of the area, that are meant."""
    decision: AreaDecision | None
    """By which the area declined it."""
    meets: tuple[Sound, ...] = ()
    """Of a priority one that is not planned yet: the priority ones of the area at the same time."""

    @property
    def name(self) -> str:
        """schedule_id-7-1795000000000-12-0: the same from one look to the next."""
        return "-".join(str(each) for each in self.sound.key)

    @property
    def may_be_early(self) -> bool:
        """Whether there is something to decide of which no broadcast is planned yet."""
        sound = self.sound
        is_ahead = sound.broadcast_id is None and sound.why_not is None and sound.column in EARLY
        return is_ahead and (sound.priority is Priority.NORMAL or bool(self.meets))

    @property
    def may_be_declined(self) -> bool:
        planned = self.sound.broadcast_id is not None and self.sound.why_not is None
        return planned and self.sound.priority is Priority.NORMAL and self.decision is None


@dataclass(frozen=True)
class Meeting:
    """Two priority ones at the same receivers: one from above, one of the area."""

    above: Sound
    own: Sound
    receivers: int
    decision: AreaDecision | None

    @property
    def usual(self) -> Sound:
        """Which is heard first as long as nobody decides (scheduler.precedence)."""
        return self.above if precedence.goes_before(self.above, self.own) else self.own

    @property
    def first(self) -> Sound | None:
        """Which goes first by the officer's word."""
        if self.decision is None:
            return None
        return self.above if self.decision.broadcast_id == self.above.broadcast_id else self.own

    @property
    def key(self) -> str:
        return f"{self.above.broadcast_id}-{self.own.broadcast_id}"


class Told(NamedTuple):
    """What an area below said, for who is above it."""

    area: Area
    decision: AreaDecision
    broadcast: Broadcast
    other: Broadcast | None


@dataclass(frozen=True)
class Page:
    coming: list[Coming]
    meetings: list[Meeting]

    @property
    def undecided(self) -> list[Meeting]:
        return [each for each in self.meetings if each.decision is None]


def look(session: Session, area_id: int, now: Instant, rules: Rules) -> Page:
    """What comes to the area in the next days, in order of time."""
    found = context.read(session, rules)
    sounds = projection.project(session, now, after(now, AHEAD), rules, found=found)
    ahead = [_whole(each) for each in sounds if each.starts_at > now]
    return _page(session, area_id, ahead, found.fleet)


def undecided(session: Session, area_id: int, now: Instant, rules: Rules) -> list[Meeting]:
    """The meetings of the next two days of which the area's officers have said nothing: among planned broadcasts."""
    priority = sa.select(Broadcast.id).where(
        Broadcast.priority == Priority.PRIORITY, Broadcast.starts_at > now
    )
    if len(session.scalars(priority.limit(2)).all()) < 2:
        return []
    found = context.read(session, rules)
    sounds = projection.planned(session, now, after(now, ASKED_FOR), found)
    ahead = [_whole(each) for each in sounds if each.starts_at > now]
    return _page(session, area_id, ahead, found.fleet).undecided


def _whole(sound: Sound) -> Sound:
    """As it was meant, whatever areas declined."""
    return sound._replace(where=replace(sound.where, except_area_ids=()))


def _page(session: Session, area_id: int, ahead: Sequence[Sound], fleet: Fleet) -> Page:
    inside = areas.with_descendants(session, [area_id])
    above = frozenset(levels.line(session, area_id)[1:])
    here = _Here(fleet, frozenset(inside))
    said = _said(session, area_id, [each.broadcast_id for each in ahead if each.broadcast_id])
    coming = [
        Coming(each, number, said.get((each.broadcast_id or 0, None)))
        for each in ahead
        if each.by_area_id is None or each.by_area_id in above
        if (number := len(here.heard(each.where)))
    ]
    shown = [each for each in coming if each.decision or each.sound.why_not is None]
    own = [each for each in ahead if each.by_area_id in inside]
    first = min((each.starts_at for each in ahead), default=Instant(0))
    here = replace(here, apart=declining.standing(session, first))
    meetings = list(_meetings([each.sound for each in coming], own, here, said))
    return Page([_ahead(each, own, here) for each in shown], meetings)


def _ahead(coming: Coming, own: Sequence[Sound], here: _Here) -> Coming:
    """The same, with what it will meet, where that is to be decided before it is planned."""
    upper = coming.sound
    if upper.broadcast_id is not None or upper.priority is not Priority.PRIORITY:
        return coming
    meets = (mine for mine in own if mine.priority is Priority.PRIORITY and mine.why_not is None)
    met = (mine for mine in meets if mine.broadcast_id is not None or mine.column in EARLY)
    return replace(coming, meets=tuple(mine for mine in met if here.meet(upper, mine)))


@dataclass(frozen=True)
class _Here:
    """One area's receivers."""

    fleet: Fleet
    inside: frozenset[int]
    apart: Mapping[int, Apart] = field(default_factory=dict)

    def both(self, upper: Sound, mine: Sound, is_decided: bool) -> set[str]:
        """Those that are meant to hear the two; where nobody decided, without those where one gives way already."""
        met = self.heard(upper.where) & self.heard(mine.where)
        if not is_decided:
            for sound in (upper, mine):
                for giving in self.apart.get(sound.broadcast_id or 0, Apart()).gives_way:
                    met -= self.heard(giving.to)
        return met

    def meet(self, upper: Sound, mine: Sound) -> bool:
        """Whether somebody is meant to hear both at once."""
        is_at_once = upper.starts_at < mine.ends_at and mine.starts_at < upper.ends_at
        return is_at_once and bool(self.heard(upper.where) & self.heard(mine.where))

    def heard(self, where: Where) -> set[str]:
        standing = self.fleet.receivers
        return {each for each in self.fleet.resolve(where) if standing[each].area_id in self.inside}


def _said(
    session: Session, area_id: int, broadcast_ids: Collection[int]
) -> dict[tuple[int, int | None], AreaDecision]:
    """(broadcast, other) → what the area said of them."""
    found = sa.select(AreaDecision).where(
        AreaDecision.area_id == area_id, AreaDecision.withdrawn_at.is_(None),
        AreaDecision.broadcast_id.in_(broadcast_ids),
    )  # fmt: skip
    return {(each.broadcast_id, each.other_id): each for each in session.scalars(found)}


def _meetings(
    above: Iterable[Sound],
    own: Sequence[Sound],
    here: _Here,
    said: dict[tuple[int, int | None], AreaDecision],
) -> Iterator[Meeting]:
    for upper in filter(_may_meet, above):
        for mine in filter(_may_meet, own):
            if not (upper.starts_at < mine.ends_at and mine.starts_at < upper.ends_at):
                continue
            pair = (upper.broadcast_id or 0, mine.broadcast_id or 0)
            decision = said.get(pair) or said.get(pair[::-1])
            if both := here.both(upper, mine, decision is not None):
                yield Meeting(upper, mine, len(both), decision)


def _may_meet(sound: Sound) -> bool:
    is_open = sound.why_not is None or sound.why_not.code == "cancelled"
    return sound.priority is Priority.PRIORITY and sound.broadcast_id is not None and is_open


# -- what areas said ------------------------------------------------------------------------------


def told(session: Session, staff: Staff, now: Instant) -> list[Told]:
    """What the areas below the person's own decided lately, newest first."""
    below = levels.reach(session, staff)
    found = (
        sa.select(AreaDecision, Area, Broadcast)
        .join(Area, Area.id == AreaDecision.area_id)
        .join(Broadcast, Broadcast.id == AreaDecision.broadcast_id)
        .where(AreaDecision.at > after(now, -KEPT), AreaDecision.withdrawn_at.is_(None))
        .order_by(AreaDecision.at.desc(), AreaDecision.id.desc())
    )
    if below is not None:
        found = found.where(AreaDecision.area_id.in_(below - {staff.area_id}))
    return [
        Told(area, said, row, session.get(Broadcast, said.other_id) if said.other_id else None)
        for said, area, row in session.execute(found)
    ]


def of_broadcast(session: Session, broadcast_id: int, staff: Staff) -> list[Told]:
    """What areas decided about one broadcast: all of it for who is above, else that of the own area."""
    inside = levels.reach(session, staff)
    found = (
        sa.select(AreaDecision, Area)
        .join(Area, Area.id == AreaDecision.area_id)
        .where(
            AreaDecision.withdrawn_at.is_(None),
            sa.or_(
                AreaDecision.broadcast_id == broadcast_id, AreaDecision.other_id == broadcast_id
            ),
        )
        .order_by(Area.name, AreaDecision.id)
    )
    line = set(levels.line(session, staff.area_id))
    return [
        Told(
            area, said, session.get_one(Broadcast, said.broadcast_id),
            session.get(Broadcast, said.other_id) if said.other_id else None,
        )
        for said, area in session.execute(found)
        if inside is None or area.id in inside or area.id in line
    ]  # fmt: skip
