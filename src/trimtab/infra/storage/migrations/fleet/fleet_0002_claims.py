"""Claims of pieces of work that one process does at a time."""

import sqlalchemy as sa
from alembic import op

revision = "fleet_0002"
down_revision = "fleet_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "claims",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("holder", sa.Text, nullable=False),
        # Seconds since 1970 on the database's clock.
        sa.Column("until", sa.Double, nullable=False),
    )
