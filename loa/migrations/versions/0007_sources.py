"""Regulation, calendar, programmes, campaigns and alerts: the tables of all that makes broadcasts."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _days()
    _programmes()
    _campaigns()
    _alerts()
    _exceptions()
    _changed()
    _levels()


def _days() -> None:
    op.create_table(
        "day_marks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("first", sa.Date(), nullable=False),
        sa.Column("last", sa.Date(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("staff_id", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("withdrawn_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name="fk_day_marks_staff_id_staff"),
        sa.PrimaryKeyConstraint("id", name="pk_day_marks"),
    )


def _programmes() -> None:
    op.create_table(
        "programmes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uid", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("slot", sa.String(length=16), nullable=True),
        sa.Column("at", sa.Time(), nullable=True),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("skips", sa.Text(), nullable=False),
        sa.Column("waived", sa.Text(), nullable=False),
        sa.Column("waived_why", sa.Text(), nullable=False),
        sa.Column("start_date", sa.Date(), nullable=False),
        sa.Column("end_date", sa.Date(), nullable=True),
        sa.Column("where", sa.Text(), nullable=False),
        sa.Column("sounds_mark", sa.String(length=64), nullable=False),
        sa.Column("staff_id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("planned_until", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name="fk_programmes_staff_id_staff"),
        sa.PrimaryKeyConstraint("id", name="pk_programmes"),
        sa.UniqueConstraint("uid", name="uq_programmes_uid"),
    )
    op.create_table(
        "programme_items",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("programme_id", sa.Integer(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "chime", "bulletin", "relay", "fill", name="itemkind", native_enum=False, length=16
            ),
            nullable=False,
        ),
        sa.Column("bulletin_id", sa.Integer(), nullable=True),
        sa.Column("ms", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["bulletin_id"], ["bulletins.id"], name="fk_programme_items_bulletin_id_bulletins"
        ),
        sa.ForeignKeyConstraint(
            ["programme_id"], ["programmes.id"], name="fk_programme_items_programme_id_programmes"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_programme_items"),
    )
    with op.batch_alter_table("programme_items") as batch_op:
        batch_op.create_index("ix_programme_items_bulletin_id", ["bulletin_id"], unique=False)
        batch_op.create_index("ix_programme_items_programme_id", ["programme_id"], unique=False)


def _campaigns() -> None:
    op.create_table(
        "campaigns",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uid", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.Column("start_date", sa.Date(), nullable=False),
        sa.Column("end_date", sa.Date(), nullable=False),
        sa.Column("where", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("weight", sa.Integer(), nullable=False),
        sa.Column("paused_at", sa.BigInteger(), nullable=True),
        sa.Column("staff_id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("planned_until", sa.BigInteger(), nullable=False),
        sa.Column("rethought_at", sa.BigInteger(), nullable=False),
        sa.Column("seen", sa.BigInteger(), nullable=False),
        sa.Column("lost", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name="fk_campaigns_staff_id_staff"),
        sa.PrimaryKeyConstraint("id", name="pk_campaigns"),
        sa.UniqueConstraint("uid", name="uq_campaigns_uid"),
    )
    op.create_table(
        "campaign_messages",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("bulletin_id", sa.Integer(), nullable=False),
        sa.Column("weight", sa.Integer(), nullable=False),
        sa.Column("start_date", sa.Date(), nullable=True),
        sa.Column("end_date", sa.Date(), nullable=True),
        sa.Column("apart_ms", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["bulletin_id"], ["bulletins.id"], name="fk_campaign_messages_bulletin_id_bulletins"
        ),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaigns.id"], name="fk_campaign_messages_campaign_id_campaigns"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_campaign_messages"),
    )
    with op.batch_alter_table("campaign_messages") as batch_op:
        batch_op.create_index("ix_campaign_messages_bulletin_id", ["bulletin_id"], unique=False)
        batch_op.create_index("ix_campaign_messages_campaign_id", ["campaign_id"], unique=False)


def _alerts() -> None:
    op.create_table(
        "alerts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uid", sa.String(length=16), nullable=False),
        sa.Column("template", sa.String(length=32), nullable=True),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("bulletin_id", sa.Integer(), nullable=False),
        sa.Column("where", sa.Text(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "waiting",
                "active",
                "ended",
                "expired",
                "refused",
                name="state",
                native_enum=False,
                length=16,
            ),
            nullable=False,
        ),
        sa.Column("drill", sa.Boolean(), nullable=False),
        sa.Column("starts_at", sa.BigInteger(), nullable=True),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("every_ms", sa.Integer(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("staff_id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("second_id", sa.Integer(), nullable=True),
        sa.Column("agreed_at", sa.BigInteger(), nullable=True),
        sa.Column("alone_id", sa.Integer(), nullable=True),
        sa.Column("alone_until", sa.BigInteger(), nullable=True),
        sa.Column("heard", sa.Text(), nullable=False),
        sa.Column("replaces_id", sa.Integer(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_by", sa.String(length=128), nullable=True),
        sa.Column("ended_why", sa.Text(), nullable=True),
        sa.Column("cap", sa.Text(), nullable=True),
        sa.Column("planned_until", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["bulletin_id"], ["bulletins.id"], name="fk_alerts_bulletin_id_bulletins"
        ),
        sa.ForeignKeyConstraint(["alone_id"], ["staff.id"], name="fk_alerts_alone_id_staff"),
        sa.ForeignKeyConstraint(
            ["replaces_id"], ["alerts.id"], name="fk_alerts_replaces_id_alerts"
        ),
        sa.ForeignKeyConstraint(["second_id"], ["staff.id"], name="fk_alerts_second_id_staff"),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name="fk_alerts_staff_id_staff"),
        sa.PrimaryKeyConstraint("id", name="pk_alerts"),
        sa.UniqueConstraint("uid", name="uq_alerts_uid"),
    )
    with op.batch_alter_table("alerts") as batch_op:
        batch_op.create_index("ix_alerts_bulletin_id", ["bulletin_id"], unique=False)
        batch_op.create_index("ix_alerts_state", ["state"], unique=False)
    op.create_table(
        "cap_messages",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("sender", sa.String(length=200), nullable=False),
        sa.Column("identifier", sa.String(length=200), nullable=False),
        sa.Column("sent", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("refs", sa.Text(), nullable=False),
        sa.Column("raw", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("alert_id", sa.Integer(), nullable=True),
        sa.Column("staff_id", sa.Integer(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["alert_id"], ["alerts.id"], name="fk_cap_messages_alert_id_alerts"
        ),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name="fk_cap_messages_staff_id_staff"),
        sa.PrimaryKeyConstraint("id", name="pk_cap_messages"),
        sa.UniqueConstraint("sender", "identifier", name="uq_cap_messages_sender_identifier"),
    )


def _exceptions() -> None:
    op.create_table(
        "schedule_exceptions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("schedule_id", sa.Integer(), nullable=True),
        sa.Column("programme_id", sa.Integer(), nullable=True),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("skip", "move", "replace", name="kind", native_enum=False, length=16),
            nullable=False,
        ),
        sa.Column("to_day", sa.Date(), nullable=True),
        sa.Column("to_time", sa.Time(), nullable=True),
        sa.Column("bulletin_id", sa.Integer(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("staff_id", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("withdrawn_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["bulletin_id"], ["bulletins.id"], name="fk_schedule_exceptions_bulletin_id_bulletins"
        ),
        sa.ForeignKeyConstraint(
            ["programme_id"],
            ["programmes.id"],
            name="fk_schedule_exceptions_programme_id_programmes",
        ),
        sa.ForeignKeyConstraint(
            ["schedule_id"], ["schedules.id"], name="fk_schedule_exceptions_schedule_id_schedules"
        ),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name="fk_schedule_exceptions_staff_id_staff"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_schedule_exceptions"),
    )
    with op.batch_alter_table("schedule_exceptions") as batch_op:
        batch_op.create_index(
            ("ix_schedule_exceptions_programme_id"), ["programme_id"], unique=False
        )
        batch_op.create_index("ix_schedule_exceptions_schedule_id", ["schedule_id"], unique=False)


def _levels() -> None:
    op.create_table(
        "area_decisions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("area_id", sa.Integer(), nullable=False),
        sa.Column("broadcast_id", sa.Integer(), nullable=False),
        sa.Column("other_id", sa.Integer(), nullable=True),
        sa.Column(
            "said",
            sa.Enum("declined", "first", name="said", native_enum=False, length=16),
            nullable=False,
        ),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("staff_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("withdrawn_at", sa.BigInteger(), nullable=True),
        sa.Column("schedule_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["area_id"], ["areas.id"], name="fk_area_decisions_area_id_areas"),
        sa.ForeignKeyConstraint(
            ["schedule_id"], ["schedules.id"], name="fk_area_decisions_schedule_id_schedules"
        ),
        sa.ForeignKeyConstraint(
            ["broadcast_id"], ["broadcasts.id"], name="fk_area_decisions_broadcast_id_broadcasts"
        ),
        sa.ForeignKeyConstraint(
            ["other_id"], ["broadcasts.id"], name="fk_area_decisions_other_id_broadcasts"
        ),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name="fk_area_decisions_staff_id_staff"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_area_decisions"),
    )
    with op.batch_alter_table("area_decisions") as batch_op:
        batch_op.create_index("ix_area_decisions_area_id", ["area_id"], unique=False)
        batch_op.create_index("ix_area_decisions_broadcast_id", ["broadcast_id"], unique=False)


def _changed() -> None:
    _columns(
        "bulletins",
        sa.Column("relay", sa.Text()),
    )
    _columns(
        "regulations",
        sa.Column("rules", sa.Text(), nullable=False, server_default="{}"),
        sa.Column("note", sa.Text(), nullable=False, server_default=""),
        sa.Column("made_at", sa.BigInteger(), nullable=False, server_default="0"),
    )
    _columns(
        "schedules",
        sa.Column("rule", sa.Text(), nullable=False, server_default=""),
        sa.Column("skips", sa.Text(), nullable=False, server_default="[]"),
        sa.Column("minutes", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("resumes", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("waived", sa.Text(), nullable=False, server_default="[]"),
        sa.Column("waived_why", sa.Text(), nullable=False, server_default=""),
    )
    _rules_of_schedules()
    with op.batch_alter_table("staff") as table:
        table.add_column(sa.Column("area_id", sa.Integer()))
        table.create_foreign_key("fk_staff_area_id_areas", "areas", ["area_id"], ["id"])
    op.execute("UPDATE regulations SET made_at = since")
    _broadcasts()
    # Of a relay: whether the stream was heard, or the recording in its place.
    _columns("deliveries", sa.Column("rel", sa.String(length=8)))


def _rules_of_schedules() -> None:
    """Kind and weekdays become one text, as scheduler.recurrence reads it."""
    connection = op.get_bind()
    names = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
    for kind, weekdays in connection.execute(
        sa.text("SELECT DISTINCT kind, weekdays FROM schedules WHERE kind <> 'once'")
    ).all():
        days = ",".join(name for place, name in enumerate(names) if weekdays >> place & 1)
        rule = "FREQ=DAILY" if kind == "daily" else f"FREQ=WEEKLY;BYDAY={days}"
        connection.execute(
            sa.text(
                "UPDATE schedules SET rule = :rule WHERE kind = :kind AND weekdays = :weekdays"
            ),
            {"rule": rule, "kind": kind, "weekdays": weekdays},
        )
    with op.batch_alter_table("schedules") as table:
        table.drop_column("kind")
        table.drop_column("weekdays")


def _columns(table: str, *columns: sa.Column[object]) -> None:
    for column in columns:
        op.add_column(table, column)


ONE_SOURCE = " + ".join(
    f"CASE WHEN {name} IS NULL THEN 0 ELSE 1 END"
    for name in ("schedule_id", "programme_id", "campaign_id", "alert_id")
)


def _broadcasts() -> None:
    """A broadcast may come of other things than a schedule, and keeps itself where it is to be heard."""
    with op.batch_alter_table("broadcasts") as table:
        table.alter_column("schedule_id", existing_type=sa.Integer(), nullable=True)
        table.drop_constraint("uq_broadcasts_schedule_id_starts_at", type_="unique")
        for name, other in (
            ("programme_id", "programmes"),
            ("campaign_id", "campaigns"),
            ("alert_id", "alerts"),
            ("by_area_id", "areas"),
        ):
            table.add_column(sa.Column(name, sa.Integer()))
            table.create_foreign_key(f"fk_broadcasts_{name}_{other}", other, [name], ["id"])
        table.add_column(sa.Column("item", sa.Integer(), nullable=False, server_default="0"))
        table.add_column(sa.Column("day", sa.Date()))
        table.add_column(sa.Column("origin", sa.Text(), nullable=False, server_default=""))
        table.add_column(sa.Column("where", sa.Text(), nullable=False, server_default="{}"))
        table.add_column(sa.Column("relay", sa.Text()))
        table.add_column(
            sa.Column("resumes", sa.Boolean(), nullable=False, server_default=sa.false())
        )
        table.add_column(
            sa.Column("drill", sa.Boolean(), nullable=False, server_default=sa.false())
        )
        table.add_column(sa.Column("code", sa.String(length=32)))
        table.create_check_constraint("one_source", f"{ONE_SOURCE} = 1")
    for name in ("programme_id", "campaign_id", "alert_id"):
        op.create_index(f"ix_broadcasts_{name}", "broadcasts", [name], unique=False)
    op.execute("UPDATE broadcasts SET code = 'stopped' WHERE stop_requested_at IS NOT NULL")
    _fill_where()


def _fill_where() -> None:
    connection = op.get_bind()
    places: dict[int, dict[str, list[object]]] = {}
    for table, column, key in (
        ("schedule_areas", "area_id", "area_ids"),
        ("schedule_groups", "group_id", "group_ids"),
        ("schedule_excepts", "receiver_id", "except_ids"),
    ):
        rows = connection.execute(sa.text(f"SELECT schedule_id, {column} FROM {table}"))  # noqa: S608 - names from above
        for schedule_id, value in rows:
            places.setdefault(schedule_id, {}).setdefault(key, []).append(value)
    for schedule_id, where in places.items():
        connection.execute(
            sa.text('UPDATE broadcasts SET "where" = :where WHERE schedule_id = :id'),
            {"where": json.dumps(where), "id": schedule_id},
        )
