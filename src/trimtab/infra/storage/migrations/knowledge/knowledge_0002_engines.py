"""Which engine searches each project's vectors, and what lies in engines outside this process."""

from alembic import op

revision = "knowledge_0002"
down_revision = "knowledge_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE projects ADD COLUMN engine TEXT NOT NULL DEFAULT 'embedded'")
    # A space is written down before it is made, so that whatever ends the process, nothing is left behind unknown.
    op.execute(
        "CREATE TABLE engine_spaces (engine TEXT NOT NULL, space TEXT NOT NULL,"
        " PRIMARY KEY (engine, space)) WITHOUT ROWID"
    )
