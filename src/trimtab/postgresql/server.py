"""Connections to the server: one that is kept for reads and repairs, short ones for all else.

The kept connection is what lets the operator act when the server takes no new connections.
"""

import shutil
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any

from trimtab.infra.settings.sections.postgresql import PostgresqlSettings
from trimtab.kernel.clock import Clock, machine_clock
from trimtab.postgresql.errors import (
    PostgresNotConfigured,
    PostgresTimeout,
    PostgresUnavailable,
)
from trimtab.postgresql.failures import FailureKind, connect_error, kind_of, statement_error

if TYPE_CHECKING:
    import psycopg

    Connection = psycopg.Connection[dict[str, Any]]
Row = dict[str, Any]
_LOCK_MILLISECONDS = 1000
WATCH = "trimtab-watch"
"""The application name of the kept connection and of the probes."""
MAINTENANCE = "trimtab-maintenance"
"""The application name of long maintenance, which does not count as a long query."""


class WatchedServer:
    """The server of the settings.

    Args:
        settings: Limits.
        url: Its address; empty when none is configured.
        clock: Measures how long a connection takes.
    """

    def __init__(self, settings: PostgresqlSettings, url: str, clock: Clock) -> None:
        self.settings = settings
        self.url = url
        self._clock = machine_clock(clock)
        self._lock = threading.RLock()
        self._kept: Connection | None = None
        self.failures: Counter[FailureKind] = Counter()
        """Failed probes since the start, by reason."""
        self.connect_seconds = float("nan")
        """How long the last successful probe took."""

    @property
    def configured(self) -> bool:
        """Return whether a server is configured."""
        return bool(self.url)

    def connect(
        self, application: str, statement_seconds: float = 0.0, database: str = ""
    ) -> "Connection":
        """Return a new connection in autocommit mode.

        Args:
            application: Its name in the lists of sessions.
            statement_seconds: The longest time of a statement; 0 means no limit.
            database: Another database of the server than that of its address.

        Raises:
            PostgresNotConfigured: No server is configured, or it does not accept the role.
            PostgresUnavailable: It cannot be reached or takes no more connections.
            PostgresTimeout: It does not answer.
        """
        import psycopg
        from psycopg.conninfo import make_conninfo
        from psycopg.rows import dict_row

        if not self.url:
            raise PostgresNotConfigured("No PostgreSQL server is configured.")
        milliseconds = int(statement_seconds * 1000)
        # A read that waits for a lock on a system table does not get it within a read's time.
        lock_milliseconds = min(milliseconds, _LOCK_MILLISECONDS)
        try:
            return psycopg.connect(
                make_conninfo(self.url, **({"dbname": database} if database else {})),
                autocommit=True,
                row_factory=dict_row,
                # Whole seconds, as libpq takes them.
                connect_timeout=round(self.settings.connect_seconds),
                application_name=application,
                options=f"-c statement_timeout={milliseconds} -c lock_timeout={lock_milliseconds}",
            )
        except psycopg.Error as error:
            raise connect_error(error) from error

    def probe(self) -> bool:
        """Make a connection as any client does, and close it; count a failure by its reason."""
        import psycopg

        began = self._clock.monotonic()
        try:
            self.connect(WATCH, self.settings.statement_seconds).close()
        except (PostgresNotConfigured, PostgresUnavailable, PostgresTimeout) as error:
            cause = error.__cause__
            known = isinstance(cause, psycopg.Error)
            self.failures[kind_of(cause) if known else FailureKind.OTHER] += 1  # type: ignore[arg-type]
            return False
        self.connect_seconds = self._clock.monotonic() - began
        return True

    def query(self, sql: str, parameters: Sequence[object] | None = None) -> list[Row]:
        """Return the rows of a statement on the kept connection; a lost one is opened again.

        A statement is not repeated: it may have had its effect.

        Raises:
            PostgresUnavailable: The connection was lost, or none can be made.
            PostgresTimeout: The statement took longer than the settings allow.
        """
        import psycopg

        with self._lock:
            if self._kept is None or self._kept.closed:
                self._kept = self.connect(WATCH, self.settings.statement_seconds)
            try:
                cursor = self._kept.execute(sql.encode(), parameters)
                return cursor.fetchall() if cursor.description else []
            except psycopg.Error as error:
                mapped = statement_error(error)
                if isinstance(mapped, PostgresUnavailable):
                    self._drop()
                raise mapped from error

    @contextmanager
    def session(self, *, database: str = "") -> Iterator["Connection"]:
        """Yield a new connection for long work; errors of its statements get a next step."""
        import psycopg

        connection = self.connect(MAINTENANCE, database=database)
        try:
            yield connection
        except psycopg.Error as error:
            raise statement_error(error) from error
        finally:
            connection.close()

    def control(self, verb: str) -> None:
        """Run the control command of the settings.

        Args:
            verb: ``start``, ``stop`` or ``restart``.

        Raises:
            PostgresNotConfigured: The command is not set, or it does not exist.
            PostgresUnavailable: It failed.
            PostgresTimeout: It took too long.
        """
        words = [word.replace("{verb}", verb) for word in self.check_control()]
        # A file, not a pipe: the server that the command starts keeps its output open.
        with TemporaryFile() as output:
            try:
                done = subprocess.run(  # noqa: S603 - the command of the settings, without a shell.
                    words,
                    stdout=output,
                    stderr=output,
                    stdin=subprocess.DEVNULL,
                    timeout=self.settings.control_seconds,
                    check=False,
                )
            except subprocess.TimeoutExpired as error:
                raise PostgresTimeout(f"`{words[0]}` did not {verb} PostgreSQL in time.") from error
            if done.returncode != 0:
                output.seek(0)
                text = output.read().decode(errors="replace").strip()[-300:]
                raise PostgresUnavailable(f"`{words[0]}` could not {verb} PostgreSQL: {text}")

    def check_control(self) -> tuple[str, ...]:
        """Return the control command; raises `PostgresNotConfigured` without a usable one."""
        words = self.settings.control
        if not words or "{verb}" not in " ".join(words):
            raise PostgresNotConfigured(
                "trimtab may not restart PostgreSQL: `postgresql.control` is not set.",
                hint="Set it, such as `systemctl,{verb},postgresql`; in a cluster run `trimtab act"
                " k8s.restart_stateful name=postgresql`.",
            )
        if shutil.which(words[0]) is None:
            raise PostgresNotConfigured(
                f"There is no command {words[0]!r} of `postgresql.control`."
            )
        return words

    def close(self) -> None:
        """Close the kept connection."""
        with self._lock:
            self._drop()

    def _drop(self) -> None:
        kept, self._kept = self._kept, None
        if kept is not None:
            with suppress(Exception):
                kept.close()
