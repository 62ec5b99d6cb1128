"""The identity of an installation, and where it came from or went to."""

from uuid import uuid4

import sqlalchemy as sa
from alembic import op

revision = "installation_0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    table = op.create_table(
        "installation",
        # One row, whose key is always 1.
        sa.Column("key", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("moved_from", sa.Text, nullable=False, server_default=""),
        sa.Column("moved_to", sa.Text, nullable=False, server_default=""),
        sa.Column("moved_at", sa.String(40), nullable=False, server_default=""),
    )
    op.execute(sa.insert(table).values(key=1, id=uuid4().hex, state="active"))
