"""Many rows in one statement, past the session: whoever uses it flushes before, and expires what it holds after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.orm import Session

from loa.database import Base

Rows = Sequence[Mapping[str, Any]]


def insert(session: Session, model: type[Base], rows: Rows) -> None:
    """Add these rows, which name the same columns each."""
    if rows:
        session.execute(sa.insert(_table(model)), list(rows))


def update(session: Session, model: type[Base], rows: Rows) -> None:
    """Change rows, each named by its primary key; they name the same columns each."""
    if not rows:
        return
    table = _table(model)
    keys = [column.name for column in table.primary_key]
    which = sa.and_(*(table.c[key] == sa.bindparam(f"_{key}") for key in keys))
    values: dict[str, Any] = {
        name: sa.bindparam(f"_{name}") for name in rows[0] if name not in keys
    }
    bound = [{f"_{name}": value for name, value in row.items()} for row in rows]
    session.execute(sa.update(table).where(which).values(values), bound)


def _table(model: type[Base]) -> sa.Table:
    return cast(sa.Table, model.__table__)
