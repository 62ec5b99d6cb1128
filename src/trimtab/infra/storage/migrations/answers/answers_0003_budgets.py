"""Budgets: what was spent in a period, and what is reserved for calls under way."""

import sqlalchemy as sa
from alembic import op

revision = "answers_0003"
down_revision = "answers_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "budget_spending",
        sa.Column("name", sa.String(100), primary_key=True),
        sa.Column("period", sa.String(10), primary_key=True),
        sa.Column("spent_micros", sa.BigInteger, nullable=False),
        sa.Column("calls", sa.BigInteger, nullable=False),
        sa.Column("input_tokens", sa.BigInteger, nullable=False),
        sa.Column("output_tokens", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "budget_reservations",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("period", sa.String(10), nullable=False),
        sa.Column("micros", sa.BigInteger, nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
    )
    op.create_index("budget_reservations_name", "budget_reservations", ["name", "period"])
    op.add_column(
        "answer_traces",
        sa.Column("exported", sa.Boolean, nullable=False, server_default=sa.false()),
    )
    op.create_index("answer_traces_exported", "answer_traces", ["exported"])
