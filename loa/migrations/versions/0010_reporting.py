"""Reports: what was expected, frozen; counts kept by the database itself; data per month; reports as issued.

The counts follow ``deliveries`` by triggers. On SQLite a later migration that rebuilds that table (batch mode)
drops its triggers with it: such a migration must call ``follow`` of this one again.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

KEY = ("broadcast_id", "area_name", "state")
SUMS = ("deliveries", "asked_ms", "played_ms", "timed", "e1", "e2", "e3")
COUNTED = (*KEY, "ms", "expected_ms", "played_ms", "evidence")
"""Columns of a delivery on which the counts depend."""


def upgrade() -> None:
    _expectations()
    _counts()
    _months()
    _issued()
    follow()


def _expectations() -> None:
    op.create_table(
        "expectations",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("broadcast_id", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("priority", sa.String(length=16), nullable=False),
        sa.Column("field", sa.Integer(), nullable=False),
        sa.Column("starts_at", sa.BigInteger(), nullable=False),
        sa.Column("author", sa.String(length=128), nullable=False),
        sa.Column("approver", sa.Text(), nullable=True),
        sa.Column("scheduler", sa.String(length=128), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("drill", sa.Boolean(), nullable=False),
        sa.Column("frozen_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["broadcast_id"], ["broadcasts.id"], name="fk_expectations_broadcast_id_broadcasts"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_expectations"),
    )
    op.create_index("ix_expectations_broadcast_id", "expectations", ["broadcast_id"])
    for name in ("expectation_id", "expected_ms", "expected_volume", "expected_households"):
        op.add_column("deliveries", sa.Column(name, sa.Integer(), nullable=True))
    op.add_column("deliveries", sa.Column("expected_sha", sa.String(length=64), nullable=True))
    op.execute(
        "INSERT INTO expectations (broadcast_id, title, priority, field, starts_at, author, approver, scheduler, "
        "origin, drill, frozen_at) SELECT id, title, priority, field, starts_at, author, approver_names, scheduler, "
        "origin, drill, planned_at FROM broadcasts b "
        "WHERE EXISTS (SELECT 1 FROM deliveries d WHERE d.broadcast_id = b.id AND d.sent_at IS NOT NULL)"
    )
    op.execute(
        "UPDATE deliveries SET expectation_id = (SELECT e.id FROM expectations e "
        "WHERE e.broadcast_id = deliveries.broadcast_id), expected_sha = coalesce(recording_sha, last_sha), "
        "expected_ms = ms WHERE sent_at IS NOT NULL"
    )


def _counts() -> None:
    op.create_table(
        "delivery_counts",
        sa.Column("broadcast_id", sa.Integer(), nullable=False),
        sa.Column("area_name", sa.String(length=128), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in SUMS),
        sa.PrimaryKeyConstraint(*KEY, name="pk_delivery_counts"),
        sqlite_with_rowid=False,
    )
    recount()


def recount() -> None:
    """Count all deliveries anew."""
    op.execute("DELETE FROM delivery_counts")
    op.execute(
        f"INSERT INTO delivery_counts ({_names()}) SELECT {', '.join(KEY)}, "  # noqa: S608 - our names
        f"{', '.join(f'sum({value})' for value in _values('', '='))} FROM deliveries GROUP BY {', '.join(KEY)}"
    )


def _months() -> None:
    op.create_table(
        "receiver_months",
        sa.Column("receiver_id", sa.String(length=32), nullable=False),
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("receiver_id", "month", name="pk_receiver_months"),
    )
    op.execute(
        "INSERT INTO receiver_months SELECT receiver_id, net_month, net_bytes FROM presences "
        "WHERE net_month IS NOT NULL AND net_bytes IS NOT NULL"
    )


def _issued() -> None:
    op.create_table(
        "issued_reports",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("issued_at", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.String(length=128), nullable=False),
        sa.Column("figures", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_issued_reports"),
    )
    op.create_index("ix_issued_reports_since", "issued_reports", ["since", "until"])


def follow() -> None:
    """Let the counts follow the deliveries, and the months the receivers' own count of data."""
    if op.get_bind().dialect.name == "sqlite":
        _follow_on_sqlite()
    else:
        _follow_on_postgresql()


def _names() -> str:
    return ", ".join((*KEY, *SUMS))


def _values(row: str, equals: str) -> tuple[str, ...]:
    """What one delivery adds to SUMS."""
    evidence = (
        f"CASE WHEN {row}evidence {equals} '{level}' THEN 1 ELSE 0 END"
        for level in ("E1", "E2", "E3")
    )
    return (
        "1", f"coalesce({row}expected_ms, {row}ms)", f"coalesce({row}played_ms, 0)",
        f"CASE WHEN {row}played_ms IS NULL THEN 0 ELSE 1 END", *evidence,
    )  # fmt: skip


def _upsert(table: str) -> str:
    added = ", ".join(f"{name} = {table}{name} + excluded.{name}" for name in SUMS)
    return f"ON CONFLICT ({', '.join(KEY)}) DO UPDATE SET {added}"


