"""The first project: the shipped runbook library and the manual, so that a new installation can answer at once."""

import logging

from trimtab.infra.background import Finished, PeriodicTask
from trimtab.infra.shipped import shipped
from trimtab.kernel.clock import Clock
from trimtab.knowledge import Knowledge
from trimtab.knowledge.records import FolderIngestResult

HANDBOOK = "handbook"
_FOLDERS = ("library", "docs")
_RETRY_SECONDS = 60.0
_log = logging.getLogger(__name__)


class Handbook:
    """Keeps the project ``handbook`` equal to what ships with this release.

    Args:
        knowledge: Where it is kept.
        clock: Times another try after a failure.
    """

    def __init__(self, knowledge: Knowledge, clock: Clock) -> None:
        self._knowledge = knowledge
        self.task = PeriodicTask("handbook", self._take_in, _RETRY_SECONDS, clock)

    def ingest(self) -> FolderIngestResult:
        """Take in every page that is new or changed; unchanged ones cost nothing."""
        found = [
            self._knowledge.ingest_folder(HANDBOOK, shipped(folder), self._progress)
            for folder in _FOLDERS
        ]
        return FolderIngestResult(
            tuple(document for one in found for document in one.documents),
            tuple(refused for one in found for refused in one.refused),
            tuple(entry for one in found for entry in one.left_out),
        )

    def start(self) -> None:
        """Do it in the background, again after a while if it fails."""
        self.task.start()

    def close(self) -> None:
        """Stop after the page at hand."""
        self.task.close(timeout=None)

    def _take_in(self) -> None:
        done = self.ingest()
        _log.info("handbook ready", extra={"documents": len(done.documents)})
        raise Finished

    def _progress(self, _done: int, _total: int, _name: str) -> None:
        if self.task.stopping.is_set():
            raise Finished  # The rest is taken in at the next start.
