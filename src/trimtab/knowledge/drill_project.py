"""Searches for drills: real ones, in a project that the drill makes and removes."""

import logging
import random
import threading
from collections.abc import Sequence

from trimtab.kernel.clock import Clock
from trimtab.kernel.drilling import drill_traffic
from trimtab.kernel.errors import Conflict, NotFound, TrimtabError
from trimtab.knowledge.cache_manager import CacheSizes
from trimtab.knowledge.errors import ProjectUnknown
from trimtab.knowledge.service import Knowledge

_log = logging.getLogger(__name__)
_DOCUMENTS = 12
_LONGEST = 6000


class NothingToSearch(Conflict):
    """A drill needs traffic, and there is no project to search."""

    code = "knowledge.nothing_to_search"
    default_hint = "Ingest some documents first: `trimtab ingest PROJECT PATH`."


class DrillProject:
    """A project with copies of some documents. What is asked in it goes away with it.

    Args:
        knowledge: Where it is made.
        name: Its name; a project of that name from an interrupted drill is replaced.
    """

    def __init__(self, knowledge: Knowledge, name: str) -> None:
        self._knowledge = knowledge
        self.name = name

    def create(self) -> None:
        """Copy some documents of the first project that has any, or raise `NothingToSearch`."""
        knowledge = self._knowledge
        self.delete()
        projects = knowledge.projects.list()
        source = next((project.name for project in projects if project.documents), None)
        if source is None:
            raise NothingToSearch("There is no document to search for.")
        for document in knowledge.documents.list(source, limit=_DOCUMENTS):
            text = knowledge.documents.text(source, document.name)[:_LONGEST]
            with drill_traffic():
                knowledge.ingest_text(self.name, f"{document.title[:80]}.txt", text)

    def queries(self, distinct: int, mark: str = "") -> list[tuple[str, str]]:
        """Return project and query, made of the documents' names; a new mark makes new queries."""
        names = [document.name for document in self._knowledge.documents.list(self.name)]
        return [
            (self.name, f"{names[number % len(names)][:100]} {number} {mark}".strip())
            for number in range(distinct)
        ]

    def delete(self) -> None:
        """Remove it with all that was asked in it. May be called twice."""
        try:
            self._knowledge.projects.delete(self.name)
        except ProjectUnknown:
            return
        except TrimtabError as error:
            # A database that is still damaged takes no deletion; the next drill replaces the project.
            _log.warning("drill project not deleted", extra={"error": error.message})


class SearchLoad:
    """Searches in the background, as users would make them, until it is stopped."""

    def __init__(self, knowledge: Knowledge, clock: Clock) -> None:
        self._knowledge = knowledge
        self._clock = clock
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(
        self, queries: Sequence[tuple[str, str]], per_second: float, callers: int = 1
    ) -> None:
        """Search for the queries in random order until `stop`.

        Args:
            queries: Project and query.
            per_second: How many searches each caller makes, when they are answered as fast.
            callers: How many search at once; slow searches need several to be noticed by a rule with a minimum count.
        """
        self.stop()
        self._stop.clear()
        self._threads = [
            threading.Thread(
                target=self._run,
                args=(queries, per_second, number),
                name="drill-searches",
                daemon=True,
            )
            for number in range(callers)
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End the searches, if any are running."""
        self._stop.set()
        threads, self._threads = self._threads, []
        for thread in threads:
            thread.join()

    def _run(self, queries: Sequence[tuple[str, str]], per_second: float, number: int) -> None:
        rng = random.Random(7 + number)  # noqa: S311 - a drill repeats itself exactly.
        due = self._clock.monotonic()
        while not self._stop.is_set():
            project, query = rng.choice(queries)
            try:
                with drill_traffic():
                    self._knowledge.search(project, query)
            except NotFound:
                return  # The project is gone: the drill's traffic goes with it.
            except TrimtabError:
                _log.debug("a search of the drill failed, as it may")
            due += 1 / per_second
            self._clock.wait(self._stop, due - self._clock.monotonic())


def restore_sizes(knowledge: Knowledge, before: CacheSizes) -> None:
    """Give the caches their former sizes; those of the settings leave no record of a choice."""
    settings = knowledge.settings
    own = (before.query, before.embedding, before.memory_mb)
    default = (
        settings.query_cache_entries,
        settings.embedding_cache_entries,
        settings.max_cache_memory_mb,
    )
    chosen = (0 if size == given else size for size, given in zip(own, default, strict=True))
    knowledge.caches.resize(CacheSizes(*chosen))
