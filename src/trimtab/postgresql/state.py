"""The state of the server, read at intervals so that a scrape costs nothing."""

import logging
from collections import Counter
from collections.abc import Iterable

from trimtab.kernel.clock import Clock
from trimtab.kernel.errors import TrimtabError
from trimtab.kernel.operable import Sample
from trimtab.postgresql.failures import FailureKind
from trimtab.postgresql.server import Row, WatchedServer
from trimtab.postgresql.sessions import ClientSession, long_queries, read_sessions, read_waits

_log = logging.getLogger(__name__)
_SERVER = """
SELECT current_setting('max_connections')::float8 AS max_connections,
       pg_is_in_recovery() AS standby,
       extract(epoch FROM now() - pg_postmaster_start_time())::float8 AS uptime,
       CASE WHEN pg_is_in_recovery()
                 AND pg_last_wal_receive_lsn() IS DISTINCT FROM pg_last_wal_replay_lsn()
            THEN extract(epoch FROM now() - pg_last_xact_replay_timestamp())::float8
            WHEN pg_is_in_recovery() THEN 0 END AS own_lag,
       (SELECT count(*) FROM pg_settings WHERE pending_restart)::float8 AS pending_restart
"""
_DATABASES = """
SELECT sum(blks_hit)::float8 AS hit, sum(blks_read)::float8 AS read,
       sum(xact_commit)::float8 AS commits, sum(xact_rollback)::float8 AS rollbacks,
       sum(deadlocks)::float8 AS deadlocks, sum(temp_bytes)::float8 AS temp_bytes,
       sum(checksum_failures)::float8 AS checksum_failures,
       pg_database_size(current_database())::float8 AS size
FROM pg_stat_database
"""
_STANDBYS = """
SELECT a.application_name AS name,
       coalesce(extract(epoch FROM w.replay_lag), 0)::float8 AS seconds,
       pg_wal_lsn_diff(
           CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn()
                ELSE pg_current_wal_lsn() END, w.replay_lsn)::float8 AS bytes
FROM pg_stat_get_wal_senders() w JOIN pg_stat_get_activity(NULL) a ON a.pid = w.pid
WHERE w.state = 'streaming'
"""
_LOCKS = "SELECT count(*)::float8 AS ungranted FROM pg_locks WHERE NOT granted"
_LOADED = "SELECT to_regclass('pg_stat_statements') IS NOT NULL AS loaded"
_SLOWEST = "SELECT max(mean_exec_time)::float8 / 1000 AS seconds FROM pg_stat_statements"


class WatchedState:
    """Keeps the newest state of the server, as samples by signal.

    Args:
        server: The server.
        clock: Of the service; a drill's fast clock makes queries old sooner.
    """

    def __init__(self, server: WatchedServer, clock: Clock) -> None:
        self._server = server
        self._clock = clock
        self._samples: dict[str, list[Sample]] = {}
        self.problem = ""
        """Why the server could not be read at the last look."""

    def refresh(self) -> None:
        """Read the server; without an answer only `up` and the failures have samples."""
        found: dict[str, list[Sample]] = {}
        reached = self._server.probe()
        try:
            # The kept connection may live on when the server takes no new one.
            self._read(found)
        except TrimtabError as error:
            if self.problem != error.message:
                _log.warning("PostgreSQL cannot be read", extra={"why": error.message})
            self.problem = error.message
        else:
            self.problem = "" if reached else "it takes no new connections"
        found["up"] = [Sample(float(reached))]
        if reached:
            found["connect"] = [Sample(self._server.connect_seconds)]
        self._samples = found

    def samples(self, key: str) -> Iterable[Sample]:
        """Return the samples of a signal."""
        return self._samples.get(key, ())

    def failures(self) -> Iterable[Sample]:
        """Return the failed probes since the start, by reason."""
        if not self._server.configured:
            return ()
        counted = self._server.failures
        return [Sample(float(counted[kind]), {"kind": str(kind)}) for kind in FailureKind]

    def _read(self, found: dict[str, list[Sample]]) -> None:
        query = self._server.query
        # The sessions first: they can be read also when a lock on a system table stops all else.
        _add_sessions(found, read_sessions(self._server, self._clock))
        waits = read_waits(self._server, self._clock)
        found["lock_wait"] = [Sample(max((each.seconds for each in waits), default=0.0))]
        found["ungranted"] = [Sample(query(_LOCKS)[0]["ungranted"])]
        _add_server(found, query(_SERVER)[0])
        _add_databases(found, query(_DATABASES)[0])
        for row in query(_STANDBYS):
            labels = {"standby": str(row["name"])}
            found.setdefault("lag", []).append(Sample(row["seconds"], labels))
            found.setdefault("lag_bytes", []).append(Sample(row["bytes"] or 0.0, labels))
        loaded = bool(query(_LOADED)[0]["loaded"])
        found["statements"] = [Sample(float(loaded))]
        if loaded and (slowest := query(_SLOWEST)[0]["seconds"]) is not None:
            found["slowest"] = [Sample(slowest)]


def _add_sessions(found: dict[str, list[Sample]], sessions: list[ClientSession]) -> None:
    states = Counter(each.state for each in sessions)
    for state in ("active", "idle", "idle in transaction"):
        states.setdefault(state, 0)
    found["sessions"] = [Sample(float(n), {"state": name}) for name, n in sorted(states.items())]
    # The kept connection counts, too: the server's limit does not know whose it is.
    found["connections"] = [Sample(float(len(sessions) + 1))]
    longest = long_queries(sessions, 0.0)
    found["longest"] = [Sample(longest[0].query_seconds if longest else 0.0)]
    idle = [each.transaction_seconds for each in sessions if each.idles_in_transaction]
    found["idle_transaction"] = [Sample(max(idle, default=0.0))]


def _add_server(found: dict[str, list[Sample]], row: Row) -> None:
    found["max_connections"] = [Sample(row["max_connections"])]
    found["standby"] = [Sample(float(row["standby"]))]
    found["uptime"] = [Sample(row["uptime"])]
    found["pending_restart"] = [Sample(row["pending_restart"])]
    if row["own_lag"] is not None:
        found.setdefault("lag", []).append(Sample(max(0.0, row["own_lag"]), {"standby": "self"}))


def _add_databases(found: dict[str, list[Sample]], row: Row) -> None:
    reads = row["hit"] + row["read"]
    found["hit_ratio"] = [Sample(row["hit"] / reads if reads else float("nan"))]
    for key in ("commits", "rollbacks", "deadlocks", "temp_bytes", "size"):
        found[key] = [Sample(row[key])]
    # NULL where the cluster was made without checksums: then nothing can be said.
    failures = row["checksum_failures"]
    found["checksum_failures"] = [] if failures is None else [Sample(failures)]
