"""Projects and queries for drills."""

import logging
import random
from collections.abc import Sequence

from trimtab.infra.load_generator import Request
from trimtab.kernel.drilling import drill_traffic
from trimtab.kernel.errors import Conflict, TrimtabError
from trimtab.knowledge.cache_manager import CacheSizes
from trimtab.knowledge.errors import ProjectUnknown
from trimtab.knowledge.search import MAX_QUERY_CHARACTERS
from trimtab.knowledge.service import Knowledge

_log = logging.getLogger(__name__)
_DOCUMENTS = 12
_LONGEST = 6000
_WORDS = 150


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
            # A damaged database refuses the deletion; the next drill replaces the project.
            _log.warning("drill project not deleted", extra={"error": error.message})


def long_queries(knowledge: Knowledge, project: str, count: int) -> list[str]:
    """Return queries of up to 1,000 characters from the project's own words: the most expensive."""
    rng = random.Random(count)  # noqa: S311 - drills repeat exactly.
    names = [document.name for document in knowledge.documents.list(project, limit=50)]
    words = " ".join(knowledge.documents.text(project, name) for name in names).split()
    return [
        f"{number} {' '.join(rng.choices(words, k=_WORDS))}"[:MAX_QUERY_CHARACTERS].strip()
        for number in range(count)
    ]


def search_one_of(knowledge: Knowledge, queries: Sequence[tuple[str, str]]) -> Request:
    """Return a request that searches for a random one of the queries, given with their projects."""
    return lambda rng: knowledge.search(*rng.choice(queries))


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