def _follow_on_sqlite() -> None:
    key = ", ".join(f"NEW.{name}" for name in KEY)
    put = (
        f"INSERT INTO delivery_counts ({_names()}) VALUES ({key}, {', '.join(_values('NEW.', 'IS'))}) "  # noqa: S608 - our names
        f"{_upsert('')};"
    )
    which = " AND ".join(f"{name} = OLD.{name}" for name in KEY)
    less = ", ".join(
        f"{name} = {name} - {value}"
        for name, value in zip(SUMS, _values("OLD.", "IS"), strict=True)
    )
    take = (
        f"UPDATE delivery_counts SET {less} WHERE {which}; "  # noqa: S608 - our names
        f"DELETE FROM delivery_counts WHERE {which} AND deliveries = 0;"
    )
    differs = " OR ".join(f"OLD.{name} IS NOT NEW.{name}" for name in COUNTED)
    month = (
        "INSERT INTO receiver_months (receiver_id, month, bytes) "
        "VALUES (NEW.receiver_id, NEW.net_month, NEW.net_bytes) "
        "ON CONFLICT (receiver_id, month) DO UPDATE SET bytes = max(bytes, excluded.bytes);"
    )
    known = "NEW.net_month IS NOT NULL AND NEW.net_bytes IS NOT NULL"
    for name, moment, body in (
        ("delivery_counts_put", "AFTER INSERT ON deliveries", put),
        ("delivery_counts_take", "AFTER DELETE ON deliveries", take),
        ("delivery_counts_change",
         f"AFTER UPDATE OF {', '.join(COUNTED)} ON deliveries WHEN {differs}", take + " " + put),
        ("receiver_months_put", f"AFTER INSERT ON presences WHEN {known}", month),
        ("receiver_months_change",
         f"AFTER UPDATE OF net_month, net_bytes ON presences WHEN {known} AND "
         "(OLD.net_bytes IS NOT NEW.net_bytes OR OLD.net_month IS NOT NEW.net_month)", month),
    ):  # fmt: skip
        op.execute(f"DROP TRIGGER IF EXISTS {name}")
        op.execute(f"CREATE TRIGGER {name} {moment} BEGIN {body} END")


def _follow_on_postgresql() -> None:
    """Once a statement: ten thousand rows added one by one to one count would be ten thousand of its versions."""
    both = {
        "put": _signed("after_rows", ""),
        "take": _signed("before_rows", "-"),
        "change": f"{_signed('before_rows', '-')} UNION ALL {_signed('after_rows', '')}",
    }
    given = {
        "put": ("INSERT", "NEW TABLE AS after_rows"),
        "take": ("DELETE", "OLD TABLE AS before_rows"),
        "change": ("UPDATE", "OLD TABLE AS before_rows NEW TABLE AS after_rows"),
    }
    sums = ", ".join(f"sum({name})::bigint AS {name}" for name in SUMS)
    changed = " OR ".join(f"sum({name}) <> 0" for name in SUMS)
    for name, rows in both.items():
        act, tables = given[name]
        body = (
            f"INSERT INTO delivery_counts ({_names()}) SELECT {', '.join(KEY)}, {sums} FROM ({rows}) AS delta "  # noqa: S608 - our names
            f"GROUP BY {', '.join(KEY)} HAVING {changed} {_upsert('delivery_counts.')}; "
        )
        if name != "put":
            body += (
                "DELETE FROM delivery_counts WHERE deliveries = 0 "
                "AND broadcast_id IN (SELECT broadcast_id FROM before_rows); "
            )
        op.execute(
            f"CREATE OR REPLACE FUNCTION delivery_counts_{name}() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN {body} RETURN NULL; END $$"
        )
        op.execute(f"DROP TRIGGER IF EXISTS delivery_counts_{name} ON deliveries")
        op.execute(
            f"CREATE TRIGGER delivery_counts_{name} AFTER {act} ON deliveries REFERENCING {tables} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION delivery_counts_{name}()"
        )
    op.execute(
        "CREATE OR REPLACE FUNCTION receiver_months_put() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "INSERT INTO receiver_months (receiver_id, month, bytes) "
        "VALUES (NEW.receiver_id, NEW.net_month, NEW.net_bytes) ON CONFLICT (receiver_id, month) "
        "DO UPDATE SET bytes = greatest(receiver_months.bytes, excluded.bytes); RETURN NULL; END $$"
    )
    op.execute("DROP TRIGGER IF EXISTS receiver_months_put ON presences")
    op.execute(
        "CREATE TRIGGER receiver_months_put AFTER INSERT OR UPDATE OF net_month, net_bytes ON presences "
        "FOR EACH ROW WHEN (NEW.net_month IS NOT NULL AND NEW.net_bytes IS NOT NULL) "
        "EXECUTE FUNCTION receiver_months_put()"
    )


def _signed(table: str, sign: str) -> str:
    values = zip(SUMS, _values("", "="), strict=True)
    columns = ", ".join(f"{sign}({value}) AS {name}" for name, value in values)
    return f"SELECT {', '.join(KEY)}, {columns} FROM {table}"  # noqa: S608 - our names
