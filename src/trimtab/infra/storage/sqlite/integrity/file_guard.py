"""Guards a database file: nothing acknowledged is lost, and nothing changed is served, without a word."""

import logging
import sqlite3
import threading
from pathlib import Path

import sqlalchemy as sa

from trimtab.infra.storage.sqlite.integrity.commit_counter import Acknowledged, commits_of, count_on
from trimtab.infra.storage.sqlite.integrity.page_checksums import PageSums, sums_file
from trimtab.infra.storage.sqlite.integrity.wal import log_of, logged_pages, mend_log
from trimtab.kernel.errors import Corrupt

_log = logging.getLogger(__name__)
_LOG_BYTES = 4 * 1024 * 1024
"""A log that has grown by so much is checkpointed: about when SQLite would do it by itself."""


class FileGuard:
    """Guards one file, from before it is opened until after it is closed.

    Args:
        file: The database; nobody has it open.
        page_sums: Keep a sum of each page. Then every checkpoint must be the guard's.
        keep_pages: See `mend_log`.

    Raises:
        Corrupt: The file or its log is damaged, and cannot be put right.
    """

    def __init__(self, file: Path, *, page_sums: bool, keep_pages: bool = False) -> None:
        self._file = file
        self._page_sums = page_sums
        self._acknowledged = Acknowledged(file)
        self._own: sqlite3.Connection | None = None
        self._lock = threading.Lock()
        self._due_bytes = _LOG_BYTES
        self.lost_commits = 0
        """Acknowledged commits that were missing at the start."""
        self.kept_damage = False
        """Whether the log holds a page that is known to be damaged."""
        self._mend_log(keep_pages=keep_pages)
        self._sums: PageSums | None = None
        if page_sums and file.exists():
            self._mend_pages()

    def attach(self, engine: sa.Engine) -> None:
        """Count every commit of the engine that changes something, and keep its checkpoints for the guard."""

        @sa.event.listens_for(engine, "connect")
        def _prepare(connection: sqlite3.Connection, _record: object) -> None:
            if self._page_sums:
                connection.execute("PRAGMA wal_autocheckpoint=0")

        @sa.event.listens_for(engine, "commit")
        def _count(connection: sa.Connection) -> None:
            plain, info = _plain(connection), connection.info
            if plain.in_transaction and plain.total_changes != info.get("changes", 0):
                info["number"] = count_on(plain)
            info["changes"] = plain.total_changes

        @sa.event.listens_for(engine, "rollback")
        def _forget(connection: sa.Connection) -> None:
            connection.info["changes"] = _plain(connection).total_changes
            connection.info.pop("number", None)

        @sa.event.listens_for(engine, "checkin")
        def _acknowledge(
            connection: sqlite3.Connection | None, record: sa.pool.ConnectionPoolEntry
        ) -> None:
            # The commit is over, and its caller waits. It may have failed, so the file is asked.
            if record.info.pop("number", 0) and connection is not None:
                self._acknowledged.note(commits_of(connection))

    def opened(self) -> None:
        """Look whether anything acknowledged is missing; call when the file, or another in its place, is there."""
        own = sqlite3.connect(self._file, timeout=30, isolation_level=None, check_same_thread=False)
        own.execute("PRAGMA wal_autocheckpoint=0")
        self.lost_commits = self._acknowledged.missing(commits_of(own))
        if self.lost_commits:
            _log.error(
                "ALERT: acknowledged changes of %s are missing",
                self._file.name,
                extra={"error_type": "ChangesLost", "changes": self.lost_commits},
            )
        if self._page_sums:
            # Kept open to the end: SQLite checkpoints by itself when the last connection is closed.
            self._own = own
        else:
            own.close()

    def checkpoint_when_due(self) -> None:
        """Checkpoint when the log has grown much."""
        if self._own is None:
            return
        file = log_of(self._file)
        size = file.stat().st_size if file.exists() else 0
        if size <= self._due_bytes:
            return
        # Where it fails, or a reader keeps the log from being used again, it is not tried at each commit.
        self._due_bytes = size + _LOG_BYTES
        self._try_checkpoint()

    def checkpoint(self) -> None:
        """Write the sums of the pages in the log, then the pages, while nobody else writes."""
        if self._own is None:
            return
        with self._lock:
            self._own.execute("BEGIN IMMEDIATE")
            try:
                logged = logged_pages(self._file)
                if logged or (self._sums is None and self._file.stat().st_size):
                    self._sums = PageSums.of(self._file, logged=logged, known=self._sums)
                    self._sums.save(self._file)
                other = sqlite3.connect(self._file, timeout=30, isolation_level=None)
                try:
                    other.execute("PRAGMA wal_checkpoint(PASSIVE)")
                finally:
                    other.close()
            finally:
                self._own.execute("ROLLBACK")

    def close(self) -> None:
        """Checkpoint for the last time; everybody else has closed the file."""
        if self._own is None:
            return
        self._try_checkpoint()
        own, self._own = self._own, None
        own.close()

    def _try_checkpoint(self) -> None:
        """Checkpoint; where that fails, as on a full disk, everything is still in the log, as after a kill."""
        try:
            self.checkpoint()
        except (OSError, sqlite3.Error) as error:
            _log.warning("%s was not checkpointed", self._file.name, extra={"reason": str(error)})

    def _mend_pages(self) -> None:
        self._sums = PageSums.load(self._file)
        if self._sums is not None and (pages := self._sums.mend(self._file)):
            name = self._file.name
            _log.error("ALERT: changed bytes in %s were put right", name, extra={"pages": pages})
        if not sums_file(self._file).exists():
            self._sums = None
        if self._sums is None:
            _check_structure(self._file)

    def _mend_log(self, *, keep_pages: bool) -> None:
        report = mend_log(self._file, keep_pages=keep_pages)
        name = log_of(self._file).name
        if report.mended:
            _log.error(
                "ALERT: changed bytes in %s were put right", name, extra={"bytes": report.mended}
            )
        if not report.unreadable:
            return
        facts = {"error_type": "LogDamaged", "changes": report.unreadable}
        if report.only_last:
            _log.warning(
                "the newest change in %s is cut off: it was not completed", name, extra=facts
            )
        elif keep_pages:
            self.kept_damage = True
            _log.error("ALERT: %s is damaged; every row is checked now", name, extra=facts)
        else:
            raise Corrupt(
                f"{log_of(self._file)} is damaged: {report.unreadable} changes of {self._file.name} behind the damage "
                "cannot be read.",
                hint=f"Put both files back from your own backup, or delete {name} to go on without these changes.",
            )


def _check_structure(file: Path) -> None:
    """Look through a file without sums: it comes from an earlier release, or its sums were damaged."""
    connection = sqlite3.connect(file, timeout=30, isolation_level=None)
    try:
        ((found,), *_) = connection.execute("PRAGMA quick_check(1)").fetchall()
    except sqlite3.DatabaseError as error:
        found = str(error)
    finally:
        connection.close()
    if found != "ok":
        raise Corrupt(
            f"The database {file} is damaged: {found}.",
            hint=f"Put {file.name} back from your own backup of the data directory.",
        )


def _plain(connection: sa.Connection) -> sqlite3.Connection:
    plain = connection.connection.driver_connection
    if not isinstance(plain, sqlite3.Connection):
        raise TypeError("not a SQLite connection")
    return plain
