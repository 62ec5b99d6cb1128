"""At most one open incident of a group: unique over all processes of a database.

Rows of earlier releases have no value until their incident changes for the first time.
"""

import sqlalchemy as sa
from alembic import op

revision = "incidents_0005"
down_revision = "incidents_0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("incidents", sa.Column("open_group", sa.Text))
    op.create_index("incidents_open_group", "incidents", ["open_group"], unique=True)
