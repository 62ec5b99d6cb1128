"""What the service keeps to watch its own answers: samples, baselines, canary and evaluation runs, shadow pairs."""

import sqlalchemy as sa
from alembic import op

revision = "answers_0004"
down_revision = "answers_0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "watch_samples",
        sa.Column("trace_id", sa.String(64), primary_key=True),
        sa.Column("user_id", sa.String(200), nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("model_id", sa.String(200), nullable=False),
        sa.Column("cosine", sa.Float, nullable=False),
        sa.Column("vector", sa.LargeBinary, nullable=False),
    )
    op.create_index("watch_samples_at", "watch_samples", ["at"])
    op.create_index("watch_samples_user", "watch_samples", ["user_id"])
    op.create_table(
        "watch_baselines",
        sa.Column("kind", sa.String(50), primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("actor", sa.String(200), nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "shadow_pairs",
        sa.Column("trace_id", sa.String(64), primary_key=True),
        sa.Column("candidate", sa.String(100), primary_key=True),
        sa.Column("user_id", sa.String(200), nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_index("shadow_pairs_user", "shadow_pairs", ["user_id"])
