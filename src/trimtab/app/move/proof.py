"""Proves that both sides say the same: seals, the audit chain and searches."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

from trimtab.app.move.errors import ProofFailed
from trimtab.app.move.progress import ReportProgress
from trimtab.infra.audit import Audit, AuditReport
from trimtab.infra.settings import Settings
from trimtab.infra.storage import Database, DataDirectory
from trimtab.kernel.clock import Clock
from trimtab.knowledge.relocation import (
    SEARCHES,
    SearchComparison,
    count_seals,
    differing,
    open_encoders,
    sample_queries,
)

_AUDITED = "state"
_SEARCHED = "knowledge"


@dataclass(frozen=True, slots=True)
class RelocationProof:
    """Verified facts of the copy, in addition to the rows."""

    audit_events: int
    audit_head: str
    seals: int = 0
    searches: int = 0


@dataclass(frozen=True, slots=True)
class Prover:
    """Compares two sides that have equal rows.

    Attributes:
        settings: Of the process.
        clock: Of the process.
        directory: Has the embedding models.
        progress: Called as it advances.
    """

    settings: Settings
    clock: Clock
    directory: DataDirectory
    progress: ReportProgress

    def look(self, source: Mapping[str, Database]) -> RelocationProof:
        """Return what is known of the source alone.

        Raises:
            ProofFailed: Its audit chain is broken, and would be on the target.
        """
        report = self._chain(source)
        return RelocationProof(report.events, report.head)

    def prove(
        self,
        source: Mapping[str, Database],
        target: Mapping[str, Database],
        sqlite: Mapping[str, Database],
    ) -> RelocationProof:
        """Verify seals and audit chain of the target, and compare searches of both.

        Args:
            source: Databases by name.
            target: The same.
            sqlite: Whichever of them is on SQLite.

        Raises:
            ProofFailed: They differ.
        """
        seals, wrong = count_seals(sqlite[_SEARCHED], target[_SEARCHED])
        if wrong:
            raise ProofFailed(
                f"{wrong} of {seals} rows of knowledge do not match their checksum.",
                hint="`trimtab knowledge verify` and `trimtab knowledge recover` repair them; then"
                " repeat the move.",
            )
        before, after = self._chain(source), self._chain(target)
        if before != after:
            raise ProofFailed(
                f"The audit chain ends with {before.head[:12]} after {before.events} events, on"
                f" the target with {after.head[:12]} after {after.events}."
            )
        return RelocationProof(after.events, after.head, seals, self._searches(source, target))

    def record(self, target: Mapping[str, Database], installation: str, rows: int) -> None:
        """Append the move to the audit chain of the target."""
        engine = target[_AUDITED].engine.dialect.name
        facts = {"engine": engine, "rows": rows}
        Audit(target[_AUDITED], self.clock).append(
            "move-to", "installation.moved", installation, facts
        )

    def _chain(self, side: Mapping[str, Database]) -> AuditReport:
        report = Audit(side[_AUDITED], self.clock).verify()
        if report.problems:
            raise ProofFailed(
                f"The audit chain is broken: {report.problems[0]}.",
                hint="`trimtab audit verify` shows all of it. Nothing was moved.",
            )
        return report

    def _searches(self, source: Mapping[str, Database], target: Mapping[str, Database]) -> int:
        queries = sample_queries(source[_SEARCHED], SEARCHES)
        scratch = Path(mkdtemp(prefix="move-", dir=self.directory.path))
        encoders = open_encoders(
            self.directory, self.settings.knowledge, self.clock, source[_SEARCHED]
        )
        try:
            comparison = SearchComparison(encoders, self.settings.knowledge, scratch, self.clock)

            def report(project: str, done: int, of: int) -> None:
                self.progress("search", project, done, of)

            before = comparison.answers(source[_SEARCHED], queries, "source", report)
            after = comparison.answers(target[_SEARCHED], queries, "target", report)
        finally:
            for encoder in encoders.values():
                encoder.close()
            shutil.rmtree(scratch, ignore_errors=True)
        if found := differing(target[_SEARCHED], before, after):
            raise ProofFailed(f"Searches of the project {found[0]} find something else.")
        return sum(map(len, queries.values()))
