"""Faults of knowledge for drills: real files, real load, real servers."""

import os
import secrets
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from trimtab.infra.child_process import ChildProcess
from trimtab.infra.load_generator import LoadGenerator
from trimtab.kernel.clock import Clock
from trimtab.kernel.drilling import OWN_PROJECT, drill_traffic
from trimtab.kernel.operable import Arguments, Fault, Param, Realism, Value
from trimtab.knowledge.cache_manager import CacheSizes
from trimtab.knowledge.errors import EmbedderUnavailable
from trimtab.knowledge.operable.drill_project import (
    DrillProject,
    NothingToSearch,
    long_queries,
    restore_sizes,
    search_one_of,
)
from trimtab.knowledge.operable.engine_faults import faults as engine_faults
from trimtab.knowledge.operable.maintenance_faults import faults as care_faults
from trimtab.knowledge.service import Knowledge

__all__ = ["NothingToSearch", "faults"]

Inject = Callable[[Arguments], Mapping[str, Value]]
_MANY = 2000
_FEW = 20


def faults(knowledge: Knowledge, clock: Clock) -> tuple[Fault, ...]:
    """Return every fault of the domain."""
    return (
        *_of_the_model(knowledge),
        *_of_the_cache(knowledge, clock),
        *_of_the_machine(knowledge, clock),
        *engine_faults(knowledge, clock),
        *_of_the_callers(knowledge, clock),
        *care_faults(knowledge, clock),
    )


def _of_the_model(knowledge: Knowledge) -> Iterator[Fault]:
    files = _ModelFiles(knowledge)
    yield Fault(
        "knowledge.embedding.remove_model",
        "Delete the embedding model's files, and load it again as a restart does.",
        files.remove,
        files.restore,
        realism=Realism.REAL,
    )
    yield Fault(
        "knowledge.embedding.corrupt_model",
        "Overwrite a part of the embedding model's largest file, and reload it as a restart does.",
        files.corrupt,
        files.restore,
        realism=Realism.REAL,
    )
    yield Fault(
        "knowledge.embedding.unload_model",
        "Take the model's files away while it is reloaded, as a late mount does, and return them.",
        files.be_late,
        files.restore,
        realism=Realism.REAL,
    )


