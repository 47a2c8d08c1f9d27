"""Bulletins of parts, their versions and translations; the commune's own dictionary; two approvers."""

import json
import unicodedata
from collections.abc import Callable

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _new_tables()
    _new_columns()
    _carry_over()
    for table, column in (
        ("bulletins", "body"),
        ("bulletins", "kind"),
        ("bulletins", "upload"),
        ("bulletins", "upload_name"),
        ("bulletins", "voice"),
        ("bulletins", "speed"),
        ("bulletins", "recording_sha"),
        ("decisions", "recording_sha"),
        ("recordings", "voice"),
        ("broadcasts", "last_sha"),
        ("broadcasts", "approver"),
        ("broadcasts", "approver_login"),
    ):
        op.drop_column(table, column)


def _new_tables() -> None:
    op.create_table(
        "bulletin_versions",
        sa.Column("bulletin_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("staff_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["bulletin_id"], ["bulletins.id"], name="fk_bulletin_versions_bulletin_id_bulletins"
        ),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name="fk_bulletin_versions_staff_id_staff"
        ),
        sa.PrimaryKeyConstraint("bulletin_id", "version", name="pk_bulletin_versions"),
    )
    op.create_table(
        "dictionary_entries",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("form", sa.String(length=60), nullable=False),
        sa.Column("spoken", sa.String(length=200), nullable=False),
        sa.Column("case_sensitive", sa.Boolean(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("search_key", sa.Text(), nullable=False),
        sa.Column("staff_id", sa.Integer(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name="fk_dictionary_entries_staff_id_staff"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_dictionary_entries"),
        sa.UniqueConstraint("key", name="uq_dictionary_entries_key"),
    )
    op.create_table(
        "uploads",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("examined_at", sa.BigInteger(), nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("ms", sa.Integer(), nullable=True),
        sa.Column("lufs", sa.Double(), nullable=True),
        sa.Column("peaks", sa.Text(), nullable=True),
        sa.Column("head_ms", sa.Integer(), nullable=True),
        sa.Column("tail_ms", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("sha256", name="pk_uploads"),
    )
    op.create_index("ix_uploads_examined_at", "uploads", ["examined_at"], unique=False)


def _new_columns() -> None:
    """The defaults are only for the rows that are there."""
    for table, column in (
        ("areas", sa.Column("language", sa.String(length=8), nullable=True)),
        ("bulletins", sa.Column("parts", sa.Text(), nullable=False, server_default="")),
        ("bulletins", sa.Column("translations", sa.Text(), nullable=False, server_default="[]")),
        ("bulletins", sa.Column("sounds", sa.Text(), nullable=False, server_default="{}")),
        ("bulletins", sa.Column("search_key", sa.Text(), nullable=False, server_default="")),
        ("bulletins", sa.Column("submitted_at", sa.BigInteger(), nullable=True)),
        ("decisions", sa.Column("sounds", sa.Text(), nullable=False, server_default="{}")),
        (
            "decisions",
            sa.Column("complete", sa.Boolean(), nullable=False, server_default=sa.false()),
        ),
        ("recordings", sa.Column("voices", sa.Text(), nullable=False, server_default="[]")),
        ("broadcasts", sa.Column("approver_names", sa.Text(), nullable=False, server_default="[]")),
        (
            "broadcasts",
            sa.Column("approver_logins", sa.Text(), nullable=False, server_default="[]"),
        ),
        (
            "deliveries",
            sa.Column("language", sa.String(length=8), nullable=False, server_default="vi"),
        ),
        ("deliveries", sa.Column("recording_sha", sa.String(length=64), nullable=True)),
        ("deliveries", sa.Column("last_sha", sa.String(length=64), nullable=True)),
        ("deliveries", sa.Column("barred_at", sa.BigInteger(), nullable=True)),
        ("renderings", sa.Column("made", sa.Text(), nullable=False, server_default="{}")),
        ("deliveries", sa.Column("ms", sa.Integer(), nullable=False, server_default="0")),
    ):
        op.add_column(table, column)


def _carry_over() -> None:
    connection = op.get_bind()
    for row in connection.execute(sa.text("SELECT * FROM bulletins")).mappings().all():
        _carry_bulletin(connection, row)
    _rewrite(connection, "decisions", "id", "recording_sha", "sounds", lambda sha: {"vi": sha})
    _rewrite(connection, "recordings", "sha256", "voice", "voices", _list)
    _rewrite(connection, "broadcasts", "id", "approver", "approver_names", _list)
    _rewrite(connection, "broadcasts", "id", "approver_login", "approver_logins", _list)
    for statement in (
        "UPDATE decisions SET complete = approved",
        "UPDATE bulletins SET submitted_at = updated_at WHERE state = 'submitted'",
        "UPDATE deliveries SET (recording_sha, last_sha, ms) = "
        "(SELECT recording_sha, last_sha, ms FROM broadcasts b WHERE b.id = deliveries.broadcast_id)",
    ):
        connection.execute(sa.text(statement))


def _rewrite(
    connection: sa.Connection,
    table: str,
    key: str,
    old: str,
    new: str,
    convert: Callable[[str | None], object],
) -> None:
    """Fill the JSON column ``new`` from the column ``old``."""
    rows = connection.execute(sa.text(f"SELECT {key}, {old} FROM {table}"))  # noqa: S608 - our own names
    values = [
        {"key": identity, "new": json.dumps(convert(value), ensure_ascii=False)}
        for identity, value in rows.all()
    ]
    if values:
        update = sa.text(f"UPDATE {table} SET {new} = :new WHERE {key} = :key")  # noqa: S608
        connection.execute(update, values)


def _list(value: str | None) -> list[str]:
    return [value] if value else []


def _carry_bulletin(connection: sa.Connection, row: sa.RowMapping) -> None:
    part: dict[str, object]
    if row["kind"] == "text":
        body = unicodedata.normalize("NFC", row["body"])
        part = {"type": "text", "body": body, "voice": row["voice"], "speed": row["speed"]}
    else:
        body = ""
        part = {
            "type": "recorded",
            "upload": row["upload"] or "",
            "name": row["upload_name"] or "",
        }
    sounds = {"vi": row["recording_sha"]} if row["recording_sha"] else {}
    values = {
        "parts": json.dumps([part], ensure_ascii=False),
        "sounds": json.dumps(sounds),
        "search_key": _search_key(row["title"], body),
        "id": row["id"],
    }
    connection.execute(
        sa.text(
            "UPDATE bulletins SET parts = :parts, sounds = :sounds, search_key = :search_key WHERE id = :id"
        ),
        values,
    )
    content = {
        "title": row["title"],
        "parts": [part],
        "chimes": bool(row["chimes"]),
        "field": row["field"],
        "priority": row["priority"],
        "valid_from": str(row["valid_from"]) if row["valid_from"] else None,
        "valid_until": str(row["valid_until"]) if row["valid_until"] else None,
    }
    connection.execute(
        sa.text("INSERT INTO bulletin_versions VALUES (:id, :version, :content, :staff_id, :at)"),
        {
            "id": row["id"],
            "version": row["version"],
            "content": json.dumps(content, ensure_ascii=False),
            "staff_id": row["editor_id"],
            "at": row["updated_at"],
        },
    )
    if row["upload"]:
        connection.execute(
            sa.text(
                "INSERT INTO uploads (sha256, received_at) VALUES (:sha, :at) ON CONFLICT DO NOTHING"
            ),
            {"sha": row["upload"], "at": row["created_at"]},
        )


def _search_key(*texts: str) -> str:
    """As loa.searching.key made it when this was written."""
    folded = [" ".join(unicodedata.normalize("NFC", text).casefold().split()) for text in texts]
    decomposed = [unicodedata.normalize("NFD", text.replace("đ", "d")) for text in folded]
    plain = ["".join(c for c in text if not unicodedata.combining(c)) for text in decomposed]
    return "\n".join([*plain, *folded])
