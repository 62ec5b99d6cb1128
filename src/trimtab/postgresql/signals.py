"""Signals of the PostgreSQL server."""

from collections.abc import Callable, Iterable
from functools import partial

from trimtab.kernel.operable import Sample, Signal
from trimtab.postgresql.state import WatchedState
from trimtab.postgresql.upkeep import Upkeep

# Name, key of the state, metric, unit, help, labels, whether it only grows.
_SIGNALS: tuple[tuple[str, str, str, str, str, tuple[str, ...], bool], ...] = (
    ("postgresql.up", "up", "pg_up", "1", "Whether a new connection was made.", (), False),
    ("postgresql.connect.seconds", "connect", "pg_connect_seconds", "seconds",
     "How long the last new connection took.", (), False),
    ("postgresql.sessions", "sessions", "pg_stat_activity_count", "sessions",
     "Sessions of clients by state; `active` runs a query.", ("state",), False),
    ("postgresql.connections", "connections", "pg_connections", "connections",
     "Connections of clients.", (), False),
    ("postgresql.connections.max", "max_connections", "pg_settings_max_connections", "connections",
     "The server's `max_connections`.", (), False),
    ("postgresql.query.longest", "longest", "pg_longest_query_seconds", "seconds",
     "The longest time of a running query that waits for no lock.", (), False),
    ("postgresql.lock.ungranted", "ungranted", "pg_locks_ungranted", "locks",
     "Locks that are asked for and not granted.", (), False),
    ("postgresql.lock.longest_wait", "lock_wait", "pg_longest_lock_wait_seconds", "seconds",
     "The longest time of a query that waits for a lock.", (), False),
    ("postgresql.transaction.longest_idle", "idle_transaction", "pg_longest_idle_transaction_seconds",
     "seconds", "The longest open transaction whose session does nothing.", (), False),
    ("postgresql.cache.hit_ratio", "hit_ratio", "pg_cache_hit_ratio", "ratio",
     "Blocks found in shared buffers, of all that were read.", (), False),
    ("postgresql.replication.lag", "lag", "pg_replication_lag_seconds", "seconds",
     "How far a standby is behind; `self` when the server is one.", ("standby",), False),
    ("postgresql.replication.lag_bytes", "lag_bytes", "pg_replication_lag_bytes", "bytes",
     "Write-ahead log that a standby has not replayed.", ("standby",), False),
    ("postgresql.server.standby", "standby", "pg_in_recovery", "1",
     "Whether the server is a standby.", (), False),
    ("postgresql.server.uptime", "uptime", "pg_uptime_seconds", "seconds",
     "Time since the server started.", (), False),
    ("postgresql.settings.pending", "pending_restart", "pg_settings_pending_restart", "settings",
     "Changed settings that need a restart.", (), False),
    ("postgresql.database.size", "size", "pg_database_size_bytes", "bytes",
     "Size of the database.", (), False),
    ("postgresql.database.commits", "commits", "pg_stat_database_xact_commit_total", "transactions",
     "Committed transactions.", (), True),
    ("postgresql.database.rollbacks", "rollbacks", "pg_stat_database_xact_rollback_total",
     "transactions", "Transactions that were rolled back.", (), True),
    ("postgresql.database.deadlocks", "deadlocks", "pg_stat_database_deadlocks_total", "deadlocks",
     "Deadlocks.", (), True),
    ("postgresql.database.temp_bytes", "temp_bytes", "pg_stat_database_temp_bytes_total", "bytes",
     "Written to temporary files, because `work_mem` did not suffice.", (), True),
    ("postgresql.checksum.failures", "checksum_failures", "pg_checksum_failures_total", "pages",
     "Pages whose checksum was wrong; no sample without data checksums.", (), True),
    ("postgresql.statements.loaded", "statements", "pg_stat_statements_loaded", "1",
     "Whether pg_stat_statements is loaded.", (), False),
    ("postgresql.statements.slowest", "slowest", "pg_stat_statements_slowest_seconds", "seconds",
     "The longest mean execution time of a statement.", (), False),
)  # fmt: skip


def signals(state: WatchedState) -> tuple[Signal, ...]:
    """Return every signal; none has a sample while no server is configured."""
    kept = tuple(
        Signal(name, unit, text, _reader(state, key), labels, metric, counter)
        for name, key, metric, unit, text, labels, counter in _SIGNALS
    )
    failures = Signal(
        "postgresql.connect.failures",
        "connections",
        "Connections that could not be made, by reason: timeouts are counted apart from refusals.",
        state.failures,
        ("kind",),
        "pg_connect_failures_total",
        counter=True,
    )
    return (*kept, failures)


def upkeep_signal(upkeep: Upkeep) -> Signal:
    """Return the signal of the regular upkeep."""
    return Signal(
        "postgresql.upkeep.age",
        "seconds",
        "Time since the last regular vacuum, index maintenance and query review.",
        upkeep.ages,
        metric="pg_upkeep_age_seconds",
    )


def _reader(state: WatchedState, key: str) -> Callable[[], Iterable[Sample]]:
    return partial(state.samples, key)
