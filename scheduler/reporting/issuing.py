"""A report as it was issued: late evidence changes figures, and the next look says which.

Every figure of every table is kept, so that not only the totals are compared.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from loa import audit
from loa.staff import Staff
from loa.times import Instant
from loa.words import say
from scheduler.exports import words
from scheduler.exports.tables import Column, Kind, Table
from scheduler.reporting.tables import IssuedReport

NAMES = (Kind.TEXT, Kind.DAY)
"""Kinds of the columns that say what a row is about; they stand first."""
LEFT_OUT = frozenset({"compared", "changes"})
"""Tables that only repeat others."""
_NO_ZONE = ZoneInfo("UTC")
"""No figure is a moment."""


@dataclass(frozen=True)
class Change:
    """A figure that is not any more what it was."""

    table: str
    row: str
    figure: str
    was: str
    now: str

    @property
    def sentence(self) -> str:
        return say(
            "%(row)s – %(figure)s: khi phát hành %(was)s, nay %(now)s",
            row=self.row,
            figure=self.figure.lower(),
            was=self.was,
            now=self.now,
        )


def issue(
    session: Session, bounds: tuple[Instant, Instant], tables: Sequence[Table], staff: Staff, now: Instant
) -> IssuedReport:  # fmt: skip
    """Keep the figures of these tables as they are now, as those that leave the house."""
    since, until = bounds
    issued = IssuedReport(
        since=since, until=until, issued_at=now, by=staff.name, figures=figures(tables)
    )
    session.add(issued)
    session.flush()
    exact = json.dumps(issued.figures, sort_keys=True, ensure_ascii=False).encode()
    audit.append(
        session, now, staff.login, "report.issue", report=issued.id, since=since, until=until,
        sha256=hashlib.sha256(exact).hexdigest(), total=issued.figures.get("total"),
    )  # fmt: skip
    return issued


def figures(tables: Iterable[Table]) -> dict[str, Any]:
    """Table → row → figure → value."""
    return {
        table.key: {key: dict(_values(table, row)) for key, row in _keyed(table)}
        for table in tables
        if table.key not in LEFT_OUT
    }


def _values(table: Table, row: tuple[Any, ...]) -> Iterable[tuple[str, Any]]:
    pairs = zip(table.columns, row, strict=True)
    return ((column.key, value) for column, value in pairs if column.kind not in NAMES)


def _keyed(table: Table) -> Iterable[tuple[str, tuple[Any, ...]]]:
    """Each row with what it is about; a receiver's number stays when its name does not."""
    names = [column.key for column in table.columns]
    place = names.index("receiver_id") if "receiver_id" in names else 0
    seen: Counter[str] = Counter()
    for row in table.rows:
        name = _word(row[place])
        seen[name] += 1
        yield name if seen[name] == 1 else f"{name} ({seen[name]})", row


def _word(value: object) -> str:
    return f"{value:%d/%m/%Y}" if isinstance(value, date) else str(value)


def of(session: Session, since: Instant, until: Instant) -> list[IssuedReport]:
    """What was issued of exactly this span, the newest first."""
    found = sa.select(IssuedReport).where(IssuedReport.since == since, IssuedReport.until == until)
    return list(session.scalars(found.order_by(IssuedReport.id.desc())))


def last(session: Session, since: Instant, until: Instant) -> IssuedReport | None:
    """The newest report issued of exactly this span."""
    return next(iter(of(session, since, until)), None)


def changes(was: dict[str, Any], now: dict[str, Any], tables: Iterable[Table]) -> list[Change]:
    """What of the figures of these tables is not as it was, in their order; both as ``figures`` gives them."""
    found = []
    for table in tables:
        before, after = was.get(table.key), now.get(table.key)
        if before is not None and after is not None:
            found += _of_table(table, before, after)
    return found


def _of_table(table: Table, was: dict[str, Any], now: dict[str, Any]) -> list[Change]:
    columns = [column for column in table.columns if column.kind not in NAMES]
    names = {key: _name(table, row) for key, row in _keyed(table)}
    found = []
    for row in {**names, **was, **now}:
        before, after = was.get(row, {}), now.get(row, {})
        for column in columns:
            values = (before.get(column.key), after.get(column.key))
            if values[0] != values[1]:
                found.append(_change(table, names.get(row, row), column, *values))
    return found


def _name(table: Table, row: tuple[Any, ...]) -> str:
    told = [value for value, column in zip(row, table.columns, strict=True) if column.kind in NAMES]
    return ", ".join(_word(value) for value in told)


def _change(table: Table, row: str, column: Column, was: Any, now: Any) -> Change:
    show = words.shower(column, _NO_ZONE)
    return Change(table.title, row, column.title, show(was), show(now))


COLUMNS = (
    Column("table", say("Bảng")),
    Column("row", say("Mục")),
    Column("figure", say("Chỉ tiêu")),
    Column("was", say("Khi phát hành")),
    Column("now", say("Nay")),
)


def table(found: Sequence[Change], title: str) -> Table:
    """The changes as a table of the report."""
    rows = [(each.table, each.row, each.figure, each.was, each.now) for each in found]
    return Table("changes", title, COLUMNS, rows)
