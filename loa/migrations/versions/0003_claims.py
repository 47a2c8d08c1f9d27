"""A receiver is made known by its serial and claims its place with a one-time code."""

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass
