"""Counts ingestion outcomes for the signals and publishes events to other domains."""

from trimtab.kernel.drilling import Apart
from trimtab.kernel.errors import TrimtabError
from trimtab.kernel.events import Event
from trimtab.knowledge.context import KnowledgeContext
from trimtab.knowledge.errors import is_failure
from trimtab.knowledge.records import FailedDocument, IngestResult
from trimtab.knowledge.search_metrics import SearchMetrics

HEARTBEAT = "knowledge.heartbeat_completed"
"""The name of the event after each heartbeat."""


class IngestionEvents:
    """Records outcomes of ingestions, and publishes the domain's events."""

    def __init__(self, metrics: Apart[SearchMetrics], context: KnowledgeContext) -> None:
        self._metrics = metrics
        self._clock = context.clock
        self.events = context.events

    def record(self, project: str, outcome: IngestResult | FailedDocument) -> None:
        """Count the outcome of an upload, and publish it when the document changed."""
        if isinstance(outcome, FailedDocument):
            self.record_error(outcome.error)
        else:
            self._metrics.now.outcomes.add("full")
            self.publish_ingested(project, outcome)

    def record_error(self, error: TrimtabError) -> None:
        """Count a failure of the service; a refused file is not counted."""
        if is_failure(error):
            self._metrics.now.outcomes.add("failed")

    def publish_ingested(self, project: str, result: IngestResult) -> None:
        """Publish that a document was ingested, unless it was unchanged."""
        if result.status != "unchanged":
            facts: dict[str, object] = {"project": project, "status": result.status}
            self.publish("knowledge.document_ingested", result.document_id, facts)

    def publish(self, name: str, subject: str, facts: dict[str, object]) -> None:
        """Publish an event with the time of now."""
        self.events.publish(Event(name, self._clock.now(), subject, facts))
