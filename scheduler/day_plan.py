"""Day plan: what is to sound at some receivers in a span, and what becomes of each sound among the others.

Of what is over, deliveries tell which receivers were meant and what is known of it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy.orm import Session

from loa.times import Instant
from loa.words import say
from scheduler import channel, projection
from scheduler.broadcasts import Delivery, DeliveryState, Tally
from scheduler.channel import Fate, Turn
from scheduler.context import Context, Fleet
from scheduler.grouping import Groups
from scheduler.levels import AreaDecision, Said
from scheduler.outlook import Outlook
from scheduler.projection import Sound
from scheduler.sources import WhyNot

D = DeliveryState
SILENT = (D.FAILED, D.MISSED, D.REFUSED, D.CANCELLED)
"""A receiver's word that it was not heard, or not so that anybody would understand."""


@dataclass
class Hindrance:
    """What another does to it at so many receivers."""

    fate: Fate
    by: Sound | None
    late_ms: int
    receivers: int


@dataclass
class Line:
    """One sound at the receivers asked about."""

    sound: Sound
    receivers: int
    """How many of them are meant."""
    heard: list[tuple[Instant, Instant]] = field(default_factory=list)
    """From when until when, where it is heard first; nothing where it is heard nowhere."""
    hindrances: list[Hindrance] = field(default_factory=list)
    tally: Tally | None = None
    """What became of it there; None until its time has come."""

    @property
    def why_not(self) -> WhyNot | None:
        """Why it is heard nowhere, whatever the others do."""
        if self.sound.why_not is None and not self.sound.approved:
            return WhyNot(
                "not_approved", say("Bản tin chưa được duyệt; chưa duyệt thì không phát.")
            )
        return self.sound.why_not

    @property
    def is_heard(self) -> bool:
        """Whether it is to sound anywhere, as things stand; once it is over, whether it may have."""
        if self.tally is not None:
            return bool(self.tally.total - self.tally.of(*SILENT))
        return self.why_not is None and (bool(self.heard) or self.sound.ms == 0)


def lines(
    session: Session,
    found: Context,
    receivers: Collection[str],
    since: Instant,
    until: Instant,
    now: Instant,
) -> list[Line]:
    """What those receivers are to hear in [since, until), or heard, in order of time; and what they are not."""
    sounds = projection.project(session, since, until, found.rules, found=found, now=now)
    past = [one for one in sounds if one.broadcast_id is not None and one.starts_at <= now]
    tallies = _tallies(session, past, receivers)
    ahead = [one for one in sounds if one.broadcast_id not in tallies]
    over = [
        Line(one, tally.total, [(one.starts_at, one.ends_at)], tally=tally)
        for one in past
        if (tally := tallies.get(one.broadcast_id)) is not None and tally.total
    ]
    outlook = Outlook(found, since, until)
    told = outcomes(ahead, found, receivers, outlook, _first(session, ahead))
    return sorted([*over, *told], key=lambda line: (line.sound.starts_at, line.sound.name))


def _tallies(
    session: Session, past: Sequence[Sound], receivers: Collection[str]
) -> dict[int | None, Tally]:
    """Broadcast → what became of it at these receivers; of one that has no delivery anywhere, nothing."""
    ids = [one.broadcast_id for one in past]
    reached = sa.select(Delivery.broadcast_id).where(Delivery.broadcast_id.in_(ids)).distinct()
    counts: dict[int, dict[DeliveryState, int]] = {id: {} for id in session.scalars(reached)}
    here = sa.select(Delivery.broadcast_id, Delivery.state, sa.func.count()).where(
        Delivery.broadcast_id.in_(ids), Delivery.receiver_id.in_(receivers)
    )
    for id, state, number in session.execute(here.group_by(Delivery.broadcast_id, Delivery.state)):
        counts[id][state] = number
    return {id: Tally(each) for id, each in counts.items()}


def _first(session: Session, sounds: Sequence[Sound]) -> Sequence[AreaDecision]:
    """What officers said of the order of these."""
    ids = [one.broadcast_id for one in sounds if one.broadcast_id is not None]
    found = sa.select(AreaDecision).where(
        AreaDecision.broadcast_id.in_(ids),
        AreaDecision.said == Said.FIRST,
        AreaDecision.withdrawn_at.is_(None),
    )
    return session.scalars(found).all()


def outcomes(
    sounds: Sequence[Sound],
    found: Context,
    receivers: Collection[str],
    outlook: Outlook,
    decisions: Sequence[AreaDecision] = (),
) -> list[Line]:
    """The same of sounds already known. Pure. Sounds that none of the receivers hears are left out."""
    wanted = set(receivers)
    known = [Line(one, len(wanted & found.fleet.resolve(one.where))) for one in sounds]
    told = {id(line.sound): line for line in known if line.receivers}
    playing = [line.sound for line in told.values() if line.why_not is None]
    for decided, some in _by_decisions(wanted, found.fleet, decisions).items():
        for group, heard in Groups(found.fleet, some).apart(playing):
            for turn in channel.play(heard, found.rules.late, decided, outlook.is_broken):
                _note(told[id(turn.sound)], turn, len(group))
    return list(told.values())


def _by_decisions(
    receivers: Collection[str], fleet: Fleet, decisions: Sequence[AreaDecision]
) -> dict[frozenset[tuple[int, int]], list[str]]:
    """The receivers apart by what officers of the areas above them decided: (first, other) of broadcasts."""
    apart: dict[frozenset[tuple[int, int]], list[str]] = {}
    for receiver in receivers:
        standing = fleet.receivers.get(receiver)
        line = fleet.line(standing.area_id) if standing and decisions else set()
        pairs = frozenset(
            (said.broadcast_id, said.other_id)
            for said in decisions
            if said.area_id in line and said.other_id is not None
        )
        apart.setdefault(pairs, []).append(receiver)
    return apart


def _note(line: Line, turn: Turn[Sound], receivers: int) -> None:
    line.heard = line.heard or turn.heard
    if turn.fate is Fate.PLAYED and not turn.late_ms and len(turn.heard) < 2:
        return
    for known in line.hindrances:
        if (known.fate, known.by) == (turn.fate, turn.by):
            known.receivers += receivers
            known.late_ms = max(known.late_ms, turn.late_ms)
            return
    line.hindrances.append(Hindrance(turn.fate, turn.by, turn.late_ms, receivers))
