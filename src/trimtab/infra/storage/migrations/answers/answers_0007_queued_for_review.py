"""Which reviews and which feedback the review queues have taken."""

import sqlalchemy as sa
from alembic import op

revision = "answers_0007"
down_revision = "answers_0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("answer_reviews", "answer_feedback"):
        queued = sa.Column("queued", sa.Boolean, nullable=False, server_default=sa.false())
        op.add_column(table, queued)
        op.create_index(f"{table}_queued", table, ["queued", "at"])
