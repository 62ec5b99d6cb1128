"""Which engine searches each project's vectors, and what lies in engines outside this process."""

from alembic import op

revision = "knowledge_0002"
down_revision = "knowledge_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    on_postgresql = op.get_bind().dialect.name == "postgresql"
    text, ending = ('TEXT COLLATE "C"', "") if on_postgresql else ("TEXT", " WITHOUT ROWID")
    op.execute(f"ALTER TABLE projects ADD COLUMN engine {text} NOT NULL DEFAULT 'embedded'")
    # A space is written down before it is made, so that whatever ends the process, nothing is left behind unknown.
    op.execute(
        f"CREATE TABLE engine_spaces (engine {text} NOT NULL, space {text} NOT NULL,"
        f" PRIMARY KEY (engine, space)){ending}"
    )
