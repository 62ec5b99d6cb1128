"""Regular upkeep of SQLite files: statistics, free pages, indexes, and a review of slow queries.

PostgreSQL has the same in ``trimtab.postgresql.upkeep``.
"""

import logging
import re
import shutil
from collections.abc import Iterable, Sequence
from datetime import timedelta

from trimtab.infra.background import PeriodicTask
from trimtab.infra.storage.sqlite.database import SqliteDatabase
from trimtab.infra.storage.upkeep_results import UpkeepReport, UpkeepResults
from trimtab.kernel.clock import Clock
from trimtab.kernel.errors import Corrupt, TrimtabError
from trimtab.kernel.operable import Action, ActionContext, ActionResult, Arguments, Risk, Sample

_log = logging.getLogger(__name__)
_LOOK_SECONDS = 3600.0
_EVERY = timedelta(hours=24)
_ANALYZED_ROWS = 1000
"""Rows of each index that ANALYZE reads: an estimate is enough for the planner."""
_MIN_FREE_SHARE = 0.2
_MIN_FREE_BYTES = 1024 * 1024
_INDEX = re.compile(r"(?:missing from|entries in|entry in|from) index (\S+)$")
_SLOWEST = 10


class FileUpkeep:
    """Runs the upkeep of the SQLite files each day, and keeps its last result.

    Args:
        files: The databases.
        results: Where the result is kept.
        clock: Of the process.
    """

    def __init__(
        self, files: Sequence[SqliteDatabase], results: UpkeepResults, clock: Clock
    ) -> None:
        self._files, self._results, self._clock = tuple(files), results, clock
        self.task = PeriodicTask(
            "upkeep of databases", self.run_due, _LOOK_SECONDS, clock, at_once=False
        )

    def run_due(self) -> list[str]:
        """Run the upkeep of each database whose last one is a day old; return their names.

        Raises:
            TrimtabError: One of them failed; the others were looked after.
        """
        now, done, failed = self._clock.now(), list[str](), list[TrimtabError]()
        for file in self._files:
            last = self._results.of(file.name)
            if last is not None and timedelta(0) <= now - last.at < _EVERY:
                continue
            try:
                self._results.save(self._run(file))
            except TrimtabError as error:
                text = f"The upkeep failed: {error.message}"
                self._results.save(UpkeepReport(file.name, now, text, {}))
                failed.append(error)
            done.append(file.name)
        if failed:
            raise failed[0]
        return done

    def _run(self, file: SqliteDatabase) -> UpkeepReport:
        rebuilt = rebuild_wrong_indexes(file)
        freed = vacuum(file)
        tables = analyze(file)
        slowest = file.transactions.slowest(_SLOWEST)
        text = (
            f"{tables} tables were analyzed, {freed} bytes of free pages removed,"
            f" {len(rebuilt)} wrong indexes rebuilt, and {len(slowest)} slow functions listed."
        )
        facts = {
            "tables": tables,
            "freed_bytes": freed,
            "indexes": rebuilt,
            "slowest": [
                {"caller": each.caller, "mean_seconds": each.mean_seconds} for each in slowest
            ],
        }
        _log.info("upkeep of %s", file.name, extra={"result": text})
        return UpkeepReport(file.name, self._clock.now(), text, facts)

    def ages(self) -> Iterable[Sample]:
        """Return the seconds since the last upkeep of each database; none before its first."""
        return self._results.ages({file.name for file in self._files}, self._clock.now())


def analyze(file: SqliteDatabase) -> int:
    """Update the planner's statistics of all tables; return how many have some."""
    with file.outside_transaction() as connection:
        connection.execute(f"PRAGMA analysis_limit={_ANALYZED_ROWS}")
        connection.execute("ANALYZE")
        (count,) = connection.execute("SELECT count(DISTINCT tbl) FROM sqlite_stat1").fetchone()
    return int(count)


def vacuum(file: SqliteDatabase) -> int:
    """Remove free pages when they are a fifth of the file; return the bytes removed.

    Writers wait meanwhile. Without room for a second copy nothing is done.
    """
    with file.outside_transaction() as connection:

        def read(name: str) -> int:
            return int(connection.execute(f"PRAGMA {name}").fetchone()[0])

        page, pages = read("page_size"), read("page_count")
        free = read("freelist_count") * page
        room = shutil.disk_usage(file.file.parent).free
        if free < max(_MIN_FREE_BYTES, _MIN_FREE_SHARE * pages * page) or room < 2 * pages * page:
            return 0
        connection.execute("VACUUM")
        return (pages - read("page_count")) * page


def rebuild_wrong_indexes(file: SqliteDatabase) -> list[str]:
    """Rebuild the indexes that do not agree with their tables; return their names.

    Raises:
        Corrupt: Something other than an index is damaged.
    """
    with file.read() as connection:
        lines = [row[0] for row in connection.exec_driver_sql("PRAGMA integrity_check")]
    found = [(line, _INDEX.search(line)) for line in lines if line != "ok"]
    names = sorted({match[1] for _, match in found if match})
    if names:
        with file.outside_transaction() as connection:
            for name in names:
                quoted = name.replace('"', '""')
                connection.execute(f'REINDEX "{quoted}"')
    other = [line for line, match in found if not match]
    if other:
        raise Corrupt(
            f"{file.name} is damaged: {other[0]}.",
            hint="`trimtab knowledge verify` says more; see the runbook platform-data-loss.",
        )
    return names


def upkeep_action(results: UpkeepResults) -> Action:
    """Return the action that shows the last results."""

    def show(_given: Arguments, _: ActionContext) -> ActionResult:
        found = results.all()
        lines = [f"{each.database} at {each.at:%Y-%m-%d %H:%M}: {each.summary}" for each in found]
        facts = {each.database: dict(each.facts) for each in found}
        return ActionResult(" ".join(lines) or "There was no upkeep yet.", facts, changes=False)

    return Action(
        "service.database.upkeep",
        "Show the last regular vacuum, index maintenance and query review of each database.",
        Risk.OBSERVE,
        show,
        show,
    )
