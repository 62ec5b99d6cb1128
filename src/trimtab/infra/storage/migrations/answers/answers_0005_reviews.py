"""Which answers wait for a person's look."""

import sqlalchemy as sa
from alembic import op

revision = "answers_0005"
down_revision = "answers_0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "answer_reviews",
        sa.Column("trace_id", sa.String(64), primary_key=True),
        sa.Column("reason", sa.String(30), nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("done_at", sa.String(32), nullable=False),
        sa.Column("done_by", sa.String(200), nullable=False),
    )
    op.create_index("answer_reviews_waiting", "answer_reviews", ["done_at", "at"])
