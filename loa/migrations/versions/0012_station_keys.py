"""The station's keys through the years, and what was given to an outside party."""

import sqlalchemy as sa
from alembic import op

from loa import audit_guard

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "station_keys",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kid", sa.String(length=64), nullable=False),
        sa.Column("x", sa.String(length=64), nullable=False),
        sa.Column("roles", sa.Text(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("noted_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_station_keys"),
    )
    op.create_index("ix_station_keys_kid", "station_keys", ["kid"])
    op.create_table(
        "key_documents",
        sa.Column("kv", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("jws", sa.LargeBinary(), nullable=False),
        sa.Column("noted_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("kv", name="pk_key_documents"),
    )
    op.create_table(
        "checkpoint_handings",
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("place", sa.String(length=256), nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=True),
        sa.Column("handed_at", sa.BigInteger(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("day", "place", name="pk_checkpoint_handings"),
    )
    audit_guard.put_up(op.get_bind(), ("station_keys", "key_documents"))
