"""Interface of the engines that hold and maintain the knowledge database."""

from typing import Protocol

from trimtab.infra.storage import Database
from trimtab.knowledge.maintenance.backups import Backup, Backups
from trimtab.knowledge.maintenance.copies import DatabaseCopies
from trimtab.knowledge.maintenance.deletion_proof import DeletionProof
from trimtab.knowledge.maintenance.deletions import Deletions
from trimtab.knowledge.maintenance.erased_owners import Erased
from trimtab.knowledge.maintenance.restore import RestoreResult
from trimtab.knowledge.store.integrity import Integrity


class DatabaseMaintenance(Protocol):
    """Checks, repairs, backs up and restores the database of one engine."""

    suspect: bool
    """Set when a call met damage; a check clears it."""

    @property
    def database(self) -> Database:
        """Return the maintained database."""
        ...

    @property
    def backups(self) -> Backups:
        """Return the backups of the database."""
        ...

    @property
    def deletions(self) -> Deletions:
        """Return the record of deletions."""
        ...

    @property
    def erased(self) -> Erased:
        """Return the record of erased people."""
        ...

    @property
    def copies(self) -> DatabaseCopies:
        """Return the copies of the database that an erasure searches."""
        ...

    @property
    def checked_at_once(self) -> bool:
        """Return whether a check is quick enough for a start."""
        ...

    def installation(self) -> str:
        """Return an id of the database; empty for the file of the data directory."""
        ...

    def size_bytes(self) -> int:
        """Return the size of the database."""
        ...

    def finish_deletions(self) -> int:
        """Complete what a crash interrupted; return the number of deletions."""
        ...

    def new_deletions(self) -> frozenset[str]:
        """Return the documents that other processes may have deleted since the last call."""
        ...

    def check(self) -> Integrity:
        """Check everything now."""
        ...

    def rebuild_indexes(self) -> None:
        """Make every index and derived row again from its rows."""
        ...

    def purge(self) -> None:
        """Remove what deleted rows left behind, as far as the engine can."""
        ...

    def take_backup(self) -> Backup:
        """Take a backup; see `Backups.take`."""
        ...

    def restore(self, backup: str, *, dry_run: bool) -> RestoreResult:
        """Go back to a backup; see `Restore.from_backup`."""
        ...

    def recover(self, *, dry_run: bool) -> RestoreResult:
        """Put what can be read together with the newest backup; see `Restore`."""
        ...

    def prove(self, held_document_ids: set[str], dead_in_indexes: int) -> DeletionProof:
        """Prove that every deletion holds everywhere that the engine lets see."""
        ...
