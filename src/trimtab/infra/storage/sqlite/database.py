"""SQLite databases with many readers, one writer and durable commits."""

import errno
import logging
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

import sqlalchemy as sa

from trimtab.infra.storage import migrate
from trimtab.infra.storage.database import Database, caller
from trimtab.infra.storage.errors import DataDirectoryUnusable
from trimtab.infra.storage.sqlite.integrity.file_guard import FileGuard
from trimtab.infra.storage.transactions import SLOW_SECONDS, Transactions
from trimtab.kernel.errors import Corrupt, StorageFull, TrimtabError, Unavailable

_BUSY_SECONDS = 30
_LITTLE_BYTES = 1024 * 1024
_SIGNS_OF_DAMAGE = (
    "malformed",
    "not a database",
    "disk i/o error",
    "could not decode to utf-8",
    # The schema was checked at the start, so a missing table or column means damage.
    "no such column",
    "no such table",
)
_STORAGE_ERRORS = (
    sa.exc.DBAPIError,
    sa.exc.TimeoutError,
    sqlite3.Error,
    UnicodeDecodeError,
    OSError,
)
_log = logging.getLogger(__name__)


class SqliteDatabase(Database):
    """A SQLite database with this release's schema.

    Args:
        file: The database; created when missing.
        chains: The domains whose tables it holds, each a folder of Alembic revisions in
            ``migrations/``.
        page_sums: Keep a checksum of every page, for tables whose rows have none.
        keep_pages: Keep damaged pages of the write-ahead log, for tables whose rows have checksums.

    Raises:
        SchemaTooNew: A newer release has written the file.
        Corrupt: The file is not a readable SQLite database, or it was damaged.
    """

    def __init__(
        self,
        file: Path,
        chains: tuple[str, ...],
        *,
        page_sums: bool = False,
        keep_pages: bool = False,
    ) -> None:
        self.file = file
        self.name = file.name
        self.chains = chains
        self._writers = threading.RLock()
        self.changes = 0
        self.transactions = Transactions(file.name)
        self.guard = FileGuard(file, page_sums=page_sums, keep_pages=keep_pages)
        self.engine = _engine(file, self.guard)
        try:
            with translate_errors(file), self.engine.connect():
                self.guard.check_commits()
            with self.write() as connection:
                for chain in chains:
                    migrate.upgrade(connection, chain)
        except BaseException:
            self.close()
            raise

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """Open a read transaction with one consistent snapshot."""
        began, code = monotonic(), caller()
        try:
            with self.engine.connect() as connection, connection.begin():
                driver = connection.connection.driver_connection
                assert isinstance(driver, sqlite3.Connection)  # noqa: S101 - see `_engine`.
                key = id(connection)
                self.transactions.running[key] = (began, code, driver)
                try:
                    connection.exec_driver_sql("BEGIN")
                    yield connection
                finally:
                    del self.transactions.running[key]
        except _STORAGE_ERRORS as error:
            _raise_translated(self.file, error)
            raise
        finally:
            if (took := monotonic() - began) > SLOW_SECONDS:
                self.transactions.note(code, took)

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """Open a write transaction that commits at the end.

        It holds the write lock from its start. An exception rolls the whole transaction back.
        """
        began, code = monotonic(), caller()
        try:
            with self._writers, self.engine.connect() as connection:
                driver = connection.connection.driver_connection
                assert isinstance(driver, sqlite3.Connection)  # noqa: S101 - see `_engine`.
                before, key = driver.total_changes, id(connection)
                self.transactions.running[key] = (began, code, driver)
                try:
                    with connection.begin():
                        connection.exec_driver_sql("BEGIN IMMEDIATE")
                        yield connection
                        if changed := driver.total_changes != before:
                            self.guard.count_commit(driver)
                finally:
                    del self.transactions.running[key]
                    self.changes += 1
                if changed:
                    self.guard.acknowledge(driver)
        except _STORAGE_ERRORS as error:
            _raise_translated(self.file, error)
            raise
        finally:
            if (took := monotonic() - began) > SLOW_SECONDS:
                self.transactions.note(code, took)

    @contextmanager
    def outside_transaction(self) -> Iterator[sqlite3.Connection]:
        """Open the connection of the only writer without a transaction: for VACUUM and the like."""
        with self._writers, translate_errors(self.file), self.engine.connect() as connection:
            driver = connection.connection.driver_connection
            assert isinstance(driver, sqlite3.Connection)  # noqa: S101 - see `_engine`.
            try:
                yield driver
            finally:
                self.changes += 1
            self.guard.acknowledge(driver)

    def scrub(self) -> None:
        """Move the write-ahead log into the file, so neither holds deleted content.

        Deleted content is overwritten with zeros in the file (``secure_delete``); older copies of a
        page stay in the log until it is emptied. Waits for readers of an older snapshot.

        Raises:
            Unavailable: A reader kept the log busy; try again later.
        """
        with self._writers, translate_errors(self.file), self.engine.connect() as plain:
            self.guard.checkpoint()
            connection = plain.execution_options(isolation_level="AUTOCOMMIT")
            cursor = connection.connection.cursor()
            try:
                busy = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
            finally:
                cursor.close()
        if busy:
            raise Unavailable(f"The log of {self.file} is in use.", hint="Repeat the call.")

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()
        self.guard.close()

    @property
    def lost_commits(self) -> int:
        """Number of acknowledged commits that were missing at this start."""
        return self.guard.lost_commits


