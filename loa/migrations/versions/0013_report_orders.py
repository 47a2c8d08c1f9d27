"""Reports made on the day set, and other stations' figures."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _orders()
    _runs()
    _stations()
    _bundles()
    _broadcasts()
    _counts()


def _orders() -> None:
    op.create_table(
        "report_orders",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("what", sa.String(length=16), nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=True),
        sa.Column("format", sa.String(length=8), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("month", sa.Integer(), nullable=False),
        sa.Column("at", sa.Time(), nullable=False),
        sa.Column("to", sa.Text(), nullable=False),
        sa.Column("folder", sa.String(length=40), nullable=False),
        sa.Column("staff_id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("paused_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_report_orders"),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaigns.id"], name="fk_report_orders_campaign_id_campaigns"
        ),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name="fk_report_orders_staff_id_staff"),
    )


def _runs() -> None:
    op.create_table(
        "report_runs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("order_id", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("first", sa.Date(), nullable=False),
        sa.Column("last", sa.Date(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=True),
        sa.Column("made_at", sa.BigInteger(), nullable=True),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("said", sa.Text(), nullable=False),
        sa.Column("message_id", sa.String(length=200), nullable=False),
        sa.Column("sending_since", sa.BigInteger(), nullable=True),
        sa.Column("sent_at", sa.BigInteger(), nullable=True),
        sa.Column("refused", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_report_runs"),
        sa.UniqueConstraint("order_id", "due_at", name="uq_report_runs_order_id_due_at"),
        sa.ForeignKeyConstraint(
            ["order_id"], ["report_orders.id"], name="fk_report_runs_order_id_report_orders"
        ),
    )
    op.create_index("ix_report_runs_next_at", "report_runs", ["next_at"])


def _stations() -> None:
    op.create_table(
        "rollup_stations",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("keys", sa.Text(), nullable=False),
        sa.Column("added_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_rollup_stations"),
        sa.UniqueConstraint("name", name="uq_rollup_stations_name"),
    )


def _bundles() -> None:
    op.create_table(
        "rollup_bundles",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("station_id", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("signer", sa.String(length=64), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("campaign", sa.String(length=200), nullable=True),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("imported_at", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.String(length=128), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_rollup_bundles"),
        sa.UniqueConstraint("sha256", name="uq_rollup_bundles_sha256"),
        sa.ForeignKeyConstraint(
            ["station_id"],
            ["rollup_stations.id"],
            name="fk_rollup_bundles_station_id_rollup_stations",
        ),
    )
    op.create_index("ix_rollup_bundles_station_id", "rollup_bundles", ["station_id"])


def _broadcasts() -> None:
    op.create_table(
        "rollup_broadcasts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("station_id", sa.Integer(), nullable=False),
        sa.Column("bundle_id", sa.Integer(), nullable=False),
        sa.Column("occ", sa.String(length=64), nullable=False),
        sa.Column("starts_at", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("priority", sa.String(length=16), nullable=False),
        sa.Column("drill", sa.Boolean(), nullable=False),
        sa.Column("heard", sa.Text(), nullable=False),
        sa.Column("unheard", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_rollup_broadcasts"),
        sa.UniqueConstraint("station_id", "occ", name="uq_rollup_broadcasts_station_id_occ"),
        sa.ForeignKeyConstraint(
            ["station_id"],
            ["rollup_stations.id"],
            name="fk_rollup_broadcasts_station_id_rollup_stations",
        ),
        sa.ForeignKeyConstraint(
            ["bundle_id"],
            ["rollup_bundles.id"],
            name="fk_rollup_broadcasts_bundle_id_rollup_bundles",
        ),
    )
    op.create_index("ix_rollup_broadcasts_bundle_id", "rollup_broadcasts", ["bundle_id"])
    op.create_index("ix_rollup_broadcasts_day", "rollup_broadcasts", ["day"])


def _counts() -> None:
    op.create_table(
        "rollup_counts",
        sa.Column("broadcast_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("area_name", sa.String(length=128), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("deliveries", sa.Integer(), nullable=False),
        sa.Column("asked_ms", sa.BigInteger(), nullable=False),
        sa.Column("played_ms", sa.BigInteger(), nullable=False),
        sa.Column("timed", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("broadcast_id", "area_name", "state", name="pk_rollup_counts"),
        sa.ForeignKeyConstraint(
            ["broadcast_id"],
            ["rollup_broadcasts.id"],
            name="fk_rollup_counts_broadcast_id_rollup_broadcasts",
            ondelete="CASCADE",
        ),
    )
