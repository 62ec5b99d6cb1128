"""Repairs a database that is too damaged to be opened, while no service runs."""

import shutil
from datetime import timedelta

from trimtab.infra.settings.sections.knowledge import KnowledgeSettings
from trimtab.infra.storage import DataDirectory
from trimtab.kernel.clock import Clock
from trimtab.knowledge.care.backups import Backups
from trimtab.knowledge.care.deletions import DeletionLog
from trimtab.knowledge.care.restore import ClosedDatabase, Restore, Restored
from trimtab.knowledge.parts import DATABASE


def repair_closed(
    data: DataDirectory, settings: KnowledgeSettings, clock: Clock, backup: str = ""
) -> Restored:
    """Go back to the named backup, or put what can be read together with the newest good one.

    What was deleted since the backup stays deleted; the damaged file is kept. Saved indexes are dropped, since they
    belong to the former file.

    Raises:
        NoGoodBackup: The named one is missing or damaged. Nothing was changed.
        Corrupt: Nothing that passes its check could be made. Nothing was changed.
    """
    file = data.file(DATABASE)
    deletions = DeletionLog(data.file("knowledge.deletions"))
    keep = timedelta(days=settings.backup_keep_days)
    backups = Backups(file, data.folder("backups"), keep, clock)
    restore = Restore(ClosedDatabase(file, ("knowledge",)), backups, deletions, clock)
    done = restore.from_backup(backup) if backup else restore.from_what_is_left()
    shutil.rmtree(data.folder("index"), ignore_errors=True)
    return done
