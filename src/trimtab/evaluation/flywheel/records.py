"""Records of the flywheel."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FailureRecord:
    """An answer of the week that failed."""

    trace_id: str
    project: str
    question: str
    failure_type: str
    """``unhelpful``, ``hallucination``, ``not_found``, ``blocked``, ``degraded`` or ``unsure``."""
    at: str
    owner: str = ""
    """User id of the person who asked."""
    labels: tuple[str, ...] = ()
    """Access labels of the answer."""


@dataclass(frozen=True, slots=True)
class ReviewOutcome:
    """Decision of people about a failure."""

    verdict: str
    failure_type: str
    answer: str
    documents: tuple[str, ...]
    annotator: str


@dataclass(frozen=True, slots=True)
class FailureCluster:
    """Failures about the same subject."""

    id: str
    name: str
    """Its strongest terms."""
    terms: Mapping[str, float]
    """Weights of its terms; their squares sum to 1."""
    traces: tuple[str, ...]
    """Newest weeks only: the traces in it, the most typical first."""
    status: str
    """``new``, ``recurring`` or ``resolved``."""
    first_week: str
    first_at: str
    """When the first failure in it happened, in any week."""

    @property
    def size(self) -> int:
        """Return the number of failures in it."""
        return len(self.traces)


@dataclass(frozen=True, slots=True)
class ClusterSummary:
    """A cluster in a report."""

    id: str
    name: str
    size: int
    status: str
    first_week: str


@dataclass(frozen=True, slots=True)
class FlywheelReport:
    """Report of a week; phase 2 fills in what the annotations gave."""

    week: str
    phase: str
    """``triaged`` or ``done``."""
    failures: int
    clusters: tuple[ClusterSummary, ...]
    failure_types: Mapping[str, int]
    """By annotation where there is one, else by what the service noticed."""
    failure_type_changes: Mapping[str, float]
    """Change of each type's share against the week before; empty without that week."""
    tasks: int
    """Failures that people were asked to annotate."""
    annotated: int
    golden_version: int
    golden_cases: int
    added_cases: int
    first_failure_to_test_hours: float | None
    """Median over the cases added; None without one."""
    note: str = ""


@dataclass(frozen=True, slots=True)
class GoldenCase:
    """A golden question with its provenance."""

    id: str
    project: str
    question: str
    answers: tuple[str, ...]
    """One of these stands in a good answer; empty means that the documents do not hold it."""
    documents: tuple[str, ...]
    labels: tuple[str, ...]
    trace_id: str
    owner: str
    annotator: str
    failure_type: str
    cluster: str
    week: str
    version: int
    failed_at: str
    added_at: str

    def as_line(self) -> dict[str, object]:
        """Return it as a line of `golden.jsonl`, with its provenance and without the user."""
        return {
            "id": self.id,
            "project": self.project,
            "question": self.question,
            "answers": list(self.answers),
            "documents": list(self.documents),
            "provenance": {
                "trace_id": self.trace_id,
                "annotator": self.annotator,
                "failure_type": self.failure_type,
                "week": self.week,
                "version": self.version,
                "failed_at": self.failed_at,
                "added_at": self.added_at,
            },
        }


@dataclass(frozen=True, slots=True)
class GoldenDataset:
    """The golden dataset as a caller may see it."""

    version: int
    sha256: str
    """Of the lines of `golden.jsonl`."""
    cases: tuple[dict[str, object], ...]
    hidden: int
    """Cases left out, because the caller lacks an access label."""
