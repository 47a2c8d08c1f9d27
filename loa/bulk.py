"""Many rows in one statement, past the session: whoever uses it flushes before, and expires what it holds after.

SQLAlchemy writes the statement, once; the rows then go to the driver as they are, which costs half as much. SQLite
gets hundreds of rows in one step: at each its driver lets go of the interpreter, and other threads keep it.
PostgreSQL gets them as one array a column: a trigger that runs once a statement runs once for them all.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple, cast

import sqlalchemy as sa
from sqlalchemy.orm import Session

from loa.database import WROTE, Base

AT_ONCE = (250, 25)
"""Rows in one step; SQLite takes 32,766 values, and no table here has a hundred columns."""
MOST_ARRAY = 5_000
"""Values of one array."""
Rows = Sequence[Mapping[str, Any]]
NOTHING, BETWEEN_CELLS, BETWEEN_ROWS = "\x1d", "\x1f", "\x1e"
"""ASCII's own separators, which nobody types."""


def insert(session: Session, model: type[Base], rows: Rows) -> None:
    """Add these rows, which name the same columns each."""
    if rows:
        table, dialect = _table(model), session.connection().dialect
        _send(session, _insertion(table, tuple(rows[0]), dialect), rows)


def update(session: Session, model: type[Base], rows: Rows) -> None:
    """Change rows, each named by its primary key; they name the same columns each."""
    if rows:
        table, dialect = _table(model), session.connection().dialect
        _send(session, _change(table, tuple(rows[0]), dialect), rows)


def among(
    session: Session, column: sa.SQLColumnExpression[Any], values: Iterable[str]
) -> sa.ColumnElement[bool]:
    """The condition that ``column`` is one of these, however many: SQLite gets them as one value.

    A placeholder for each of a thousand costs SQLAlchemy more than SQLite's whole search for them.
    """
    if session.connection().dialect.name != "sqlite":
        return column.in_(list(values))
    told = sa.bindparam(None, json.dumps(list(values)), type_=sa.Text, unique=True)
    return column.in_(sa.select(sa.func.json_each(told).table_valued("value").c.value))


def mark(session: Session, rows: sa.Select[*tuple[Any, ...]]) -> int:
    """A number for all that ``rows``, in their order, would say: equal within this process as long as they are.

    The database puts it together as one text; ten thousand rows made here are slow, and garbage at once.
    """
    found = rows.subquery()
    cells: list[sa.ColumnElement[str]] = [
        sa.func.coalesce(sa.cast(column, sa.Text), NOTHING) for column in found.c
    ]
    line = functools.reduce(lambda before, cell: before.concat(BETWEEN_CELLS).concat(cell), cells)
    return hash(session.scalar(sa.select(sa.func.aggregate_strings(line, BETWEEN_ROWS))))


class _Value(NamedTuple):
    """What one placeholder stands for."""

    placeholder: str
    column: str
    bind: Callable[[Any], Any] | None
    """How the column's type hands a value to the driver; None: as it is."""
    constant: Any = None
    """The column's default, where rows do not name it."""
    is_constant: bool = False


class _Prepared(NamedTuple):
    text: str
    values: tuple[_Value, ...]
    """In the order of the placeholders."""
    many: tuple[tuple[int, str], ...] = ()
    """The same for so many rows, of AT_ONCE; none where the driver has its own way."""
    is_arrays: bool = False
    """Placeholders stand for all the values of a column."""


@functools.lru_cache(maxsize=256)
def _insertion(table: sa.Table, names: tuple[str, ...], dialect: sa.Dialect) -> _Prepared:
    defaults = {
        column.name: _constant(column)
        for column in table.columns
        if column.default is not None and column.name not in names
    }
    keys = [*names, *defaults]
    compiled = sa.insert(table).compile(dialect=dialect, column_keys=keys)
    placed = compiled.positiontup or keys
    values = tuple(
        _Value(name, name, _binding(table.c[name], dialect), defaults.get(name), name in defaults)
        for name in placed
    )
    if dialect.name != "sqlite":
        return _Prepared(_array_insertion(table, placed, dialect), values, is_arrays=True)
    text = str(compiled)
    start, one = text.rsplit(" VALUES ", 1)
    many = ((size, f"{start} VALUES {', '.join([one] * size)}") for size in AT_ONCE)
    return _Prepared(text, values, tuple(many))


