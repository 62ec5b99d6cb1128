"""Copies of the dump of the Valkey server, next to those of PostgreSQL."""

import re
from datetime import UTC, datetime
from pathlib import Path

from trimtab.infra.objects import Objects, open_copies
from trimtab.infra.settings.sections.postgresql import PostgresqlSettings

DATED = re.compile(r"redis_backup_\d{4}_\d{2}_\d{2}\.rdb")


class DumpCopies:
    """Keeps the newest copy under the file's own name, and one a day under a dated name.

    The dated ones matter after a loss: the next dump of an emptied server replaces the newest copy.

    Args:
        objects: Where the copies are.
        keep: How many dated copies are kept.
    """

    def __init__(self, objects: Objects, keep: int) -> None:
        self._objects = objects
        self._keep = keep
        self._copied = 0

    @classmethod
    def of(cls, settings: PostgresqlSettings) -> "DumpCopies | None":
        """Return the copies at the address of PostgreSQL's dumps; None without an address."""
        objects = open_copies(settings)
        return None if objects is None else cls(objects, settings.backup_keep)

    @property
    def made_at(self) -> float | None:
        """Time of the newest dump that this process copied; None before the first."""
        return self._copied / 1e9 if self._copied else None

    def add(self, file: Path) -> None:
        """Copy a dump, unless this process has done so; raises `ObjectsUnavailable`."""
        made = file.stat().st_mtime_ns
        if made == self._copied:
            return
        day = datetime.fromtimestamp(made / 1e9, UTC)
        # The dated one first: with it, replacing the other loses nothing.
        self._objects.put_file(f"{file.stem}_{day:%Y_%m_%d}{file.suffix}", file)
        self._objects.put_file(file.name, file)
        for name in self.dated()[self._keep :]:
            self._objects.delete(name)
        self._copied = made

    def dated(self) -> list[str]:
        """Return the names of the dated copies, the newest first; raises `ObjectsUnavailable`."""
        return sorted(filter(DATED.fullmatch, self._objects.names()), reverse=True)

    def fetch(self, name: str, file: Path) -> bool:
        """Write a copy to a file; return False when it does not exist.

        Raises:
            ObjectsUnavailable: The place does not answer.
        """
        if name not in self._objects.names():
            return False
        self._objects.get_file(name, file)
        return True
