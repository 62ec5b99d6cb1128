"""Dated tasks of people."""

import sqlalchemy as sa
from alembic import op

revision = "calendar_0001"
down_revision = None
branch_labels = None
depends_on = None


def _text(name: str, length: int) -> sa.Column[str]:
    return sa.Column(name, sa.String(length), nullable=False, server_default="")


def upgrade() -> None:
    op.create_table(
        "calendar_tasks",
        sa.Column("id", sa.String(64), primary_key=True),
        _text("kind", 40),
        _text("title", 500),
        _text("owner", 200),
        _text("due_at", 40),
        _text("subject", 200),
        _text("link", 500),
        _text("created_by", 200),
        _text("created_at", 40),
        _text("status", 20),
        _text("note", 2000),
        _text("closed_by", 200),
        _text("closed_at", 40),
        _text("reminded_at", 40),
        sa.Column("escalations", sa.Integer, nullable=False, server_default="0"),
    )
    op.create_index("calendar_tasks_open", "calendar_tasks", ["status", "due_at"])
    op.create_index("calendar_tasks_by_subject", "calendar_tasks", ["subject"])
