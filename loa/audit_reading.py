"""Looking things up in the station's log: by who, what, when, and by words. Nothing here changes it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from loa import searching
from loa.audit import AuditEntry
from loa.times import Instant

MOST_SEARCHED = 50_000
"""Rows that words are looked for in, the newest of the span: more would keep its reader waiting."""


@dataclass(frozen=True)
class Wanted:
    """Acts in [since, until); an empty text leaves nothing out."""

    since: Instant
    until: Instant
    actor: str = ""
    family: str = ""
    """The first part of a kind: ``schedule`` for ``schedule.add``."""
    search: str = ""
    """Words of what was done, to what, by whom; without marks they are found as well."""


@dataclass(frozen=True)
class Found:
    """Acts, the newest first."""

    entries: list[AuditEntry]
    total: int
    is_cut: bool
    """Words were looked for in the newest MOST_SEARCHED acts alone."""


def page(session: Session, wanted: Wanted, offset: int, most: int) -> Found:
    """The ``most`` acts after the first ``offset``, and how many there are."""
    if wanted.search.strip():
        newest = list(islice(session.scalars(_matching(wanted)), MOST_SEARCHED + 1))
        known = [each for each in newest[:MOST_SEARCHED] if _says(each, wanted.search)]
        return Found(known[offset : offset + most], len(known), len(newest) > MOST_SEARCHED)
    counted = _matching(wanted).with_only_columns(sa.func.count()).order_by(None)
    shown = session.scalars(_matching(wanted).offset(offset).limit(most))
    return Found(list(shown), session.scalar(counted) or 0, is_cut=False)


def every(session: Session, wanted: Wanted) -> Iterator[AuditEntry]:
    """All of them, read while they are used."""
    for entry in session.scalars(_matching(wanted)).yield_per(1000):
        if not wanted.search.strip() or _says(entry, wanted.search):
            yield entry


def values(entry: AuditEntry) -> dict[str, Any]:
    """What is told of the act besides its kind."""
    told: dict[str, Any] = json.loads(entry.data)
    return told


def _matching(wanted: Wanted) -> sa.Select[AuditEntry]:
    found = sa.select(AuditEntry).where(AuditEntry.at >= wanted.since, AuditEntry.at < wanted.until)
    if wanted.actor:
        found = found.where(AuditEntry.actor == wanted.actor)
    if wanted.family:
        found = found.where(AuditEntry.kind.startswith(f"{wanted.family}.", autoescape=True))
    return found.order_by(AuditEntry.n.desc())


def _says(entry: AuditEntry, words: str) -> bool:
    told = searching.key(entry.actor, entry.kind, *_texts(values(entry)))
    return searching.holds(told, words)


def _texts(value: object) -> Sequence[str]:
    """Every text and number within, without the names they stand under."""
    if isinstance(value, dict):
        return [text for each in value.values() for text in _texts(each)]
    if isinstance(value, list):
        return [text for each in value for text in _texts(each)]
    return [] if value is None else [str(value)]
