"""What became of ingestions: counted for the signals, and told to the other domains."""

from trimtab.kernel.drilling import Apart
from trimtab.kernel.errors import ErrorKind, TrimtabError
from trimtab.kernel.events import Event
from trimtab.knowledge.context import KnowledgeContext
from trimtab.knowledge.records import FailedDocument, IngestResult
from trimtab.knowledge.search_metrics import SearchMetrics

_FAILURES = frozenset(
    {
        ErrorKind.UNAVAILABLE,
        ErrorKind.STORAGE_FULL,
        ErrorKind.CORRUPT,
        ErrorKind.MISCONFIGURED,
    }
)


def is_failure(error: TrimtabError) -> bool:
    """Return whether the error is the service's own; all others are about what the caller sent or may do."""
    return error.kind in _FAILURES


class IngestionEvents:
    """Counts into the figures, and publishes the domain's events."""

    def __init__(self, figures: Apart[SearchMetrics], around: KnowledgeContext) -> None:
        self._figures = figures
        self._clock = around.clock
        self.events = around.events

    def of(self, project: str, outcome: IngestResult | FailedDocument) -> None:
        """Count and tell what became of a document that somebody sent."""
        if isinstance(outcome, FailedDocument):
            self.failed(outcome.error)
        else:
            self._figures.now.outcomes.add("full")
            self.tell(project, outcome)

    def failed(self, error: TrimtabError) -> None:
        """Count an error of the service. A file that is refused is told to its sender and counts as neither."""
        if is_failure(error):
            self._figures.now.outcomes.add("failed")

    def tell(self, project: str, done: IngestResult) -> None:
        """Publish that a document came in, unless it was there already."""
        if done.status != "unchanged":
            facts: dict[str, object] = {"project": project, "status": done.status}
            self.publish("knowledge.document_ingested", done.document_id, facts)

    def publish(self, name: str, subject: str, facts: dict[str, object]) -> None:
        """Publish an event of now."""
        self.events.publish(Event(name, self._clock.now(), subject, facts))
