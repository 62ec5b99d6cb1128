"""Alerts received from outside, and silences."""

import sqlalchemy as sa
from alembic import op

revision = "incidents_0003"
down_revision = "incidents_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "received_alerts",
        sa.Column("fingerprint", sa.String(100), primary_key=True),
        sa.Column("name", sa.String(1024), nullable=False),
        sa.Column("labels", sa.Text, nullable=False),
        sa.Column("annotations", sa.Text, nullable=False),
        sa.Column("source", sa.String(100), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("starts_at", sa.String(32), nullable=False),
        sa.Column("ends_at", sa.String(32)),
        sa.Column("updated_at", sa.String(32), nullable=False),
        sa.Column("group_key", sa.String(400), nullable=False),
        sa.Column("generator_url", sa.Text, nullable=False),
        sa.Column("incident_id", sa.String(40), nullable=False),
        sa.Column("pending", sa.Integer, nullable=False),
        sa.Column("suppressed_by", sa.Text, nullable=False),
        sa.Column("changes", sa.Integer, nullable=False),
        sa.Column("changes_since", sa.String(32)),
        sa.Column("flapping", sa.Integer, nullable=False),
        sa.Column("times", sa.Integer, nullable=False),
    )
    op.create_index("received_alerts_by_pending", "received_alerts", ["pending", "group_key"])
    op.create_index("received_alerts_by_incident", "received_alerts", ["incident_id", "state"])
    op.create_index("received_alerts_by_end", "received_alerts", ["state", "ends_at"])
    op.create_table(
        "alert_silences",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("matchers", sa.Text, nullable=False),
        sa.Column("starts_at", sa.String(32), nullable=False),
        sa.Column("ends_at", sa.String(32), nullable=False),
        sa.Column("created_by", sa.String(200), nullable=False),
        sa.Column("comment", sa.Text, nullable=False),
        sa.Column("updated_at", sa.String(32), nullable=False),
        sa.Column("maintenance", sa.Integer, nullable=False),
    )
