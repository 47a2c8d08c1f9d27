"""Effects: which coming broadcasts a change of the regulation or of a day would silence, or leave in breach of it.

Silenced are those that the quiet hours or the kind of the day forbid. What is outside sessions or too long was let
through when it was scheduled and goes on sounding: staff are told, and put it right.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from content.bulletins import Priority
from devices import remote
from loa.staff import Staff
from loa.times import DAY, MINUTE, Instant, after, local
from loa.words import say
from scheduler import amending, context, days, projection, regulation, sittings, sums
from scheduler.amending import Draft, Marking
from scheduler.context import Context
from scheduler.days import DayMark
from scheduler.grouping import Groups
from scheduler.programme_tables import Programme
from scheduler.projection import Sound
from scheduler.regulation import Regulation
from scheduler.sources import Rules

AHEAD = 31 * DAY
"""How far a new version is held against what is to come."""
COLUMNS = ("schedule_id", "programme_id", "alert_id")


class Effect(NamedTuple):
    """A coming broadcast and what would become of it."""

    sound: Sound
    sentence: str


@dataclass(frozen=True)
class Effects:
    """All of them, in order of time."""

    silenced: Sequence[Effect]
    broken: Sequence[Effect]
    """They go on sounding."""
    freed: Sequence[Effect] = ()
    """What is silenced as things stand, and would be no longer."""


def of_regulation(
    session: Session, draft: Draft, now: Instant, rules: Rules, ahead: int = AHEAD
) -> Effects:
    """What a new version would do within the next weeks. Raises ScheduleError where it is none."""
    since = amending.check(draft, now, rules.zone)
    known = context.read(session, rules)
    quiet = [[f"{span.since:%H:%M}", f"{span.until:%H:%M}"] for span in draft.quiet]
    version = Regulation(since=since, quiet=quiet, rules=draft.rules)
    later = [each for each in known.regulations if each.since > since]
    before = [each for each in known.regulations if each.since <= since]
    then = replace(known, regulations=[*before, version, *later])
    then = _instead(known, regulations=[*before, version, *later])
    until = after(since, ahead)
    heard = _sounds(session, known, since, until, rules)
    alone, slots = _alone(then, heard), _slots_of(session)
    gone = _without_session(then, heard, slots)
    silenced = _in_order([*alone, *gone])
    named = {effect.sound.key for effect in silenced}
    rest = [sound for sound in heard if sound.why_not is None and sound.key not in named]
    bound = {id for id, slot in slots.items() if slot}
    return Effects(
        silenced, _in_order([*_outside(then, rest, bound), *_too_long(then, rest, bound)])
    )


def of_marking(
    session: Session, marking: Marking, staff: Staff, now: Instant, rules: Rules
) -> Effects:
    """What saying that of these days would do. Raises ScheduleError where it cannot be said."""
    amending.check_mark(session, marking, now, rules.zone)
    mark = DayMark(
        first=marking.first, last=marking.last, kind=marking.kind, name=marking.name.strip(), made_at=now,
        staff=staff,
    )  # fmt: skip
    known = context.read(session, rules)
    then = _instead(known, marks=[*known.marks, mark])
    return _on_days(session, known, then, mark, now)


def of_unmarking(session: Session, mark: DayMark, now: Instant, rules: Rules) -> Effects:
    """What taking that back would do."""
    known = context.read(session, rules)
    then = _instead(known, marks=[each for each in known.marks if each.id != mark.id])
    return _on_days(session, known, then, mark, now)


def _on_days(
    session: Session, known: Context, then: Context, mark: DayMark, now: Instant
) -> Effects:
    zone = known.rules.zone
    since = max(now, days.first_of(mark.first, zone))
    until = days.first_of(mark.last + timedelta(days=1), zone)
    heard = _sounds(session, known, since, until, known.rules)
    freed = [
        Effect(sound, sound.why_not.sentence)
        for sound in heard
        if sound.why_not and sound.why_not.code == days.CODE
        and then.calendar.forbids(sound.starts_at, sound.priority) is None
    ]  # fmt: skip
    return Effects(_in_order(_alone(then, heard)), [], _in_order(freed))


def _instead(known: Context, **changes: object) -> Context:
    """The same circumstances with another law; nothing worked out by the old one is kept."""
    return replace(known, answers={}, known={}, **changes)  # type: ignore[arg-type]


def _sounds(
    session: Session, known: Context, since: Instant, until: Instant, rules: Rules
) -> list[Sound]:
    """What is to begin in the span. Campaigns find room for themselves in whatever there is."""
    found = projection.project(session, since, until, rules, columns=COLUMNS, found=known)
    return [sound for sound in found if sound.starts_at >= since]


def _in_order(found: Iterable[Effect]) -> list[Effect]:
    return sorted(found, key=lambda effect: effect.sound.starts_at)


# -- what is silenced -----------------------------------------------------------------------------


def _alone(then: Context, heard: Iterable[Sound]) -> Iterator[Effect]:
    """By the kind of day or the quiet hours."""
    for sound in heard:
        if sound.why_not is None and sound.priority is not Priority.EMERGENCY:
            why = then.calendar.forbids(sound.starts_at, sound.priority) or _quiet(then, sound)
            if why is not None:
                yield Effect(sound, why)


def _quiet(then: Context, sound: Sound) -> str | None:
    end = after(sound.ends_at, remote.MOST_DELAY)
    span = regulation.breach_by(then.regulations, sound.starts_at, end, then.rules.zone)
    return say("Rơi vào giờ không phát %(span)s.", span=span) if span else None


def _slots_of(session: Session) -> dict[int, str | None]:
    """Programme → the session it fills."""
    found = sa.select(Programme.id, Programme.slot).where(Programme.ended_at.is_(None))
    return {row.id: row.slot for row in session.execute(found)}


def _without_session(
    then: Context, heard: Iterable[Sound], slots: dict[int, str | None]
) -> Iterator[Effect]:
    """Programmes whose session there is no more; those of one that moves move with it."""
    for sound in heard:
        key = slots.get(sound.source_id) if sound.column == "programme_id" else None
        if key is None or sound.why_not is not None:
            continue
        if key not in {slot.key for slot in sittings.rules_at(then, sound.starts_at).slots}:
            yield Effect(sound, say("Khung giờ của chương trình này không còn trong quy chế."))


# -- what goes on in breach of it -----------------------------------------------------------------


def _outside(then: Context, rest: Iterable[Sound], bound: set[int]) -> Iterator[Effect]:
    for sound in rest:
        rules = sittings.rules_at(then, sound.starts_at)
        if rules.outside == "allow" or not rules.slots or sound.priority is not Priority.NORMAL:
            continue
        if sound.column == "programme_id" and sound.source_id in bound:
            continue
        clock = local(sound.starts_at, then.rules.zone).time()
        held = [
            sittings.slots_there(then, sound.starts_at, place)
            for place in sittings.places(then, sound.where)
        ]
        if not all(any(slot.holds(clock) for slot in slots) for slots in held):
            yield Effect(sound, say("Nằm ngoài các khung giờ phát."))


def _too_long(then: Context, rest: Iterable[Sound], bound: set[int]) -> Iterator[Effect]:
    """Sessions and days that are too full at any receiver, each once."""
    zone, groups = then.rules.zone, Groups(then.fleet, list(then.fleet.receivers))
    by_day: dict[date, list[Sound]] = {}
    for sound in rest:
        if sound.priority is not Priority.EMERGENCY:
            by_day.setdefault(local(sound.starts_at, zone).date(), []).append(sound)
    for sounds in by_day.values():
        rules = sittings.rules_at(then, sounds[0].starts_at)
        if rules.too_long == "allow":
            continue
        told: set[str] = set()
        for receivers, heard in groups.apart(sounds):
            for place in {sittings.place_of(then, each) for each in receivers}:
                for effect in _full(then, place, heard, bound):
                    if effect.sentence not in told:
                        told.add(effect.sentence)
                        yield effect


def _full(
    then: Context, place: frozenset[int], heard: Sequence[Sound], bound: set[int]
) -> Iterator[Effect]:
    """Limits that one group of receivers passes on one day."""
    rules = sittings.rules_at(then, heard[0].starts_at)
    slots = sittings.slots_there(then, heard[0].starts_at, place)
    whole = sum(sound.ms for sound in heard)
    if rules.most_minutes and whole > rules.most_minutes * MINUTE:
        yield Effect(
            heard[0],
            say(
                "Cả ngày có %(length)s, quá %(minutes)s phút mỗi ngày.",
                length=sums.words(whole),
                minutes=rules.most_minutes,
            ),
        )
    loose = [s for s in heard if not (s.column == "programme_id" and s.source_id in bound)]
    for slot in slots:
        inside = [
            each for each in loose if slot.holds(local(each.starts_at, then.rules.zone).time())
        ]
        total = sum(each.ms for each in inside)
        if total > slot.minutes * MINUTE:
            yield Effect(
                inside[0],
                say("Khung giờ %(slot)s có %(length)s.", slot=slot, length=sums.words(total)),
            )
    sittings_of_day = {
        sums.sitting(local(each.starts_at, then.rules.zone).time(), slots) for each in heard
    }
    if rules.most_sessions and len(sittings_of_day) > rules.most_sessions:
        yield Effect(
            heard[0],
            say(
                "Cả ngày có %(n)s buổi, quá %(sessions)s buổi mỗi ngày.",
                n=len(sittings_of_day),
                sessions=rules.most_sessions,
            ),
        )
