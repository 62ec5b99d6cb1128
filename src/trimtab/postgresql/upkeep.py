"""Regular upkeep: vacuum and analyze, rebuilt indexes, and a review of queries.

When a table was last looked after is asked of the server, so that a restart neither repeats nor
skips a run.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from trimtab.infra.storage.upkeep_results import UpkeepReport, UpkeepResults
from trimtab.kernel.clock import Clock
from trimtab.kernel.errors import TrimtabError
from trimtab.kernel.operable import Action, ActionContext, ActionResult, Arguments, Risk, Sample
from trimtab.postgresql.care_actions import read_indexes, run_on
from trimtab.postgresql.server import Row, WatchedServer
from trimtab.postgresql.session_actions import top_queries

_log = logging.getLogger(__name__)
_NAME = "postgresql"
"""The server in the list of results."""
_DUE = """
SELECT format('%I.%I', schemaname, relname) AS name, n_dead_tup AS dead FROM pg_stat_user_tables
WHERE (n_dead_tup > 0 OR n_mod_since_analyze > 0 OR n_ins_since_vacuum > 0)
  AND coalesce(greatest(last_vacuum, last_autovacuum), '-infinity') < now() - interval '24 hours'
ORDER BY 1
"""


@dataclass(frozen=True, slots=True)
class UpkeepResult:
    """Result of one run of the upkeep."""

    at: datetime
    tables: tuple[str, ...]
    dead_rows: int
    indexes: tuple[str, ...]
    slowest: tuple[Row, ...]
    problem: str = ""

    def describe(self) -> str:
        """Return the result in one sentence."""
        if self.problem:
            return f"The upkeep at {self.at:%Y-%m-%d %H:%M} failed: {self.problem}"
        return (
            f"At {self.at:%Y-%m-%d %H:%M} {len(self.tables)} tables with {self.dead_rows} dead rows"
            f" were vacuumed and analyzed, {len(self.indexes)} invalid indexes rebuilt, and"
            f" {len(self.slowest)} slow statements listed."
        )

    def facts(self) -> dict[str, object]:
        """Return tables, indexes and statements by name."""
        return {
            "tables": list(self.tables),
            "indexes": list(self.indexes),
            "slowest": list(self.slowest),
        }


class Upkeep:
    """Runs the upkeep, and keeps its last result.

    Args:
        server: The server.
        clock: Dates the result.
        results: Where the result is kept, so that every process shows it; None for nowhere.
    """

    def __init__(
        self, server: WatchedServer, clock: Clock, results: UpkeepResults | None = None
    ) -> None:
        self._results = results
        self._server = server
        self._clock = clock
        self.last: UpkeepResult | None = None

    def run(self) -> None:
        """Vacuum and analyze tables that are due, rebuild invalid indexes, list slow statements."""
        now = self._clock.now()
        try:
            if self._server.query("SELECT pg_is_in_recovery() AS standby")[0]["standby"]:
                return
            due = self._server.query(_DUE)
            tables = tuple(row["name"] for row in due)
            run_on(self._server, "VACUUM (ANALYZE)", tables)
            # An index is invalid after a build or rebuild without locks that was interrupted.
            invalid = tuple(r["name"] for r in read_indexes(self._server) if not r["valid"])
            run_on(self._server, "REINDEX INDEX CONCURRENTLY", invalid)
            queries = top_queries(self._server).facts["queries"]
        except TrimtabError as error:
            self._keep(UpkeepResult(now, (), 0, (), (), error.message))
            raise
        slowest = tuple(queries) if isinstance(queries, list) else ()
        dead = sum(row["dead"] for row in due)
        result = UpkeepResult(now, tables, dead, invalid, slowest)
        _log.info("upkeep of PostgreSQL", extra={"result": result.describe()})
        self._keep(result)

    def _keep(self, result: UpkeepResult) -> None:
        self.last = result
        if self._results is not None:
            report = UpkeepReport(_NAME, result.at, result.describe(), result.facts())
            self._results.save(report)

    def ages(self) -> Iterable[Sample]:
        """Return the seconds since the last run; no sample before the first."""
        now = self._clock.now()
        if self._results is not None:
            return [Sample(each.value) for each in self._results.ages({_NAME}, now)]
        return [Sample((now - self.last.at).total_seconds())] if self.last else ()

    def action(self) -> Action:
        """Return the action that shows the last result."""

        def show(_given: Arguments, _: ActionContext) -> ActionResult:
            kept = self._results and self._results.of(_NAME)
            if kept:
                return ActionResult(kept.summary, kept.facts, changes=False)
            if self.last is None:
                return ActionResult("There was no upkeep yet.", changes=False)
            return ActionResult(self.last.describe(), self.last.facts(), changes=False)

        return Action(
            "postgresql.upkeep",
            "Show the result of the last regular vacuum, index maintenance and query review.",
            Risk.OBSERVE,
            show,
            show,
        )
