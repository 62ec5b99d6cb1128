"""An index of the feedback of a user by time, which the limit per minute reads for each item."""

from alembic import op

revision = "review_0002"
down_revision = "review_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("review_feedback_by_user", "review_feedback", ["user_id", "given_at"])
