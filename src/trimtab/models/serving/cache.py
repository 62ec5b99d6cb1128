"""Cache of results by version and input, bounded by age and memory."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from trimtab.models.rows import Outputs

_ENTRY_BYTES = 400
"""Objects of an entry, next to its texts and arrays."""


@dataclass(frozen=True, slots=True)
class CachedResult:
    """Outputs of a request, and as JSON."""

    outputs: Outputs
    outputs_json: bytes


class _Entry(NamedTuple):
    """A result with its memory and the time until which it may be used."""

    result: CachedResult
    size: int
    until: float


class ResultCache:
    """Results by the version's digest and the bytes of the input. Safe for many threads.

    When it is full, the result that was used least recently is dropped.

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
            self._entries: OrderedDict[tuple[str, bytes], _Entry] = OrderedDict()
            self._used = 0

    @property
    def used_bytes(self) -> int:
        """Return the memory of the entries."""
        with self._lock:
            self._drop_old(self._monotonic())
            return self._used

    def find(self, digest: str, inputs: bytes) -> CachedResult | None:
        """Return the result of the same version for the same input, or None."""
        if not self.enabled:
            return None
        key = (digest, inputs)
        with self._lock:
            entry = self._entries.get(key)
            if entry is None or entry.until <= self._monotonic():
                self.misses += 1
                return None
            self.hits += 1
            self._entries.move_to_end(key)
            return entry.result

    def keep(self, digest: str, inputs: bytes, result: CachedResult) -> None:
        """Store a result, unless it alone is larger than the cache."""
        size = len(inputs) + 4 * len(result.outputs_json) + _ENTRY_BYTES
        if not self.enabled or size > self.max_bytes:
            return
        key, now = (digest, inputs), self._monotonic()
        with self._lock:
            if (former := self._entries.pop(key, None)) is not None:
                self._used -= former.size
            self._drop_old(now)
            while self._used + size > self.max_bytes:
                self._used -= self._entries.popitem(last=False)[1].size
            self._entries[key] = _Entry(result, size, now + self.ttl_seconds)
            self._used += size

    def clear(self) -> None:
        """Drop every entry, such as when a person's data is erased."""
        with self._lock:
            self._entries.clear()
            self._used = 0

    def _drop_old(self, now: float) -> None:
        """Drop results that are too old, up to the first one that is not."""
        while self._entries:
            first = next(iter(self._entries.values()))
            if first.until > now:
                return
            self._used -= self._entries.popitem(last=False)[1].size
