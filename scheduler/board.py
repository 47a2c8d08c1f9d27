"""Board: the days of a receiver while plays are put on it: what is free, what is there, what fits where. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from operator import itemgetter
from typing import NamedTuple

from loa.times import SECOND, Instant, after

BETWEEN = 2 * SECOND
"""Silence after each play, so that the next finds the receiver idle."""


Gap = tuple[Instant, Instant]
"""Free time, [starts_at, ends_at). Plain, for a year has very many: no garbage is looked for in numbers alone."""
SessionRoom = tuple[Gap, ...]
"""What is free in one session, in the order in which it is to be used."""


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
        return self._replace(goal=self.goal - self.again) if self.again else self

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

    @property
    def looks_back(self) -> bool:
        """Whether what sounds next hangs on what of it sounded on other days."""
        return len(self.sounds) > 1 or any(sound.apart_ms for sound in self.sounds)


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


@dataclass(slots=True)
class _Free:
    """A session while it is filled."""

    room: SessionRoom
    gaps: list[Gap]
    starts_at: Instant
    ends_at: Instant
    counts: dict[int, int]


def _free(room: SessionRoom) -> _Free:
    if not room:
        return _Free(room, [], Instant(0), Instant(0), {})
    return _Free(room, list(room), min(room)[0], max(room, key=_end)[1], {})


_end = itemgetter(1)


class Board:
    """All days while they are filled."""

    def __init__(self, rooms: Sequence[DayRoom], asks: Sequence[Ask], held: Sequence[Play]) -> None:
        self.rooms = rooms
        self.asks = {ask.key: ask for ask in asks}
        self._sounds = {ask.key: {sound.key: sound for sound in ask.sounds} for ask in asks}
        self._sessions: list[list[_Free] | None] = [None for _ in rooms]
        """As far as they were looked at."""
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

    def is_bare(self, index: int) -> bool:
        """Whether nothing was ever put, or tried, in that room."""
        return self._sessions[index] is None

    def put(self, play: Play) -> None:
        """Take up its place, and count it among what was heard."""
        self._note(play)
        heard = self._heard.setdefault(play.key, {})
        heard[play.sound] = heard.get(play.sound, 0) + 1

    def place(self, ask: Ask, index: int, left: int) -> Play | None:
        """One more play of that campaign on that day, put on the board; None where nothing of it fits."""
        room = self.rooms[index]
        sounds = self._by_weight(ask, room)
        for session in self._by_need(ask.key, index):
            for sound in sounds:
                if ask.in_ms and sound.ms > left:
                    continue
                starts_at = self._fits(ask, sound, index, session)
                if starts_at is not None:
                    play = Play(starts_at, ask.key, sound.key, sound.ms, room.day)
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
                since <= play.starts_at and play.starts_at + play.ms <= until
                for session in self._on(index)
                for since, until in session.gaps
            )
        )

    def _on(self, index: int) -> list[_Free]:
        found = self._sessions[index]
        if found is None:
            found = self._sessions[index] = [_free(each) for each in self.rooms[index].sessions]
        return found

    def _note(self, play: Play) -> None:
        begin, key, sound, ms, day = play
        self._counts[key, day] = self._counts.get((key, day), 0) + 1
        self._starts.setdefault((key, sound), []).append(begin)
        index = self._index.get(day)
        if index is None:
            return
        left = self._left[index]
        if left is not None:
            self._left[index] = left - ms
        end = play.ends_at
        for session in self._on(index):
            if session.starts_at < end and begin < session.ends_at:
                _take(session, key, begin, end)

    def _by_need(self, key: int, index: int) -> list[_Free]:
        """Sessions of that day, the one with the fewest plays of the campaign first; in turns from day to day."""
        sessions, day = self._on(index), self.rooms[index].day
        if len(sessions) < 2:
            return sessions
        turn = (day.toordinal() + key) % len(sessions)
        found = sessions[turn:] + sessions[:turn]
        if (key, day) in self._counts:
            found.sort(key=lambda each: each.counts.get(key, 0))
        return found

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
        left, ms = self._left[index], sound.ms
        if left is not None and ms > left:
            return None
        for since, until in session.gaps:
            start = whole_second(since if since > ask.since else ask.since)
            while start + ms <= until:
                near = self._too_near(ask.key, sound, start) if sound.apart_ms else None
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


def _take(session: _Free, key: int, begin: Instant, end: Instant) -> None:
    """Of a session that [begin, end) touches."""
    for since, until in session.room:
        if since <= begin < until:
            session.counts[key] = session.counts.get(key, 0) + 1
            break
    session.gaps = _without(session.gaps, begin, end)


def whole_second(moment: Instant) -> Instant:
    """Not before ``moment``: receivers know a broadcast by its second."""
    return Instant(-(-moment // SECOND) * SECOND)


def _without(gaps: Collection[Gap], since: Instant, until: Instant) -> list[Gap]:
    """What is left of the gaps, in their order."""
    found = []
    for gap in gaps:
        begin, end = gap
        if until <= begin or end <= since:
            found.append(gap)
            continue
        if begin < since:
            found.append((begin, since))
        if until < end:
            found.append((until, end))
    return found


def without(gaps: Collection[Gap], taken: Iterable[Gap]) -> list[Gap]:
    """What is left of the gaps once these spans are taken."""
    spans = sorted(taken)
    return [left for gap in gaps for left in _left(gap, spans)]


def _left(gap: Gap, spans: Sequence[Gap]) -> list[Gap]:
    """``spans`` in order of time."""
    at, end = gap
    found = []
    for since, until in spans:
        if since >= end:
            break
        if until > at:
            if at < since:
                found.append((at, since))
            at = until
    if at < end:
        found.append((at, end))
    return found
