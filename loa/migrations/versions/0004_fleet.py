"""Settings of each receiver, groups across areas, outages and faults with their ages."""

import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _receivers()
    _presences()
    _faults()
    _groups()


def _receivers() -> None:
    for column in (
        sa.Column("muted", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("delay_ms", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("restarts", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("restart_at", sa.BigInteger(), nullable=True),
        sa.Column("search_key", sa.Text(), nullable=False, server_default=""),
    ):
        op.add_column("receivers", column)
    receivers = sa.table("receivers", sa.column("id"), sa.column("name"), sa.column("search_key"))
    connection = op.get_bind()
    for row in connection.execute(sa.select(receivers.c.id, receivers.c.name)).all():
        connection.execute(
            sa.update(receivers)
            .where(receivers.c.id == row.id)
            .values(search_key=_search_key(row.name))
        )


def _search_key(name: str) -> str:
    """As loa.searching.key made it when this was written."""
    folded = " ".join(unicodedata.normalize("NFC", name).casefold().split())
    plain = unicodedata.normalize("NFD", folded.translate(str.maketrans("đĐ", "dD")))
    return "".join(char for char in plain if not unicodedata.combining(char)) + "\n" + folded


def _presences() -> None:
    for column in (
        sa.Column("online_since", sa.BigInteger(), nullable=True),
        sa.Column("lost_at", sa.BigInteger(), nullable=True),
        sa.Column("clock_bound_ms", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("canned", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("kv", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("boot", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("up_ms", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("net_month", sa.String(length=7), nullable=True),
        sa.Column("net_bytes", sa.BigInteger(), nullable=True),
    ):
        op.add_column("presences", column)


def _faults() -> None:
    op.create_table(
        "faults",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("receiver_id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=True),
        sa.Column("detail", sa.String(length=200), nullable=False),
        sa.Column("known_at", sa.BigInteger(), nullable=True),
        sa.Column("known_by", sa.String(length=128), nullable=True),
        sa.Column("note", sa.String(length=500), nullable=True),
        sa.ForeignKeyConstraint(
            ["receiver_id"], ["receivers.id"], name="fk_faults_receiver_id_receivers"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_faults"),
        sa.UniqueConstraint(
            "receiver_id", "kind", "since", name="uq_faults_receiver_id_kind_since"
        ),
    )
    op.create_index("ix_faults_until", "faults", ["until"], unique=False)
    op.create_table(
        "watches",
        sa.Column("since", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("since", name="pk_watches"),
    )


def _groups() -> None:
    op.create_table(
        "receiver_groups",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("added_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_receiver_groups"),
        sa.UniqueConstraint("name", name="uq_receiver_groups_name"),
    )
    _pairs("group_members", "group_id", "receiver_groups", "receiver_id")
    op.create_index("ix_group_members_receiver_id", "group_members", ["receiver_id"], unique=False)
    op.create_table(
        "schedule_groups",
        sa.Column("schedule_id", sa.Integer(), nullable=False),
        sa.Column("group_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["group_id"], ["receiver_groups.id"], name="fk_schedule_groups_group_id_receiver_groups"
        ),
        sa.ForeignKeyConstraint(
            ["schedule_id"], ["schedules.id"], name="fk_schedule_groups_schedule_id_schedules"
        ),
        sa.PrimaryKeyConstraint("schedule_id", "group_id", name="pk_schedule_groups"),
    )
    op.create_index("ix_schedule_groups_group_id", "schedule_groups", ["group_id"], unique=False)
    _pairs("schedule_excepts", "schedule_id", "schedules", "receiver_id")


def _pairs(table: str, owner: str, owners: str, receiver: str) -> None:
    op.create_table(
        table,
        sa.Column(owner, sa.Integer(), nullable=False),
        sa.Column(receiver, sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint([owner], [f"{owners}.id"], name=f"fk_{table}_{owner}_{owners}"),
        sa.ForeignKeyConstraint(
            [receiver], ["receivers.id"], name=f"fk_{table}_{receiver}_receivers"
        ),
        sa.PrimaryKeyConstraint(owner, receiver, name=f"pk_{table}"),
    )