@functools.lru_cache(maxsize=256)
def _change(table: sa.Table, names: tuple[str, ...], dialect: sa.Dialect) -> _Prepared:
    keys = [column.name for column in table.primary_key]
    which = sa.and_(*(table.c[key] == sa.bindparam(f"_{key}") for key in keys))
    values: dict[str, Any] = {name: sa.bindparam(f"_{name}") for name in names if name not in keys}
    compiled = sa.update(table).where(which).values(values).compile(dialect=dialect)
    placed = compiled.positiontup or [f"_{name}" for name in names]
    columns = [placeholder[1:] for placeholder in placed]
    bound = tuple(
        _Value(placeholder, column, _binding(table.c[column], dialect))
        for placeholder, column in zip(placed, columns, strict=True)
    )
    if dialect.name != "sqlite":
        return _Prepared(_array_change(table, columns, keys, dialect), bound, is_arrays=True)
    return _Prepared(str(compiled), bound, tuple(_changes(table, columns, keys, dialect)))


def _array_insertion(table: sa.Table, columns: Sequence[str], dialect: sa.Dialect) -> str:
    quote = dialect.identifier_preparer.quote
    names = ", ".join(map(quote, columns))
    return f"INSERT INTO {quote(table.name)} ({names}) SELECT * FROM {_arrays(table, columns, dialect)}"  # noqa: S608 - our tables' names


def _array_change(
    table: sa.Table, columns: Sequence[str], keys: Collection[str], dialect: sa.Dialect
) -> str:
    quote = dialect.identifier_preparer.quote
    new = ", ".join(f"{quote(each)} = given.{quote(each)}" for each in columns if each not in keys)
    which = " AND ".join(f"{quote(table.name)}.{quote(key)} = given.{quote(key)}" for key in keys)
    names = ", ".join(map(quote, columns))
    arrays = _arrays(table, columns, dialect)
    return f"UPDATE {quote(table.name)} SET {new} FROM {arrays} AS given ({names}) WHERE {which}"  # noqa: S608 - our tables' names


def _arrays(table: sa.Table, columns: Sequence[str], dialect: sa.Dialect) -> str:
    kinds = (table.c[column].type.compile(dialect) for column in columns)
    return f"unnest({', '.join(f'%s::{kind}[]' for kind in kinds)})"


def _changes(
    table: sa.Table, columns: Sequence[str], keys: Collection[str], dialect: sa.Dialect
) -> Iterator[tuple[int, str]]:
    quote = dialect.identifier_preparer.quote
    given = {name: f"given.column{place}" for place, name in enumerate(columns, 1)}
    new = ", ".join(f"{quote(name)} = {given[name]}" for name in columns if name not in keys)
    which = " AND ".join(f"{quote(table.name)}.{quote(key)} = {given[key]}" for key in keys)
    row = f"({', '.join('?' * len(columns))})"
    head = f"UPDATE {quote(table.name)} SET {new} FROM (VALUES "  # noqa: S608 - our own names
    for size in AT_ONCE:
        yield size, f"{head}{', '.join([row] * size)}) AS given WHERE {which}"


def _constant(column: sa.Column[Any]) -> Any:
    default = column.default
    if not isinstance(default, sa.ColumnDefault) or not default.is_scalar:
        raise ValueError(f"rows must name {column}: its default is computed")
    return default.arg


def _binding(column: sa.Column[Any], dialect: sa.Dialect) -> Callable[[Any], Any] | None:
    if isinstance(column.type, sa.LargeBinary):
        return None  # both drivers take bytes as they are; SQLAlchemy would wrap each for the garbage collector to see
    return column.type.dialect_impl(dialect).bind_processor(dialect)


def _send(session: Session, prepared: _Prepared, rows: Rows) -> None:
    columns = [_column(value, rows) for value in prepared.values]
    session.info[WROTE] = True
    connection = session.connection()
    if prepared.is_arrays:
        for since in range(0, len(rows), MOST_ARRAY):
            arrays = tuple(column[since : since + MOST_ARRAY] for column in columns)
            connection.exec_driver_sql(prepared.text, arrays)
        return
    bound: list[Any] = list(zip(*columns, strict=True))
    for size, text in prepared.many:
        while len(bound) >= size:
            some, bound = bound[:size], bound[size:]
            connection.exec_driver_sql(text, tuple(chain.from_iterable(some)))
    if bound:
        connection.exec_driver_sql(prepared.text, bound)


def _column(value: _Value, rows: Rows) -> list[Any]:
    if value.is_constant:
        return [value.bind(value.constant) if value.bind else value.constant] * len(rows)
    name, bind = value.column, value.bind
    if bind is None:
        return [row[name] for row in rows]
    return [bind(row[name]) for row in rows]


def _table(model: type[Base]) -> sa.Table:
    return cast(sa.Table, model.__table__)
