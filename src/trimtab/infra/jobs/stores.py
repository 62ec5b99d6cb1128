"""Storage of the engine of durable jobs: a SQLite file or a PostgreSQL database."""

import logging
import sqlite3
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import sqlalchemy as sa

from trimtab.infra.storage import FileGuard
from trimtab.kernel.clock import Clock
from trimtab.kernel.errors import Corrupt, Unavailable

if TYPE_CHECKING:
    from trimtab.infra.storage.postgresql import PostgresServer

POSTGRES_CONNECTIONS = 5
"""Connections of one process for its jobs; one of them listens for messages."""
_MIGRATION_LOCK = (0x7472, 0x6A6F)
_MIGRATION_SECONDS = 120.0
_ASK_SECONDS = 0.1
_log = logging.getLogger(__name__)


class JobStore(Protocol):
    """The records of the engine.

    Attributes:
        url: Names the engine's kind to DBOS; it connects through `engine`.
        engine: Its connections.
    """

    url: str
    engine: sa.Engine

    def migrating(self) -> AbstractContextManager[object]:
        """Hold what keeps other processes from changing the schema at the same time."""

    def close(self) -> None:
        """Close all connections."""


class SqliteJobStore:
    """Keeps jobs in a SQLite file.

    Args:
        file: Created when missing; one that cannot be repaired is kept under another name.
        clock: Names the damaged file.
    """

    def __init__(self, file: Path, clock: Clock) -> None:
        self.url = f"sqlite:///{file}"
        self._guard = _guarded(file, clock)
        self.engine = _engine(self.url)
        self._guard.attach(self.engine)
        self._guard.check_commits()  # Before DBOS writes anything.

    def migrating(self) -> AbstractContextManager[object]:
        """Return nothing to hold: a data directory has one process."""
        return nullcontext()

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()
        self._guard.close()


class PostgresJobStore:
    """Keeps jobs in the schema ``dbos`` of a PostgreSQL database.

    The connections do not go through a pooler, because DBOS listens for notifications.
    """

    def __init__(self, server: "PostgresServer") -> None:
        self.url = "postgresql+psycopg:///jobs"
        self.engine = server.transaction_engine(POSTGRES_CONNECTIONS, self._check_open)
        self._server = server
        self._closed = False

    @contextmanager
    def migrating(self) -> Iterator[None]:
        """Hold a session lock, so that several first starts create the tables once.

        The lock is tried at intervals: DBOS builds indexes concurrently, which waits for every
        query that was under way, and so for one that would wait for the lock.

        Raises:
            Unavailable: Another process has held it for two minutes.
        """
        taken = "SELECT pg_try_advisory_lock(%s::int, %s::int)"
        until = time.monotonic() + _MIGRATION_SECONDS
        with self._server.direct() as connection:
            while connection.execute(taken, _MIGRATION_LOCK).fetchone() != (True,):
                if time.monotonic() > until:
                    raise Unavailable(
                        "Another process has made the tables of durable jobs for two minutes.",
                        hint="Start this process again once that one serves.",
                    )
                time.sleep(_ASK_SECONDS)
            yield

    def close(self) -> None:
        """Close all connections, and refuse new ones.

        A thread of DBOS that waits for a job of another process would ask the server for ever, and
        the process would not end.
        """
        self._closed = True
        self.engine.dispose()

    def _check_open(self) -> None:
        if self._closed:
            # Not an error of the driver: DBOS repeats a call after those.
            raise Unavailable("The durable jobs of this process are closed.")


def _guarded(file: Path, clock: Clock) -> FileGuard:
    """Return the guard of the jobs' file; replace a file that cannot be repaired.

    The damaged file is kept under another name. The other databases record which jobs are needed:
    their domains start them again when the engine is open.
    """
    try:
        return FileGuard(file, page_sums=True)
    except Corrupt as error:
        kept = f"corrupted_{clock.now():%Y%m%d_%H%M%S}_{file.name}"
        _log.exception(
            "ALERT: the jobs start again with a new file; the damaged one is kept",
            extra={"error_type": "DatabaseError", "reason": error.message, "kept_as": kept},
        )
        for ending in ("", "-wal", "-shm", "-sums", "-commits"):
            part = file.with_name(file.name + ending)
            if part.exists():
                part.replace(file.with_name(kept + ending))
        return FileGuard(file, page_sums=True)


def _engine(url: str) -> sa.Engine:
    engine = sa.create_engine(url, connect_args={"timeout": 30})
    needs_subsec = sqlite3.sqlite_version_info < (3, 42)

    @sa.event.listens_for(engine, "connect")
    def _prepare(connection: sqlite3.Connection, _record: object) -> None:
        # DBOS sets these only on engines that it creates itself.
        connection.isolation_level = "IMMEDIATE"
        connection.execute("PRAGMA busy_timeout=30000")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        if needs_subsec:
            # SQLite before 3.42 has no unixepoch('subsec'), which DBOS relies on for some
            # timestamps.
            connection.create_function("unixepoch", 1, _unixepoch)

    return engine


def _unixepoch(_modifier: str) -> float:
    # Stands in for a database function that reads the machine's clock.
    return time.time()  # noqa: TID251
