"""Evidence: what receivers signed, signed checkpoints of the audit log, and tables whose rows are only added."""

import sqlalchemy as sa
from alembic import op

from loa import audit_guard

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "journal_proofs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("receiver_id", sa.String(length=32), nullable=False),
        sa.Column("jid", sa.String(length=64), nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("header", sa.Text(), nullable=False),
        sa.Column("before", sa.LargeBinary(), nullable=False),
        sa.Column("after", sa.LargeBinary(), nullable=True),
        sa.Column("signature", sa.String(length=128), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_journal_proofs"),
    )
    with op.batch_alter_table("journal_proofs") as batch_op:
        batch_op.create_index(
            "ix_journal_proofs_place", ["receiver_id", "jid", "last"], unique=False
        )
    op.create_table(
        "checkpoints",
        sa.Column("n", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("jws", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("n", name="pk_checkpoints"),
    )
    guarded = ("audit", "checkpoints", "journal_entries", "journal_proofs", "plans")
    audit_guard.put_up(op.get_bind(), guarded)
