"""Conflicts: what something that is to be scheduled does to others at the same receivers, and they to it.

Every receiver is looked at and every occurrence ahead, never a sample. What happens is not guessed from overlaps: the
channel of each group of receivers is played once without it and once with it (scheduler.channel), and what differs is
told, per other source: how often, when first, where.
"""

from __future__ import annotations

import enum
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from sqlalchemy.orm import Session

from content.bulletins import Priority
from loa.times import Instant, after
from scheduler import channel
from scheduler.channel import Fate, Turn
from scheduler.grouping import Groups
from scheduler.neighbours import CHAIN, Neighbours, SourceId, Span, clock
from scheduler.projection import LONGEST, Sound
from scheduler.sources import Rules
from scheduler.targets import Where

NAMED = 3
"""Moments of a conflict that are named one by one."""
THIS = "this"
"""Column of what is asked for."""


class Asked(Protocol):
    """What is to be scheduled (scheduler.admission.Asked): ``moments`` in order of time, each for ``ms``."""

    @property
    def title(self) -> str: ...
    @property
    def priority(self) -> Priority: ...
    @property
    def where(self) -> Where: ...
    @property
    def moments(self) -> Sequence[Instant]: ...
    @property
    def ms(self) -> int: ...


class Effect(enum.StrEnum):
    """What happens where two meet, the worst first. "This" is what is asked for."""

    MISSED = "missed"
    """This waits longer than its start is wanted, and is not heard."""
    INTERRUPTED = "interrupted"
    """The other silences this."""
    MISSES = "misses"
    """The other waits in vain because of this."""
    INTERRUPTS = "interrupts"
    """This silences the other."""
    WAITS = "waits"
    """This begins late."""
    DELAYS = "delays"
    """The other begins late."""


MILD = frozenset({Effect.WAITS, Effect.DELAYS})
"""Everything is heard, a little later."""


@dataclass
class Clash:
    """What this and one other source do to each other, the same each time."""

    effect: Effect
    other: Sound
    """The first of the other source's sounds concerned."""
    moments: list[Instant] = field(default_factory=list)
    """Of this one, in order."""
    receivers: set[str] = field(default_factory=set)
    wait_ms: int = 0
    """The longest that the late one waits."""

    @property
    def count(self) -> int:
        return len(self.moments)

    @property
    def first(self) -> list[Instant]:
        return self.moments[:NAMED]

    @property
    def is_mild(self) -> bool:
        return self.effect in MILD


@dataclass(frozen=True)
class Found:
    """What was found, and over how much: ``receivers`` at ``moments`` moments until ``until``."""

    clashes: list[Clash]
    receivers: int
    moments: int
    until: Instant

    @property
    def is_clear(self) -> bool:
        return not self.clashes

    @property
    def is_grave(self) -> bool:
        """Something would not be heard, or not to its end."""
        return any(not clash.is_mild for clash in self.clashes)

    @property
    def concerned(self) -> set[str]:
        """The receivers at which anything clashes."""
        return set().union(*(clash.receivers for clash in self.clashes))


class Order(NamedTuple):
    """One thing to be tried: ``moments`` in order, each for ``ms``, at ``receivers``."""

    title: str
    priority: Priority
    where: Where
    receivers: frozenset[str]
    moments: Sequence[Instant]
    ms: int

    def sound(self, moment: Instant) -> Sound:
        """What it is at one moment."""
        return Sound(
            moment, after(moment, self.ms), self.priority, self.where, self.title, 0, THIS, 0, 0, None, None, "~"
        )  # fmt: skip


def check(
    session: Session, asked: Asked, rules: Rules, *, but: SourceId | None = None
) -> tuple[Found, Neighbours | None]:
    """All clashes of what is asked for, and the neighbours they were found among, for trying remedies."""
    if not asked.moments or not asked.ms:
        return Found([], 0, len(asked.moments), Instant(0)), None
    around = Neighbours(session, asked.where, asked.moments, rules, but)
    return clashes(order_of(asked, around), around), around


def order_of(asked: Asked, around: Neighbours) -> Order:
    """The same with its receivers."""
    return Order(asked.title, asked.priority, asked.where, around.here, asked.moments, asked.ms)


