"""What maintenance needs of the engine that holds the knowledge database."""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from trimtab.infra.storage import Database
from trimtab.knowledge.maintenance.backups import Backup, Backups
from trimtab.knowledge.maintenance.copies import DatabaseCopies
from trimtab.knowledge.maintenance.deletion_proof import DeletionProof
from trimtab.knowledge.maintenance.deletions import Deletion
from trimtab.knowledge.maintenance.erased_owners import ErasedOwner
from trimtab.knowledge.maintenance.restore import RestoreResult
from trimtab.knowledge.store.integrity import Integrity


class Deletions(Protocol):
    """The deletions that a restored backup must not take back."""

    def all(self) -> tuple[Deletion, ...]:
        """Return every deletion, oldest first."""
        ...

    def record(self, deletions: Iterable[Deletion]) -> AbstractContextManager[None]:
        """Return a context in which these deletions are carried out, or not recorded."""
        ...

    def forget_before(self, oldest: datetime) -> int:
        """Drop the entries up to that date; return how many were dropped."""
        ...


class Erased(Protocol):
    """The people whom a restored backup must not bring back."""

    def all(self) -> tuple[ErasedOwner, ...]:
        """Return every entry, oldest first."""
        ...

    def note(self, owner: str, at: datetime) -> None:
        """Record the person; a repeated erasure updates the time of the entry."""
        ...

    def forget_before(self, oldest: datetime) -> int:
        """Drop the entries up to that date; return how many were dropped."""
        ...


class DatabaseMaintenance(Protocol):
    """Checks, repairs, backs up and restores the database of one engine."""

    database: Database
    backups: Backups
    deletions: Deletions
    erased: Erased
    copies: DatabaseCopies
    suspect: bool
    """Set when a call met damage; a check clears it."""

    @property
    def checked_at_once(self) -> bool:
        """Whether a check is quick enough for a start."""
        ...

    def size_bytes(self) -> int:
        """Return the size of the database."""
        ...

    def finish_deletions(self) -> int:
        """Complete what a crash interrupted; return the number of deletions."""
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
