"""Triggers by which the database itself refuses to change or delete what is only ever added.

They stop a slip and a curious hand. Whoever owns the database can take them down; the hash chain, the signatures and
the receivers' own word are what shows that (docs/evidence.md).

There is one door: a row may go when ``retention_doors`` names an archive that holds it (docs/retention.md). Doors
and archives themselves are guarded like the rest.
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
    "retention_archives": ("id",),
    "retention_doors": ("tbl", "receiver_id", "jid", "upto", "archive_id"),
    "station_keys": ("id",),
    "key_documents": ("kv",),
}
"""Table → its primary key."""
FUNCTION = "loa_only_added"
DOORS = {
    "journal_entries": "d.jid = OLD.jid AND d.upto >= OLD.seq",
    "journal_proofs": "d.jid = OLD.jid AND d.upto >= OLD.last",
    "plans": "d.jid = '' AND d.upto >= OLD.rev",
}
"""Table → which rows a door of it lets out."""


def put_up(connection: Connection, tables: Iterable[str]) -> None:
    """Guard these tables. A migration that rebuilds one on SQLite must call this again: a rebuilt table has none."""
    is_sqlite = connection.dialect.name == "sqlite"
    has_doors = sa.inspect(connection).has_table("retention_doors")  # not before migration 0011
    if not is_sqlite:
        connection.execute(sa.text(_FUNCTION_TEXT))
    for table in tables:
        door = _door(table) if has_doors and table in DOORS else None
        for statement in _sqlite(table, door) if is_sqlite else _postgresql(table, door):
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


def _door(table: str) -> str:
    """Whether an archive holds the row, in SQL."""
    ours = f"d.tbl = '{table}' AND d.receiver_id = OLD.receiver_id AND {DOORS[table]}"
    return f"EXISTS (SELECT 1 FROM retention_doors d WHERE {ours})"  # noqa: S608 - names from above


def _sqlite(table: str, door: str | None) -> Iterator[str]:
    refuse = f"BEGIN SELECT RAISE(ABORT, 'loa: rows of {table} are only added'); END"
    update, delete, replace = _names(table, True)
    closed = f"WHEN NOT {door} " if door else ""
    yield f"CREATE TRIGGER {update} BEFORE UPDATE ON {table} {refuse}"
    yield f"CREATE TRIGGER {delete} BEFORE DELETE ON {table} {closed}{refuse}"
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


def _postgresql(table: str, door: str | None) -> Iterator[str]:
    change, truncate = _names(table, False)
    run = f"EXECUTE FUNCTION {FUNCTION}()"
    if door:
        yield _with_door(table, door)
    row = f"EXECUTE FUNCTION {FUNCTION}_{table}()" if door else run
    yield f"CREATE TRIGGER {change} BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW {row}"
    yield f"CREATE TRIGGER {truncate} BEFORE TRUNCATE ON {table} FOR EACH STATEMENT {run}"


def _with_door(table: str, door: str) -> str:
    """PostgreSQL: a function of the table's own, as a row's columns differ."""
    return (
        f"CREATE OR REPLACE FUNCTION {FUNCTION}_{table}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF TG_OP = 'DELETE' AND {door} THEN RETURN OLD; END IF; "
        f"RAISE EXCEPTION 'loa: rows of {table} are only added' "
        "USING ERRCODE = 'integrity_constraint_violation'; END $$"
    )
