"""Makes the tables of a fresh database by the statements that its first migration in this process ran.

Alembic takes twenty to fifty milliseconds for what SQLite does in two, and thousands of tests open a database of their
own.
"""

import sys

MIGRATE = "trimtab.infra.storage.migrate"


def install():
    """Let databases be made so, once their module is imported."""
    migrate = sys.modules.get(MIGRATE)
    if migrate is not None and not isinstance(migrate.upgrade, Replay):
        migrate.upgrade = Replay(migrate)


class Replay:
    """Runs a chain's migrations, and repeats their statements on every other database without tables of the chain.

    Args:
        migrate: The module whose function it takes the place of.
    """

    def __init__(self, migrate):
        self._migrate, self._upgrade = migrate, migrate.upgrade
        self._statements = {}

    def __call__(self, connection, chain):
        newest = self._migrate.newest(chain)
        key = (connection.dialect.name, self._migrate.MIGRATIONS, chain, newest)
        if self._migrate.current(connection, chain) is not None:
            self._upgrade(connection, chain)
        elif key in self._statements:
            for statement, parameters in self._statements[key]:
                connection.exec_driver_sql(statement, parameters or None)
        else:
            self._statements[key] = self._recorded(connection, chain)

    def _recorded(self, connection, chain):
        import sqlalchemy as sa  # Tests without a database do without it.

        found = []

        def note(_connection, _cursor, statement, parameters, _context, _many):
            if not statement.lstrip().upper().startswith(("SELECT", "PRAGMA")):
                found.append((statement, parameters))

        sa.event.listen(connection, "before_cursor_execute", note)
        try:
            self._upgrade(connection, chain)
        finally:
            sa.event.remove(connection, "before_cursor_execute", note)
        return found
