"""The project `handbook`: the shipped runbooks and the manual, searchable from the first start."""

import logging

from trimtab.infra.background import PeriodicTask, TaskFinished
from trimtab.infra.shipped import shipped
from trimtab.kernel.clock import Clock
from trimtab.knowledge import Knowledge
from trimtab.knowledge.ingestion import Progress
from trimtab.knowledge.records import FolderIngestResult

HANDBOOK = "handbook"
_FOLDERS = ("library", "docs")
_RETRY_SECONDS = 60.0
_log = logging.getLogger(__name__)


class Handbook:
    """Keeps the project ``handbook`` equal to the pages of this release.

    Args:
        knowledge: Stores the project.
        clock: Times the retries.
    """

    def __init__(self, knowledge: Knowledge, clock: Clock) -> None:
        self._knowledge = knowledge
        self.task = PeriodicTask("handbook", self._take_in, _RETRY_SECONDS, clock)

    def ingest(self, progress: Progress | None = None) -> FolderIngestResult:
        """Ingest new and changed pages; unchanged ones cost nothing.

        Args:
            progress: Called after each page with its number in its folder, the folder's pages and
                the page's name.
        """
        found = [
            self._knowledge.ingest_folder(
                HANDBOOK, shipped(folder), progress, stop=self.task.stopping
            )
            for folder in _FOLDERS
        ]
        return FolderIngestResult(
            tuple(document for part in found for document in part.documents),
            tuple(refused for part in found for refused in part.refused),
            tuple(entry for part in found for entry in part.left_out),
        )

    def start(self) -> None:
        """Ingest in the background; after a failure, again a minute later."""
        self.task.start()

    def close(self) -> None:
        """Stop the ingestion; the pages that are not stored yet follow at the next start."""
        self.task.close(timeout=None)

    def _take_in(self) -> None:
        done = self.ingest()
        if self.task.stopping.is_set():
            raise TaskFinished  # The next start ingests the remaining pages.
        _log.info("handbook ready", extra={"documents": len(done.documents)})
        raise TaskFinished
