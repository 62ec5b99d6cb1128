"""The project `handbook`: the shipped runbooks and the manual, searchable from the first start."""

import json
import logging
from pathlib import Path

from trimtab.app.handbook_vectors import FOLDERS, read_vectors
from trimtab.infra.background import PeriodicTask, TaskFinished
from trimtab.infra.shipped import shipped
from trimtab.kernel.clock import Clock
from trimtab.kernel.errors import NotFound
from trimtab.knowledge import Knowledge
from trimtab.knowledge.bulk import ShippedFolder, list_files
from trimtab.knowledge.ingestion import Progress
from trimtab.knowledge.records import FolderIngestResult

HANDBOOK = "handbook"
PAGES_FILE = "handbook.json"
"""In the data directory: the names of the pages that the last release put into the project."""
_LISTED = 1000
_RETRY_SECONDS = 60.0
_log = logging.getLogger(__name__)


class Handbook:
    """Keeps the project ``handbook`` equal to the pages of this release.

    Args:
        knowledge: Stores the project.
        pages_file: Remembers which documents of the project are pages.
        clock: Times the retries.
    """

    def __init__(self, knowledge: Knowledge, pages_file: Path, clock: Clock) -> None:
        self._knowledge = knowledge
        self._pages_file = pages_file
        self.task = PeriodicTask("handbook", self._take_in, _RETRY_SECONDS, clock)

    def ingest(self, progress: Progress | None = None) -> FolderIngestResult:
        """Ingest new and changed pages, and delete those that left the release.

        Args:
            progress: Called after each page with its number, the number of pages and its name.
        """
        vectors = read_vectors()
        sources = {
            shipped(name): ShippedFolder(left_out, vectors) for name, left_out in FOLDERS.items()
        }
        pages = [
            file.name
            for folder, rules in sources.items()
            for file in list_files(folder, rules).files
        ]
        report = self._counting(len(pages), progress)
        found = [
            self._knowledge.ingest_folder(
                HANDBOOK, folder, report, stop=self.task.stopping, shipped=rules
            )
            for folder, rules in sources.items()
        ]
        if not self.task.stopping.is_set():
            self._drop_former(pages)
            self._knowledge.percent_read.pop(HANDBOOK, None)
        return FolderIngestResult(
            tuple(document for part in found for document in part.documents),
            tuple(refused for part in found for refused in part.refused),
            tuple(entry for part in found for entry in part.left_out),
        )

    def start(self) -> None:
        """Ingest in the background; after a failure, again a minute later."""
        self._knowledge.percent_read[HANDBOOK] = 0
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

    def _counting(self, total: int, progress: Progress | None) -> Progress:
        """Return a progress over all folders, which also says how much of the project is read."""
        done = 0

        def report(_number: int, _of_folder: int, name: str) -> None:
            nonlocal done
            done += 1
            if HANDBOOK in self._knowledge.percent_read:
                self._knowledge.percent_read[HANDBOOK] = 100 * done // max(total, done)
            if progress is not None:
                progress(done, total, name)

        return report

    def _drop_former(self, pages: list[str]) -> None:
        """Delete pages of the release before that are not in this one; keep others' documents."""
        former = self._former_pages()
        for name in sorted(former - set(pages)):
            try:
                self._knowledge.documents.delete(HANDBOOK, name)
            except NotFound:
                continue  # Somebody deleted it.
            _log.info("page left the handbook", extra={"page": name})
        if former != set(pages):
            self._pages_file.write_text(json.dumps(sorted(pages)), encoding="utf-8")

    def _former_pages(self) -> set[str]:
        try:
            return set(json.loads(self._pages_file.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            # Releases before this one wrote no list; the following are not pages any more.
            left = [ShippedFolder(left_out) for left_out in FOLDERS.values()]
            documents = self._knowledge.documents.list(HANDBOOK, _LISTED)
            return {d.name for d in documents if not all(rules.takes(d.name) for rules in left)}
