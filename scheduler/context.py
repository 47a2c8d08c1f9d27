"""Context: all that wishes depend on besides their source, read once for all of them.

``wanted`` of every kind of source is a pure function of its source and this. ``read`` takes it from the database; tests
make one of plain values. What is costly is read when it is first asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple, TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import Session

from content.bulletins import Bulletin
from content.recordings import Recording
from devices import areas, receivers
from devices.areas import Area
from devices.groups import Member
from devices.receivers import Receiver
from loa.languages import KINH
from loa.times import Instant
from scheduler.days import Calendar, DayMark
from scheduler.exceptions import ScheduleException
from scheduler.regulation import Regulation
from scheduler.sources import Rules
from scheduler.targets import Where

Answer = TypeVar("Answer")
Question = Callable[[Session], Answer]


class Standing(NamedTuple):
    """A receiver in service."""

    id: str
    name: str
    area_id: int
    households: int
    language: str


@dataclass
class Fleet:
    """Receivers in service and where they stand."""

    receivers: Mapping[str, Standing]
    parents: Mapping[int, int | None]
    """Area → the area above it."""
    members: Mapping[int, frozenset[str]]
    """Group → receivers."""
    _resolved: dict[Where, frozenset[str]] = field(default_factory=dict)

    def resolve(self, where: Where) -> frozenset[str]:
        """Ids of the receivers meant: as ``targets.standing_in``, without a database."""
        if where not in self._resolved:
            self._resolved[where] = self._meant(where)
        return self._resolved[where]

    def _meant(self, where: Where) -> frozenset[str]:
        wanted = set(where.area_ids)
        found = {each.id for each in self.receivers.values() if wanted & self.line(each.area_id)}
        for group_id in where.group_ids:
            found |= self.members.get(group_id, frozenset())
        found |= set(where.receiver_ids)
        found = (found & self.receivers.keys()) - set(where.except_ids)
        if apart := set(where.except_area_ids):
            found = {each for each in found if not apart & self.line(self.receivers[each].area_id)}
        return frozenset(found)

    def line(self, area_id: int) -> set[int]:
        """The area and all above it."""
        found: set[int] = set()
        at: int | None = area_id
        while at is not None:
            found.add(at)
            at = self.parents.get(at)
        return found

    def languages(self, where: Where) -> set[str]:
        """The languages heard there."""
        return {self.receivers[id].language for id in self.resolve(where)}


@dataclass
class Context:
    """What holds for all sources."""

    rules: Rules
    regulations: Sequence[Regulation]
    """Oldest first."""
    marks: Sequence[DayMark]
    """Also those withdrawn."""
    exceptions: Mapping[tuple[str, int], Sequence[ScheduleException]]
    """(schedule_id or programme_id as the column's name, its id) → exceptions not withdrawn."""
    read_fleet: Callable[[], Fleet]
    read_lengths: Callable[[], Mapping[str, int]]
    """sha256 → milliseconds."""
    session: Session | None = None
    """Whom ``ask`` asks; None where all answers are given."""
    answers: dict[Question[Any], Any] = field(default_factory=dict)
    known: dict[object, Any] = field(default_factory=dict)
    """What some source worked out for all of its kind, by a name of its own."""
    _wishes: dict[int, tuple[Any, Instant, Instant, Sequence[Any]]] = field(default_factory=dict)

    def ask(self, question: Question[Answer]) -> Answer:
        """What the database says to a question of one kind of source alone, asked once."""
        if question not in self.answers:
            if self.session is None:
                raise LookupError(f"no answer is given to {question!r}")
            self.answers[question] = question(self.session)
        answer: Answer = self.answers[question]
        return answer

    def wishes(
        self, source: Any, wanted: Callable[..., Sequence[Any]], since: Instant, until: Instant
    ) -> Sequence[Any]:
        """What ``wanted`` says of the source in [since, until), in order of time; only what is new is worked out.

        For a source whose wishes do not hang on the span that is asked about, and that is not changed meanwhile.
        """
        _, begin, end, found = self._wishes.get(id(source), (source, since, since, ()))
        if until < begin or end < since:  # nothing in common
            return wanted(source, since, until, self)
        if since < begin:
            found, begin = [*wanted(source, since, begin, self), *found], since
        if end < until:
            found, end = [*found, *wanted(source, end, until, self)], until
        self._wishes[id(source)] = source, begin, end, found
        if (begin, end) == (since, until):
            return found
        return [each for each in found if since <= each.starts_at < until]

    @cached_property
    def fleet(self) -> Fleet:
        return self.read_fleet()

    @cached_property
    def lengths(self) -> Mapping[str, int]:
        return self.read_lengths()

    @cached_property
    def calendar(self) -> Calendar:
        return Calendar(self.regulations, self.marks, self.rules.zone)

    def length_ms(self, bulletin: Bulletin, where: Where) -> int:
        """How long the bulletin sounds there, in the longest of the languages; 0 while it has no sound."""
        return max(self.lengths_ms(bulletin, where), default=0)

    def lengths_ms(self, bulletin: Bulletin, where: Where) -> set[int]:
        """How long it sounds there in each of the languages that have a sound."""
        own = bulletin.sounds.get(KINH)
        heard = self.fleet.languages(where) or {KINH}
        shas = {bulletin.sounds.get(language, own) for language in heard}
        return {ms for sha in shas if sha and (ms := self.lengths.get(sha, 0))}

    def regulation_at(self, moment: Instant) -> Regulation | None:
        """The regulation in force at ``moment``; None before the first."""
        found = None
        for each in self.regulations:
            if each.since <= moment:
                found = each
        return found


def read(session: Session, rules: Rules) -> Context:
    """The context as the database now has it."""
    regulations = sa.select(Regulation).order_by(Regulation.since, Regulation.id)
    return Context(
        rules=rules,
        regulations=session.scalars(regulations).all(),
        marks=session.scalars(sa.select(DayMark).order_by(DayMark.id)).all(),
        exceptions=_by_source(
            session.scalars(
                sa.select(ScheduleException)
                .where(ScheduleException.withdrawn_at.is_(None))
                .order_by(ScheduleException.id)
            )
        ),
        read_fleet=lambda: _fleet(session),
        read_lengths=lambda: _lengths(session),
        session=session,
    )


def _by_source(
    found: Iterable[ScheduleException],
) -> dict[tuple[str, int], list[ScheduleException]]:
    grouped: dict[tuple[str, int], list[ScheduleException]] = {}
    for each in found:
        for column in ("schedule_id", "programme_id"):
            if (id := getattr(each, column)) is not None:
                grouped.setdefault((column, id), []).append(each)
    return grouped


def _fleet(session: Session) -> Fleet:
    spoken_in = areas.spoken_in(session)
    standing = sa.select(Receiver.id, Receiver.name, Receiver.area_id, Receiver.households)
    parents = session.execute(sa.select(Area.id, Area.parent_id))
    members: dict[int, set[str]] = {}
    for group_id, receiver_id in session.execute(sa.select(Member.group_id, Member.receiver_id)):
        members.setdefault(group_id, set()).add(receiver_id)
    return Fleet(
        receivers={
            row.id: Standing(row.id, row.name, row.area_id, row.households, spoken_in[row.area_id])
            for row in session.execute(standing.where(receivers.in_service()))
        },
        parents={row.id: row.parent_id for row in parents},
        members={group_id: frozenset(ids) for group_id, ids in members.items()},
    )


def _lengths(session: Session) -> dict[str, int]:
    rows = session.execute(sa.select(Recording.sha256, Recording.ms))
    return {row.sha256: row.ms for row in rows}
