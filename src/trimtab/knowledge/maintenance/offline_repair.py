"""Repairs a damaged database and frees disk space while no service runs."""

import shutil
from datetime import timedelta

from trimtab.infra.settings.sections.knowledge import KnowledgeSettings
from trimtab.infra.storage import DataDirectory
from trimtab.kernel.clock import Clock
from trimtab.knowledge.maintenance.backups import Backups
from trimtab.knowledge.maintenance.cleanup import Cleanup
from trimtab.knowledge.maintenance.deletions import DeletionLog
from trimtab.knowledge.maintenance.erased_owners import ERASED, ErasedOwners
from trimtab.knowledge.maintenance.restore import ClosedDatabase, Restore, RestoreResult
from trimtab.knowledge.store.reopenable import DATABASE


def repair_closed(
    data: DataDirectory,
    settings: KnowledgeSettings,
    clock: Clock,
    backup: str = "",
    *,
    dry_run: bool = False,
) -> RestoreResult:
    """Go back to the named backup, or put what can be read together with the newest good one.

    Documents deleted since the backup stay deleted; the damaged file is kept. Saved indexes are
    dropped, since they belong to the former file.

    Raises:
        NoGoodBackup: The named one is missing or damaged. Nothing was changed.
        Corrupt: Nothing that passes its check could be made. Nothing was changed.
    """
    file = data.file(DATABASE)
    deletions = DeletionLog(data.file("knowledge.deletions"))
    erased = ErasedOwners(data.file(ERASED))
    backups = _backups(data, settings, clock)
    restore = Restore(ClosedDatabase(file, ("knowledge",)), backups, deletions, erased, clock)
    if backup:
        done = restore.from_backup(backup, dry_run=dry_run)
    else:
        done = restore.from_what_is_left(dry_run=dry_run)
    if not dry_run:
        shutil.rmtree(data.folder("index"), ignore_errors=True)
    return done


def closed_cleanup(data: DataDirectory, settings: KnowledgeSettings, clock: Clock) -> Cleanup:
    """Return the clean-up of a data directory that no service uses."""
    return Cleanup(data.path, _backups(data, settings, clock), settings, clock)


def _backups(data: DataDirectory, settings: KnowledgeSettings, clock: Clock) -> Backups:
    keep = timedelta(days=settings.backup_keep_days)
    return Backups(data.file(DATABASE), data.file("backups"), keep, clock)
