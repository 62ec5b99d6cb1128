"""PostgreSQL with pgvector: one table for each project, with an HNSW index once it is large.

Vectors are half floats, as the store has them: nothing is lost, and a table takes half the room.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from trimtab.knowledge.engine_port import TIMEOUT_SECONDS, Point, SearchFilter
from trimtab.knowledge.errors import EngineClientMissing, EngineUnavailable
from trimtab.knowledge.index import EXACT_LIMIT

if TYPE_CHECKING:
    from psycopg import Connection

    from trimtab.infra.storage.postgresql.connection import BoundedConnection

T = TypeVar("T")
# A graph is searched on until enough passages that may be seen are found (pgvector 0.8).
_SESSION = (
    "SET hnsw.ef_search = 200",
    "SET hnsw.iterative_scan = strict_order",
    "SET hnsw.max_scan_tuples = 200000",
)


class PostgresEngine:
    """Searches in PostgreSQL.

    Args:
        url: ``postgresql://user:password@host:5432/database``.
        timeout_seconds: How long one search may take.
        exact_limit: Up to how many passages every vector of a project is compared.

    Raises:
        EngineClientMissing: The extra ``postgres`` is not installed.
    """

    name = "postgres"

    def __init__(self, url: str, timeout_seconds: float, exact_limit: int = EXACT_LIMIT) -> None:
        try:
            import pgvector  # noqa: F401 - only who uses this engine installs it.
            import psycopg  # noqa: F401
        except ImportError as error:
            raise EngineClientMissing.of("postgres") from error
        self._url = url
        self._timeout = timeout_seconds
        self._exact_limit = exact_limit
        self._idle: list[BoundedConnection] = []
        self._lock = threading.Lock()
        self._prepared = False
        self._closed = False

    def ping(self) -> None:
        """Ask for 1."""
        self._run(lambda connection: connection.execute("SELECT 1"))

    def put(self, space: str, points: Sequence[Point]) -> None:
        """Write the points in one transaction."""
        if not points:
            return
        from pgvector import HalfVector

        rows = [
            (p.key, p.stamp, list(p.tags), list(p.labels), HalfVector(p.vector)) for p in points
        ]

        def write(connection: "Connection[Any]") -> None:
            dimension = len(points[0].vector)
            connection.execute(
                f"CREATE TABLE IF NOT EXISTS {_table(space)} (key bigint PRIMARY KEY,"
                " stamp text NOT NULL, tags text[] NOT NULL, labels text[] NOT NULL,"
                f" vector halfvec({dimension}) NOT NULL)"
            )
            with connection.transaction(), connection.cursor() as cursor:
                cursor.executemany(
                    f"INSERT INTO {_table(space)} VALUES (%s, %s, %s, %s, %s)"  # noqa: S608
                    " ON CONFLICT (key) DO UPDATE SET stamp = excluded.stamp, tags = excluded.tags,"
                    " labels = excluded.labels, vector = excluded.vector",
                    rows,
                )

        self._run(write, TIMEOUT_SECONDS)
        self._run(lambda connection: self._make_graph(connection, space), 20 * TIMEOUT_SECONDS)

    def remove(self, space: str, keys: Sequence[int]) -> None:
        """Delete the rows."""

        def delete(connection: "Connection[Any]") -> None:
            if keys and _exists(connection, space):
                statement = f"DELETE FROM {_table(space)} WHERE key = ANY(%s)"  # noqa: S608
                connection.execute(statement, (list(keys),))

        self._run(delete, TIMEOUT_SECONDS)

    def stamps(self, space: str) -> dict[int, str]:
        """Read every key and stamp."""

        def read(connection: "Connection[Any]") -> dict[int, str]:
            if not _exists(connection, space):
                return {}
            statement = f"SELECT key, stamp FROM {_table(space)}"  # noqa: S608
            return dict(connection.execute(statement).fetchall())

        return self._run(read, TIMEOUT_SECONDS)

    def vectors(self, space: str, keys: Sequence[int]) -> dict[int, NDArray[np.float32]]:
        """Read the vectors of those keys."""
        statement = f"SELECT key, vector FROM {_table(space)} WHERE key = ANY(%s)"  # noqa: S608

        def read(connection: "Connection[Any]") -> dict[int, NDArray[np.float32]]:
            found = connection.execute(statement, (list(keys),)).fetchall()
            return {key: np.asarray(half.to_list(), np.float32) for key, half in found}

        return self._run(read)

    def nearest(
        self, space: str, query: NDArray[np.float32], limit: int, seen: SearchFilter
    ) -> list[int]:
        """Order by inner product, which for unit vectors is the cosine."""
        from pgvector import HalfVector

        conditions, given = ["tags @> %(tags)s::text[]"], {"tags": list(seen.tags)}
        if seen.labels is not None:
            conditions.append("(labels = '{}' OR labels && %(labels)s::text[])")
            given["labels"] = list(seen.labels)
        where = "" if seen == SearchFilter() else f" WHERE {' AND '.join(conditions)}"
        statement = (
            f"SELECT key FROM {_table(space)}{where}"  # noqa: S608 - holds no value of a caller.
            " ORDER BY vector <#> %(query)s::halfvec LIMIT %(limit)s"
        )
        values = {**given, "query": HalfVector(query), "limit": limit}
        rows = self._run(lambda connection: connection.execute(statement, values).fetchall())
        return [int(row[0]) for row in rows]

    def drop(self, space: str) -> None:
        """Drop the table."""
        statement = f"DROP TABLE IF EXISTS {_table(space)}"
        self._run(lambda connection: connection.execute(statement), TIMEOUT_SECONDS)

    def close(self) -> None:
        """Close every idle connection."""
        self._closed = True
        self._close_idle()

    def _make_graph(self, connection: "Connection[Any]", space: str) -> None:
        """Create the HNSW index once scanning the table costs more than maintaining one."""
        if _exists(connection, f"{space}_graph"):
            return
        query = f"SELECT count(*) FROM {_table(space)}"  # noqa: S608
        counted = connection.execute(query).fetchone()
        if counted is not None and counted[0] > self._exact_limit:
            connection.execute(
                f'CREATE INDEX IF NOT EXISTS "{space}_graph" ON {_table(space)}'
                " USING hnsw (vector halfvec_ip_ops)"
            )

    def _run(self, work: "Callable[[BoundedConnection], T]", timeout: int = 1) -> T:
        import psycopg

        with self._lock:
            idle = self._idle.pop() if self._idle else None
        try:
            with self._borrow(idle or self._connect()) as connection:
                connection.limit = self._timeout * timeout
                return work(connection)
        except (psycopg.Error, OSError) as error:
            # The others lead to the same server: after a restart or a cut they are dead too.
            self._close_idle()
            kind = type(error).__name__
            # It may have been idle over a restart of the server; one that is silent would stay so.
            if idle is not None and "Timeout" not in kind:
                return self._run(work, timeout)
            raise EngineUnavailable(f"PostgreSQL failed: {kind}.") from error

    @contextmanager
    def _borrow(self, connection: "BoundedConnection") -> "Iterator[BoundedConnection]":
        """Lend a connection; one that failed is not lent again.

        psycopg's own pool lets callers wait until they time out; here they fail at once.
        """
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        with self._lock:
            if not self._closed:
                self._idle.append(connection)
                return
        connection.close()

    def _connect(self) -> "BoundedConnection":
        from pgvector.psycopg import register_vector

        from trimtab.infra.storage.postgresql.connection import BoundedConnection

        connection = BoundedConnection.connect(
            self._url, autocommit=True, connect_timeout=max(2, round(self._timeout))
        )
        connection.limit = self._timeout
        try:
            if not self._prepared:
                connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
                self._prepared = True
            register_vector(connection)
            for statement in _SESSION:
                connection.execute(statement)
        except BaseException:
            connection.close()
            raise
        return connection

    def _close_idle(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()


def _table(space: str) -> str:
    """Return the quoted table name; `registry.space_of` builds it from letters, digits, ``_``."""
    return f'"{space}"'


def _exists(connection: "Connection[Any]", space: str) -> bool:
    found = connection.execute("SELECT to_regclass(%s)", (_table(space),)).fetchone()
    return found is not None and found[0] is not None
