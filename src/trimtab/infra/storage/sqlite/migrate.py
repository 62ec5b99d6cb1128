"""Migrates a chain of tables to this release's schema with Alembic."""

from pathlib import Path

import sqlalchemy as sa
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError

from trimtab.infra.storage.errors import SchemaTooNew


def upgrade(connection: sa.Connection, migrations: Path, chain: str) -> None:
    """Run the pending revisions of a chain in the connection's transaction.

    Raises:
        SchemaTooNew: The database has a revision that this release does not know.
    """
    script = ScriptDirectory(str(migrations), version_locations=[str(migrations / chain)])

    def steps(revision: object, _context: MigrationContext) -> object:
        return script._upgrade_revs("head", revision)  # type: ignore[arg-type]  # noqa: SLF001

    context = MigrationContext.configure(
        connection, opts={"version_table": f"schema_{chain}", "fn": steps, "script": script}
    )
    try:
        with Operations.context(context):
            context.run_migrations()
    except CommandError as error:
        raise SchemaTooNew(
            f"The {chain} tables have schema {context.get_current_revision()}, which this release"
            " does not know."
        ) from error
