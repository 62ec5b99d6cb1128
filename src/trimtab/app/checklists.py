"""Adapter: lets the operations checklists read the services."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from trimtab.answers.service import AnswerService
from trimtab.answers.tracing import SpanExporter
from trimtab.evaluation.online import QualityMonitor
from trimtab.knowledge.engines.qdrant_usage import QdrantUsageMonitor
from trimtab.knowledge.maintenance.backups import Backups
from trimtab.operations.readings import (
    BackupReading,
    BudgetReading,
    DependencyReading,
    DriftReading,
    QualityReading,
    StorageReading,
)


@dataclass(frozen=True, slots=True)
class Readings:
    """Reads answers, evaluation, backups and the installed packages."""

    answers: AnswerService
    monitor: QualityMonitor
    exporter: SpanExporter
    backups: Backups
    qdrant: QdrantUsageMonitor

    def quality(self) -> QualityReading:
        """Measure the answers of the current window now."""
        seen = self.monitor.run_once()
        drift = seen.drift
        return QualityReading(
            answers=seen.metrics.answers,
            empty_rate=seen.metrics.empty_rate,
            hallucination_rate=seen.metrics.hallucination_rate,
            blocked_rate=seen.metrics.blocked_rate,
            cosine_ratio=seen.cosine_ratio,
            has_baseline=not math.isnan(seen.cosine_baseline),
            drift=DriftReading(drift.detected, drift.p_value, drift.effect) if drift else None,
        )

    def failures(self) -> Mapping[str, int]:
        """Return the number of failed questions by error code, since the start."""
        return self.answers.counters.failures()

    def budget(self) -> BudgetReading:
        """Return the spending of the model budget."""
        now = self.answers.budget.standing()
        tokens = now.input_tokens + now.output_tokens
        spent = (now.period, now.spent_usd, now.limit_usd, now.share, now.calls, tokens)
        self.answers.model.look()
        report = self.answers.model.report
        if report is None:
            return BudgetReading(*spent)
        calls = report.calls_used or 0, report.calls_limit or 0
        return BudgetReading(*spent, report.credits_usd, report.problem, *calls)

    def storage(self) -> StorageReading | None:
        """Return the storage of the Qdrant server, read now; None without a limit."""
        found = self.qdrant.look()
        if found is None or not found.limit_gb:
            return None
        limits = (("reads", found.reads_per_minute), ("writes", found.writes_per_minute))
        requests = ", ".join(f"at most {limit} {what} a minute" for what, limit in limits if limit)
        return StorageReading("Qdrant", found.stored_gb, found.limit_gb, requests, found.problem)

    def resting_generators(self) -> Iterable[str]:
        """Return the names of the generators whose circuit is open."""
        models = self.answers.models
        return [name for name in models.names if models.resting(name)]

    def export_error(self) -> str:
        """Return why the tracing backend took no traces at the last try; empty when it did."""
        return self.exporter.last.error

    def newest_backup(self) -> BackupReading | None:
        """Return the newest good backup, or None."""
        good = self.backups.newest_good()
        return BackupReading(good.path.name, good.at) if good else None

    def dependencies(self) -> DependencyReading:
        """Audit the installed packages now."""
        # The packages' metadata takes a second to read, and only this check needs it.
        from trimtab.gates.supply_chain import Installed, Snapshot, audit
        from trimtab.gates.supply_chain.pins import load_pins, pin_findings

        everything, snapshot = Installed(), Snapshot.load()
        # Extras come with what trimtab needs, and the pins hold for them too.
        broken_pins = [found.message for found in pin_findings(everything, load_pins(None))]
        installed = everything.needed_by("trimtab")
        versions = {package.name: package.version for package in installed.packages}
        problems = [
            f"{hole.package} {hole.version}: {hole.id}, {_fix(hole.fixed_in)}"
            for hole in audit(versions, snapshot)
        ]
        problems += broken_pins
        problems += [f"pip check: {broken}" for broken in installed.inconsistencies()]
        return DependencyReading(
            len(installed.packages), snapshot.records, snapshot.date, tuple(problems)
        )


def _fix(versions: tuple[str, ...]) -> str:
    return f"fixed in {', '.join(versions)}" if versions else "no fix is known"
