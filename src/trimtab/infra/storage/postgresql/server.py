"""A PostgreSQL server: its address, its connections and the checks of a start."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg.conninfo import conninfo_to_dict

from trimtab.infra.storage.errors import DatabaseUnsafe, DatabaseUrlInvalid
from trimtab.infra.storage.marks import ChangeMarks
from trimtab.infra.storage.postgresql import dialect as _dialect  # noqa: F401 - registers itself.
from trimtab.infra.storage.postgresql.connection import BoundedConnection
from trimtab.infra.storage.postgresql.errors import translate
from trimtab.kernel.errors import Unavailable

_SCHEMES = ("postgresql://", "postgres://", "postgresql+psycopg://")
_OLDEST = 160000
_CONNECT_SECONDS = 5
_POOL_SECONDS = 10
_DURABLE = ("fsync", "full_page_writes", "synchronous_commit")
_LINE = {
    # A peer that vanished is noticed within 10 s, not after the two hours of the system's default.
    "keepalives": 1,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}


class PostgresServer:
    """A database on a PostgreSQL server.

    Args:
        url: ``postgresql://user:password@host:5432/database``, with any option of libpq.
        direct_url: The same without a connection pooler between; empty when there is none.
        pool_size: Connections that one `PostgresDatabase` opens at most.
        allow_unsafe: Start on a server that loses acknowledged commits; for tests.

    Raises:
        DatabaseUrlInvalid: The address cannot be read.
    """

    def __init__(
        self, url: str, *, direct_url: str = "", pool_size: int = 8, allow_unsafe: bool = False
    ) -> None:
        self.url = _normalize(url, "service.database_url")
        self.direct_url = _normalize(direct_url or url, "service.database_direct_url")
        self._pooled = self.direct_url != self.url
        self._pool_size = pool_size
        self._allow_unsafe = allow_unsafe
        self.marks = ChangeMarks()

    def engine(self) -> sa.Engine:
        """Return an engine with a pool of its own.

        Its connections are in autocommit mode: transactions are begun in one message together with
        their settings, which so also hold behind a pooler that lends a connection a transaction.
        """
        return sa.create_engine(
            "postgresql+trimtab://",
            creator=lambda: self._connect(self.url),
            pool_size=self._pool_size,
            max_overflow=0,
            pool_timeout=_POOL_SECONDS,
            pool_pre_ping=False,
            use_native_hstore=False,
        )

    def transaction_engine(
        self, pool_size: int, before_connect: Callable[[], None] = lambda: None
    ) -> sa.Engine:
        """Return an engine past any pooler for code that begins transactions as SQLAlchemy does.

        Args:
            pool_size: How many connections it has at most.
            before_connect: Called before each new connection; what it raises refuses it.
        """

        def connect() -> psycopg.Connection[Any]:
            before_connect()
            found = psycopg.Connection.connect(**self._parameters(self.direct_url))
            try:
                found.execute("SET synchronous_commit = on")
                found.commit()
            except BaseException:
                found.close()
                raise
            return found

        return sa.create_engine(
            "postgresql+psycopg:///jobs",
            creator=connect,
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=_POOL_SECONDS,
            pool_pre_ping=True,
        )

    @contextmanager
    def direct(self) -> Iterator[BoundedConnection]:
        """Open a plain connection past any pooler, in autocommit mode: for session locks.

        Raises:
            Unavailable: The server cannot be reached.
        """
        try:
            connection = self._connect(self.direct_url)
        except psycopg.Error as error:
            raise translate("PostgreSQL", error) or _unreachable() from error
        try:
            yield connection
        finally:
            connection.close()

    def check(self) -> None:
        """Refuse a server that may lose commits or that is too old.

        Raises:
            DatabaseUnsafe: It names the parameter and how to set it.
            Unavailable: The server cannot be reached.
        """
        with self.direct() as connection:
            if connection.info.server_version < _OLDEST:
                raise DatabaseUnsafe(
                    f"PostgreSQL {connection.info.server_version // 10000} is too old.",
                    hint="Use PostgreSQL 16 or newer.",
                )
            found = {name: _show(connection, name) for name in _DURABLE}
            encoding = _show(connection, "server_encoding")
        if encoding != "UTF8":
            raise DatabaseUnsafe(
                f"The database has the encoding {encoding}.", hint="Create it with UTF8."
            )
        off = [name for name, value in found.items() if value == "off"]
        if off and not self._allow_unsafe:
            raise DatabaseUnsafe(
                f"PostgreSQL would lose acknowledged changes in a crash: {', '.join(off)} is off.",
                hint=f"Run `ALTER SYSTEM SET {off[0]} = on` and reload the server's configuration.",
            )

    def _connect(self, url: str) -> BoundedConnection:
        # A pooler may answer from another server connection, which has not prepared the statement.
        threshold = None if self._pooled and url == self.url else 5
        given = self._parameters(url)
        return BoundedConnection.connect(autocommit=True, prepare_threshold=threshold, **given)

    def _parameters(self, url: str) -> dict[str, Any]:
        own = {"connect_timeout": _CONNECT_SECONDS, "application_name": "trimtab", **_LINE}
        return own | conninfo_to_dict(url)


def _normalize(url: str, setting: str) -> str:
    scheme = next((each for each in _SCHEMES if url.startswith(each)), None)
    plain = "postgresql://" + url.removeprefix(scheme) if scheme else ""
    try:
        if scheme:
            conninfo_to_dict(plain)
            return plain
    except psycopg.Error:
        pass  # Its message quotes the address, which may hold a password.
    raise DatabaseUrlInvalid(
        f"{setting} is not an address of PostgreSQL.",
        hint="Write it as `postgresql://user:password@host:5432/database`.",
    )


def _show(connection: BoundedConnection, name: str) -> str:
    row = connection.execute("SELECT current_setting(%s)", (name,)).fetchone()
    return str(row[0]) if row else ""


def _unreachable() -> Unavailable:
    return Unavailable("PostgreSQL cannot be reached.", hint="Repeat the call.")
