"""Board: the days of a receiver while plays are put on it: what is free, what is there, what fits where. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from loa.times import SECOND, Instant, after

BETWEEN = 2 * SECOND
"""Silence after each play, so that the next finds the receiver idle."""


class Gap(NamedTuple):
    """Free time, [starts_at, ends_at)."""

    starts_at: Instant
    ends_at: Instant


class SessionRoom(NamedTuple):
    """What is free in one session, in the order in which it is to be used."""

    gaps: tuple[Gap, ...]


class DayRoom(NamedTuple):
    """What is free on one day."""

    day: date
    sessions: tuple[SessionRoom, ...]
    left_ms: int | None = None
    """At most so much more may sound this day; None: no such rule."""
    plays: str = "all"
    """What may sound at all: all, priority or emergency (rulebook.DayKind)."""


@dataclass(frozen=True, kw_only=True)
class Sound:
    """A message of a campaign."""

    key: int
    ms: int
    weight: int = 1
    first: date = date.min
    last: date = date.max
    apart_ms: int = 0
    """From one start of it to the next at the same receiver."""
    is_priority: bool = False

    def may_sound(self, room: DayRoom) -> bool:
        """Whether it is valid on that day and of a kind that day lets sound."""
        let = room.plays == "all" or (room.plays == "priority" and self.is_priority)
        return let and self.first <= room.day <= self.last


class Span(NamedTuple):
    """Days over which ``goal`` is still to be planned: plays, or ms for an Ask in_ms."""

    first: date
    last: date
    goal: int
    again: int = 0
    """So much of it is for what staff stopped, and only for days after ``stopped``."""
    stopped: date = date.min

    @property
    def usual(self) -> Span:
        """What may go to any of its days."""
        return self._replace(goal=self.goal - self.again)

    @property
    def later(self) -> Span:
        """What may only go to days after those on which staff stopped it."""
        begin = self.stopped.toordinal() + 1
        return self._replace(first=max(self.first, date.fromordinal(begin)), goal=self.again)


@dataclass(frozen=True, kw_only=True)
class Ask:
    """What one campaign still wants at a receiver, besides what it has there already."""

    key: int
    sounds: tuple[Sound, ...]
    spans: tuple[Span, ...]
    since: Instant
    """Nothing of it is newly planned to start before."""
    weight: int = 1
    in_ms: bool = False
    heard: tuple[tuple[int, int], ...] = ()
    """Sound → plays of it so far: weights hold over the whole campaign."""


class Play(NamedTuple):
    """One sound of one campaign at an instant."""

    starts_at: Instant
    key: int
    sound: int
    ms: int
    day: date

    @property
    def ends_at(self) -> Instant:
        return after(self.starts_at, self.ms + BETWEEN)


@dataclass
class _Free:
    """A session while it is filled."""

    gaps: list[Gap]
    starts_at: Instant
    ends_at: Instant
    counts: dict[int, int] = field(default_factory=dict)


def _free(room: SessionRoom) -> _Free:
    starts_at = min((gap.starts_at for gap in room.gaps), default=Instant(0))
    ends_at = max((gap.ends_at for gap in room.gaps), default=Instant(0))
    return _Free(list(room.gaps), starts_at, ends_at)


class Board:
    """All days while they are filled."""

    def __init__(self, rooms: Sequence[DayRoom], asks: Sequence[Ask], held: Sequence[Play]) -> None:
        self.rooms = rooms
        self.asks = {ask.key: ask for ask in asks}
        self._sounds = {ask.key: {sound.key: sound for sound in ask.sounds} for ask in asks}
        self._sessions = [[_free(each) for each in room.sessions] for room in rooms]
        self._left = [room.left_ms for room in rooms]
        self._index = {room.day: index for index, room in enumerate(rooms)}
        self._counts: dict[tuple[int, date], int] = {}
        self._starts: dict[tuple[int, int], list[Instant]] = {}
        self._heard = {ask.key: dict(ask.heard) for ask in asks}
        for play in held:
            self._note(play)

    def count(self, key: int, day: date) -> int:
        """Plays of a campaign on that day."""
        return self._counts.get((key, day), 0)

    def put(self, play: Play) -> None:
        """Take up its place, and count it among what was heard."""
        self._note(play)
        heard = self._heard.setdefault(play.key, {})
        heard[play.sound] = heard.get(play.sound, 0) + 1

    def place(self, ask: Ask, index: int, left: int) -> Play | None:
        """One more play of that campaign on that day, put on the board; None where nothing of it fits."""
        for session in self._by_need(ask.key, index):
            for sound in self._by_weight(ask, self.rooms[index]):
                if ask.in_ms and sound.ms > left:
                    continue
                starts_at = self._fits(ask, sound, index, session)
                if starts_at is not None:
                    play = Play(starts_at, ask.key, sound.key, sound.ms, self.rooms[index].day)
                    self.put(play)
                    return play
        return None

    def has_place_for(self, ask: Ask, play: Play) -> bool:
        """Whether a play could be put just where it is."""
        index, sound = self._index.get(play.day), self._sounds[ask.key].get(play.sound)
        if index is None or sound is None or not sound.may_sound(self.rooms[index]):
            return False
        left = self._left[index]
        return (
            sound.ms == play.ms
            and (left is None or play.ms <= left)
            and self._too_near(ask.key, sound, play.starts_at) is None
            and any(
                gap.starts_at <= play.starts_at and play.starts_at + play.ms <= gap.ends_at
                for session in self._sessions[index]
                for gap in session.gaps
            )
        )

    def _note(self, play: Play) -> None:
        day = play.key, play.day
        self._counts[day] = self._counts.get(day, 0) + 1
        self._starts.setdefault((play.key, play.sound), []).append(play.starts_at)
        index = self._index.get(play.day)
        if index is None:
            return
        left = self._left[index]
        self._left[index] = None if left is None else left - play.ms
        for session, room in zip(self._sessions[index], self.rooms[index].sessions, strict=True):
            if play.ends_at <= session.starts_at or session.ends_at <= play.starts_at:
                continue
            if any(gap.starts_at <= play.starts_at < gap.ends_at for gap in room.gaps):
                session.counts[play.key] = session.counts.get(play.key, 0) + 1
            session.gaps = _without(session.gaps, play.starts_at, play.ends_at)

    def _by_need(self, key: int, index: int) -> list[_Free]:
        """Sessions of that day, the one with the fewest plays of the campaign first; in turns from day to day."""
        sessions, day = self._sessions[index], self.rooms[index].day
        if len(sessions) < 2:
            return sessions
        turn = (day.toordinal() + key) % len(sessions)
        return sorted(sessions[turn:] + sessions[:turn], key=lambda each: each.counts.get(key, 0))

    def _by_weight(self, ask: Ask, room: DayRoom) -> list[Sound]:
        """Sounds that may be heard that day, the one furthest behind its weight first."""
        valid = [sound for sound in ask.sounds if sound.may_sound(room)]
        if len(valid) < 2:
            return valid
        heard = self._heard[ask.key]
        whole = sum(sound.weight for sound in valid)
        number = 1 + sum(heard.get(sound.key, 0) for sound in valid)
        return sorted(
            valid,
            key=lambda each: (heard.get(each.key, 0) * whole - number * each.weight, each.key),
        )

    def _fits(self, ask: Ask, sound: Sound, index: int, session: _Free) -> Instant | None:
        """The first start in the session's gaps, in their order, at which the sound would be right."""
        left = self._left[index]
        if left is not None and sound.ms > left:
            return None
        for gap in session.gaps:
            start = whole_second(max(gap.starts_at, ask.since))
            while start + sound.ms <= gap.ends_at:
                near = self._too_near(ask.key, sound, start)
                if near is None:
                    return start
                start = whole_second(after(near, sound.apart_ms))
        return None

    def _too_near(self, key: int, sound: Sound, start: Instant) -> Instant | None:
        """The last start of the same sound that is too near to this one."""
        if not sound.apart_ms:
            return None
        starts = self._starts.get((key, sound.key), ())
        near = [each for each in starts if abs(each - start) < sound.apart_ms]
        return max(near, default=None)


def whole_second(moment: Instant) -> Instant:
    """Not before ``moment``: receivers know a broadcast by its second."""
    return Instant(-(-moment // SECOND) * SECOND)


def _without(gaps: Collection[Gap], since: Instant, until: Instant) -> list[Gap]:
    """What is left of the gaps, in their order."""
    found = []
    for gap in gaps:
        if until <= gap.starts_at or gap.ends_at <= since:
            found.append(gap)
            continue
        if gap.starts_at < since:
            found.append(Gap(gap.starts_at, since))
        if until < gap.ends_at:
            found.append(Gap(until, gap.ends_at))
    return found


def without(gaps: Collection[Gap], taken: Iterable[tuple[Instant, Instant]]) -> list[Gap]:
    """What is left of the gaps once these spans are taken."""
    spans = sorted(taken)
    return [left for gap in gaps for left in _left(gap, spans)]


def _left(gap: Gap, spans: Sequence[tuple[Instant, Instant]]) -> list[Gap]:
    """``spans`` in order of time."""
    at, end = gap
    found = []
    for since, until in spans:
        if since >= end:
            break
        if until > at:
            found += [Gap(at, since)] if at < since else []
            at = until
    return [*found, Gap(at, end)] if at < end else found
