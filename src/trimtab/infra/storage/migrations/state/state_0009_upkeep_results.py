"""Add the last result of the regular upkeep of each database."""

import sqlalchemy as sa
from alembic import op

revision = "state_0009"
down_revision = "state_0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "upkeep_results",
        sa.Column("database", sa.Text, primary_key=True),
        sa.Column("at", sa.Text, nullable=False),
        sa.Column("summary", sa.Text, nullable=False),
        sa.Column("facts", sa.Text, nullable=False),
    )
