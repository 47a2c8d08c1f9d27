"""What open calendars are told of: a rule, an exception or a day that somebody has changed, however far ahead."""

from __future__ import annotations

import hashlib
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute, Session

from loa.times import Instant
from scheduler.days import DayMark
from scheduler.exceptions import ScheduleException
from scheduler.programme_tables import Programme
from scheduler.regulation import Regulation
from scheduler.schedule_tables import Schedule
from scheduler.sources import ALL_PLANNED

S, P = Schedule, Programme


def fingerprint(session: Session, _now: Instant) -> object:
    """Differs once anything was changed that a calendar shows of times to come."""
    running = S.planned_until < ALL_PLANNED
    rules = _text(session, running, S.id, S.at, S.rule, S.start_date, S.end_date, S.minutes)
    lasting = P.planned_until < ALL_PLANNED
    orders = _text(session, lasting, P.id, P.at, P.slot, P.rule, P.end_date, P.minutes)
    counts = [_count(session, table) for table in (ScheduleException, DayMark)]
    return (
        hashlib.sha256(f"{rules}\n{orders}".encode()).digest(),
        counts,
        session.scalar(sa.select(sa.func.max(Regulation.id))),
    )


def _text(
    session: Session, which: sa.ColumnElement[bool], *columns: InstrumentedAttribute[Any]
) -> str:
    """The values of all these rows as one text that the database puts together."""
    texts = [sa.func.coalesce(sa.cast(each, sa.Text), "-") for each in columns]
    line: sa.ColumnElement[str] = texts[0]
    for each in texts[1:]:
        line = line + "|" + each
    lines = sa.select(line.label("line")).where(which).order_by(columns[0]).subquery()
    return session.scalar(sa.select(sa.func.aggregate_strings(lines.c.line, "\n"))) or ""


def _count(
    session: Session, table: type[ScheduleException] | type[DayMark]
) -> tuple[int | None, int]:
    """(newest, how many were withdrawn)."""
    found = sa.select(sa.func.max(table.id), sa.func.count(table.withdrawn_at))
    newest, withdrawn = session.execute(found).one()
    return newest, withdrawn
