"""The processes on one database, the numbers of their common changes, and the switches.

The chain exists on PostgreSQL only: a data directory with SQLite has one process.
"""

import sqlalchemy as sa
from alembic import op

revision = "fleet_0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "processes",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("roles", sa.Text, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("release", sa.Text, nullable=False),
        sa.Column("host", sa.Text, nullable=False),
        # Seconds since 1970 on the database's clock, so that no process's clock matters.
        sa.Column("started_at", sa.Double, nullable=False),
        sa.Column("seen_at", sa.Double, nullable=False),
        sa.Column("applied", sa.BigInteger, nullable=False),
        sa.Column("leads", sa.Boolean, nullable=False),
    )
    numbers = op.create_table(
        "fleet_numbers",
        sa.Column("id", sa.Integer, sa.CheckConstraint("id = 1"), primary_key=True),
        sa.Column("latest", sa.BigInteger, nullable=False),
        sa.Column("forget", sa.BigInteger, nullable=False),
    )
    op.bulk_insert(numbers, [{"id": 1, "latest": 0, "forget": 0}])
    op.create_table(
        "switches",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
    )
