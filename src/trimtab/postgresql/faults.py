"""Faults of a PostgreSQL server, for drills: what breaks it in life, made with its own means."""

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from trimtab.kernel.operable import Arguments, Fault, Realism, Value
from trimtab.postgresql.server import WatchedServer

if TYPE_CHECKING:
    from trimtab.postgresql.server import Connection

DRILL = "trimtab-drill"
_TABLE = "trimtab_drill"
_ENDLESS = b"SELECT pg_sleep(86400)"
_AGAIN_SECONDS = 0.5


class _Sessions:
    """The sessions of a fault, closed when it is restored."""

    def __init__(self, server: WatchedServer) -> None:
        self.server = server
        self.ending = threading.Event()
        self._open: list[Connection] = []
        self._threads: list[threading.Thread] = []

    def connect(self) -> "Connection":
        """Open a session."""
        connection = self.server.connect(DRILL)
        self._open.append(connection)
        return connection

    def start(self, work: Callable[[], object]) -> None:
        """Run work in a thread; it ends with an error when its session is ended."""

        def run() -> None:
            with suppress(Exception):
                work()

        thread = threading.Thread(target=run, daemon=True)
        self._threads.append(thread)
        thread.start()

    def live(self) -> int:
        """Forget the sessions that the server has ended; return how many are left."""
        self._open = [each for each in self._open if _lives(each)]
        return len(self._open)

    def close(self) -> None:
        """End every session."""
        self.ending.set()
        for connection in self._open:
            with suppress(Exception):
                connection.cancel()
        for thread in self._threads:
            thread.join(30)
        for connection in self._open:
            with suppress(Exception):
                connection.close()
        self._open.clear()


def faults(server: WatchedServer) -> tuple[Fault, ...]:
    """Return the faults."""
    return (
        _fault(server, "postgresql.query.endless", "Run a query that does not end.", _run_endless),
        _fault(
            server,
            "postgresql.lock.held",
            "Hold a lock in an idle transaction, and let another session wait for it.",
            _hold_lock,
        ),
        _fault(
            server,
            "postgresql.connections.taken",
            "Take as many connections as the server has, and take them again when they are cut.",
            _take_connections,
        ),
        _fault(
            server,
            "postgresql.catalog.locked",
            "Lock the table of roles as a stuck maintenance does, so that no one can sign in.",
            _lock_catalog,
        ),
        _stopped(server),
    )


def _fault(
    server: WatchedServer, name: str, text: str, begin: Callable[[_Sessions], None]
) -> Fault:
    running: list[_Sessions] = []

    def inject(_: Arguments) -> Mapping[str, Value]:
        sessions = _Sessions(server)
        running.append(sessions)
        begin(sessions)
        return {}

    def restore(_: Mapping[str, Value]) -> None:
        while running:
            running.pop().close()
        if begin is _hold_lock:
            server.query(f"DROP TABLE IF EXISTS {_TABLE}")

    return Fault(name, text, inject, restore, realism=Realism.REAL)


def _run_endless(sessions: _Sessions) -> None:
    connection = sessions.connect()
    sessions.start(lambda: connection.execute(_ENDLESS))


def _hold_lock(sessions: _Sessions) -> None:
    holder, waiter = sessions.connect(), sessions.connect()
    holder.execute(f"CREATE TABLE IF NOT EXISTS {_TABLE} (n integer)".encode())
    holder.execute(b"BEGIN")
    holder.execute(f"LOCK TABLE {_TABLE} IN ACCESS EXCLUSIVE MODE".encode())
    sessions.start(lambda: waiter.execute(f"TABLE {_TABLE}".encode()))


def _lock_catalog(sessions: _Sessions) -> None:
    holder = sessions.connect()
    holder.execute(b"BEGIN")
    holder.execute(b"LOCK TABLE pg_catalog.pg_authid IN ACCESS EXCLUSIVE MODE")


def _take_connections(sessions: _Sessions) -> None:
    sql = "SELECT current_setting('max_connections')::integer AS most"
    count = int(sessions.server.query(sql)[0]["most"])
    _fill(sessions, count)

    def fill_again() -> None:
        while not sessions.ending.wait(_AGAIN_SECONDS):
            _fill(sessions, count)

    sessions.start(fill_again)


def _fill(sessions: _Sessions, count: int) -> None:
    with suppress(Exception):  # The server has no more, or is being restarted.
        for _ in range(count - sessions.live()):
            sessions.connect()


def _lives(connection: "Connection") -> bool:
    try:
        connection.execute(b"SELECT 1")
    except Exception:  # noqa: BLE001 - whatever it was, the session is gone.
        connection.close()
        return False
    return True


def _stopped(server: WatchedServer) -> Fault:
    def inject(_: Arguments) -> Mapping[str, Value]:
        server.control("stop")
        return {}

    def restore(_: Mapping[str, Value]) -> None:
        if not server.probe():
            server.control("start")

    return Fault(
        "postgresql.server.stopped",
        "Stop the server with `postgresql.control`.",
        inject,
        restore,
        realism=Realism.REAL,
    )
