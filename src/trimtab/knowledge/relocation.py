"""Completes and compares the knowledge of two database engines, for a move between them."""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from trimtab.infra.breaker import CircuitBreaker
from trimtab.infra.settings.sections.knowledge import KnowledgeSettings
from trimtab.infra.storage import Database, DataDirectory
from trimtab.kernel.clock import Clock
from trimtab.kernel.drilling import drill_traffic
from trimtab.knowledge.encoder import Encoder
from trimtab.knowledge.engines.registry import Engines
from trimtab.knowledge.errors import EmbedderUnavailable
from trimtab.knowledge.index import EXACT_LIMIT
from trimtab.knowledge.index_files import IndexFiles
from trimtab.knowledge.indexes import Indexes
from trimtab.knowledge.maintenance.deletions import DeletionLog
from trimtab.knowledge.maintenance.erased_owners import ERASED, ErasedOwners
from trimtab.knowledge.maintenance.kept import KeptDeletions, KeptErasedOwners, adopt
from trimtab.knowledge.maintenance.offline_repair import DELETIONS
from trimtab.knowledge.metrics import QueryCounter
from trimtab.knowledge.search import INDEX_BUILDING, Searcher, SearchRequest
from trimtab.knowledge.store import ProjectStore, SearchStore
from trimtab.knowledge.store.database import DATABASE as KNOWLEDGE_FILE
from trimtab.knowledge.store.engines import EngineStore
from trimtab.knowledge.store.sampling import (
    count_seals,
    index_words,
    passage_counts,
    sample_queries,
)
from trimtab.knowledge.wiring import encoders_of

SEARCHES = 20
"""How many searches of each project are compared."""
_BEST = 10
_PATIENCE_SECONDS = 600.0
_PAUSE_SECONDS = 0.02
_MIN_AGREEMENT = 0.9
"""Share of equal answers in projects that are searched by a graph, which is approximate."""

Answers = Mapping[str, list[tuple[tuple[str, float], ...]]]
"""Passage ids and scores of each query, by project."""

__all__ = [
    "KNOWLEDGE_FILE",
    "SEARCHES",
    "Answers",
    "SearchComparison",
    "complete_target",
    "count_seals",
    "differing",
    "open_encoders",
    "sample_queries",
]


class SearchComparison:
    """Makes the same searches on two databases, each with indexes of its own.

    Args:
        encoders: By the name of the embedder; loaded here, and used for both.
        settings: Of knowledge.
        scratch: An empty folder for the indexes.
        clock: Of the process.
    """

    def __init__(
        self,
        encoders: Mapping[str, Encoder],
        settings: KnowledgeSettings,
        scratch: Path,
        clock: Clock,
    ) -> None:
        self._encoders = encoders
        self._settings = settings
        self._scratch = scratch
        self._clock = clock

    def answers(
        self,
        database: Database,
        queries: Mapping[str, list[str]],
        name: str,
        progress: Callable[[str, int, int], None],
    ) -> Answers:
        """Return what each query finds.

        Args:
            database: To search.
            queries: By project.
            name: Of the side, for its folder.
            progress: Called with a project and its searches, done and all.
        """
        store = SearchStore(database)
        engines = Engines(EngineStore(database), store, self._encoders, self._settings, self._clock)
        breaker = CircuitBreaker(
            self._settings.breaker_failures, self._settings.probe_seconds, self._clock
        )
        folder = self._scratch / name
        folder.mkdir()
        indexes = Indexes(
            store, self._encoders, IndexFiles(folder, ""), breaker, self._clock, engines
        )
        counter = QueryCounter(self._settings.frequent_queries, {})
        searcher = Searcher(store, self._encoders, indexes, counter, self._settings, self._clock)
        found: dict[str, list[tuple[tuple[str, float], ...]]] = {}
        try:
            # As a drill's: queries of a comparison must not warm the caches of users later.
            with drill_traffic():
                for project, texts in queries.items():
                    found[project] = [_search(searcher, project, text) for text in texts]
                    progress(project, len(texts), len(texts))
        finally:
            indexes.close()
            engines.close()
        return found


def complete_target(
    data: DataDirectory, source: Database, target: Database, progress: Callable[[int], None]
) -> None:
    """Bring over what is not in the tables that both engines have.

    These are the terms of PostgreSQL's full-text search, and the lists of deletions and of erased
    people, which are files on SQLite and tables on PostgreSQL.

    Args:
        data: Holds the files.
        source: Of knowledge.
        target: Of knowledge, with the rows of the source.
        progress: Called with the number of passages whose terms are written.
    """
    listed = DeletionLog(data.file(DELETIONS))
    people = ErasedOwners(data.file(ERASED))
    if target.engine.dialect.name == "postgresql":
        index_words(target, progress)
        adopt(target, listed.all(), people.all())
    else:
        listed.adopt(KeptDeletions(source).all(), lambda found: (found.document_id, found.at))
        people.adopt(KeptErasedOwners(source).all(), lambda found: found.salt)


def open_encoders(
    data: DataDirectory, settings: KnowledgeSettings, clock: Clock, database: Database
) -> Mapping[str, Encoder]:
    """Load the models that the projects have; without one they are searched by words alone."""
    encoders = encoders_of(data, settings, clock)
    for name in ProjectStore(database, settings.engine).embedders() & encoders.keys():
        with suppress(EmbedderUnavailable):
            encoders[name].start()
    return encoders


def differing(database: Database, before: Answers, after: Answers) -> list[str]:
    """Return the projects whose searches find something else than before."""
    counts = passage_counts(database)
    found = []
    for project, answers in before.items():
        same = sum(a == b for a, b in zip(answers, after.get(project, []), strict=True))
        needed = 1.0 if counts.get(project, 0) <= EXACT_LIMIT else _MIN_AGREEMENT
        if same < needed * len(answers):
            found.append(project)
    return found


def _search(searcher: Searcher, project: str, text: str) -> tuple[tuple[str, float], ...]:
    until = time.monotonic() + _PATIENCE_SECONDS
    while True:
        result = searcher.search(project, text, SearchRequest(top_k=_BEST))
        if result.reason != INDEX_BUILDING or time.monotonic() > until:
            break
        time.sleep(_PAUSE_SECONDS)
    return tuple((passage.chunk_id, round(passage.score, 6)) for passage in result.passages)
