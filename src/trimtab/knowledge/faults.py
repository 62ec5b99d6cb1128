"""How knowledge can be broken, for drills: the real thing each time, and how to put it back."""

import logging
import random
import secrets
import shutil
import threading
from collections.abc import Mapping, Sequence

from trimtab.kernel.clock import Clock
from trimtab.kernel.errors import Conflict, NotFound, TrimtabError
from trimtab.kernel.operable import Arguments, Fault, Param, Realism, Value
from trimtab.knowledge.care.faults import faults as care_faults
from trimtab.knowledge.crowd import Crowd, long_queries
from trimtab.knowledge.engines.faults import faults as engine_faults
from trimtab.knowledge.service import Knowledge
from trimtab.knowledge.usage import CacheSizes

_MANY = 2000
_FEW = 20
_log = logging.getLogger(__name__)


class NothingToSearch(Conflict):
    """A drill needs traffic, and there is no project to search."""

    code = "knowledge.nothing_to_search"
    default_hint = "Ingest some documents first: `trimtab ingest PROJECT PATH`."


def searched_project(knowledge: Knowledge) -> str:
    """Return the first project that has documents, or raise `NothingToSearch`."""
    found = next((project for project in knowledge.list_projects() if project.documents), None)
    if found is None:
        raise NothingToSearch("There is no document to search for.")
    return found.name


def faults(knowledge: Knowledge, clock: Clock) -> tuple[Fault, ...]:
    """Return every fault of the domain."""
    return (
        *_of_the_model(knowledge),
        *_of_the_cache(knowledge, clock),
        *_of_the_index(knowledge),
        *_of_the_speed(knowledge, clock),
        *engine_faults(knowledge.engines),
        *_of_the_callers(knowledge, clock),
        *care_faults(knowledge, clock),
    )


