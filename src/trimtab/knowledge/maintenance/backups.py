"""Backups of the live database: taken while it is in use, checked, and expired by age."""

import os
import re
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from trimtab.infra.storage import translate_errors
from trimtab.kernel.clock import Clock
from trimtab.kernel.errors import Corrupt
from trimtab.knowledge.store.database import sync_folder
from trimtab.knowledge.store.integrity import integrity_of

_NAME = re.compile(r"\.(\d{8}_\d{4}(?:\d{2})?)$")


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup file."""

    path: Path
    at: datetime
    size_bytes: int


class Backups:
    """Makes and keeps ``<database>.%Y%m%d_%H%M%S`` files in a folder.

    Args:
        database: The live file.
        folder: Where backups are kept.
        keep: How long; the newest one that passed its check is never removed.
        clock: Dates them.
        copy: Writes a copy of the live database to a file; by default of the live file.
    """

    def __init__(
        self,
        database: Path,
        folder: Path,
        keep: timedelta,
        clock: Clock,
        copy: Callable[[Path], None] | None = None,
    ) -> None:
        self.folder = folder
        self._copy = copy or (lambda target: copy_database(database, target))
        self._database = database
        self._keep = keep
        self._clock = clock

    def take(self) -> Backup:
        """Make a backup of this instant, check it, and remove those that are too old.

        Raises:
            Corrupt: The copy failed its check; nothing was kept, and no older backup was removed.
            StorageFull: There is no room; nothing was kept.
        """
        at = self._clock.now().replace(microsecond=0)
        target = self.folder / f"{self._database.name}.{at:%Y%m%d_%H%M%S}"
        partial = target.with_name(f"{target.name}.partial")
        try:
            partial.unlink(missing_ok=True)
            self._copy(partial)
            found = integrity_of(partial, full_text=False)
            if not found.ok:
                raise Corrupt(
                    f"The backup failed its check: {found.problems[0]}.",
                    hint="The live database is damaged: `trimtab act knowledge.database.check`.",
                )
            partial.replace(target)
        finally:
            for leftover in self.folder.glob(f"{partial.name}*"):
                leftover.unlink(missing_ok=True)
        sync_folder(self.folder)
        self.prune()
        return Backup(target, at, target.stat().st_size)

    def list(self) -> tuple[Backup, ...]:
        """Return all backups, the newest first. Names without seconds are read too."""
        found = []
        for path in self.folder.glob(f"{self._database.name}.*"):
            match = _NAME.search(path.name)
            if match:
                stamp = match.group(1)
                form = "%Y%m%d_%H%M%S" if len(stamp) == 15 else "%Y%m%d_%H%M"
                at = datetime.strptime(stamp, form).replace(tzinfo=UTC)
                found.append(Backup(path, at, path.stat().st_size))
        return tuple(sorted(found, key=lambda backup: backup.at, reverse=True))

    def problem(self, backup: Backup) -> str:
        """Return what is wrong with a backup in one phrase, or nothing. Reads all of it."""
        return next(iter(integrity_of(backup.path, full_text=False).problems), "")

    def newest_good(self) -> Backup | None:
        """Return the newest backup that passes a full check now."""
        return next(
            (backup for backup in self.list() if integrity_of(backup.path, full_text=False).ok),
            None,
        )

    def prune(self, keep: timedelta | None = None) -> int:
        """Remove backups older than the given time or the usual one; return the bytes freed."""
        old = self.expired(keep)
        for backup in old:
            backup.path.unlink(missing_ok=True)
        return sum(backup.size_bytes for backup in old)

    def expired(self, keep: timedelta | None = None) -> tuple[Backup, ...]:
        """Return the backups older than the given time or the usual one, without the newest."""
        most = self._keep if keep is None else keep
        now = self._clock.now()
        return tuple(backup for backup in self.list()[1:] if now - backup.at > most)

    def partials(self) -> tuple[Path, ...]:
        """Return what a backup that was cut off left behind."""
        return tuple(sorted(self.folder.glob(f"{self._database.name}.*.partial*")))

    def set_aside(self) -> tuple[Path, ...]:
        """Return the former files kept by a restore or a killed drill, with their companions."""
        folder = self._database.parent
        drilled = folder.glob(f"{self._database.name}.before-drill*")
        hidden = self.folder.glob("hidden-by-drill/*")
        return tuple(sorted((*folder.glob("corrupted_*"), *drilled, *hidden)))

    def age_seconds(self) -> float | None:
        """Return the age of the newest backup; None when there is none."""
        newest = next(iter(self.list()), None)
        return None if newest is None else (self._clock.now() - newest.at).total_seconds()


def copy_database(source: Path, target: Path) -> None:
    """Copy a database as it is at one instant, while others use it; on disk when this returns.

    Raises:
        StorageFull: There is no room.
        Corrupt: It cannot be read.
    """
    target.unlink(missing_ok=True)
    with translate_errors(source):
        live = sqlite3.connect(f"file:{source}?mode=ro", uri=True, timeout=30)
        copy = sqlite3.connect(target)
        try:
            live.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")
        finally:
            copy.close()
            live.close()
    with target.open("rb") as stream:
        os.fsync(stream.fileno())
