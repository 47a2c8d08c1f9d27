"""A receiver is made known by its serial and claims its place with a one-time code."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Whoever was added by hand has been heard all along.
    op.add_column("receivers", sa.Column("confirmed_at", sa.BigInteger(), nullable=True))
    op.execute("UPDATE receivers SET confirmed_at = added_at")
    op.add_column("journals", sa.Column("closed_at", sa.BigInteger(), nullable=True))
    _claims()
    _keys()
    _tones()
    _alarms()
    op.create_table(
        "claim_failures",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_claim_failures"),
    )
    op.create_index("ix_claim_failures_address", "claim_failures", ["address"], unique=False)


def _claims() -> None:
    op.create_table(
        "claims",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("receiver_id", sa.String(length=32), nullable=False),
        sa.Column("serial", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("area_id", sa.Integer(), nullable=False),
        sa.Column("volume", sa.Integer(), nullable=False),
        sa.Column("households", sa.Integer(), nullable=False),
        sa.Column("lat", sa.Double(), nullable=True),
        sa.Column("lon", sa.Double(), nullable=True),
        sa.Column("replaces_id", sa.String(length=32), nullable=True),
        sa.Column("code", sa.String(length=16), nullable=True),
        sa.Column("code_key", sa.LargeBinary(), nullable=True),
        sa.Column("code_until", sa.BigInteger(), nullable=True),
        sa.Column("wrong", sa.Integer(), nullable=False),
        sa.Column("added_at", sa.BigInteger(), nullable=False),
        sa.Column("added_by", sa.String(length=64), nullable=False),
        sa.Column("claimed_at", sa.BigInteger(), nullable=True),
        sa.Column("claimed_from", sa.String(length=64), nullable=True),
        sa.Column("clock_off_ms", sa.BigInteger(), nullable=True),
        sa.Column("public_key", sa.String(length=64), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_by", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(["area_id"], ["areas.id"], name="fk_claims_area_id_areas"),
        sa.ForeignKeyConstraint(
            ["replaces_id"], ["receivers.id"], name="fk_claims_replaces_id_receivers"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_claims"),
    )
    for column in ("receiver_id", "serial", "state"):
        op.create_index(f"ix_claims_{column}", "claims", [column], unique=False)


def _keys() -> None:
    op.create_table(
        "receiver_keys",
        sa.Column("public_key", sa.String(length=64), nullable=False),
        sa.Column("receiver_id", sa.String(length=32), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["receiver_id"], ["receivers.id"], name="fk_receiver_keys_receiver_id_receivers"
        ),
        sa.PrimaryKeyConstraint("public_key", name="pk_receiver_keys"),
    )
    op.create_index("ix_receiver_keys_receiver_id", "receiver_keys", ["receiver_id"], unique=False)


def _tones() -> None:
    op.create_table(
        "test_tones",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("receiver_id", sa.String(length=32), nullable=False),
        sa.Column("occurrence", sa.String(length=64), nullable=False),
        sa.Column("starts_at", sa.BigInteger(), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("asked_by", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["receiver_id"], ["receivers.id"], name="fk_test_tones_receiver_id_receivers"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_test_tones"),
        sa.UniqueConstraint("occurrence", name="uq_test_tones_occurrence"),
    )
    op.create_index("ix_test_tones_receiver_id", "test_tones", ["receiver_id"], unique=False)
    op.create_index("ix_test_tones_starts_at", "test_tones", ["starts_at"], unique=False)


def _alarms() -> None:
    op.create_table(
        "clone_alarms",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("receiver_id", sa.String(length=32), nullable=False),
        sa.Column("why", sa.String(length=16), nullable=False),
        sa.Column("raised_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("settled_at", sa.BigInteger(), nullable=True),
        sa.Column("settled_by", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(
            ["receiver_id"], ["receivers.id"], name="fk_clone_alarms_receiver_id_receivers"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_clone_alarms"),
    )
    op.create_index("ix_clone_alarms_receiver_id", "clone_alarms", ["receiver_id"], unique=False)
