"""Overrides of on-call schedules."""

import sqlalchemy as sa
from alembic import op

revision = "incidents_0004"
down_revision = "incidents_0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "oncall_overrides",
        sa.Column("id", sa.String(60), primary_key=True),
        sa.Column("schedule", sa.String(200), nullable=False),
        sa.Column("person", sa.String(200), nullable=False),
        sa.Column("starts_at", sa.String(32), nullable=False),
        sa.Column("ends_at", sa.String(32), nullable=False),
        sa.Column("created_by", sa.String(200), nullable=False),
    )
