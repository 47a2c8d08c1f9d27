"""What is kept how long, and what was put into archives."""

import sqlalchemy as sa
from alembic import op

from loa import audit_guard

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _archives()
    _rules()
    guarded = ("journal_entries", "journal_proofs", "plans")
    audit_guard.take_down(op.get_bind(), guarded)
    audit_guard.put_up(op.get_bind(), (*guarded, "retention_archives", "retention_doors"))


def _archives() -> None:
    op.create_table(
        "retention_archives",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("rows", sa.Text(), nullable=False),
        sa.Column("audit_n", sa.BigInteger(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_retention_archives"),
        sa.UniqueConstraint("name", name="uq_retention_archives_name"),
    )
    op.create_table(
        "retention_doors",
        sa.Column("tbl", sa.String(length=32), nullable=False),
        sa.Column("receiver_id", sa.String(length=32), nullable=False),
        sa.Column("jid", sa.String(length=64), nullable=False),
        sa.Column("upto", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("archive_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["archive_id"],
            ["retention_archives.id"],
            name="fk_retention_doors_archive_id_retention_archives",
        ),
        sa.PrimaryKeyConstraint(
            "tbl", "receiver_id", "jid", "upto", "archive_id", name="pk_retention_doors"
        ),
    )
    op.create_index("ix_retention_doors_archive_id", "retention_doors", ["archive_id"])
    op.create_table(
        "retention_progress",
        sa.Column("archive_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("upto", sa.String(length=32), nullable=False),
        sa.Column("stopped", sa.Boolean(), nullable=False),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["archive_id"],
            ["retention_archives.id"],
            name="fk_retention_progress_archive_id_retention_archives",
        ),
        sa.PrimaryKeyConstraint("archive_id", name="pk_retention_progress"),
    )


def _rules() -> None:
    op.create_table(
        "retention_rules",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("log_months", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.String(length=128), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_retention_rules"),
    )
    op.create_table(
        "retention_holds",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=True),
        sa.Column("until", sa.BigInteger(), nullable=True),
        sa.Column("campaign_id", sa.Integer(), nullable=True),
        sa.Column("bulletin_id", sa.Integer(), nullable=True),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("by", sa.String(length=128), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("lifted_at", sa.BigInteger(), nullable=True),
        sa.Column("lifted_by", sa.String(length=128), nullable=True),
        sa.Column("lifted_reason", sa.String(length=500), nullable=True),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaigns.id"], name="fk_retention_holds_campaign_id_campaigns"
        ),
        sa.ForeignKeyConstraint(
            ["bulletin_id"], ["bulletins.id"], name="fk_retention_holds_bulletin_id_bulletins"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_retention_holds"),
    )
