"""Sessions of the server: what runs long, who waits for whom, and their end."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from trimtab.kernel.clock import Clock
from trimtab.postgresql.server import MAINTENANCE, WATCH, Row, WatchedServer

# The function, not the view: the view reads pg_authid, which a stuck maintenance may have locked.
_SESSIONS = """
SELECT a.pid, a.backend_start, a.query_start, a.xact_start, a.state, a.wait_event_type,
       a.application_name AS application, left(a.query, 300) AS query,
       coalesce(a.client_addr::text, 'local') AS client,
       extract(epoch FROM now() - a.query_start)::float8 AS query_seconds,
       extract(epoch FROM now() - a.xact_start)::float8 AS transaction_seconds
FROM pg_stat_get_activity(NULL) a
WHERE a.backend_type = 'client backend' AND a.pid <> pg_backend_pid()
  AND a.application_name <> %s
"""
_TERMINATE = """
SELECT pg_terminate_backend(a.pid) AS ended FROM pg_stat_get_activity(%s) a
WHERE a.backend_start = %s AND a.query_start IS NOT DISTINCT FROM %s
"""
# Of the locks: a session that waits while it signs in is not among the sessions of older servers.
_WAITS = """
SELECT l.pid, pg_blocking_pids(l.pid) AS blocked_by,
       coalesce(extract(epoch FROM now() - min(l.waitstart)), 0)::float8 AS seconds
FROM pg_locks l WHERE NOT l.granted GROUP BY l.pid
"""
IDLE_IN_TRANSACTION = frozenset({"idle in transaction", "idle in transaction (aborted)"})


@dataclass(frozen=True, slots=True)
class ClientSession:
    """One client's session; seconds are those of the service's clock."""

    pid: int
    backend_start: datetime
    query_start: datetime | None
    state: str
    application: str
    client: str
    query: str
    query_seconds: float
    transaction_seconds: float
    waits_for_lock: bool

    @property
    def runs(self) -> bool:
        """Return whether it runs a query that waits for no lock."""
        return self.state == "active" and not self.waits_for_lock

    @property
    def idles_in_transaction(self) -> bool:
        """Return whether it holds a transaction open and does nothing."""
        return self.state in IDLE_IN_TRANSACTION

    def describe(self) -> str:
        """Return who it is and for how long, without the text of its query."""
        seconds = self.transaction_seconds if self.idles_in_transaction else self.query_seconds
        name = self.application or "unnamed"
        return f"{name} (process {self.pid}, {self.state}, {seconds:.0f} s)"

    def as_dict(self) -> dict[str, object]:
        """Return the JSON-ready facts."""
        return {
            "pid": self.pid,
            "application": self.application,
            "client": self.client,
            "state": self.state,
            "query": self.query,
            "query_seconds": round(self.query_seconds, 3),
            "transaction_seconds": round(self.transaction_seconds, 3),
            "waits_for_lock": self.waits_for_lock,
        }


@dataclass(frozen=True, slots=True)
class LockWait:
    """A process that waits for a lock, and those that hold it; seconds of the service's clock."""

    pid: int
    seconds: float
    blocked_by: tuple[int, ...]


def read_waits(server: WatchedServer, clock: Clock) -> list[LockWait]:
    """Return the processes that wait for a lock, also while they sign in."""
    return [
        LockWait(
            row["pid"], row["seconds"] * clock.rate, tuple(pid for pid in row["blocked_by"] if pid)
        )
        for row in server.query(_WAITS)
    ]


def read_sessions(server: WatchedServer, clock: Clock) -> list[ClientSession]:
    """Return the sessions of all clients but the operator's own."""
    return [_session(row, clock.rate) for row in server.query(_SESSIONS, (WATCH,))]


def long_queries(sessions: Iterable[ClientSession], older_seconds: float) -> list[ClientSession]:
    """Return the sessions whose query has run for longer than a time, the longest first.

    A query that waits for a lock is not the cause of its own length, and maintenance may take long.
    """
    found = [
        each
        for each in sessions
        if each.runs and each.application != MAINTENANCE and each.query_seconds > older_seconds
    ]
    return sorted(found, key=lambda each: -each.query_seconds)


def blockers(
    sessions: Iterable[ClientSession], waits: Iterable[LockWait], waiting_seconds: float
) -> list[ClientSession]:
    """Return the sessions that block others for longer than a time, and wait for none."""
    waiting = {each.pid: each for each in waits}
    blocking = {
        pid
        for each in waiting.values()
        if each.seconds > waiting_seconds
        for pid in each.blocked_by
    }
    return [each for each in sessions if each.pid in blocking and each.pid not in waiting]


def terminate(server: WatchedServer, session: ClientSession) -> bool:
    """End a session unless it has begun another query; return whether it was ended."""
    given = (session.pid, session.backend_start, session.query_start)
    return any(row["ended"] for row in server.query(_TERMINATE, given))


def _session(row: Row, rate: float) -> ClientSession:
    return ClientSession(
        pid=row["pid"],
        backend_start=row["backend_start"],
        query_start=row["query_start"],
        # A session that still signs in has no state.
        state=row["state"] or "starting",
        application=row["application"] or "",
        client=row["client"],
        query=row["query"] or "",
        query_seconds=(row["query_seconds"] or 0.0) * rate,
        transaction_seconds=(row["transaction_seconds"] or 0.0) * rate,
        waits_for_lock=row["wait_event_type"] == "Lock",
    )
