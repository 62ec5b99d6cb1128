"""Review queues, annotations, archives, the feedback queue and its candidates."""

import sqlalchemy as sa
from alembic import op

revision = "review_0001"
down_revision = None
branch_labels = None
depends_on = None


def _text(name: str, length: int, *, default: str | None = "") -> sa.Column[str]:
    return sa.Column(name, sa.String(length), nullable=False, server_default=default)


def upgrade() -> None:
    _create_review_items()
    _create_review_annotations()
    _create_review_skips()
    _create_review_archives()
    _create_review_feedback()
    _create_review_candidates()


def _create_review_items() -> None:
    op.create_table(
        "review_items",
        sa.Column("id", sa.String(64), primary_key=True),
        _text("queue", 40, default=None),
        _text("source", 20, default=None),
        _text("subject", 200, default=None),
        _text("reason", 60, default=None),
        _text("project", 200),
        _text("owner", 300),
        _text("text", 2000),
        sa.Column("needed", sa.Integer, nullable=False),
        _text("state", 20, default=None),
        _text("lease_by", 200),
        _text("lease_at", 40),
        _text("lease_until", 40),
        _text("added_at", 40, default=None),
        _text("done_at", 40),
        _text("archive", 64),
        sa.UniqueConstraint("source", "subject", name="review_items_subject"),
    )
    op.create_index("review_items_open", "review_items", ["state", "queue", "added_at"])
    op.create_index("review_items_by_subject", "review_items", ["subject"])


def _create_review_annotations() -> None:
    op.create_table(
        "review_annotations",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column(
            "item",
            sa.String(64),
            sa.ForeignKey("review_items.id", ondelete="CASCADE"),
            nullable=False,
        ),
        _text("annotator", 200, default=None),
        _text("kind", 20, default=None),
        _text("verdict", 20, default=None),
        _text("failure_type", 60),
        _text("answer", 4000),
        _text("documents", 2000, default="[]"),
        _text("note", 2000),
        sa.Column("seconds", sa.Float, nullable=False),
        _text("at", 40, default=None),
        sa.UniqueConstraint("item", "annotator", name="review_annotations_once"),
    )


def _create_review_skips() -> None:
    op.create_table(
        "review_skips",
        sa.Column(
            "item",
            sa.String(64),
            sa.ForeignKey("review_items.id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("annotator", sa.String(200), primary_key=True),
        _text("reason", 500),
        _text("at", 40, default=None),
    )


def _create_review_archives() -> None:
    op.create_table(
        "review_archives",
        sa.Column("id", sa.String(64), primary_key=True),
        _text("queue", 40, default=None),
        _text("at", 40, default=None),
        _text("by", 200, default=None),
        sa.Column("items", sa.Integer, nullable=False),
        _text("restored_at", 40),
    )


def _create_review_feedback() -> None:
    op.create_table(
        "review_feedback",
        sa.Column("id", sa.String(64), primary_key=True),
        _text("trace_id", 64, default=None),
        _text("user_id", 300),
        sa.Column("helpful", sa.Boolean, nullable=False),
        _text("comment", 2000),
        _text("given_at", 40, default=None),
        _text("state", 20, default=None),
        _text("reason", 40),
        _text("added_at", 40, default=None),
        _text("done_at", 40),
        _text("batch", 64),
        _text("archive", 64),
    )
    op.create_index("review_feedback_open", "review_feedback", ["state", "given_at"])
    op.create_index("review_feedback_of", "review_feedback", ["trace_id", "user_id"])


def _create_review_candidates() -> None:
    op.create_table(
        "review_candidates",
        sa.Column("id", sa.String(64), primary_key=True),
        _text("kind", 20, default=None),
        _text("trace_id", 64, default=None),
        _text("owner", 300),
        sa.Column("body", sa.Text, nullable=False),
        _text("state", 20, default=None),
        _text("made_of", 64, default=None),
        _text("at", 40, default=None),
        _text("decided_by", 200),
        _text("decided_at", 40),
    )
    op.create_index("review_candidates_open", "review_candidates", ["state", "kind", "at"])
