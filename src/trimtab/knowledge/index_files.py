"""The files of search indexes on disk, and the thread that builds indexes in the background."""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from trimtab.knowledge.errors import IndexUnavailable
from trimtab.knowledge.store import ProjectRow

_log = logging.getLogger(__name__)
_OWNER = ".database"


class IndexFiles:
    """A folder with two files for each project: its index, and the weights fitted to it.

    Processes on one database may share the folder.

    Args:
        folder: Where they are.
        installation: The id of the database; empty for the file of the data directory. Files of
            another database are removed: they are named by the numbers of its projects.
    """

    def __init__(self, folder: Path, installation: str = "") -> None:
        self.folder = folder
        marker = folder / _OWNER
        owner = marker.read_text(encoding="utf-8") if marker.exists() else ""
        if owner != installation:
            for file in folder.iterdir():
                file.unlink(missing_ok=True)
            if installation:
                marker.write_text(installation, encoding="utf-8")

    def index(self, key: int) -> Path:
        """Return the path of a project's index."""
        return self.folder / f"{key}.index"

    def fit(self, key: int) -> Path:
        """Return the path of the weights fitted to it."""
        return self.folder / f"{key}.fit.json"

    def drop(self, key: int) -> None:
        """Remove both files of a project."""
        self.index(key).unlink(missing_ok=True)
        self.fit(key).unlink(missing_ok=True)

    def all(self) -> list[Path]:
        """Return the files of all indexes."""
        return sorted(self.folder.glob("*.index"))


class IndexJobs:
    """Runs one job at a time in the background; one that waits already is not added again."""

    def __init__(self) -> None:
        self._waiting: set[tuple[int, str]] = set()
        self._lock = threading.Lock()
        self._workers = ThreadPoolExecutor(1, thread_name_prefix="knowledge-index")

    def add(self, project: ProjectRow, work: Callable[[ProjectRow], None]) -> None:
        """Let the work be done for the project."""
        job = (project.key, work.__name__)
        with self._lock:
            if job in self._waiting:
                return
            self._waiting.add(job)
        self._workers.submit(self._run, project, work)

    def close(self) -> None:
        """End the running job and drop the others."""
        self._workers.shutdown(cancel_futures=True)

    def _run(self, project: ProjectRow, work: Callable[[ProjectRow], None]) -> None:
        try:
            work(project)
        except IndexUnavailable as error:
            _log.warning("search index waits for its engine", extra={"reason": error.message})
        except Exception:  # noqa: BLE001 - the edge of a thread; the next search tries again.
            _log.exception("search index could not be made")
        finally:
            with self._lock:
                self._waiting.discard((project.key, work.__name__))
