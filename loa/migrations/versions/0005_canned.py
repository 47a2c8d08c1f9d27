"""Sounds every receiver keeps for an emergency."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "canned_sounds",
        sa.Column("n", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("bulletin_id", sa.Integer(), nullable=False),
        sa.Column("recording_sha", sa.String(64), nullable=False),
        sa.Column("staff_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("void", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["bulletin_id"], ["bulletins.id"], name=op.f("fk_canned_sounds_bulletin_id_bulletins")
        ),
        sa.ForeignKeyConstraint(
            ["recording_sha"],
            ["recordings.sha256"],
            name=op.f("fk_canned_sounds_recording_sha_recordings"),
        ),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name=op.f("fk_canned_sounds_staff_id_staff")
        ),
        sa.PrimaryKeyConstraint("n", name=op.f("pk_canned_sounds")),
    )
    op.create_index("ix_canned_sounds_bulletin_id", "canned_sounds", ["bulletin_id"])
