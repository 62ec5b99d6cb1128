"""The fleet in PostgreSQL: one own connection for heartbeats, changes and the leader's lock.

The connection is not of the pool: an exhausted pool must not make a process look dead, and the
leader's lock lives as long as its session. Times are those of the database.
"""

import json
import logging
import threading
from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from zlib import crc32

import psycopg

from trimtab.infra.fleet.records import LOST_SECONDS, FleetNumbers, FleetProcess, ProcessIdentity
from trimtab.infra.storage.postgresql import PostgresDatabase, PostgresServer
from trimtab.infra.storage.postgresql.connection import BoundedConnection
from trimtab.kernel.errors import Unavailable

T = TypeVar("T")
_log = logging.getLogger(__name__)
_NOW = "extract(epoch FROM clock_timestamp())::double precision"
_LOCK = 0x7472
"""First key of the leaders' advisory locks; keys of two numbers never meet those of one number."""
_CHAIN = "fleet"
_NAME = "trimtab leader "
_ANSWER_SECONDS = 6.0
"""Above the statement timeout, below the time after which a process without a heartbeat parks."""
_CONNECT = {
    "connect_timeout": 5,
    "keepalives": 1,
    "keepalives_idle": 5,
    "keepalives_interval": 5,
    "keepalives_count": 2,
    "tcp_user_timeout": 10_000,
    # The server, too, gives up a machine that is gone, and with it the lock.
    "options": (
        "-c statement_timeout=5000 -c tcp_keepalives_idle=5 -c tcp_keepalives_interval=5"
        " -c tcp_keepalives_count=2 -c tcp_user_timeout=10000"
    ),
}
_BEAT = f"""
INSERT INTO processes (id, roles, address, release, host, started_at, seen_at, applied, leads)
VALUES (%s, %s, %s, %s, %s, {_NOW}, {_NOW}, %s, %s)
ON CONFLICT (id) DO UPDATE SET address = excluded.address, seen_at = excluded.seen_at,
    applied = excluded.applied, leads = excluded.leads
"""  # noqa: S608 - constants only.
_PROCESSES = f"""
SELECT id, roles, address, release, host, {_NOW} - started_at, {_NOW} - seen_at, applied, leads
FROM processes ORDER BY started_at, id
"""  # noqa: S608 - constants only.
_SWITCH = """
WITH next AS (UPDATE fleet_numbers SET latest = latest + 1 RETURNING latest)
INSERT INTO switches (name, value, number) SELECT %s, %s, latest FROM next
ON CONFLICT (name) DO UPDATE SET value = excluded.value, number = excluded.number RETURNING number
"""
_CLAIM = f"""
INSERT INTO claims (name, holder, until) VALUES (%s, %s, {_NOW} + %s)
ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until
WHERE claims.until < {_NOW} OR claims.holder = excluded.holder RETURNING name
"""  # noqa: S608 - constants only.
_RELEASE = f"""
DELETE FROM claims WHERE name = %s AND holder = %s OR until < {_NOW} - 3600
"""  # noqa: S608 - constants only.
_FORGET = """
UPDATE fleet_numbers SET latest = latest + 1, forget = latest + 1 RETURNING latest
"""
# A stopped process keeps its session, because its machine still answers for it. Its lock is taken
# away once it is lost; by then it does not trust its leadership any more (`Fleet.leads`).
_END_OF_LOST_LEADER = """
SELECT pg_terminate_backend(a.pid, 2000) FROM pg_locks l JOIN pg_stat_activity a USING (pid)
WHERE l.locktype = 'advisory' AND l.granted AND l.classid = %s::int AND l.objid = %s::int
    AND l.objsubid = 2 AND a.datname = current_database() AND NOT a.application_name = ANY(%s)
"""


def open_store(server: PostgresServer, me: ProcessIdentity) -> "FleetStore":
    """Return the fleet's tables on a server, made when missing.

    Raises:
        SchemaTooNew: A newer release has made them.
        Unavailable: The server cannot be reached.
    """
    PostgresDatabase(server, _CHAIN, (_CHAIN,)).close()  # Runs the migrations.
    return FleetStore(server.direct_url, me)