def clashes(order: Order, around: Neighbours) -> Found:
    """What comes of the order among these neighbours."""
    zone = around.context.rules.zone
    times = {clock(moment, zone) for moment in order.moments}
    pool = around.near([Span(at, order.ms) for at in times])
    starts = [sound.starts_at for sound in pool]
    groups = Groups(around.context.fleet, order.receivers)
    gathered = _Gathered(around.context.rules.late)
    for moment in order.moments:
        this = order.sound(moment)
        near = _neighbourhood(pool, starts, this)
        if any(_meets(other, this) for other in near):
            for receivers, heard in groups.apart(near):
                gathered.add(this, heard, receivers)
    return Found(
        gathered.worst_first(), len(order.receivers), len(order.moments), order.moments[-1]
    )


def _neighbourhood(pool: Sequence[Sound], starts: Sequence[Instant], this: Sound) -> list[Sound]:
    """What may have to do with it: still sounding at its start, or beginning until a while after its end."""
    first = bisect_left(starts, this.starts_at - LONGEST)
    last = bisect_right(starts, this.ends_at + CHAIN)
    return [one for one in pool[first:last] if one.ends_at > this.starts_at - CHAIN]


def _meets(other: Sound, this: Sound) -> bool:
    return other.starts_at < this.ends_at and this.starts_at < other.ends_at


class _Told(NamedTuple):
    """One thing that happens; ``other`` is its place among the sounds near."""

    effect: Effect
    other: int
    wait_ms: int


class _Gathered:
    """Clashes as they add up, moment by moment. What looks the same on another day is not played again."""

    def __init__(self, late: int) -> None:
        self._late = late
        self._clashes: dict[tuple[Effect, str, int], Clash] = {}
        self._known: dict[tuple[object, ...], list[_Told]] = {}

    def add(self, this: Sound, heard: Sequence[Sound], receivers: Iterable[str]) -> None:
        """Note what differs at these receivers with this and without it."""
        alike = tuple((one.starts_at - this.starts_at, one.ms, _same(one)) for one in heard)
        if alike not in self._known:
            self._known[alike] = list(_differences(this, heard, self._late))
        for told in self._known[alike]:
            other = heard[told.other]
            key = (told.effect, other.column, other.source_id)
            clash = self._clashes.setdefault(key, Clash(told.effect, other))
            if not clash.moments or clash.moments[-1] != this.starts_at:
                clash.moments.append(this.starts_at)
            clash.receivers.update(receivers)
            clash.wait_ms = max(clash.wait_ms, told.wait_ms)

    def worst_first(self) -> list[Clash]:
        order = list(Effect)
        found = self._clashes.values()
        return sorted(found, key=lambda one: (order.index(one.effect), one.moments[0]))


def _same(sound: Sound) -> tuple[object, ...]:
    """What makes one occurrence of a source like the other, but for its time and length."""
    return sound.column, sound.source_id, sound.item, sound.priority, sound.where


def _differences(this: Sound, heard: Sequence[Sound], late: int) -> Iterator[_Told]:
    places = {id(sound): place for place, sound in enumerate(heard)}
    before = {id(turn.sound): turn for turn in channel.play(heard, late)}
    for turn in channel.play([*heard, this], late):
        if turn.sound is this:
            effect, other = _of_this(turn), turn.by
        else:
            effect, other = _of_other(turn, before[id(turn.sound)]), turn.sound
        if effect is not None and other is not None:
            yield _Told(effect, places[id(other)], turn.late_ms)


def _of_this(turn: Turn[Sound]) -> Effect | None:
    if turn.fate is Fate.MISSED:
        return Effect.MISSED
    if turn.fate is Fate.INTERRUPTED or len(turn.heard) > 1:
        return Effect.INTERRUPTED
    return Effect.WAITS if turn.late_ms else None


def _of_other(turn: Turn[Sound], before: Turn[Sound]) -> Effect | None:
    """What this changes for another; what was amiss without it is not its doing."""
    if turn.fate is Fate.MISSED:
        return Effect.MISSES if before.fate is not Fate.MISSED else None
    if turn.fate is Fate.INTERRUPTED:
        return Effect.INTERRUPTS if before.fate is Fate.PLAYED else None
    if len(turn.heard) > len(before.heard):
        return Effect.INTERRUPTS
    return Effect.DELAYS if turn.late_ms > before.late_ms else None
