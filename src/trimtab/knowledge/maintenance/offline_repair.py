"""Repairs a damaged database and frees disk space while no service runs."""

import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from trimtab.infra.settings.sections.knowledge import KnowledgeSettings
from trimtab.infra.storage import DataDirectory, SqliteDatabase
from trimtab.kernel.clock import Clock
from trimtab.kernel.errors import NotFound
from trimtab.knowledge.maintenance.backups import Backups
from trimtab.knowledge.maintenance.cleanup import Cleanup
from trimtab.knowledge.maintenance.deletions import DeletionLog
from trimtab.knowledge.maintenance.erased_owners import ERASED, ErasedOwners
from trimtab.knowledge.maintenance.restore import ClosedDatabase, Restore, RestoreResult
from trimtab.knowledge.store.database import DATABASE

DELETIONS = "knowledge.deletions"


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
    deletions = DeletionLog(data.file(DELETIONS))
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


def merge_databases(backup: Path, recovery: Path, output: Path, clock: Clock) -> RestoreResult:
    """Merge a backup and a recovered database into a file; what was deleted in it stays deleted.

    A database that is there already is kept next to the new one. No service may use the file.

    Raises:
        NotFound: The backup or the recovered database does not exist.
        Corrupt: The merged database fails its check. Nothing was changed.
    """
    for file in (backup, recovery):
        if not file.is_file():
            raise NotFound(f"There is no database {file}.", hint="Check the path.")
    is_new = not output.exists()
    chains = ("knowledge",)
    if is_new:
        SqliteDatabase(output, chains).close()
    deletions = DeletionLog(output.with_name(DELETIONS))
    erased = ErasedOwners(output.with_name(ERASED))
    backups = Backups(output, output.with_name("backups"), timedelta(0), clock)
    restore = Restore(ClosedDatabase(output, chains), backups, deletions, erased, clock)
    merged = restore.from_files(backup, recovery)
    if is_new:
        output.with_name(merged.kept_as).unlink(missing_ok=True)
        merged = replace(merged, kept_as="", lost=0, lost_from="", lost_to="")
    shutil.rmtree(output.with_name("index"), ignore_errors=True)
    return merged


def closed_cleanup(data: DataDirectory, settings: KnowledgeSettings, clock: Clock) -> Cleanup:
    """Return the clean-up of a data directory that no service uses."""
    return Cleanup(data.path, _backups(data, settings, clock), settings, clock)


def _backups(data: DataDirectory, settings: KnowledgeSettings, clock: Clock) -> Backups:
    keep = timedelta(days=settings.backup_keep_days)
    return Backups(data.file(DATABASE), data.file("backups"), keep, clock)
