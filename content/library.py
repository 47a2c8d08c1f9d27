"""Library (kho bản tin): finding bulletins again, and those that wait for approval."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa
from sqlalchemy.orm import Session, defer

from content import bulletins, decisions
from content.bulletins import Bulletin, Priority, State
from content.decisions import Decision
from content.drafts import MAX_TITLE
from content.versions import Version
from loa import searching
from loa.staff import May, Staff


class Order(enum.StrEnum):
    """How a list is sorted."""

    CHANGED = "changed"
    TITLE = "title"
    CREATED = "created"
    NEWEST = "newest"
    """By number, the last written first: what is added meanwhile moves nothing."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which bulletins are looked for; what is None or empty narrows nothing."""

    state: State | None = None
    search: str = ""
    """Words of title and text, with or without marks."""
    field: int | None = None
    author_id: int | None = None
    priority: Priority | None = None
    valid_on: date | None = None
    """Such as may be broadcast on that day."""
    ends_by: date | None = None
    """Such as may not be broadcast after that day, or sooner."""
    expired_on: date | None = None
    """Such as were valid before that day and are not any more."""
    below_id: int | None = None
    """Such as were written before that one."""


def listing(
    session: Session,
    wanted: Wanted | None = None,
    *,
    order: Order = Order.CHANGED,
    limit: int = 100,
    offset: int = 0,
) -> list[Bulletin]:
    """Bulletins, newest change first unless ordered otherwise."""
    orders = {
        Order.CHANGED: (Bulletin.updated_at.desc(), Bulletin.id.desc()),
        Order.TITLE: (sa.func.substr(Bulletin.search_key, 1, MAX_TITLE), Bulletin.id),
        Order.CREATED: (Bulletin.created_at.desc(), Bulletin.id.desc()),
        Order.NEWEST: (Bulletin.id.desc(),),
    }
    found = sa.select(Bulletin).options(defer(Bulletin.search_key, raiseload=True))
    found = found.where(*_conditions(wanted or Wanted())).order_by(*orders[order])
    return list(session.scalars(found.limit(limit).offset(offset)))


def waiting(session: Session, limit: int = 500) -> list[Bulletin]:
    """Bulletins that wait for approval: emergencies first, then those handed in longest ago."""
    found = sa.select(Bulletin).where(Bulletin.state == State.SUBMITTED)
    is_ordinary = Bulletin.priority != Priority.EMERGENCY
    ordered = found.order_by(is_ordinary, Bulletin.submitted_at, Bulletin.id)
    return list(session.scalars(ordered.limit(limit)))


def to_decide(session: Session, staff: Staff) -> list[Bulletin]:
    """Those of ``waiting`` about which this person may decide and has not yet."""
    if not staff.may(May.APPROVE):
        return []
    found = waiting(session)
    writers = bulletins.writers_of(session, found)
    given = decisions.standing(session, [bulletin.id for bulletin in found])
    return [
        bulletin
        for bulletin in found
        if staff.id not in writers[bulletin.id]
        and all(decision.staff_id != staff.id for decision in given.get(bulletin.id, ()))
    ]


def count_to_decide(session: Session, staff: Staff) -> int:
    """How many ``to_decide`` would give, in one query: for a number shown on every page."""
    if not staff.may(May.APPROVE):
        return 0
    theirs = sa.or_(Bulletin.author_id == staff.id, Bulletin.editor_id == staff.id)
    last = sa.select(sa.func.coalesce(sa.func.max(Decision.version), 0)).where(
        Decision.bulletin_id == Bulletin.id, Decision.complete
    )
    changed = sa.exists().where(
        Version.bulletin_id == Bulletin.id,
        Version.staff_id == staff.id,
        Version.version > last.correlate(Bulletin).scalar_subquery(),
    )
    given = sa.exists().where(
        Decision.bulletin_id == Bulletin.id,
        Decision.staff_id == staff.id,
        Decision.approved,
        Decision.ended_at.is_(None),
    )
    waiting = sa.select(sa.func.count(Bulletin.id)).where(Bulletin.state == State.SUBMITTED)
    return session.scalar(waiting.where(~theirs, ~changed, ~given)) or 0


def authors(session: Session) -> list[Staff]:
    """All who have written a bulletin, by name."""
    written = sa.select(Bulletin.author_id).distinct()
    return list(session.scalars(sa.select(Staff).where(Staff.id.in_(written)).order_by(Staff.name)))


def count(session: Session, wanted: Wanted | None = None) -> int:
    """How many there are."""
    found = sa.select(sa.func.count(Bulletin.id)).where(*_conditions(wanted or Wanted()))
    return session.scalar(found) or 0


def _conditions(wanted: Wanted) -> list[sa.ColumnElement[bool]]:
    found: list[sa.ColumnElement[bool]] = []
    for column, value in (
        (Bulletin.state, wanted.state),
        (Bulletin.field, wanted.field),
        (Bulletin.author_id, wanted.author_id),
        (Bulletin.priority, wanted.priority),
    ):
        if value is not None:
            found.append(column == value)
    if wanted.search.strip():
        found.append(searching.matches(Bulletin.search_key, wanted.search))
    if wanted.valid_on is not None:
        day = wanted.valid_on
        found.append(sa.or_(Bulletin.valid_from.is_(None), Bulletin.valid_from <= day))
        found.append(sa.or_(Bulletin.valid_until.is_(None), Bulletin.valid_until >= day))
    if wanted.ends_by is not None:
        found.append(Bulletin.valid_until <= wanted.ends_by)
    if wanted.expired_on is not None:
        found.append(Bulletin.valid_until < wanted.expired_on)
    if wanted.below_id is not None:
        found.append(Bulletin.id < wanted.below_id)
    return found
