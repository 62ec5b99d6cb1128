"""Faults of stored data: memory, disk and database."""

import mmap
import secrets
from collections.abc import Callable, Iterable, Mapping

import numpy as np

from trimtab.kernel.clock import Clock
from trimtab.kernel.events import Event
from trimtab.kernel.operable import Arguments, Fault, Param, Realism, Value
from trimtab.knowledge.cache_manager import CacheSizes
from trimtab.knowledge.ingestion import HEARTBEAT
from trimtab.knowledge.operable.database_faults import database_faults
from trimtab.knowledge.operable.disk_faults import disk_faults
from trimtab.knowledge.service import Knowledge
from trimtab.knowledge.store.database import ReopenableDatabase

_MB = 1024 * 1024
_PACE = Param("megabytes_per_beat", "integer", "Growth at each heartbeat.", 3, 1, 1000)


def faults(knowledge: Knowledge, clock: Clock) -> Iterable[Fault]:
    """Yield every maintenance fault."""
    database = knowledge.database
    file = database if isinstance(database, ReopenableDatabase) else None
    yield from database_faults(knowledge, file)
    yield from disk_faults(knowledge, clock)
    yield from _of_the_memory(knowledge)


def _of_the_memory(knowledge: Knowledge) -> Iterable[Fault]:
    memory = _Memory(knowledge)
    yield Fault(
        "knowledge.memory.leak",
        "Let the process grow at each heartbeat.",
        memory.leak,
        memory.restore,
        (_PACE,),
        realism=Realism.SIMULATED,
        simulated_because="a function of the drill holds the memory, and the repair ends it",
    )
    yield Fault(
        "knowledge.memory.fill_cache",
        "Take the bounds off the caches, and let them grow at each heartbeat.",
        memory.fill_cache,
        memory.restore,
        (_PACE,),
        realism=Realism.SIMULATED,
        simulated_because="a function of the drill fills the cache; no callers do",
    )


class _Memory:
    """Memory that grows at each heartbeat."""

    def __init__(self, knowledge: Knowledge) -> None:
        self._knowledge = knowledge
        self._held: list[mmap.mmap] = []
        self._grow: Callable[[], None] | None = None
        knowledge.events.events.subscribe(HEARTBEAT, self._on_heartbeat)

    def leak(self, given: Arguments) -> Mapping[str, Value]:
        def grow() -> None:
            # Mapped, not allocated: an allocation may reuse freed memory without any growth.
            held = mmap.mmap(-1, int(given["megabytes_per_beat"]) * _MB)
            for _ in range(0, len(held), mmap.PAGESIZE):
                held.write(b"\x01" * mmap.PAGESIZE)
            self._held.append(held)

        self._grow = grow
        return {}

    def fill_cache(self, given: Arguments) -> Mapping[str, Value]:
        knowledge = self._knowledge
        before = knowledge.caches.sizes()
        knowledge.caches.resize(CacheSizes(1_000_000, 1_000_000, 1_000_000))

        def grow() -> None:
            vector = np.ones(int(given["megabytes_per_beat"]) * _MB // 4, np.float32)
            knowledge.encoder.cache.put(f"drill {secrets.token_hex(8)}", vector, vector.nbytes)

        self._grow = grow
        return {
            "query": before.query,
            "embedding": before.embedding,
            "memory_mb": before.memory_mb,
        }

    def restore(self, before: Mapping[str, Value]) -> None:
        knowledge = self._knowledge
        self._grow = None
        self._held.clear()
        knowledge.caches.empty()
        if before:
            sizes = (int(before[name]) for name in ("query", "embedding", "memory_mb"))
            knowledge.caches.resize(CacheSizes(*sizes))

    def _on_heartbeat(self, _: Event) -> None:
        if self._grow is not None:
            self._grow()
