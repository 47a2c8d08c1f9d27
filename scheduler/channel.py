"""Channel: what is heard of several sounds at one receiver, by the rules receivers keep. Pure.

A receiver has one channel. ``play`` runs it over a span of time as a receiver would (docs/protocol.md, rules for
occurrences 4, 6 and 7): what is heard from when until when, what was interrupted by what, and what waited in vain.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from content.bulletins import Priority
from loa.times import SECOND, Instant, after
from scheduler import precedence
from scheduler.precedence import RANK, Contender, Decided

LATE_LEAST = 1 * SECOND
"""Less leeway than that counts as that (rule 6)."""


class Player(Contender, Protocol):
    """A contender with a length."""

    @property
    def ends_at(self) -> Instant: ...
    @property
    def resumes(self) -> bool:
        """Begins again after an interruption."""

    @property
    def is_relay(self) -> bool:
        """Ends when it was to end, however late it began."""


P = TypeVar("P", bound=Player)


class Fate(enum.StrEnum):
    PLAYED = "played"
    """To its end, perhaps late."""
    INTERRUPTED = "interrupted"
    """Something that goes before it silenced it, and it did not come to its end after that."""
    MISSED = "missed"
    """It waited for the channel longer than its start was wanted."""
    GAVE_WAY = "gave_way"
    """An officer put another before it."""
    QUIET = "quiet"
    """Late as it would have begun, it would have reached into quiet hours."""


@dataclass(eq=False)
class Turn(Generic[P]):
    """What becomes of one of them. Compared by identity."""

    sound: P
    heard: list[tuple[Instant, Instant]] = field(default_factory=list)
    """From when until when, each time it sounded."""
    fate: Fate = Fate.PLAYED
    by: P | None = None
    """What silenced it, what it waited for, or what it gave way to."""

    @property
    def late_ms(self) -> int:
        """How long after its time it began; 0 where it never did."""
        return self.heard[0][0] - self.sound.starts_at if self.heard else 0

    def is_heard_at(self, since: Instant, until: Instant) -> bool:
        """Whether any of it sounds in [since, until)."""
        return any(start < until and since < end for start, end in self.heard)


Forbids = Callable[[Instant, Instant], bool]
"""Whether quiet hours lie in [start, end)."""


_Sounding = tuple[Turn[P], Instant, Instant]
"""What sounds, since when, and until when it would."""


def _never(_start: Instant, _end: Instant) -> bool:
    return False


def play(
    sounds: Iterable[P], late: int, decided: Decided = (), is_quiet: Forbids = _never
) -> list[Turn[P]]:
    """What becomes of each, in order of their starts; ``late`` as in scheduler.sources.Rules, milliseconds."""
    ordered = sorted(sounds, key=lambda one: (one.starts_at, one.name))
    turns = [Turn(one) for one in ordered if one.ends_at > one.starts_at]
    _give_way(turns, decided)
    running = [turn for turn in turns if turn.fate is not Fate.GAVE_WAY]
    _Channel(running, late, is_quiet).run()
    return turns


def _give_way(turns: Sequence[Turn[P]], decided: Decided) -> None:
    if not decided:
        return
    for turn in turns:
        for other in turns:
            meet = _overlap(turn.sound, other.sound)
            if meet and precedence.is_decided(other.sound, turn.sound, decided):
                turn.fate, turn.by = Fate.GAVE_WAY, other.sound


def _overlap(a: Player, b: Player) -> bool:
    return a.starts_at < b.ends_at and b.starts_at < a.ends_at


class _Channel(Generic[P]):
    """One sound at a time; ``_waiting`` may still start."""

    def __init__(self, turns: Sequence[Turn[P]], late: int, is_quiet: Forbids) -> None:
        self._coming = list(reversed(turns))
        self._late, self._is_quiet = late, is_quiet
        self._waiting: list[Turn[P]] = []
        self._now: _Sounding[P] | None = None

    def run(self) -> None:
        """Step from one thing that happens to the next until nothing more can."""
        while self._coming or self._waiting or self._now:
            moment = self._next()
            if self._now and self._now[2] <= moment:
                self._ended(self._now, moment)
                self._now = None
            while self._coming and self._coming[-1].sound.starts_at <= moment:
                self._waiting.append(self._coming.pop())
            self._drop_late(moment)
            self._start_best(moment)

    def _next(self) -> Instant:
        """The next end or start. What waits need not be woken: it begins at an end, or is dropped at the next step."""
        moments = [self._coming[-1].sound.starts_at] if self._coming else []
        if self._now:
            moments.append(self._now[2])
        return min(moments, default=Instant(2**62))

    @staticmethod
    def _ended(now: _Sounding[P], moment: Instant) -> None:
        turn, since, _ = now
        turn.heard.append((since, moment))

    def _drop_late(self, moment: Instant) -> None:
        for turn in self._waiting:
            if self._limit(turn) < moment:
                turn.fate = Fate.INTERRUPTED if turn.heard else Fate.MISSED
        self._waiting = [turn for turn in self._waiting if self._limit(turn) >= moment]

    def _limit(self, turn: Turn[P]) -> Instant:
        """The last instant at which it may start."""
        sound = turn.sound
        leeway = max(self._late, LATE_LEAST)
        limit = after(sound.ends_at if turn.heard else sound.starts_at, leeway)
        return min(limit, after(sound.ends_at, -LATE_LEAST)) if sound.is_relay else limit

    def _start_best(self, moment: Instant) -> None:
        # What is heard for the first time goes before what was heard in part.
        self._waiting.sort(
            key=lambda turn: (RANK[turn.sound.priority], bool(turn.heard), *_key(turn))
        )
        for turn in list(self._waiting):
            if not self._is_free_for(turn.sound):
                break
            self._waiting.remove(turn)
            if self._may_sound(turn, moment):
                self._begin(turn, moment)
        if self._now:
            for turn in self._waiting:
                turn.by = self._now[0].sound

    def _is_free_for(self, sound: P) -> bool:
        return self._now is None or precedence.interrupts(sound, self._now[0].sound)

    def _may_sound(self, turn: Turn[P], moment: Instant) -> bool:
        if turn.sound.priority is Priority.EMERGENCY:
            return True
        if not self._is_quiet(moment, self._until(turn.sound, moment)):
            return True
        turn.fate = Fate.INTERRUPTED if turn.heard else Fate.QUIET
        return False

    def _begin(self, turn: Turn[P], moment: Instant) -> None:
        if self._now:
            self._interrupt(self._now, turn.sound, moment)
        self._now = (turn, moment, self._until(turn.sound, moment))
        turn.fate = Fate.PLAYED

    def _interrupt(self, now: _Sounding[P], by: P, moment: Instant) -> None:
        self._ended(now, moment)
        before = now[0]
        before.fate, before.by = Fate.INTERRUPTED, by
        if before.sound.resumes:
            self._waiting.append(before)

    @staticmethod
    def _until(sound: P, start: Instant) -> Instant:
        return sound.ends_at if sound.is_relay else after(start, sound.ends_at - sound.starts_at)


def _key(turn: Turn[P]) -> tuple[Instant, str]:
    return turn.sound.starts_at, turn.sound.name
