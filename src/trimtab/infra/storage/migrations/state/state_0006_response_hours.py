"""Response times of the last days by hour."""

import sqlalchemy as sa
from alembic import op

revision = "state_0006"
down_revision = "state_0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "response_hours",
        sa.Column("hour", sa.Text, primary_key=True),
        sa.Column("total_ms", sa.Float, nullable=False),
        sa.Column("minutes", sa.Integer, nullable=False),
    )
