"""Storage of the durable jobs: a guarded SQLite file, or PostgreSQL."""

import logging
import sqlite3
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import sqlalchemy as sa

from trimtab.infra.storage import FileGuard
from trimtab.kernel.clock import Clock
from trimtab.kernel.errors import Corrupt

if TYPE_CHECKING:
    from trimtab.infra.storage.postgresql import PostgresServer

_log = logging.getLogger(__name__)
_SCHEMA = "dbos"
_CONNECTIONS = 5
_MIGRATION_LOCK = (0x7472, 0x6A6F)
_MIGRATION_SECONDS = 120


class JobStorage(Protocol):
    """A database for DBOS."""

    config: dict[str, Any]
    """The part of the configuration of DBOS that names the database."""

    def migrating(self) -> AbstractContextManager[object]:
        """Hold what keeps other processes from changing the schema at the same time."""
        ...

    def close(self) -> None:
        """Release the database."""
        ...


def open_storage(place: "Path | PostgresServer", clock: Clock) -> JobStorage:
    """Return the storage in a SQLite file or on a PostgreSQL server."""
    if isinstance(place, Path):
        return _SqliteStorage(place, clock)
    return _PostgresStorage(place)


class _SqliteStorage:
    """A SQLite file that DBOS writes through an engine of ours."""

    def __init__(self, file: Path, clock: Clock) -> None:
        self._guard = _guarded(file, clock)
        self._engine = _engine(file)
        self._guard.attach(self._engine)
        self._guard.check_commits()  # Before DBOS writes anything.
        self.config: dict[str, Any] = {
            "system_database_url": f"sqlite:///{file}",
            "system_database_engine": self._engine,
        }

    def migrating(self) -> AbstractContextManager[object]:
        """Return nothing to hold: the data directory has one process."""
        return nullcontext()

    def close(self) -> None:
        """Close the file."""
        self._engine.dispose()
        self._guard.close()


class _PostgresStorage:
    """A schema of its own, reached past any pooler: DBOS listens for notifications."""

    def __init__(self, server: "PostgresServer") -> None:
        self._server = server
        self.config: dict[str, Any] = {
            "system_database_url": server.direct_url,
            "dbos_system_schema": _SCHEMA,
            "sys_db_pool_size": _CONNECTIONS,
            "db_engine_kwargs": {
                "max_overflow": 0,
                "connect_args": {
                    "application_name": "trimtab jobs",
                    "connect_timeout": 10,
                    "keepalives_idle": 5,
                    "keepalives_interval": 5,
                    "keepalives_count": 2,
                    "tcp_user_timeout": 10_000,
                },
            },
        }

    @contextmanager
    def migrating(self) -> Iterator[None]:
        """Hold a session lock, so that several first starts create the tables once."""
        with self._server.direct() as connection:
            connection.limit = _MIGRATION_SECONDS + 5.0
            connection.execute(f"SET lock_timeout = '{_MIGRATION_SECONDS}s'")
            connection.execute("SELECT pg_advisory_lock(%s::int, %s::int)", _MIGRATION_LOCK)
            yield

    def close(self) -> None:
        """Do nothing: DBOS closes its connections itself."""


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


def _engine(file: Path) -> sa.Engine:
    engine = sa.create_engine(f"sqlite:///{file}", connect_args={"timeout": 30})
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
