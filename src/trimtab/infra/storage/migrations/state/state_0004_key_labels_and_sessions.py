"""Access labels of API keys, and console sessions that were ended by signing out."""

import sqlalchemy as sa
from alembic import op

revision = "state_0004"
down_revision = "state_0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("api_keys", sa.Column("labels", sa.Text, nullable=False, server_default=""))
    op.create_table(
        "ended_sessions",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("expires_at", sa.Float, nullable=False),
    )
