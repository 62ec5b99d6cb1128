"""Detects lost commits and changed bytes in a database file."""

import logging
import sqlite3
import threading
from pathlib import Path

import sqlalchemy as sa

from trimtab.infra.storage.sqlite.integrity.commit_counter import (
    CommitCounter,
    commit_count,
    increment_commits,
)
from trimtab.infra.storage.sqlite.integrity.page_checksums import PageChecksums, checksums_file
from trimtab.infra.storage.sqlite.integrity.wal import repair_wal, wal_file, wal_pages
from trimtab.kernel.errors import Corrupt

_log = logging.getLogger(__name__)
_LOG_BYTES = 4 * 1024 * 1024
"""Growth of the log that triggers a checkpoint, close to SQLite's own default."""


class FileGuard:
    """Protects one database file from before it opens until after it closes.

    Args:
        file: The database; no connection to it may be open.
        page_sums: Keep a checksum of each page. Then only the guard may checkpoint.
        keep_pages: See `repair_wal`.

    Raises:
        Corrupt: The file or its log is damaged and cannot be repaired.
    """

    def __init__(self, file: Path, *, page_sums: bool, keep_pages: bool = False) -> None:
        self._file = file
        self._page_sums = page_sums
        self._commits = CommitCounter(file)
        self._own: sqlite3.Connection | None = None
        self._lock = threading.Lock()
        self._due_bytes = _LOG_BYTES
        self.lost_commits = 0
        """Number of acknowledged commits that were missing at the start."""
        self.kept_damage = False
        """True if the log holds a page that is known to be damaged."""
        self._repair_wal(keep_pages=keep_pages)
        self._sums: PageChecksums | None = None
        if page_sums and file.exists():
            self._repair_pages()

    def attach(self, engine: sa.Engine) -> None:
        """Count each changing commit of the engine and disable its automatic checkpoints."""

        @sa.event.listens_for(engine, "connect")
        def _prepare(connection: sqlite3.Connection, _record: object) -> None:
            if self._page_sums:
                connection.execute("PRAGMA wal_autocheckpoint=0")

        @sa.event.listens_for(engine, "commit")
        def _count(connection: sa.Connection) -> None:
            plain, info = _plain(connection), connection.info
            if plain.in_transaction and plain.total_changes != info.get("changes", 0):
                info["number"] = increment_commits(plain)
            info["changes"] = plain.total_changes

        @sa.event.listens_for(engine, "rollback")
        def _forget(connection: sa.Connection) -> None:
            connection.info["changes"] = _plain(connection).total_changes
            connection.info.pop("number", None)

        @sa.event.listens_for(engine, "checkin")
        def _acknowledge(
            connection: sqlite3.Connection | None, record: sa.pool.ConnectionPoolEntry
        ) -> None:
            # The commit may have failed, so the counter is read from the file.
            if record.info.pop("number", 0) and connection is not None:
                self._commits.note(commit_count(connection))

    def check_commits(self) -> None:
        """Count missing acknowledged commits; call whenever the file was opened or replaced."""
        own = sqlite3.connect(self._file, timeout=30, isolation_level=None, check_same_thread=False)
        own.execute("PRAGMA wal_autocheckpoint=0")
        self.lost_commits = self._commits.missing(commit_count(own))
        if self.lost_commits:
            _log.error(
                "ALERT: acknowledged changes of %s are missing",
                self._file.name,
                extra={"error_type": "ChangesLost", "changes": self.lost_commits},
            )
        if self._page_sums:
            # Kept open until `close`: SQLite checkpoints by itself when the last connection closes.
            self._own = own
        else:
            own.close()

    def checkpoint_when_due(self) -> None:
        """Checkpoint when the log has grown by 4 MB."""
        if self._own is None:
            return
        file = wal_file(self._file)
        size = file.stat().st_size if file.exists() else 0
        if size <= self._due_bytes:
            return
        # After a failure, or while a reader blocks the reset of the log, do not retry at every
        # commit.
        self._due_bytes = size + _LOG_BYTES
        self._try_checkpoint()

    def checkpoint(self) -> None:
        """Write the checksums of the logged pages, then the pages, under the write lock."""
        if self._own is None:
            return
        with self._lock:
            self._own.execute("BEGIN IMMEDIATE")
            try:
                logged = wal_pages(self._file)
                if logged or (self._sums is None and self._file.stat().st_size):
                    self._sums = PageChecksums.of(self._file, logged=logged, known=self._sums)
                    self._sums.save(self._file)
                other = sqlite3.connect(self._file, timeout=30, isolation_level=None)
                try:
                    other.execute("PRAGMA wal_checkpoint(PASSIVE)")
                finally:
                    other.close()
            finally:
                self._own.execute("ROLLBACK")

    def close(self) -> None:
        """Checkpoint a last time, after every other connection has closed."""
        if self._own is None:
            return
        self._try_checkpoint()
        own, self._own = self._own, None
        own.close()

    def _try_checkpoint(self) -> None:
        """Checkpoint; on failure log it, and the changes stay in the log."""
        try:
            self.checkpoint()
        except (OSError, sqlite3.Error) as error:
            _log.warning("%s was not checkpointed", self._file.name, extra={"reason": str(error)})

    def _repair_pages(self) -> None:
        self._sums = PageChecksums.load(self._file)
        if self._sums is not None and (pages := self._sums.repair(self._file)):
            name = self._file.name
            _log.error("ALERT: changed bytes in %s were repaired", name, extra={"pages": pages})
        if not checksums_file(self._file).exists():
            self._sums = None
        if self._sums is None:
            _check_structure(self._file)

    def _repair_wal(self, *, keep_pages: bool) -> None:
        report = repair_wal(self._file, keep_pages=keep_pages)
        name = wal_file(self._file).name
        if report.repaired:
            _log.error(
                "ALERT: changed bytes in %s were repaired", name, extra={"bytes": report.repaired}
            )
        if not report.unreadable:
            return
        facts = {"error_type": "LogDamaged", "changes": report.unreadable}
        if report.only_last:
            _log.warning(
                "the newest change in %s is incomplete and was discarded", name, extra=facts
            )
        elif keep_pages:
            self.kept_damage = True
            _log.error("ALERT: %s is damaged; checking every row", name, extra=facts)
        else:
            raise Corrupt(
                f"{wal_file(self._file)} is damaged: {report.unreadable} changes of"
                f" {self._file.name} after the damage cannot be read.",
                hint=(
                    f"Restore both files from your own backup, or delete {name} to continue without"
                    " these changes."
                ),
            )


def _check_structure(file: Path) -> None:
    """Check the structure of a file without checksums with `PRAGMA quick_check`.

    Such a file comes from an earlier release, or its checksums were damaged.
    """
    connection = sqlite3.connect(file, timeout=30, isolation_level=None)
    try:
        (found,), *_ = connection.execute("PRAGMA quick_check(1)").fetchall()
    except sqlite3.DatabaseError as error:
        found = str(error)
    finally:
        connection.close()
    if found != "ok":
        raise Corrupt(
            f"The database {file} is damaged: {found}.",
            hint=f"Restore {file.name} from your own backup of the data directory.",
        )


def _plain(connection: sa.Connection) -> sqlite3.Connection:
    plain = connection.connection.driver_connection
    if not isinstance(plain, sqlite3.Connection):
        raise TypeError("not a SQLite connection")
    return plain
