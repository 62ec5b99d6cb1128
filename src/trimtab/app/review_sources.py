"""Sources of review items in domains that stand next to or above the review domain."""

from collections.abc import Mapping, Sequence

from trimtab.evaluation.flywheel import FailureRecord, ReviewOutcome
from trimtab.gates.monitor import GateMonitor
from trimtab.gates.records import Severity
from trimtab.review import Reviews
from trimtab.review.records import ReviewCandidate

_TEXT = 1900


class GateFindings:
    """Findings of the monitored project that a person reviews before the release.

    The sample project of a service without a configured project is left out: it is never released.
    """

    name = "gates"

    def __init__(self, gates: GateMonitor) -> None:
        self._gates = gates

    def candidates(self, limit: int) -> Sequence[ReviewCandidate]:
        """Return one candidate for each warning of the last verdict."""
        verdict = self._gates.verdict
        if verdict is None or self._gates.uses_sample_project:
            return ()
        return [
            ReviewCandidate(
                "gate",
                f"{verdict.subject_sha256[:16]} {found.code} {found.path}"[:200],
                "gate",
                verdict.at,
                text=f"{verdict.subject}: {found.message} Fix: {found.fix}"[:_TEXT],
            )
            for found in verdict.findings
            if found.severity is Severity.WARNING
        ][: limit - 1]

    def mark_queued(self, subjects: Sequence[str]) -> None:
        """Do nothing: the queue ignores a finding that it knows."""


class FlywheelTasks:
    """Queues failures of the flywheel as review items, and reads what people decided."""

    def __init__(self, reviews: Reviews) -> None:
        self._reviews = reviews

    def ask(self, failures: Sequence[FailureRecord]) -> None:
        """Queue each failure; one that is queued or judged already stays as it is."""
        self._reviews.enqueue(
            [
                ReviewCandidate(
                    "guard" if each.failure_type == "blocked" else "answer",
                    each.trace_id,
                    "flywheel",
                    each.at,
                    each.project,
                    each.owner,
                )
                for each in failures
            ]
        )

    def outcomes(self, trace_ids: Sequence[str]) -> Mapping[str, ReviewOutcome]:
        """Return the results of the finished items, by trace."""
        subjects = set(trace_ids)
        found = {}
        for item in self._reviews.items.done_since(limit=100_000):
            result = item.result
            if item.subject in subjects and result is not None:
                found[item.subject] = ReviewOutcome(
                    result.verdict,
                    result.failure_type,
                    result.answer,
                    result.documents,
                    result.annotator,
                )
        return found
