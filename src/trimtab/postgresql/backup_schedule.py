"""Daily dump of trimtab's own database, with its copy and the age of both."""

import logging
from collections.abc import Callable, Iterable

from trimtab.infra.background import PeriodicTask
from trimtab.kernel.clock import Clock
from trimtab.kernel.operable import Sample, Signal
from trimtab.postgresql.backups import PostgresBackups

_log = logging.getLogger(__name__)
_LOOK_SECONDS = 900.0
DUMP_TASK = "dump PostgreSQL"


class BackupSchedule:
    """Dumps the database when the newest dump is old, and copies dumps that have no copy.

    Args:
        backups: Make the dumps.
        clock: Names the day of a dump.
        own: Whether the server holds trimtab's own data; others are dumped on request only.
        leads: Whether this process leads its fleet: it alone makes the dumps and knows the copies.
    """

    def __init__(
        self,
        backups: PostgresBackups,
        clock: Clock,
        *,
        own: bool,
        leads: Callable[[], bool] = lambda: True,
    ) -> None:
        self._backups, self._clock = backups, clock
        self._hours = backups.settings.backup_hours if own else 0.0
        self._leads = leads
        self._led_since = clock.now()
        self._copies: frozenset[str] = frozenset()
        self.task = PeriodicTask(DUMP_TASK, self.run, _LOOK_SECONDS, clock, at_once=False)

    @property
    def enabled(self) -> bool:
        """True if dumps are made without a request."""
        return self._hours > 0

    def run(self) -> bool:
        """Dump and copy what is due; return whether the database was dumped.

        Raises:
            PostgresUnavailable, PostgresRefused, PostgresNotConfigured: It cannot be dumped.
            ObjectsUnavailable: It cannot be copied; the next round tries again.
        """
        backups = self._backups
        newest = next(iter(backups.dumps()), None)
        due = newest is None or newest.age_seconds >= self._hours * 3600
        if due:
            file = backups.take(self._clock.now())
            _log.info("dumped PostgreSQL", extra={"file": file.name})
        self._copy(again=due)
        if due:
            backups.prune(backups.settings.backup_keep)
        return due

    def _copy(self, *, again: bool) -> None:
        """Copy the dumps that have no copy; the newest again when it was just made."""
        backups = self._backups
        if backups.copies is None:
            return
        self._copies = frozenset(backups.copied())
        for position, dump in enumerate(backups.dumps()[: backups.settings.backup_keep]):
            if dump.name not in self._copies or (again and position == 0):
                backups.copy(dump.name)
                self._copies |= {dump.name}

    def ages(self) -> Iterable[Sample]:
        """Return the age of the newest dump and of the newest copy; none in other processes.

        Before the first one it is the time since this process began to lead.
        """
        if not self.enabled:
            return
        if not self._leads():
            self._led_since = self._clock.now()
            return
        dumps = self._backups.dumps()
        since = (self._clock.now() - self._led_since).total_seconds()
        yield Sample(dumps[0].age_seconds if dumps else since, {"place": "folder"})
        if self._backups.copies is not None:
            ages = [dump.age_seconds for dump in dumps if dump.name in self._copies]
            yield Sample(min(ages, default=since), {"place": "copies"})

    def signal(self) -> Signal:
        """Return the signal of the ages."""
        return Signal(
            "postgresql.backup.age",
            "seconds",
            "Age of the newest scheduled dump, in the folder and among the copies.",
            self.ages,
            ("place",),
            "pg_backup_age_seconds",
        )
