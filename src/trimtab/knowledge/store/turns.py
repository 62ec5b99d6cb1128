"""Work that one process at a time does for all of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256

from trimtab.infra.storage import Database


@contextmanager
def try_turn(database: Database, work: str, *, shared: bool = False) -> Iterator[bool]:
    """Provide whether this process may do the work now: no other one does it.

    PostgreSQL takes the turn away from a process that dies. On SQLite there is one process.

    Args:
        database: Of the processes.
        work: Its name.
        shared: Several processes may do it, but none that does not share.
    """
    if database.engine.dialect.name == "sqlite":
        yield True
        return
    from trimtab.infra.storage.postgresql import PostgresDatabase

    assert isinstance(database, PostgresDatabase)  # noqa: S101 - the only other engine; for mypy.
    key = int.from_bytes(sha256(work.encode()).digest()[:8], "big", signed=True)
    with database.server.direct() as connection:
        function = "pg_try_advisory_lock_shared" if shared else "pg_try_advisory_lock"
        row = connection.execute(f"SELECT {function}(%s)", (key,)).fetchone()
        yield row is not None and bool(row[0])
