"""Triggers by which the database itself refuses to change or delete what is only ever added.

They stop a slip and a curious hand. Whoever owns the database can take them down; the hash chain, the signatures and
the receivers' own word are what shows that (docs/evidence.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import sqlalchemy as sa
from sqlalchemy.engine import Connection

TABLES = {
    "audit": ("n",),
    "checkpoints": ("n",),
    "journal_entries": ("receiver_id", "jid", "seq"),
    "journal_proofs": ("id",),
    "plans": ("receiver_id", "rev"),
}
"""Table → its primary key."""
FUNCTION = "loa_only_added"


def put_up(connection: Connection, tables: Iterable[str]) -> None:
    """Guard these tables. A migration that rebuilds one on SQLite must call this again: a rebuilt table has none."""
    is_sqlite = connection.dialect.name == "sqlite"
    if not is_sqlite:
        connection.execute(sa.text(_FUNCTION_TEXT))
    for table in tables:
        for statement in _sqlite(table) if is_sqlite else _postgresql(table):
            connection.execute(sa.text(statement))


def take_down(connection: Connection, tables: Iterable[str]) -> None:
    """Let rows of these tables be changed: for a migration, and for tests that play the one who tampers."""
    is_sqlite = connection.dialect.name == "sqlite"
    for table in tables:
        for name in _names(table, is_sqlite):
            where = "" if is_sqlite else f" ON {table}"
            connection.execute(sa.text(f"DROP TRIGGER IF EXISTS {name}{where}"))


def missing(connection: Connection) -> list[str]:
    """Tables whose guard is not up, or not whole."""
    is_sqlite = connection.dialect.name == "sqlite"
    found = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    if not is_sqlite:
        found = "SELECT tgname FROM pg_trigger WHERE tgenabled <> 'D'"
    up = set(connection.execute(sa.text(found)).scalars())
    return [table for table in TABLES if not up.issuperset(_names(table, is_sqlite))]


def _names(table: str, is_sqlite: bool) -> list[str]:
    acts = ("update", "delete", "replace") if is_sqlite else ("change", "truncate")
    return [f"{table}_no_{act}" for act in acts]


def _sqlite(table: str) -> Iterator[str]:
    refuse = f"BEGIN SELECT RAISE(ABORT, 'loa: rows of {table} are only added'); END"
    update, delete, replace = _names(table, True)
    yield f"CREATE TRIGGER {update} BEFORE UPDATE ON {table} {refuse}"
    yield f"CREATE TRIGGER {delete} BEFORE DELETE ON {table} {refuse}"
    # INSERT OR REPLACE deletes without a word to the trigger above.
    same = " AND ".join(f"{column} = NEW.{column}" for column in TABLES[table])
    there = f"EXISTS (SELECT 1 FROM {table} WHERE {same})"  # noqa: S608 - names from above
    yield f"CREATE TRIGGER {replace} BEFORE INSERT ON {table} WHEN {there} {refuse}"


_FUNCTION_TEXT = f"""
CREATE OR REPLACE FUNCTION {FUNCTION}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'loa: rows of %% are only added', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END $$
""".replace("%%", "%")


def _postgresql(table: str) -> Iterator[str]:
    change, truncate = _names(table, False)
    run = f"EXECUTE FUNCTION {FUNCTION}()"
    yield f"CREATE TRIGGER {change} BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW {run}"
    yield f"CREATE TRIGGER {truncate} BEFORE TRUNCATE ON {table} FOR EACH STATEMENT {run}"
