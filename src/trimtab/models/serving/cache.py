"""Cache of results by version and input, bounded by age and memory."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from cachetools import TTLCache

from trimtab.models.rows import Outputs

_ENTRY_BYTES = 400
"""Objects of an entry, next to its texts and arrays."""


@dataclass(frozen=True, slots=True)
class CachedResult:
    """Outputs of a request, and as JSON."""

    outputs: Outputs
    outputs_json: bytes


class ResultCache:
    """Results by the version's digest and the bytes of the input. Safe for many threads.

    Args:
        ttl_seconds: Age at which a result is dropped; 0 turns the cache off.
        max_bytes: Memory that the entries may use; 0 turns the cache off.
        monotonic: Measures the age.
    """

    def __init__(self, ttl_seconds: float, max_bytes: int, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self.hits = 0
        self.misses = 0
        self.resize(ttl_seconds, max_bytes)

    def resize(self, ttl_seconds: float, max_bytes: int) -> None:
        """Set age and memory from now on; the entries are dropped."""
        with self._lock:
            self.ttl_seconds, self.max_bytes = ttl_seconds, max_bytes
            self.enabled = ttl_seconds > 0 and max_bytes > 0
            self._entries: TTLCache[tuple[str, bytes], tuple[CachedResult, int]] = TTLCache(
                max(1, max_bytes),
                max(ttl_seconds, 0.001),
                timer=self._monotonic,
                getsizeof=lambda entry: entry[1],
            )

    @property
    def used_bytes(self) -> int:
        """Return the memory of the entries."""
        return int(self._entries.currsize)

    def find(self, digest: str, inputs: bytes) -> CachedResult | None:
        """Return the result of the same version for the same input, or None."""
        if not self.enabled:
            return None
        with self._lock:
            entry = self._entries.get((digest, inputs))
            if entry is None:
                self.misses += 1
                return None
            self.hits += 1
            return entry[0]

    def keep(self, digest: str, inputs: bytes, result: CachedResult) -> None:
        """Store a result, unless it alone is larger than the cache."""
        size = len(inputs) + 4 * len(result.outputs_json) + _ENTRY_BYTES
        if not self.enabled or size > self.max_bytes:
            return
        with self._lock:
            self._entries[digest, inputs] = (result, size)

    def clear(self) -> None:
        """Drop every entry, such as when a person's data is erased."""
        with self._lock:
            self._entries.clear()
