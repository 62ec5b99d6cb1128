"""State of each message on each channel, and the results of self-tests."""

import sqlalchemy as sa
from alembic import op

revision = "notify_0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "notify_deliveries",
        sa.Column("message", sa.Integer, primary_key=True),
        sa.Column("channel", sa.String(40), primary_key=True),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("last_error", sa.Text, nullable=False),
        sa.Column("at", sa.String(40), nullable=False),
    )
    op.create_index("notify_deliveries_state", "notify_deliveries", ["state", "channel"])
    op.create_table(
        "notify_tests",
        sa.Column("channel", sa.String(40), primary_key=True),
        sa.Column("at", sa.String(40), nullable=False),
        sa.Column("error", sa.Text, nullable=False),
    )