def _of_the_model(knowledge: Knowledge) -> tuple[Fault, ...]:
    folder = knowledge.encoder.home.folder

    def remove(_: Arguments) -> Mapping[str, Value]:
        shutil.rmtree(folder, ignore_errors=True)
        knowledge.encoder.unload()
        return {}

    def corrupt(_: Arguments) -> Mapping[str, Value]:
        largest = max(folder.iterdir(), key=lambda file: file.stat().st_size)
        with largest.open("r+b") as stream:
            stream.seek(largest.stat().st_size // 2)
            stream.write(b"\0damaged\0" * 512)
        knowledge.encoder.unload()
        return {"file": largest.name}

    def unload(_: Arguments) -> Mapping[str, Value]:
        knowledge.encoder.unload()
        return {}

    def restore(_: Mapping[str, Value]) -> None:
        knowledge.reinstall_model()

    return (
        Fault(
            "knowledge.embedding.remove_model",
            "Delete the embedding model's files and end the loaded model.",
            remove,
            restore,
            realism=Realism.REAL,
        ),
        Fault(
            "knowledge.embedding.corrupt_model",
            "Overwrite a part of the embedding model's largest file and end the loaded model.",
            corrupt,
            restore,
            realism=Realism.REAL,
        ),
        Fault(
            "knowledge.embedding.unload_model",
            "End the loaded model, as a crash of it would.",
            unload,
            restore,
            realism=Realism.SIMULATED,
            simulated_because="the model is unloaded by a call; its runtime does not crash",
        ),
    )


def _of_the_index(knowledge: Knowledge) -> tuple[Fault, ...]:
    def stop(_: Arguments) -> Mapping[str, Value]:
        knowledge.indexes.stop()
        return {}

    def restore(_: Mapping[str, Value]) -> None:
        if knowledge.indexes.stopped:
            knowledge.indexes.restart()

    return (
        Fault(
            "knowledge.index.stop",
            "Put the search indexes out of order, as a crash of their engine would.",
            stop,
            restore,
            realism=Realism.SIMULATED,
            simulated_because="the indexes are switched off by a flag",
        ),
    )


def _of_the_speed(knowledge: Knowledge, clock: Clock) -> tuple[Fault, ...]:
    slowness = _Slowness(knowledge, _Traffic(knowledge, clock))
    seconds = Param("seconds", "number", "How much longer each call takes.", 0.6, 0.01, 60)
    return (
        Fault(
            "knowledge.embedding.slow_model",
            "Let the loaded model take longer for each text, and search for many queries.",
            slowness.of_the_model,
            slowness.restore,
            (seconds,),
            realism=Realism.SIMULATED,
            simulated_because="the encoder waits before each text; nothing competes with it",
        ),
        Fault(
            "knowledge.index.slow",
            "Let the search index take longer for each search, and search for many queries.",
            slowness.of_the_index,
            slowness.restore,
            (seconds,),
            realism=Realism.SIMULATED,
            simulated_because="the indexes wait before each search; nothing competes with them",
        ),
        Fault(
            "knowledge.traffic.search",
            "Search for many queries, so that another fault has callers to meet.",
            slowness.only_traffic,
            slowness.restore,
            (Param("per_second", "number", "Searches a second.", 1.0, 0.01, 1000),),
            realism=Realism.REAL,
        ),
    )


def _of_the_callers(knowledge: Knowledge, clock: Clock) -> tuple[Fault, ...]:
    crowded = _Crowded(knowledge, Crowd(clock))
    users = Param("users", "integer", "How many at once.", 24, 1, 1000)
    return (
        Fault(
            "knowledge.cache.overrun",
            "Leave the caches five entries, and let many users at once ask the same long queries again.",
            crowded.by_the_same,
            crowded.restore,
            (users,),
            realism=Realism.REAL,
        ),
        Fault(
            "knowledge.traffic.crowd",
            "Let many users at once ask long queries of which none comes twice.",
            crowded.by_different,
            crowded.restore,
            (users,),
            realism=Realism.REAL,
        ),
        Fault(
            "knowledge.traffic.refuse",
            "Let a caller send what is refused: blank and endless queries, and projects that cannot be.",
            crowded.by_nonsense,
            crowded.restore,
            (Param("users", "integer", "How many at once.", 1, 1, 1000),),
            realism=Realism.REAL,
        ),
    )


class _Crowded:
    """Users, and the cache sizes that they met."""

    def __init__(self, knowledge: Knowledge, crowd: Crowd) -> None:
        self._knowledge = knowledge
        self._crowd = crowd

    def by_the_same(self, given: Arguments) -> Mapping[str, Value]:
        project, before = self._project(), self._knowledge.cache_sizes()
        queries = long_queries(self._knowledge, project, _FEW)
        remember(self._knowledge, project, queries)
        self._knowledge.resize_caches(CacheSizes(5, 5, before.memory_mb))
        self._knowledge.empty_caches()
        self._crowd.start(
            lambda chance: self._knowledge.search(project, chance.choice(queries)),
            int(given["users"]),
        )
        return {"query": before.query, "embedding": before.embedding}

    def by_different(self, given: Arguments) -> Mapping[str, Value]:
        project = self._project()
        queries = long_queries(self._knowledge, project, _MANY)
        self._crowd.start(
            lambda chance: self._knowledge.search(
                project, f"{chance.random()} {chance.choice(queries)}"[:1000]
            ),
            int(given["users"]),
        )
        return {}

    def by_nonsense(self, given: Arguments) -> Mapping[str, Value]:
        project = self._project()
        wrong = ((project, " "), (project, "endless " * 200), ("no such/project", "hello"))
        self._crowd.start(
            lambda chance: self._knowledge.search(*chance.choice(wrong)), int(given["users"])
        )
        return {}

    def restore(self, before: Mapping[str, Value]) -> None:
        self._crowd.stop()
        if before:
            memory_mb = self._knowledge.cache_sizes().memory_mb
            sizes = CacheSizes(int(before["query"]), int(before["embedding"]), memory_mb)
            self._knowledge.resize_caches(sizes)

    def _project(self) -> str:
        return searched_project(self._knowledge)


class _Slowness:
    """Slow parts, and the searches that notice."""

    def __init__(self, knowledge: Knowledge, traffic: "_Traffic") -> None:
        self._knowledge = knowledge
        self._traffic = traffic

    def of_the_model(self, given: Arguments) -> Mapping[str, Value]:
        queries = self._traffic.queries(_MANY, secrets.token_hex(3))
        self._knowledge.encoder.slow_down(float(given["seconds"]))
        return self._searched(queries, 1.0)

    def of_the_index(self, given: Arguments) -> Mapping[str, Value]:
        queries = self._traffic.queries(_MANY, secrets.token_hex(3))
        self._knowledge.indexes.delay_seconds = float(given["seconds"])
        return self._searched(queries, 1.0)

    def only_traffic(self, given: Arguments) -> Mapping[str, Value]:
        return self._searched(self._traffic.queries(_MANY), float(given["per_second"]))

    def restore(self, _: Mapping[str, Value]) -> None:
        self._traffic.stop()
        self._knowledge.indexes.delay_seconds = 0.0
        self._knowledge.encoder.speed_up()

    def _searched(self, queries: list[tuple[str, str]], per_second: float) -> Mapping[str, Value]:
        self._knowledge.empty_caches()
        self._traffic.start(queries, per_second)
        return {}


def _of_the_cache(knowledge: Knowledge, clock: Clock) -> tuple[Fault, ...]:
    traffic = _Traffic(knowledge, clock)

    def fault(
        name: str, text: str, *params: Param, pace: float = 1.0, known: bool = False
    ) -> Fault:
        broken = _BrokenCache(knowledge, traffic, known=known)
        a_second = Param("per_second", "number", "Searches a second.", pace, 0.01, 1000)
        return Fault(
            name,
            text,
            broken.inject,
            broken.restore,
            params=(*params, a_second),
            realism=Realism.REAL,
        )

    return (
        fault(
            "knowledge.cache.shrink",
            "Shrink the query cache, and search for the same queries over and over.",
            Param("query", "integer", "Entries left to the query cache.", 5, 1, 100_000),
            Param("distinct", "integer", "How many different queries.", 50, 2, 100_000),
        ),
        fault(
            "knowledge.cache.empty",
            "Empty roomy caches as a restart does, and search for many queries that were asked before.",
            Param("query", "integer", "Entries of the query cache.", 4000, 1, 100_000),
            Param("distinct", "integer", "How many different queries.", 600, 2, 100_000),
            pace=0.15,
            known=True,
        ),
        fault(
            "knowledge.cache.diversify",
            "Search for so many different queries that hardly any comes twice.",
            Param("query", "integer", "Entries of the query cache.", 100, 1, 100_000),
            Param("distinct", "integer", "How many different queries.", 2500, 2, 100_000),
        ),
    )


def remember(knowledge: Knowledge, project: str, queries: Sequence[str]) -> None:
    """Let the queries count as asked before."""
    key = knowledge.projects.find(project).key
    for query in [*queries] * 3:
        knowledge.searcher.on_query(key, query)


class _BrokenCache:
    """One way to make the query cache miss: its size, and the searches that it meets."""

    def __init__(self, knowledge: Knowledge, traffic: "_Traffic", *, known: bool) -> None:
        self._knowledge = knowledge
        self._traffic = traffic
        self._known = known

    def inject(self, given: Arguments) -> Mapping[str, Value]:
        queries = self._traffic.queries(int(given["distinct"]))
        if self._known:
            remember(self._knowledge, queries[0][0], [query for _, query in queries])
        before = self._knowledge.cache_sizes()
        self._knowledge.resize_caches(
            CacheSizes(int(given["query"]), before.embedding, before.memory_mb)
        )
        self._knowledge.empty_caches()
        self._traffic.start(queries, float(given["per_second"]))
        return {
            "query": before.query,
            "embedding": before.embedding,
            "memory_mb": before.memory_mb,
        }

    def restore(self, before: Mapping[str, Value]) -> None:
        self._traffic.stop()
        sizes = (int(before[name]) for name in ("query", "embedding", "memory_mb"))
        self._knowledge.resize_caches(CacheSizes(*sizes))


class _Traffic:
    """Real searches in the background, as users would make them, until it is stopped."""

    def __init__(self, knowledge: Knowledge, clock: Clock) -> None:
        self._knowledge = knowledge
        self._clock = clock
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def queries(self, distinct: int, mark: str = "") -> list[tuple[str, str]]:
        """Return project names and queries, taken from the documents' own titles; a new mark makes new queries."""
        project = searched_project(self._knowledge)
        titles = [document.title for document in self._knowledge.documents(project, limit=200)]
        return [
            (project, f"{titles[number % len(titles)][:100]} {number} {mark}".strip())
            for number in range(distinct)
        ]

    def start(self, queries: list[tuple[str, str]], per_second: float) -> None:
        """Search for the queries in random order until `stop`."""
        self.stop()
        self._stop.clear()
        self._thread = threading.Thread(
            target=self._run,
            args=(queries, per_second),
            name="knowledge-drill-traffic",
            daemon=True,
        )
        self._thread.start()

    def stop(self) -> None:
        """End the searches, if any are running."""
        if self._thread is not None:
            self._stop.set()
            self._thread.join()
            self._thread = None

    def _run(self, queries: list[tuple[str, str]], per_second: float) -> None:
        chance = random.Random(7)  # noqa: S311 - a drill repeats itself exactly.
        due = self._clock.monotonic()
        while not self._stop.is_set():
            project, query = chance.choice(queries)
            try:
                self._knowledge.search(project, query)
            except NotFound:
                return  # The project is gone: the drill's traffic goes with it.
            except TrimtabError:
                _log.debug("a search of the drill failed, as it may")
            due += 1 / per_second
            self._clock.wait(self._stop, due - self._clock.monotonic())
