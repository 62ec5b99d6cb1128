"""Sources of review items in domains that stand next to or above the review domain."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import islice

from trimtab.evaluation.flywheel import FailureRecord, ReviewOutcome
from trimtab.gates.monitor import GateMonitor
from trimtab.gates.records import Severity
from trimtab.kernel.clock import Clock
from trimtab.models.monitoring.drift import DriftVerdict
from trimtab.models.monitoring.service import ModelMonitor
from trimtab.models.monitoring.status import DRILL_PREFIX, MonitoredStatus
from trimtab.models.service import Models
from trimtab.models.serving.unsure import UnsurePrediction, UnsureRow
from trimtab.review import Reviews
from trimtab.review.records import ReviewCandidate

_TEXT = 1900
LOW_CONFIDENCE = 0.6
"""Predictions that are less sure than this are reviewed; of two classes, .5 is a coin toss."""
UNSURE_PER_HOUR = 10
"""Predictions of a model that are queued in an hour: a sample, or a bad model would fill the queue.
"""
_LOOKED_AT = 200
_OVERLAP = timedelta(seconds=60)
"""Predictions are stored some moments after they were made."""
_SHOWN_FEATURES = 5
_SHOWN_CLASSES = 5


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


class ModelFindings:
    """Predictions of low confidence, and models whose inputs have drifted.

    Args:
        models: Has the stored predictions.
        monitor: Judges the drift.
        clock: Of the process.
    """

    name = "models"

    def __init__(self, models: Models, monitor: ModelMonitor, clock: Clock) -> None:
        self._models = models
        self._monitor = monitor
        self._clock = clock
        self._since = clock.now()
        self._hour = ""
        self._queued: dict[str, set[str]] = {}
        """Requests that were queued in this hour, by model."""

    def candidates(self, limit: int) -> Sequence[ReviewCandidate]:
        """Return a sample of the unsure predictions since the last look, and what drifts today."""
        return list(islice((*self._drifted(), *self._unsure()), limit - 1))

    def mark_queued(self, subjects: Sequence[str]) -> None:
        """Do nothing: the queue ignores what it knows."""

    def _drifted(self) -> Iterator[ReviewCandidate]:
        for status in self._monitor.statuses():
            if status.drift.verdict is DriftVerdict.DRIFT and not status.is_drill:
                subject = f"{status.model} drift {status.at:%Y-%m-%d}"
                at = status.at.isoformat()
                yield ReviewCandidate("model", subject, "drift", at, text=_describe(status))

    def _unsure(self) -> Iterator[ReviewCandidate]:
        now = self._clock.now()
        since, self._since = self._since - _OVERLAP, now
        if (hour := f"{now:%Y-%m-%dT%H}") != self._hour:
            self._hour = hour
            self._queued = {}
        for found in self._models.unsure(since, LOW_CONFIDENCE, _LOOKED_AT):
            if found.model.startswith(DRILL_PREFIX):
                continue
            queued = self._queued.setdefault(found.model, set())
            if found.request_id not in queued and len(queued) < UNSURE_PER_HOUR:
                queued.add(found.request_id)
                yield _candidate(found)


def _describe(status: MonitoredStatus) -> str:
    drift = status.drift
    worst = [each for each in drift.features if each.drifted][:_SHOWN_FEATURES]
    features = ", ".join(f"{each.feature} ({each.psi:.2f})" for each in worst)
    text = f"The inputs of {status.model} differ from its reference: PSI {drift.score:.2f}"
    return f"{text}, most in {features}." if features else f"{text}."


def _describe_row(served_by: str, row: UnsureRow) -> str:
    """Return what the model said of its least sure row, and the row, for a person to judge."""
    others = sorted(row.probabilities.items(), key=lambda each: -each[1])
    shares = ", ".join(f"{label} {share:.0%}" for label, share in others[:_SHOWN_CLASSES])
    which = "" if row.rows == 1 else f" Row {row.number} of {row.rows}, the least sure one."
    values = ", ".join(
        f"{name} {'missing' if value is None else value}" for name, value in row.inputs.items()
    )
    return (
        f"{served_by} was sure to {row.confidence:.0%}.{which} Its label: {row.label}"
        f"{f' ({shares})' if shares else ''}. "
        + (f"The row: {values}." if values else "The row was not stored (models.store_inputs).")
    )


def _candidate(found: UnsurePrediction) -> ReviewCandidate:
    text = _describe_row(found.served_by, found.row)
    return ReviewCandidate(
        "model",
        found.request_id,
        "low_confidence",
        found.at,
        owner=found.user_id,
        text=text[:_TEXT],
    )


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
