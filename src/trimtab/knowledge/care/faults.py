"""How the data can be broken, for drills."""

import os
import secrets
from collections.abc import Iterable, Mapping

import numpy as np

from trimtab.kernel.clock import Clock
from trimtab.kernel.operable import Arguments, Fault, Param, Value
from trimtab.knowledge.care.database_faults import database_faults
from trimtab.knowledge.care.disk_faults import disk_faults
from trimtab.knowledge.service import Knowledge
from trimtab.knowledge.usage import CacheSizes

_MB = 1024 * 1024


def faults(knowledge: Knowledge, clock: Clock) -> Iterable[Fault]:
    """Yield every fault of care."""
    yield from database_faults(knowledge)
    yield from disk_faults(knowledge, clock)
    yield from _of_the_memory(knowledge)


def _of_the_memory(knowledge: Knowledge) -> Iterable[Fault]:
    held: list[bytearray] = []

    def leak(given: Arguments) -> Mapping[str, Value]:
        def grow() -> None:
            held.append(bytearray(os.urandom(1)) * (int(given["megabytes_per_beat"]) * _MB))

        knowledge.on_beat.append(grow)
        return {}

    def fill_cache(given: Arguments) -> Mapping[str, Value]:
        before = knowledge.cache_sizes()
        knowledge.resize_caches(CacheSizes(1_000_000, 1_000_000, 1_000_000))

        def grow() -> None:
            width = int(given["megabytes_per_beat"]) * _MB // 4
            knowledge.encoder.cache.put(
                f"drill {len(knowledge.on_beat)} {secrets.token_hex(4)}", np.ones(width, np.float32)
            )

        knowledge.on_beat.append(grow)
        return {
            "query": before.query,
            "embedding": before.embedding,
            "memory_mb": before.memory_mb,
        }

    def restore(before: Mapping[str, Value]) -> None:
        knowledge.on_beat.clear()
        held.clear()
        knowledge.empty_caches()
        if before:
            sizes = (int(before[name]) for name in ("query", "embedding", "memory_mb"))
            knowledge.resize_caches(CacheSizes(*sizes))

    pace = Param("megabytes_per_beat", "integer", "Growth at each heartbeat.", 3, 1, 1000)
    yield Fault(
        "knowledge.memory.leak", "Let the process grow at each heartbeat.", leak, restore, (pace,)
    )
    yield Fault(
        "knowledge.memory.fill_cache",
        "Take the bounds off the caches, and let them grow at each heartbeat.",
        fill_cache,
        restore,
        (pace,),
    )
