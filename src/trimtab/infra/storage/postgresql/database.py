"""Databases on PostgreSQL: a schema per chain, one writer at a time over all processes."""

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from time import monotonic
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg.rows import namedtuple_row

from trimtab.infra.storage import migrate
from trimtab.infra.storage.database import Database, caller
from trimtab.infra.storage.errors import DatabaseUnsafe
from trimtab.infra.storage.postgresql.connection import BoundedConnection
from trimtab.infra.storage.postgresql.errors import STORAGE_ERRORS, translate
from trimtab.infra.storage.postgresql.server import PostgresServer
from trimtab.infra.storage.transactions import SLOW_SECONDS, Transactions

_LOCK_SECONDS = 30
_IDLE_SECONDS = 15
"""A process that is frozen in a write transaction keeps all others from writing; the server ends
its session after this time, before the others give up waiting."""
_MIGRATE_SECONDS = 600
_FOREIGN_ORDER = """
SELECT table_schema || '.' || table_name || '.' || column_name
FROM information_schema.columns
WHERE table_schema = ANY(%s) AND data_type = 'text' AND collation_name IS DISTINCT FROM 'C'
LIMIT 1
"""


class PostgresDatabase(Database):
    """The tables of some chains in a PostgreSQL database, each chain in a schema of its name.

    Args:
        server: Where they are.
        name: Names the write lock: databases of one name, in any process, write in turn.
        chains: The domains whose tables it holds.

    Raises:
        SchemaTooNew: A newer release has written the tables.
        DatabaseUnsafe: The server may lose commits, or a column orders texts by a language.
        Unavailable: The server cannot be reached.
    """

    def __init__(self, server: PostgresServer, name: str, chains: tuple[str, ...]) -> None:
        self.server = server
        self.marks = server.marks
        self.name = name
        self.chains = chains
        self.changes = 0
        self.transactions = Transactions(name)
        self.write_key = int.from_bytes(sha256(name.encode()).digest()[:8], "big", signed=True)
        """Key of the advisory lock of a write transaction."""
        path = ", ".join(f'"{chain}"' for chain in chains)
        session = (
            f"SET LOCAL search_path = {path}, public; SET LOCAL synchronous_commit = on;"
            f" SET LOCAL lock_timeout = '{_LOCK_SECONDS}s';"
        )
        self._begin_read = f"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; {session}"
        self._begin_write = (
            f"BEGIN ISOLATION LEVEL READ COMMITTED; {session}"
            f" SET LOCAL idle_in_transaction_session_timeout = '{_IDLE_SECONDS}s';"
            f" SELECT pg_advisory_xact_lock({self.write_key})"
        )
        self.engine = server.engine()
        try:
            server.check()
            self._migrate()
        except BaseException:
            self.close()
            raise

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """Open a read transaction with one consistent snapshot."""
        began, code = monotonic(), caller()
        try:
            with self.engine.connect() as connection, connection.begin():
                driver = _driver(connection)
                self.transactions.running[id(connection)] = (began, code, driver)
                try:
                    connection.exec_driver_sql(self._begin_read)
                    yield connection
                finally:
                    del self.transactions.running[id(connection)]
        except STORAGE_ERRORS as error:
            self._raise_translated(error)
            raise
        finally:
            if (took := monotonic() - began) > SLOW_SECONDS:
                self.transactions.note(code, took)

    def fetch_first(self, query: str, *parameters: object) -> Any | None:
        """Return the first row of one query; see `ServerReads.fetch_first`."""
        try:
            pooled = self.engine.raw_connection()
            try:
                driver = pooled.driver_connection
                assert isinstance(driver, BoundedConnection)  # noqa: S101 - see `PostgresServer.engine`.
                with driver.cursor(row_factory=namedtuple_row) as cursor:
                    row = cursor.execute(query, parameters).fetchone()
            except BaseException:
                pooled.invalidate()  # The server may be gone, or an answer still under way.
                raise
            pooled.close()
        except STORAGE_ERRORS as error:
            self._raise_translated(error)
            raise
        return row

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """Open a write transaction that commits at the end.

        It holds the database's advisory lock from its start, so that all processes write in turn.
        An exception rolls the whole transaction back.
        """
        began, code, committing = monotonic(), caller(), False
        try:
            with self.engine.connect() as connection:
                driver = _driver(connection)
                self.transactions.running[id(connection)] = (began, code, driver)
                try:
                    with connection.begin():
                        connection.exec_driver_sql(self._begin_write)
                        yield connection
                        committing = True
                finally:
                    del self.transactions.running[id(connection)]
                    self.changes += 1
        except STORAGE_ERRORS as error:
            self._raise_translated(error, committing=committing)
            raise
        finally:
            if (took := monotonic() - began) > SLOW_SECONDS:
                self.transactions.note(code, took)

    def scrub(self) -> None:
        """Remove the dead rows of all tables; copies in the server's log and backups remain."""
        with self.server.direct() as connection:
            try:
                for table in self._tables(connection):
                    connection.execute(f"VACUUM {table}")
            except psycopg.Error as error:
                self._raise_translated(error)
                raise
        self.changes += 1

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    def _migrate(self) -> None:
        """Create the schemas and run pending revisions, one process at a time."""
        try:
            with self.engine.connect() as connection, connection.begin():
                connection.exec_driver_sql(
                    f"BEGIN; SET LOCAL lock_timeout = '{_MIGRATE_SECONDS}s';"
                    f" SELECT pg_advisory_xact_lock({self.write_key})"
                )
                for chain in self.chains:
                    connection.exec_driver_sql(f'CREATE SCHEMA IF NOT EXISTS "{chain}"')
                for chain in self.chains:
                    others = ", ".join(f'"{each}"' for each in self.chains if each != chain)
                    path = ", ".join(filter(None, (f'"{chain}"', others, "public")))
                    connection.exec_driver_sql(f"SET LOCAL search_path = {path}")
                    migrate.upgrade(connection, chain)
                found = connection.exec_driver_sql(_FOREIGN_ORDER, (list(self.chains),)).scalar()
        except STORAGE_ERRORS as error:
            self._raise_translated(error)
            raise
        if found:
            raise DatabaseUnsafe(
                f"The column {found} orders texts by a language, so that times would be out of"
                " order.",
                hint='Restore the schema as trimtab made it: text columns have COLLATE "C".',
            )

    def _tables(self, connection: BoundedConnection) -> list[str]:
        rows = connection.execute(
            "SELECT format('%%I.%%I', schemaname, tablename) FROM pg_tables"
            " WHERE schemaname = ANY(%s) ORDER BY 1",
            (list(self.chains),),
        ).fetchall()
        return [row[0] for row in rows]

    def _raise_translated(self, error: Exception, *, committing: bool = False) -> None:
        """Raise trimtab's error for that of the storage, if there is one."""
        if (ours := translate(self.name, error, committing=committing)) is not None:
            raise ours from error


def _driver(connection: sa.Connection) -> BoundedConnection:
    driver = connection.connection.driver_connection
    assert isinstance(driver, BoundedConnection)  # noqa: S101 - see `PostgresServer.engine`.
    return driver
