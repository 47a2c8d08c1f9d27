"""What ten thousand receivers need of the tables: lanes of the outbox, and indexes for what is asked each second."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _outbox()
    _indexes()


def _outbox() -> None:
    op.add_column("outbox", sa.Column("lane", sa.Integer(), nullable=False, server_default="1"))
    op.add_column(
        "outbox", sa.Column("made_at", sa.BigInteger(), nullable=False, server_default="0")
    )
    connection = op.get_bind()
    for statement in (
        "UPDATE outbox SET lane = CASE WHEN urgent THEN 0 ELSE 1 END",
        "UPDATE outbox SET made_at = coalesce((SELECT made_at FROM plans p "
        "WHERE p.receiver_id = outbox.receiver_id AND p.rev = outbox.rev), queued_at)",
    ):
        connection.execute(sa.text(statement))
    op.drop_index("ix_outbox_published_at", "outbox")
    op.drop_column("outbox", "urgent")
    op.create_index("ix_outbox_made_at", "outbox", ["made_at"])
    waiting = sa.text("published_at IS NULL AND refused IS NULL")
    op.create_index(
        "ix_outbox_waiting", "outbox", ["lane", "queued_at", "receiver_id"],
        sqlite_where=waiting, postgresql_where=waiting,
    )  # fmt: skip


def _indexes() -> None:
    # The unique key begins with broadcast_id, and nothing asks for a state of all receivers.
    for name in ("ix_deliveries_broadcast_id", "ix_deliveries_receiver_id", "ix_deliveries_state"):
        op.drop_index(name, "deliveries")
    op.create_index("ix_deliveries_receiver_id_state", "deliveries", ["receiver_id", "state"])
    op.create_index("ix_broadcasts_state_starts_at", "broadcasts", ["state", "starts_at"])