def _engine(file: Path, guard: FileGuard) -> sa.Engine:
    engine = sa.create_engine(f"sqlite:///{file}", connect_args={"timeout": _BUSY_SECONDS})

    @sa.event.listens_for(engine, "connect")
    def _prepare(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # `read` and `write` begin transactions themselves.
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA secure_delete=ON")  # Erasure requests must leave no bytes.
        if guard.checkpoints:
            connection.execute("PRAGMA wal_autocheckpoint=0")

    return engine


@contextmanager
def translate_errors(file: Path) -> Iterator[None]:
    """Translate errors of SQLAlchemy, SQLite and the file system into trimtab's.

    Raises:
        StorageFull, Corrupt, DataDirectoryUnusable, Unavailable: By the message; others pass
        unchanged.
    """
    try:
        yield
    except _STORAGE_ERRORS as error:
        _raise_translated(file, error)
        raise


def _raise_translated(file: Path, error: Exception) -> None:
    """Raise trimtab's error for that of the storage, if there is one."""
    if isinstance(error, OSError):
        ours: TrimtabError | None = None
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            ours = _full(file)
    elif isinstance(error, sa.exc.TimeoutError):
        _log.error("Connection pool exhausted", extra={"database": file.name})
        ours = Unavailable(
            f"Connection pool exhausted: all connections to {file.name} are in use.",
            hint="Repeat the call; `trimtab queries` shows what runs.",
        )
    elif isinstance(error, UnicodeDecodeError):
        # SQLite quotes a damaged table's definition in its message, byte for byte.
        ours = _error(file, "malformed schema")
    else:
        message = error.orig if isinstance(error, sa.exc.DBAPIError) else error
        ours = _error(file, str(message).lower())
    if ours is not None:
        raise ours from error


def _full(file: Path) -> StorageFull:
    return StorageFull(f"The disk of {file} is full; nothing was written.")


def _error(file: Path, message: str) -> TrimtabError | None:
    # Without space for its shared memory SQLite reports "disk I/O error", not "disk is full".
    if "disk is full" in message or ("disk i/o error" in message and _no_room(file.parent)):
        return _full(file)
    if any(sign in message for sign in _SIGNS_OF_DAMAGE):
        return Corrupt(
            f"The database {file} is damaged: {message}.",
            hint=(
                "`trimtab knowledge recover` repairs knowledge.db; restore another file from your"
                " own backup."
            ),
        )
    if "readonly" in message or "unable to open" in message:
        return DataDirectoryUnusable(
            f"The database {file} cannot be written: {message}.",
            hint="Check the permissions of the data directory.",
        )
    if message == "interrupted":
        return Unavailable(
            f"A query of {file.name} was ended because it ran too long.", hint="Repeat the call."
        )
    if "locked" in message:
        return Unavailable(
            f"The database {file} stayed locked for {_BUSY_SECONDS} s.", hint="Repeat the call."
        )
    return None


def _no_room(folder: Path) -> bool:
    return shutil.disk_usage(folder).free < _LITTLE_BYTES
