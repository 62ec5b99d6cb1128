"""Why feedback is as it is, such as a slow answer."""

import sqlalchemy as sa
from alembic import op

revision = "answers_0006"
down_revision = "answers_0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "answer_feedback", sa.Column("reason", sa.String(30), nullable=False, server_default="")
    )
    # A signal counts the last hour's at every scrape.
    op.create_index("answer_feedback_at", "answer_feedback", ["at"])
