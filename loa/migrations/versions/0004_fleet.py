"""Settings of each receiver, groups across areas, outages and faults with their ages."""

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass
