"""The first project: the shipped runbook library and the manual, so that a new installation can answer at once."""

import logging
import threading

from trimtab.infra.shipped import shipped
from trimtab.kernel.errors import TrimtabError
from trimtab.knowledge import Knowledge
from trimtab.knowledge.records import FolderIngested

HANDBOOK = "handbook"
_FOLDERS = ("library", "docs")
_log = logging.getLogger(__name__)


class _Stopped(Exception):
    """The service is closing; the rest is taken in at the next start."""


class Handbook:
    """Keeps the project ``handbook`` equal to what ships with this release.

    Args:
        knowledge: Where it is kept.
    """

    def __init__(self, knowledge: Knowledge) -> None:
        self._knowledge = knowledge
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._in_background, name="handbook", daemon=True)

    def ingest(self) -> FolderIngested:
        """Take in every page that is new or changed; unchanged ones cost nothing."""
        found = [
            self._knowledge.ingest_folder(HANDBOOK, shipped(folder), self._progress)
            for folder in _FOLDERS
        ]
        return FolderIngested(
            tuple(document for one in found for document in one.documents),
            tuple(refused for one in found for refused in one.refused),
            tuple(entry for one in found for entry in one.left_out),
        )

    def start(self) -> None:
        """Do it in the background."""
        self._thread.start()

    def close(self) -> None:
        """Stop after the page at hand."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _in_background(self) -> None:
        try:
            done = self.ingest()
        except _Stopped:
            return
        except TrimtabError as error:
            _log.warning("the handbook is not complete", extra={"code": error.code}, exc_info=True)
            return
        _log.info("handbook ready", extra={"documents": len(done.documents)})

    def _progress(self, _done: int, _total: int, _name: str) -> None:
        if self._stop.is_set():
            raise _Stopped