class FleetStore:
    """Reads and writes the fleet's tables.

    Args:
        url: Of the database, ``postgresql://``; a direct one where a pooler stands before it.
        me: This process; it names the session. Processes of equal roles have one leader.
    """

    def __init__(self, url: str, me: ProcessIdentity) -> None:
        self._url = url
        self._name = _NAME + me.id
        self._roles = me.roles
        # One lock for each set of roles: a leader must have started what it leads in.
        self._keys = (_LOCK, crc32(me.roles.encode()) & 0x7FFFFFFF)
        self._connection: BoundedConnection | None = None
        self._leads = False
        self._lock = threading.Lock()

    def numbers(self) -> FleetNumbers:
        """Return the numbers of the newest changes."""
        [(latest, forget)] = self._run("SELECT latest, forget FROM fleet_numbers")
        return FleetNumbers(latest, forget)

    def beat(self, me: ProcessIdentity, address: str, applied: int, *, leads: bool) -> None:
        """Write that the process lives and what it has applied."""
        given = (me.id, me.roles, address, me.release, me.host, applied, leads)
        self._run(_BEAT, given)

    def leave(self, process_id: str) -> None:
        """Mark the process as lost now, so that another continues its work at once."""
        self._run("UPDATE processes SET seen_at = 0, leads = false WHERE id = %s", (process_id,))

    def remove(self, process_id: str) -> None:
        """Remove a lost process, unless it has come back."""
        lost = f"DELETE FROM processes WHERE id = %s AND seen_at < {_NOW} - %s"  # noqa: S608
        self._run(lost, (process_id, LOST_SECONDS))

    def processes(self) -> list[FleetProcess]:
        """Return every process, the oldest first."""
        found = []
        for row in self._run(_PROCESSES):
            name, roles, address, release, host, uptime, silent, applied, leads = row
            process = FleetProcess(
                name,
                roles,
                address,
                release,
                host,
                uptime,
                silent,
                applied,
                is_live=silent <= LOST_SECONDS,
                leader=leads and silent <= LOST_SECONDS,
            )
            found.append(process)
        return found

    def switches(self, after: int) -> list[tuple[str, Any]]:
        """Return the switches that were set after a change, in order, with their values."""
        query = "SELECT name, value FROM switches WHERE number > %s ORDER BY number"
        return [(name, json.loads(value)) for name, value in self._run(query, (after,))]

    def set_switch(self, name: str, value: object) -> int:
        """Set a switch; return the number of this change."""
        return int(self._run(_SWITCH, (name, json.dumps(value)))[0][0])

    def order_to_forget(self) -> int:
        """Order every process to drop its memory; return the number of this change."""
        return int(self._run(_FORGET)[0][0])

    def claim(self, name: str, holder: str, seconds: float) -> bool:
        """Claim a name for some time; return False while another process holds it."""
        return bool(self._run(_CLAIM, (name, holder, seconds)))

    def release(self, name: str, holder: str) -> None:
        """End a claim; claims that ended long ago go with it."""
        self._run(_RELEASE, (name, holder))

    def lead(self) -> bool:
        """Take or confirm the leader's lock; return whether this session holds it.

        Call it after `beat`: a holder without a recent heartbeat loses its session.
        """
        if self._leads:
            self._run("SELECT 1")  # Raises when the session has ended, and the lock with it.
            return True
        self._leads = self._take()
        if not self._leads:
            live = [_NAME + process.id for process in self.processes() if process.is_live]
            ended = self._run(_END_OF_LOST_LEADER, (*self._keys, live))
            if ended:
                _log.warning("ended the session of a leader that is silent")
                self._leads = self._take()
        if self._leads:  # A killed leader cannot say itself that it leads no more.
            query = "UPDATE processes SET leads = false WHERE leads AND roles = %s"
            self._run(query, (self._roles,))
        return self._leads

    def close(self) -> None:
        """Close the connection; the leader's lock is free then."""
        with self._lock:
            self._disconnect()

    def _take(self) -> bool:
        return bool(self._run("SELECT pg_try_advisory_lock(%s::int, %s::int)", self._keys)[0][0])

    def _run(self, query: str, given: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        def run(connection: BoundedConnection) -> list[tuple[Any, ...]]:
            cursor = connection.execute(query.encode(), given)
            return cursor.fetchall() if cursor.description else []

        return self._with_connection(run)

    def _with_connection(self, use: Callable[[BoundedConnection], T]) -> T:
        with self._lock:
            try:
                return use(self._connection or self._connect())
            except psycopg.Error as error:
                self._disconnect()
                raise Unavailable(
                    f"The fleet's connection to PostgreSQL failed: {type(error).__name__}.",
                    hint="Repeat the call; check the database.",
                ) from error

    def _connect(self) -> BoundedConnection:
        self._connection = BoundedConnection.connect(
            self._url,
            autocommit=True,
            application_name=self._name,
            **_CONNECT,  # type: ignore[arg-type]
        )
        self._connection.limit = _ANSWER_SECONDS
        self._connection.execute("SELECT set_config('search_path', %s, false)", (_CHAIN,))
        return self._connection

    def _disconnect(self) -> None:
        self._leads = False
        if self._connection is not None:
            self._connection.close()
            self._connection = None
