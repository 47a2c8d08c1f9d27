"""Waivers: what an officer let through although it breaks a rule of the regulation: who, why, and which rules.

Read from the log alone, so that the past is told as it was: a source that was changed since is judged by what holds
of its last change, a single day by what was made otherwise about that day.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from loa.audit import AuditEntry
from loa.staff import Staff
from loa.times import Instant, local
from loa.words import join, say
from scheduler.exceptions import ScheduleException
from scheduler.projection import Sound
from scheduler.sources import Rules

SOURCES = ("schedule", "programme", "campaign")
NAMES = {
    "quiet": say("phát trong giờ không phát"),
    "day_kind": say("phát vào ngày không được phát"),
    "outside": say("phát ngoài các khung giờ"),
    "session_minutes": say("quá số phút của khung giờ"),
    "day_minutes": say("quá số phút trong ngày"),
    "day_sessions": say("quá số lần phát trong ngày"),
}
"""The rules (scheduler.admission) as the end of a sentence."""


@dataclass(frozen=True)
class Waiver:
    """One entry of the log."""

    n: int
    at: Instant
    by: str
    """Name of the officer."""
    why: str
    rules: tuple[str, ...]
    source: tuple[str, int]
    """("schedule", 7)."""
    exception: ScheduleException | None = None
    """Of one day alone: what was made otherwise about it, or taken back."""
    is_put_back: bool = False

    @property
    def words(self) -> str:
        """Which rules: phát ngoài các khung giờ, quá số phút của khung giờ."""
        return join(", ", [NAMES.get(rule, rule) for rule in self.rules])


class _Change(NamedTuple):
    n: int
    source: tuple[str, int]


@dataclass(frozen=True)
class Waivers:
    """Those that hold at one instant."""

    found: Sequence[Waiver]

    def of_source(self, kind: str, source_id: int) -> list[Waiver]:
        """Of a "schedule", "programme" or "campaign" as a whole."""
        here = [each for each in self.found if each.source == (kind, source_id)]
        return [each for each in here if each.exception is None][-1:]

    def of_sound(self, sound: Sound, rules: Rules) -> list[Waiver]:
        """Those by which it may sound on its day."""
        kind = sound.column.removesuffix("_id")
        day = local(sound.starts_at, rules.zone).date()
        of_day = [
            each
            for each in self.found
            if each.source == (kind, sound.source_id) and each.exception is not None
            if day in (each.exception.day, each.exception.to_day)
        ]
        return [*self.of_source(kind, sound.source_id), *of_day[-1:]]


def at(session: Session, moment: Instant) -> Waivers:
    """What was let through and held at ``moment``."""
    kind = sa.select(AuditEntry).where(AuditEntry.at <= moment).order_by(AuditEntry.n)
    entries = session.scalars(kind.where(AuditEntry.kind == "schedule.waived")).all()
    if not entries:
        return Waivers([])
    kinds = [f"{source}.change" for source in SOURCES]
    later = kind.where(AuditEntry.kind.in_(kinds), AuditEntry.n > entries[0].n)
    changes = [
        _Change(entry.n, _source(json.loads(entry.data))) for entry in session.scalars(later)
    ]
    names = _names(session, {entry.actor for entry in entries})
    given = [_waiver(session, entry, names) for entry in entries]
    return Waivers([each for each in given if _holds(each, given, changes, moment)])


def _names(session: Session, logins: Collection[str]) -> dict[str, str]:
    people = sa.select(Staff.login, Staff.name).where(Staff.login.in_(logins))
    return {row.login: row.name for row in session.execute(people)}


def _waiver(session: Session, entry: AuditEntry, names: dict[str, str]) -> Waiver:
    data = json.loads(entry.data)
    number = data.get("exception") or data.get("restored")
    return Waiver(
        n=entry.n, at=entry.at, by=names.get(entry.actor, entry.actor), why=data["why"], rules=tuple(data["rules"]),
        source=_source(data), exception=session.get(ScheduleException, number) if number else None,
        is_put_back="restored" in data,
    )  # fmt: skip


def _source(data: dict[str, Any]) -> tuple[str, int]:
    return next(((kind, data[kind]) for kind in SOURCES if kind in data), ("", 0))


def _holds(
    waiver: Waiver, given: Iterable[Waiver], changes: Iterable[_Change], moment: Instant
) -> bool:
    exception = waiver.exception
    if exception is None:
        return not any(each.source == waiver.source and each.n > waiver.n for each in changes)
    if waiver.is_put_back:
        others = (each for each in given if each.exception is not None and each.n > waiver.n)
        days = {(each.source, each.exception.day) for each in others if each.exception}
        return (waiver.source, exception.day) not in days
    return exception.withdrawn_at is None or exception.withdrawn_at > moment
