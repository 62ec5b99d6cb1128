"""Migrates a chain of tables to this release's schema with Alembic."""

from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from trimtab.infra.storage.errors import SchemaTooNew

if TYPE_CHECKING:
    from alembic.runtime.migration import MigrationContext

MIGRATIONS = Path(__file__).parent / "migrations"


def upgrade(connection: sa.Connection, chain: str) -> None:
    """Run the pending revisions of a chain in the connection's transaction.

    Raises:
        SchemaTooNew: The database has a revision that this release does not know.
    """
    if current(connection, chain) != newest(chain):
        _run(connection, chain)


def newest(chain: str) -> str:
    """Return the chain's newest revision, from the names ``<chain>_<number>_<subject>.py``."""
    last = max(file.stem for file in (MIGRATIONS / chain).glob(f"{chain}_*.py"))
    return f"{chain}_{last.removeprefix(f'{chain}_').partition('_')[0]}"


def current(connection: sa.Connection, chain: str) -> str | None:
    """Return the chain's revision in the database, None without its tables."""
    table = f"schema_{chain}"
    if not sa.inspect(connection).has_table(table):
        return None
    return connection.scalar(sa.select(sa.column("version_num")).select_from(sa.table(table)))


def _run(connection: sa.Connection, chain: str) -> None:
    # Imported late: Alembic loads slowly, and most starts have nothing to migrate.
    from alembic.operations import Operations
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory
    from alembic.util.exc import CommandError

    script = ScriptDirectory(str(MIGRATIONS), version_locations=[str(MIGRATIONS / chain)])

    def steps(revision: object, _context: "MigrationContext") -> object:
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
