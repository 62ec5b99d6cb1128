"""Detects lost commits and changed bytes in a database file.

Each commit increments a counter in the database (``PRAGMA user_version``) and then writes the same
number to a small file. A kill between the two leaves the file behind, which is harmless. A database
whose counter is behind the file has lost acknowledged commits: its log was truncated or removed, or
an older copy was restored. The file is not synced to disk at each commit, since after a power cut
it is merely behind.
"""

import logging
import os
import sqlite3
import threading
import zlib
from pathlib import Path

import sqlalchemy as sa

from trimtab.infra.storage.sqlite.integrity.page_checksums import PageChecksums, checksums_file
from trimtab.infra.storage.sqlite.integrity.wal import repair_wal, wal_file, wal_pages
from trimtab.infra.storage.sqlite.raw_file import RawFile
from trimtab.kernel.errors import Corrupt

_log = logging.getLogger(__name__)
_LOG_BYTES = 4 * 1024 * 1024
"""Growth of the log that triggers a checkpoint, close to SQLite's own default."""
_MAX_COUNT = 2**31 - 1
"""Largest ``user_version``; the commit after it counts as the first."""


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
        self.checkpoints = page_sums
        """Whether the guard checkpoints; then no connection may do so by itself."""
        self._wal = wal_file(file)
        self._count_file = file.with_name(f"{file.name}-commits")
        self._highest_count = 0
        self._count_lock = threading.Lock()
        self.raw = RawFile(file)
        """The bytes of the file while connections are open."""
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
        """Count the changing commits of an engine whose transactions a library begins and ends."""

        @sa.event.listens_for(engine, "connect")
        def _prepare(connection: sqlite3.Connection, _record: object) -> None:
            if self.checkpoints:
                connection.execute("PRAGMA wal_autocheckpoint=0")

        @sa.event.listens_for(engine, "commit")
        def _count(connection: sa.Connection) -> None:
            driver, info = _driver(connection), connection.info
            if driver.in_transaction and driver.total_changes != info.get("changes", 0):
                self.count_commit(driver)
                info["counted"] = True
            info["changes"] = driver.total_changes

        @sa.event.listens_for(engine, "rollback")
        def _forget(connection: sa.Connection) -> None:
            connection.info["changes"] = _driver(connection).total_changes
            connection.info.pop("counted", None)

        @sa.event.listens_for(engine, "checkin")
        def _acknowledge(
            connection: sqlite3.Connection | None, record: sa.pool.ConnectionPoolEntry
        ) -> None:
            if record.info.pop("counted", False) and connection is not None:
                self.acknowledge(connection)

    def count_commit(self, connection: sqlite3.Connection) -> None:
        """Count a commit in the database, as the last statement of its transaction."""
        (number,) = connection.execute("PRAGMA user_version").fetchone()
        connection.execute(f"PRAGMA user_version={number % _MAX_COUNT + 1}")

    def acknowledge(self, connection: sqlite3.Connection) -> None:
        """Note the number of commits in the file; checkpoint when the log has grown by 4 MB.

        The commits are done, so errors are only logged.
        """
        # Read again, since the last commit may have failed.
        (number,) = connection.execute("PRAGMA user_version").fetchone()
        with self._count_lock:
            if not number < self._highest_count < _MAX_COUNT:
                self._highest_count = number
                text = b"%010d %08x\n" % (number, zlib.crc32(b"%d" % number))
                try:
                    handle = os.open(
                        self._count_file, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600
                    )
                    try:
                        os.pwrite(handle, text, 0)
                    finally:
                        os.close(handle)
                except OSError as error:
                    name, reason = self._count_file.name, str(error)
                    _log.warning("%s was not written", name, extra={"reason": reason})
        if self._own is not None:
            size = self._wal.stat().st_size if self._wal.exists() else 0
            if size > self._due_bytes:
                # After a failure, or while a reader blocks the reset of the log, do not retry at
                # every commit.
                self._due_bytes = size + _LOG_BYTES
                self._try_checkpoint()

    def check_commits(self) -> None:
        """Count missing acknowledged commits; call whenever the file was opened or replaced."""
        self.raw.reopen()
        own = sqlite3.connect(self._file, timeout=30, isolation_level=None, check_same_thread=False)
        own.execute("PRAGMA wal_autocheckpoint=0")
        noted, self._highest_count = self._noted_commits(), 0
        self.acknowledge(own)
        self.lost_commits = max(0, noted - self._highest_count)
        if self.lost_commits:
            _log.error(
                "ALERT: acknowledged changes of %s are missing",
                self._file.name,
                extra={"error_type": "ChangesLost", "changes": self.lost_commits},
            )
        if self.checkpoints:
            # Kept open until `close`: SQLite checkpoints by itself when the last connection closes.
            self._own = own
        else:
            own.close()

    def checkpoint(self) -> None:
        """Write the checksums of the logged pages, then the pages, under the write lock."""
        if self._own is None:
            return
        with self._lock:
            self._own.execute("BEGIN IMMEDIATE")
            try:
                logged = wal_pages(self._file)
                if logged or (self._sums is None and self._file.stat().st_size):
                    self._sums = PageChecksums.of(self.raw, logged=logged, known=self._sums)
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
        if self._own is not None:
            self._try_checkpoint()
            own, self._own = self._own, None
            own.close()
        self.raw.close()

    def _noted_commits(self) -> int:
        """Return the number of acknowledged commits in the file; 0 if it is missing or damaged."""
        try:
            text = self._count_file.read_bytes()
        except FileNotFoundError:
            return 0
        number, _, check = text[:20].partition(b" ")
        if number.isdigit() and check.strip() == b"%08x" % zlib.crc32(b"%d" % int(number)):
            return int(number)
        _log.warning("%s was damaged; it is written again", self._count_file.name)
        return 0

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


def _driver(connection: sa.Connection) -> sqlite3.Connection:
    driver = connection.connection.driver_connection
    if not isinstance(driver, sqlite3.Connection):
        raise TypeError("not a SQLite connection")
    return driver
