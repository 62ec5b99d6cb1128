"""One-time sign-in links, so that any process redeems one that another has made."""

import sqlalchemy as sa
from alembic import op

revision = "state_0007"
down_revision = "state_0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sign_in_links",
        sa.Column("hash", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("credential", sa.Text, nullable=False),
        sa.Column("expires_at", sa.Float, nullable=False),
    )
