"""Sums: whether what somebody adds makes a session or a day too full at any receiver, and when first. Pure.

Receivers that hear the same are summed up once, and all days of a span in one product of matrices; only a day that
seems too full is asked about source by source.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import time
from functools import lru_cache
from itertools import chain, islice
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from loa.times import MINUTE, SECOND, Instant, local
from loa.words import counted, join, say
from scheduler import loads, sittings
from scheduler.context import Context
from scheduler.loads import Load, Span
from scheduler.rulebook import Rulebook, Slot
from scheduler.targets import Where

Rule = Literal["session_minutes", "day_minutes", "day_sessions"]
Matrix = npt.NDArray[np.float64]
Days = npt.NDArray[np.bool_]


class Over(NamedTuple):
    """A limit that is passed, where it first is."""

    rule: Rule
    moment: Instant
    sentence: str


class Adding(NamedTuple):
    """What comes to all the rest: so long at each of these moments, ascending."""

    where: Where
    moments: Sequence[Instant]
    ms: int


class Group(NamedTuple):
    """Receivers that hear the same and have the same sessions."""

    hears: Days
    """Of each load."""
    place: frozenset[int]
    receivers: Sequence[str]


def are_limited(known: Context, moments: Sequence[Instant]) -> bool:
    """Whether any rule in force at these moments limits a session or a day at all."""
    books = [sittings.rules_at(known, moments[0]), sittings.rules_at(known, moments[-1])]
    books += [each.rules for each in known.regulations if moments[0] <= each.since <= moments[-1]]
    return any(
        book.too_long != "allow" and (book.slots or book.most_minutes or book.most_sessions)
        for book in books
    )


def over(known: Context, adding: Adding, span: Span, found: Sequence[Load]) -> Iterator[Over]:
    """Each limit that is passed, once. ``found`` is all that is scheduled in the span."""
    meant = known.fleet.resolve(adding.where)
    near = loads.touching(found, meant, known)
    full = _Days(known, adding, span, near)
    looks = (
        chain(full.past_the_end(), full.session_minutes()),
        full.day_minutes(),
        full.day_sessions(),
    )
    for look in looks:
        yield from islice(look, 1)


class _Days:
    """The days on which something is added, with all that the receivers meant hear on them."""

    def __init__(self, known: Context, adding: Adding, span: Span, found: Sequence[Load]) -> None:
        self._known, self._adding, self._span, self._loads = known, adding, span, found
        self._walls = {moment: local(moment, known.rules.zone) for moment in adding.moments}
        self._moments: dict[int, list[Instant]] = {}
        for moment, wall in self._walls.items():
            self._moments.setdefault(span.place(wall.date()), []).append(moment)
        self._days = sorted(self._moments)
        self._groups = _groups(known, adding.where, found)
        self._held: dict[frozenset[int], dict[tuple[Slot, ...], list[int]]] = {}
        # Exact up to 2**53 ms, and many times as quick as whole numbers are.
        self._ms = np.zeros((len(found), span.days))
        for at, each in enumerate(found):
            self._ms[at] = each.heard * float(each.ms)

    def session_minutes(self) -> Iterator[Over]:
        """A session that becomes longer than it may be."""
        tight: list[tuple[int, int, Slot]] = []
        for at, group in enumerate(self._groups):
            for slots, places in self._sessions(group.place).items():
                for slot in slots:
                    added = self._added(places, slot)
                    total = self._sum(group, places, self._in(slot)) + added
                    over = (total > slot.minutes * MINUTE) & (added > 0)
                    tight += [(places[n], at, slot) for n in np.flatnonzero(over)]
        for place, at, slot in sorted(tight, key=lambda each: each[:2]):
            before = self._exactly(self._groups[at], place, slot)
            added_ms = self._adding.ms * len(self._those_in(place, slot))
            if before + added_ms > slot.minutes * MINUTE:
                yield self._session_too_long(place, self._groups[at], slot, before, added_ms)

    def past_the_end(self) -> Iterator[Over]:
        """What begins within a session and ends after it."""
        found = [
            (moment, slot)
            for held in {group.place for group in self._groups}
            for slots, places in self._sessions(held).items()
            for place in places
            for slot in slots
            for moment in self._those_in(place, slot)
            if self._minutes_in(moment) + self._adding.ms > slot.until * MINUTE
        ]
        for moment, slot in sorted(found, key=lambda each: each[0]):
            at = self._walls[moment]
            yield Over(
                "session_minutes",
                moment,
                say(
                    "Lượt phát %(clock)s ngày %(day)s dài %(length)s, quá cuối khung giờ %(slot)s. "
                    "Hãy bắt đầu sớm hơn hoặc rút ngắn.",
                    clock=f"{at:%H:%M}",
                    day=f"{at:%d/%m/%Y}",
                    length=words(self._adding.ms),
                    slot=slot,
                ),
            )

    def day_minutes(self) -> Iterator[Over]:
        """A day that becomes longer than it may be."""
        most = np.array([self._rules(place).most_minutes or 0 for place in self._days]) * MINUTE
        added = np.array([len(self._moments[place]) for place in self._days]) * self._adding.ms
        tight: list[tuple[int, int]] = []
        for at, group in enumerate(self._groups):
            total = self._sum(group, self._days, np.ones(len(self._loads), dtype=np.bool_)) + added
            tight += [(self._days[n], at) for n in np.flatnonzero((total > most) & (most > 0))]
        for place, at in sorted(tight):
            group, limit = self._groups[at], self._rules(place).most_minutes or 0
            before = self._exactly(group, place, None)
            whole = before + self._adding.ms * len(self._moments[place])
            if whole > limit * MINUTE:
                yield Over(
                    "day_minutes",
                    self._moments[place][0],
                    say(
                        "Ngày %(day)s, %(who)s đã có %(before)s; thêm lượt này là "
                        "%(whole)s, quá %(limit)s phút mỗi ngày. Hãy rút ngắn hoặc chọn ngày khác.",
                        day=self._name(place),
                        who=self._who(group),
                        before=words(before),
                        whole=words(whole),
                        limit=limit,
                    ),
                )

    def day_sessions(self) -> Iterator[Over]:
        """A day that gets more sessions than it may have; outside, each hour with a start counts as one."""
        tight: list[tuple[int, int]] = []
        for at, group in enumerate(self._groups):
            for slots, places in self._sessions(group.place).items():
                tight += [(place, at) for place in self._with_many_sittings(group, slots, places)]
        for place, at in sorted(tight):
            group, limit = self._groups[at], self._rules(place).most_sessions or 0
            slots = self._slots(group.place, place)
            new = self._new_sittings(place, slots)
            known = {sitting(clock, slots) for clock, _ in self._wishes(group, place)}
            if new - known and len(new | known) > limit:
                yield Over(
                    "day_sessions",
                    self._moments[place][0],
                    say(
                        "Ngày %(day)s, %(who)s sẽ có %(n)s buổi phát, "
                        "quá %(limit)s buổi mỗi ngày. Hãy chọn giờ trong một khung giờ đã có lượt phát.",
                        day=self._name(place),
                        who=self._who(group),
                        n=len(new | known),
                        limit=limit,
                    ),
                )

    def _with_many_sittings(
        self, group: Group, slots: tuple[Slot, ...], places: list[int]
    ) -> list[int]:
        """Days on which, as far as rules tell, one is added and there are too many."""
        limits = np.array([self._rules(place).most_sessions or 0 for place in places])
        if not limits.any():
            return []
        sittings: dict[str, list[int]] = {}
        for at in np.flatnonzero(group.hears):
            sittings.setdefault(_sitting_of(self._loads[int(at)], slots), []).append(int(at))
        new = [self._new_sittings(place, slots) for place in places]
        for name in set().union(*new):
            sittings.setdefault(name, [])
        here = self._ms[:, places] > 0
        count, adds = np.zeros(len(places), dtype=np.int64), np.zeros(len(places), dtype=np.bool_)
        for name, those in sittings.items():
            known, wanted = here[those].any(axis=0), np.array([name in names for names in new])
            count += known | wanted
            adds |= wanted & ~known
        return [places[n] for n in np.flatnonzero(adds & (count > limits) & (limits > 0))]

    def _new_sittings(self, place: int, slots: Sequence[Slot]) -> frozenset[str]:
        """The sessions to which something is added that day."""
        clocks = frozenset(self._walls[moment].time() for moment in self._moments[place])
        return _sittings(clocks, tuple(slots))

    # -- sums -------------------------------------------------------------------------------------

    def _sum(self, group: Group, places: Sequence[int], those: Days) -> Matrix:
        """Milliseconds that the group hears of those loads on each of these days, at most."""
        chosen = group.hears & those
        found: Matrix = self._ms[chosen][:, list(places)].sum(axis=0)
        return found

    def _exactly(self, group: Group, place: int, slot: Slot | None) -> int:
        """Milliseconds the group really hears that day, in the session if one is given."""
        found = self._wishes(group, place)
        return sum(ms for clock, ms in found if slot is None or slot.holds(clock))

    def _wishes(self, group: Group, place: int) -> list[tuple[time, int]]:
        day = self._span.day(place)
        # What is put on that day by an exception stands apart from its source's own days.
        sources = {
            (each.column, each.source.id): each
            for at, each in enumerate(self._loads)
            if group.hears[at] and each.heard[place]
        }
        return [
            (local(start, self._known.rules.zone).time(), ms)
            for each in sources.values()
            for start, ms in loads.wishes(each, day, self._known)
        ]

    def _in(self, slot: Slot) -> Days:
        """Which of the loads begin in that session."""
        return np.array([_begins_in(each, slot) for each in self._loads], dtype=np.bool_)

    def _added(self, places: Sequence[int], slot: Slot) -> Matrix:
        """Milliseconds that are added to the session on each of these days."""
        return np.array(
            [len(self._those_in(each, slot)) * float(self._adding.ms) for each in places]
        )

    # -- days -------------------------------------------------------------------------------------

    def _sessions(self, place: frozenset[int]) -> dict[tuple[Slot, ...], list[int]]:
        """The sessions there are in that place → the days on which they are held."""
        if place not in self._held:
            self._held[place] = {}
            for day in self._days:
                self._held[place].setdefault(self._slots(place, day), []).append(day)
        return self._held[place]

    def _slots(self, place: frozenset[int], day: int) -> tuple[Slot, ...]:
        return tuple(sittings.slots_there(self._known, self._moments[day][0], place))

    def _those_in(self, place: int, slot: Slot) -> list[Instant]:
        """What is added to that session on that day."""
        return [each for each in self._moments[place] if slot.holds(self._walls[each].time())]

    def _rules(self, place: int) -> Rulebook:
        return sittings.rules_at(self._known, self._moments[place][0])

    def _minutes_in(self, moment: Instant) -> int:
        """Milliseconds from midnight by the wall clock."""
        at = self._walls[moment]
        return (at.hour * 60 + at.minute) * MINUTE + at.second * SECOND

    # -- words ------------------------------------------------------------------------------------

    def _session_too_long(
        self, place: int, group: Group, slot: Slot, before: int, added: int
    ) -> Over:
        return Over(
            "session_minutes",
            self._those_in(place, slot)[0],
            say(
                "Khung giờ %(slot)s ngày %(day)s: %(who)s đã có %(before)s, thêm "
                "%(added)s là quá %(minutes)s phút. Hãy rút ngắn hoặc dời sang khung giờ khác.",
                slot=slot,
                day=self._name(place),
                who=self._who(group),
                before=words(before),
                added=words(added),
                minutes=slot.minutes,
            ),
        )

    def _name(self, place: int) -> str:
        return f"{self._span.day(place):%d/%m/%Y}"

    def _who(self, group: Group) -> str:
        if len(group.receivers) == 1:
            return say(
                "đầu thu %(name)s", name=self._known.fleet.receivers[group.receivers[0]].name
            )
        return counted("%(n)s đầu thu", len(group.receivers))


def _groups(known: Context, where: Where, found: Sequence[Load]) -> list[Group]:
    grouped: dict[tuple[bytes, frozenset[int]], list[str]] = {}
    for hears, ids in loads.alike(found, known.fleet.resolve(where), known).items():
        for receiver_id in ids:
            grouped.setdefault((hears, sittings.place_of(known, receiver_id)), []).append(
                receiver_id
            )
    return [
        Group(np.frombuffer(hears, dtype=np.bool_), place, ids)
        for (hears, place), ids in grouped.items()
    ]


def _begins_in(load: Load, slot: Slot) -> bool:
    if load.slot is not None:
        return load.slot == slot.key
    return load.at is not None and slot.holds(load.at)


def sitting(clock: time, slots: Sequence[Slot]) -> str:
    """What counts as one session of a day: that of the regulation, or else all that begins within the hour."""
    return next((slot.key for slot in slots if slot.holds(clock)), f"{clock:%H} giờ")


@lru_cache(maxsize=256)
def _sittings(clocks: frozenset[time], slots: tuple[Slot, ...]) -> frozenset[str]:
    return frozenset(sitting(clock, slots) for clock in clocks)


def _sitting_of(load: Load, slots: Sequence[Slot]) -> str:
    if load.slot is not None:
        return load.slot
    return sitting(load.at or time(), slots)


def words(ms: int) -> str:
    """12 phút 30 giây."""
    minutes, seconds = divmod(round(ms / SECOND), 60)
    named = [counted("%(n)s phút", minutes)] if minutes or not seconds else []
    return join(" ", [*named, *([counted("%(n)s giây", seconds)] if seconds else [])])
