"""A mark on PostgreSQL that every change of a project replaces, by which other processes see it."""

from alembic import op

revision = "knowledge_0006"
down_revision = "knowledge_0005"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
    CREATE TABLE project_changes (
        id BIGINT PRIMARY KEY DEFAULT 1 CHECK (id = 1), mark TEXT COLLATE "C" NOT NULL)
    """,
    # The mark is random: a number of a restored database would come again for another change.
    """
    CREATE FUNCTION mark_project_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        EXECUTE format(
            'INSERT INTO %I.project_changes (mark) VALUES (gen_random_uuid()::text)'
            ' ON CONFLICT (id) DO UPDATE SET mark = excluded.mark', TG_TABLE_SCHEMA);
        RETURN NULL;
    END $$
    """,
    """
    CREATE TRIGGER projects_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON projects
        FOR EACH STATEMENT EXECUTE FUNCTION mark_project_change()
    """,
    "INSERT INTO project_changes (mark) VALUES (gen_random_uuid()::text)",
)


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for statement in _STATEMENTS:
            op.execute(statement)