class _ModelFiles:
    """The folder of the model, broken on disk."""

    def __init__(self, knowledge: Knowledge) -> None:
        self._knowledge = knowledge

    @property
    def _folder(self) -> Path:
        return self._knowledge.encoder.home.folder

    def remove(self, _: Arguments) -> Mapping[str, Value]:
        shutil.rmtree(self._folder, ignore_errors=True)
        self._load()
        return {}

    def corrupt(self, _: Arguments) -> Mapping[str, Value]:
        largest = max(self._folder.iterdir(), key=lambda file: file.stat().st_size)
        with largest.open("r+b") as stream:
            stream.seek(largest.stat().st_size // 2)
            stream.write(b"\0damaged\0" * 512)
        self._load()
        return {"file": largest.name}

    def be_late(self, _: Arguments) -> Mapping[str, Value]:
        away = self._folder.with_name(f"{self._folder.name}.away")
        self._folder.rename(away)
        try:
            self._load()
        finally:
            away.rename(self._folder)
        # A failed load keeps its verdict on the files; the next heartbeat checks again.
        self._knowledge.beat()
        return {}

    def restore(self, _: Mapping[str, Value]) -> None:
        self._knowledge.reinstall_model()

    def _load(self) -> None:
        with suppress(EmbedderUnavailable):
            self._knowledge.reload_model()


def _of_the_machine(knowledge: Knowledge, clock: Clock) -> Iterator[Fault]:
    contention = _Contention(knowledge, clock)
    processes = Param("processes", "integer", "Busy processes; 0: one a processor.", 16, 0, 256)
    niceness = Param("niceness", "integer", "Niceness of the processes, as in nice(1).", 0, 0, 19)
    yield Fault(
        "knowledge.cpu.contend",
        "Start processes that keep every processor busy, and search for long queries.",
        contention.start,
        contention.restore,
        params=(processes, niceness),
        realism=Realism.REAL,
    )
    traffic = _Traffic(knowledge, clock)
    yield Fault(
        "knowledge.traffic.search",
        "Search for many queries, so that another fault has callers to meet.",
        traffic.start,
        traffic.restore,
        params=(Param("per_second", "number", "Searches a second.", 1.0, 0.01, 1000),),
        realism=Realism.REAL,
    )


class _Contention:
    """Processes of somebody else on the same machine, and the searches that suffer from them."""

    def __init__(self, knowledge: Knowledge, clock: Clock) -> None:
        self._knowledge = knowledge
        self._project = DrillProject(knowledge, f"{OWN_PROJECT}contention")
        self._load = LoadGenerator(clock, "drill-searches")
        self._busy: list[ChildProcess] = []

    def start(self, given: Arguments) -> Mapping[str, Value]:
        self._project.create()
        name = self._project.name
        queries = [(name, query) for query in long_queries(self._knowledge, name, _MANY)]
        code = f"import os; os.nice({given['niceness']})\nwhile True: pass"
        for _ in range(int(given["processes"]) or os.cpu_count() or 1):
            self._busy.append(ChildProcess([sys.executable, "-c", code]))
        self._load.start(search_one_of(self._knowledge, queries), 6, per_second=1.0)
        return {}

    def restore(self, _: Mapping[str, Value]) -> None:
        busy, self._busy = self._busy, []
        for child in busy:
            child.kill()
        self._load.stop()
        self._project.delete()


class _Traffic:
    """Searches, and the project that they are made in."""

    def __init__(self, knowledge: Knowledge, clock: Clock) -> None:
        self._knowledge = knowledge
        self._project = DrillProject(knowledge, f"{OWN_PROJECT}traffic")
        self._load = LoadGenerator(clock, "drill-searches")

    def start(self, given: Arguments) -> Mapping[str, Value]:
        self._project.create()
        queries = self._project.queries(_MANY, secrets.token_hex(3))
        self._load.start(
            search_one_of(self._knowledge, queries), per_second=float(given["per_second"])
        )
        return {}

    def restore(self, _: Mapping[str, Value]) -> None:
        self._load.stop()
        self._project.delete()


def _of_the_callers(knowledge: Knowledge, clock: Clock) -> Iterator[Fault]:
    users_load = _ManyUsers(knowledge, LoadGenerator(clock, "drill-user"))
    users = Param("users", "integer", "How many at once.", 24, 1, 1000)
    yield Fault(
        "knowledge.cache.overrun",
        "Set the caches to five entries, and let many users at once repeat the same long queries.",
        users_load.by_the_same,
        users_load.restore,
        (users,),
        realism=Realism.REAL,
    )
    yield Fault(
        "knowledge.traffic.crowd",
        "Let many users at once ask long queries of which none comes twice.",
        users_load.by_different,
        users_load.restore,
        (users,),
        realism=Realism.REAL,
    )
    yield Fault(
        "knowledge.traffic.refuse",
        "Send requests that are refused: blank and endless queries, and invalid projects.",
        users_load.by_nonsense,
        users_load.restore,
        (Param("users", "integer", "How many at once.", 1, 1, 1000),),
        realism=Realism.REAL,
    )


class _ManyUsers:
    """Users, and the cache sizes that they met."""

    def __init__(self, knowledge: Knowledge, load: LoadGenerator) -> None:
        self._knowledge = knowledge
        self._load = load
        self._project = DrillProject(knowledge, f"{OWN_PROJECT}crowd")

    def by_the_same(self, given: Arguments) -> Mapping[str, Value]:
        knowledge, project = self._knowledge, self._project.name
        self._project.create()
        queries = long_queries(knowledge, project, _FEW)
        before = knowledge.caches.sizes()
        knowledge.caches.resize(CacheSizes(5, 5, before.memory_mb))
        self._load.start(
            lambda rng: knowledge.search(project, rng.choice(queries)), int(given["users"])
        )
        return {
            "query": before.query,
            "embedding": before.embedding,
            "memory_mb": before.memory_mb,
        }

    def by_different(self, given: Arguments) -> Mapping[str, Value]:
        project = self._project.name
        self._project.create()
        queries = long_queries(self._knowledge, project, _MANY)
        self._load.start(
            lambda rng: self._knowledge.search(
                project, f"{rng.random()} {rng.choice(queries)}"[:1000]
            ),
            int(given["users"]),
        )
        return {}

    def by_nonsense(self, given: Arguments) -> Mapping[str, Value]:
        self._project.create()
        name = self._project.name
        wrong = ((name, " "), (name, "endless " * 200), ("no such/project", "hello"))
        self._load.start(
            lambda rng: self._knowledge.search(*rng.choice(wrong)), int(given["users"])
        )
        return {}

    def restore(self, before: Mapping[str, Value]) -> None:
        self._load.stop()
        self._project.delete()
        if before:
            sizes = (int(before[name]) for name in ("query", "embedding", "memory_mb"))
            restore_sizes(self._knowledge, CacheSizes(*sizes))


def _of_the_cache(knowledge: Knowledge, clock: Clock) -> Iterator[Fault]:
    broken = _BrokenCache(knowledge, clock)

    def fault(name: str, text: str, inject: Inject, *params: Param, pace: float = 1.0) -> Fault:
        a_second = Param("per_second", "number", "Searches a second.", pace, 0.01, 1000)
        return Fault(
            name,
            text,
            inject,
            broken.restore,
            params=(*params, a_second),
            realism=Realism.REAL,
        )

    yield fault(
        "knowledge.cache.outgrow",
        "Search over and over for three times as many queries as the query cache holds.",
        broken.outgrow,
        pace=2.0,
    )
    yield fault(
        "knowledge.cache.outdate",
        "Ask queries several times, then change their project, so that no remembered answer fits.",
        broken.outdate,
        Param("distinct", "integer", "How many different queries.", 800, 2, 100_000),
        pace=0.15,
    )
    yield fault(
        "knowledge.cache.diversify",
        "Search for many different queries, of which hardly any comes twice.",
        broken.diversify,
        Param("distinct", "integer", "How many different queries.", 2500, 2, 100_000),
    )


class _BrokenCache:
    """Searches that make the query cache miss, each in its own way."""

    def __init__(self, knowledge: Knowledge, clock: Clock) -> None:
        self._knowledge = knowledge
        self._project = DrillProject(knowledge, f"{OWN_PROJECT}cache")
        self._load = LoadGenerator(clock, "drill-searches")

    def outgrow(self, given: Arguments) -> Mapping[str, Value]:
        before = self._begin()
        queries = self._project.queries(3 * int(before["query"]))
        self._load.start(
            search_one_of(self._knowledge, queries), per_second=float(given["per_second"])
        )
        return before

    def outdate(self, given: Arguments) -> Mapping[str, Value]:
        before, knowledge = self._begin(), self._knowledge
        distinct = int(given["distinct"])
        knowledge.caches.resize(
            CacheSizes(2 * distinct, int(before["embedding"]), int(before["memory_mb"]))
        )
        queries = self._project.queries(distinct)
        with drill_traffic():
            for project, query in queries * 3:
                knowledge.search(project, query)
            added = "A page was added to the project."
            knowledge.ingest_text(self._project.name, "added.txt", added)
        self._load.start(
            search_one_of(self._knowledge, queries), per_second=float(given["per_second"])
        )
        return before

    def diversify(self, given: Arguments) -> Mapping[str, Value]:
        before = self._begin()
        queries = self._project.queries(int(given["distinct"]))
        self._load.start(
            search_one_of(self._knowledge, queries), per_second=float(given["per_second"])
        )
        return before

    def restore(self, before: Mapping[str, Value]) -> None:
        self._load.stop()
        self._project.delete()
        sizes = (int(before[name]) for name in ("query", "embedding", "memory_mb"))
        restore_sizes(self._knowledge, CacheSizes(*sizes))

    def _begin(self) -> Mapping[str, Value]:
        self._project.create()
        before = self._knowledge.caches.sizes()
        return {
            "query": before.query,
            "embedding": before.embedding,
            "memory_mb": before.memory_mb,
        }
