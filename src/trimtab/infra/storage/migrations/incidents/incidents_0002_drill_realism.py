"""How real each drill proof is; older proofs count as simulated."""

import sqlalchemy as sa
from alembic import op

revision = "incidents_0002"
down_revision = "incidents_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "drill_proofs",
        sa.Column("realism", sa.String(20), nullable=False, server_default="simulated"),
    )
    op.add_column(
        "drill_proofs",
        sa.Column(
            "reason",
            sa.Text,
            nullable=False,
            server_default="the drill was run before realism was recorded",
        ),
    )
