"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "areas",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("parent_id", sa.Integer(), nullable=True),
        sa.Column("level", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("households", sa.Integer(), nullable=False),
        sa.Column("lat", sa.Double(), nullable=True),
        sa.Column("lon", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(["parent_id"], ["areas.id"], name="fk_areas_parent_id_areas"),
        sa.PrimaryKeyConstraint("id", name="pk_areas"),
    )
    op.create_index("ix_areas_parent_id", "areas", ["parent_id"], unique=False)
    op.create_table(
        "audit",
        sa.Column("n", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("previous", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("n", name="pk_audit"),
    )
    op.create_index("ix_audit_kind", "audit", ["kind"], unique=False)
    op.create_table(
        "journal_entries",
        sa.Column("receiver_id", sa.String(length=32), nullable=False),
        sa.Column("jid", sa.String(length=64), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("occurrence", sa.String(length=64), nullable=False),
        sa.Column("code", sa.String(length=16), nullable=False),
        sa.Column("raw_at", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("receiver_id", "jid", "seq", name="pk_journal_entries"),
    )
    op.create_index(
        "ix_journal_entries_occurrence", "journal_entries", ["occurrence"], unique=False
    )
    op.create_table(
        "leases",
        sa.Column("name", sa.String(length=16), nullable=False),
        sa.Column("holder", sa.String(length=96), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("renewed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_leases"),
    )
    op.create_table(
        "recordings",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("ms", sa.Integer(), nullable=False),
        sa.Column("lufs", sa.Double(), nullable=False),
        sa.Column("true_peak_db", sa.Double(), nullable=False),
        sa.Column("peaks", sa.Text(), nullable=False),
        sa.Column("voice", sa.String(length=32), nullable=True),
        sa.Column("notes", sa.Text(), nullable=False),
        sa.Column("spoken", sa.Text(), nullable=True),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name="pk_recordings"),
    )
    op.create_table(
        "regulations",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("quiet", sa.Text(), nullable=False),
        sa.Column("by", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_regulations"),
    )
    op.create_index("ix_regulations_since", "regulations", ["since"], unique=False)
    op.create_table(
        "sign_in_failures",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=160), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sign_in_failures"),
    )
    op.create_index("ix_sign_in_failures_key", "sign_in_failures", ["key"], unique=False)
    op.create_table(
        "staff",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("login", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column(
            "role",
            sa.Enum(
                "editor",
                "approver",
                "operator",
                "admin",
                "viewer",
                name="role",
                native_enum=False,
                length=16,
            ),
            nullable=False,
        ),
        sa.Column("password_hash", sa.String(length=256), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("session_stamp", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_staff"),
        sa.UniqueConstraint("login", name="uq_staff_login"),
    )
    op.create_table(
        "bulletins",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("text", "upload", name="kind", native_enum=False, length=16),
            nullable=False,
        ),
        sa.Column("upload", sa.String(length=64), nullable=True),
        sa.Column("upload_name", sa.String(length=255), nullable=True),
        sa.Column("voice", sa.String(length=32), nullable=False),
        sa.Column("speed", sa.Integer(), nullable=False),
        sa.Column("chimes", sa.Boolean(), nullable=False),
        sa.Column("field", sa.Integer(), nullable=False),
        sa.Column(
            "priority",
            sa.Enum(
                "normal", "priority", "emergency", name="priority", native_enum=False, length=16
            ),
            nullable=False,
        ),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "draft",
                "submitted",
                "approved",
                "rejected",
                "withdrawn",
                name="state",
                native_enum=False,
                length=16,
            ),
            nullable=False,
        ),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("author_id", sa.Integer(), nullable=False),
        sa.Column("editor_id", sa.Integer(), nullable=False),
        sa.Column("recording_sha", sa.String(length=64), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["author_id"], ["staff.id"], name="fk_bulletins_author_id_staff"),
        sa.ForeignKeyConstraint(["editor_id"], ["staff.id"], name="fk_bulletins_editor_id_staff"),
        sa.PrimaryKeyConstraint("id", name="pk_bulletins"),
    )
    op.create_index("ix_bulletins_state", "bulletins", ["state"], unique=False)
    op.create_table(
        "receivers",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("area_id", sa.Integer(), nullable=False),
        sa.Column("public_key", sa.String(length=64), nullable=False),
        sa.Column("password_hash", sa.String(length=256), nullable=False),
        sa.Column("volume", sa.Integer(), nullable=False),
        sa.Column("households", sa.Integer(), nullable=False),
        sa.Column("lat", sa.Double(), nullable=True),
        sa.Column("lon", sa.Double(), nullable=True),
        sa.Column("simulated", sa.Boolean(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("retired_at", sa.BigInteger(), nullable=True),
        sa.Column("added_at", sa.BigInteger(), nullable=False),
        sa.Column("plan_stale", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["area_id"], ["areas.id"], name="fk_receivers_area_id_areas"),
        sa.PrimaryKeyConstraint("id", name="pk_receivers"),
    )
    op.create_index("ix_receivers_active", "receivers", ["active"], unique=False)
    op.create_index("ix_receivers_area_id", "receivers", ["area_id"], unique=False)
    op.create_index("ix_receivers_plan_stale", "receivers", ["plan_stale"], unique=False)
    op.create_table(
        "decisions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("bulletin_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("recording_sha", sa.String(length=64), nullable=False),
        sa.Column("approved", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("staff_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_why", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["bulletin_id"], ["bulletins.id"], name="fk_decisions_bulletin_id_bulletins"
        ),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name="fk_decisions_staff_id_staff"),
        sa.PrimaryKeyConstraint("id", name="pk_decisions"),
    )
    op.create_index("ix_decisions_bulletin_id", "decisions", ["bulletin_id"], unique=False)
    op.create_table(
        "journals",
        sa.Column("receiver_id", sa.String(length=32), nullable=False),
        sa.Column("jid", sa.String(length=64), nullable=False),
        sa.Column("upto", sa.BigInteger(), nullable=False),
        sa.Column("head", sa.String(length=64), nullable=False),
        sa.Column("begun_at", sa.BigInteger(), nullable=False),
        sa.Column("tampered_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["receiver_id"], ["receivers.id"], name="fk_journals_receiver_id_receivers"
        ),
        sa.PrimaryKeyConstraint("receiver_id", "jid", name="pk_journals"),
    )
    op.create_table(
        "outbox",
        sa.Column("receiver_id", sa.String(length=32), nullable=False),
        sa.Column("rev", sa.BigInteger(), nullable=False),
        sa.Column("urgent", sa.Boolean(), nullable=False),
        sa.Column("queued_at", sa.BigInteger(), nullable=False),
        sa.Column("published_at", sa.BigInteger(), nullable=True),
        sa.Column("refused", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(
            ["receiver_id"], ["receivers.id"], name="fk_outbox_receiver_id_receivers"
        ),
        sa.PrimaryKeyConstraint("receiver_id", name="pk_outbox"),
    )
    op.create_index("ix_outbox_published_at", "outbox", ["published_at"], unique=False)
    op.create_table(
        "plans",
        sa.Column("receiver_id", sa.String(length=32), nullable=False),
        sa.Column("rev", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("jws", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["receiver_id"], ["receivers.id"], name="fk_plans_receiver_id_receivers"
        ),
        sa.PrimaryKeyConstraint("receiver_id", "rev", name="pk_plans"),
    )
    op.create_table(
        "presences",
        sa.Column("receiver_id", sa.String(length=32), nullable=False),
        sa.Column("online", sa.Boolean(), nullable=False),
        sa.Column("sid", sa.String(length=64), nullable=False),
        sa.Column("heard_at", sa.BigInteger(), nullable=False),
        sa.Column("heartbeat_ms", sa.Integer(), nullable=False),
        sa.Column("rev", sa.BigInteger(), nullable=False),
        sa.Column("clock_source", sa.String(length=8), nullable=False),
        sa.Column("clock_error_ms", sa.BigInteger(), nullable=False),
        sa.Column("output", sa.String(length=8), nullable=False),
        sa.Column("power", sa.String(length=8), nullable=False),
        sa.Column("disk", sa.Double(), nullable=False),
        sa.Column("volume", sa.Integer(), nullable=False),
        sa.Column("firmware", sa.String(length=64), nullable=False),
        sa.Column("playing", sa.String(length=64), nullable=True),
        sa.Column("ready", sa.Integer(), nullable=False),
        sa.Column("wanted", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["receiver_id"], ["receivers.id"], name="fk_presences_receiver_id_receivers"
        ),
        sa.PrimaryKeyConstraint("receiver_id", name="pk_presences"),
    )
    op.create_table(
        "renderings",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("bulletin_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("step", sa.String(length=128), nullable=False),
        sa.Column("percent", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("queued_at", sa.BigInteger(), nullable=False),
        sa.Column("claimed_until", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["bulletin_id"], ["bulletins.id"], name="fk_renderings_bulletin_id_bulletins"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_renderings"),
    )
    op.create_index("ix_renderings_bulletin_id", "renderings", ["bulletin_id"], unique=False)
    op.create_index("ix_renderings_state", "renderings", ["state"], unique=False)
    op.create_table(
        "schedules",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uid", sa.String(length=16), nullable=False),
        sa.Column("bulletin_id", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("once", "daily", "weekdays", name="kind", native_enum=False, length=16),
            nullable=False,
        ),
        sa.Column("at", sa.Time(), nullable=False),
        sa.Column("weekdays", sa.Integer(), nullable=False),
        sa.Column("start_date", sa.Date(), nullable=False),
        sa.Column("end_date", sa.Date(), nullable=True),
        sa.Column("is_now", sa.Boolean(), nullable=False),
        sa.Column("staff_id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("planned_until", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["bulletin_id"], ["bulletins.id"], name="fk_schedules_bulletin_id_bulletins"
        ),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name="fk_schedules_staff_id_staff"),
        sa.PrimaryKeyConstraint("id", name="pk_schedules"),
        sa.UniqueConstraint("uid", name="uq_schedules_uid"),
    )
    op.create_index("ix_schedules_bulletin_id", "schedules", ["bulletin_id"], unique=False)
    op.create_table(
        "broadcasts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("occurrence", sa.String(length=64), nullable=False),
        sa.Column("schedule_id", sa.Integer(), nullable=False),
        sa.Column("bulletin_id", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column(
            "priority",
            sa.Enum(
                "normal", "priority", "emergency", name="priority", native_enum=False, length=16
            ),
            nullable=False,
        ),
        sa.Column("field", sa.Integer(), nullable=False),
        sa.Column("starts_at", sa.BigInteger(), nullable=False),
        sa.Column("recording_sha", sa.String(length=64), nullable=True),
        sa.Column("last_sha", sa.String(length=64), nullable=True),
        sa.Column("ms", sa.Integer(), nullable=False),
        sa.Column("author", sa.String(length=128), nullable=False),
        sa.Column("approver", sa.String(length=128), nullable=True),
        sa.Column("approver_login", sa.String(length=64), nullable=True),
        sa.Column("scheduler", sa.String(length=128), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "planned",
                "dispatched",
                "on_air",
                "finished",
                "missed",
                "cancelled",
                name="state",
                native_enum=False,
                length=16,
            ),
            nullable=False,
        ),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("stop_requested_at", sa.BigInteger(), nullable=True),
        sa.Column("planned_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["bulletin_id"], ["bulletins.id"], name="fk_broadcasts_bulletin_id_bulletins"
        ),
        sa.ForeignKeyConstraint(
            ["schedule_id"], ["schedules.id"], name="fk_broadcasts_schedule_id_schedules"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_broadcasts"),
        sa.UniqueConstraint("occurrence", name="uq_broadcasts_occurrence"),
        sa.UniqueConstraint("schedule_id", "starts_at", name="uq_broadcasts_schedule_id_starts_at"),
    )
    op.create_index("ix_broadcasts_bulletin_id", "broadcasts", ["bulletin_id"], unique=False)
    op.create_index("ix_broadcasts_schedule_id", "broadcasts", ["schedule_id"], unique=False)
    op.create_index("ix_broadcasts_time", "broadcasts", ["starts_at", "state"], unique=False)
    op.create_table(
        "schedule_areas",
        sa.Column("schedule_id", sa.Integer(), nullable=False),
        sa.Column("area_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["area_id"], ["areas.id"], name="fk_schedule_areas_area_id_areas"),
        sa.ForeignKeyConstraint(
            ["schedule_id"], ["schedules.id"], name="fk_schedule_areas_schedule_id_schedules"
        ),
        sa.PrimaryKeyConstraint("schedule_id", "area_id", name="pk_schedule_areas"),
    )
    op.create_table(
        "deliveries",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("broadcast_id", sa.Integer(), nullable=False),
        sa.Column("receiver_id", sa.String(length=32), nullable=False),
        sa.Column("receiver_name", sa.String(length=128), nullable=False),
        sa.Column("area_name", sa.String(length=128), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "planned",
                "sent",
                "accepted",
                "ready",
                "started",
                "played",
                "interrupted",
                "failed",
                "missed",
                "refused",
                "cancelled",
                "unknown",
                name="deliverystate",
                native_enum=False,
                length=16,
            ),
            nullable=False,
        ),
        sa.Column("reason", sa.String(length=64), nullable=True),
        sa.Column("dropped_at", sa.BigInteger(), nullable=True),
        sa.Column("rev", sa.BigInteger(), nullable=True),
        sa.Column("sent_at", sa.BigInteger(), nullable=True),
        sa.Column("accepted_at", sa.BigInteger(), nullable=True),
        sa.Column("ready_at", sa.BigInteger(), nullable=True),
        sa.Column("started_at", sa.BigInteger(), nullable=True),
        sa.Column("started_raw_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("late_ms", sa.Integer(), nullable=True),
        sa.Column("played_ms", sa.Integer(), nullable=True),
        sa.Column("volume", sa.Integer(), nullable=True),
        sa.Column("evidence", sa.String(length=4), nullable=True),
        sa.ForeignKeyConstraint(
            ["broadcast_id"], ["broadcasts.id"], name="fk_deliveries_broadcast_id_broadcasts"
        ),
        sa.ForeignKeyConstraint(
            ["receiver_id"], ["receivers.id"], name="fk_deliveries_receiver_id_receivers"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_deliveries"),
        sa.UniqueConstraint(
            "broadcast_id", "receiver_id", name="uq_deliveries_broadcast_id_receiver_id"
        ),
    )
    op.create_index("ix_deliveries_broadcast_id", "deliveries", ["broadcast_id"], unique=False)
    op.create_index("ix_deliveries_receiver_id", "deliveries", ["receiver_id"], unique=False)
    op.create_index("ix_deliveries_state", "deliveries", ["state"], unique=False)
