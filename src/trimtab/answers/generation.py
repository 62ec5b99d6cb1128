"""Fallback between generators, and a cache of their drafts."""

import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from cachetools import LRUCache

from trimtab.answers.drafts import Draft, Generator, Piece, Restart, Usage
from trimtab.answers.errors import GeneratorUnavailable, GeneratorUnknown
from trimtab.answers.records import EXTRACTIVE, SourcePassage
from trimtab.answers.shared_drafts import Looked, SharedDrafts
from trimtab.answers.units import forget_units
from trimtab.infra.breaker import CircuitBreaker
from trimtab.kernel.clock import Clock
from trimtab.kernel.ids import content_id

_log = logging.getLogger(__name__)


class FallbackGenerator:
    """Asks generators in order of preference, each behind a circuit breaker.

    Args:
        generators: Named, the preferred one first.
        clock: Times the breakers.
        failures: Failures in a row that open a breaker.
        open_seconds: Time until one call may try a generator with an open breaker.
    """

    def __init__(
        self,
        generators: Sequence[tuple[str, Generator]],
        clock: Clock,
        failures: int = 3,
        open_seconds: float = 30.0,
    ) -> None:
        self._clock = clock
        self._limit = failures
        self._open_seconds = open_seconds
        self._lock = threading.Lock()
        self._generators = tuple(generators)
        self._breakers = {name: self._new_breaker() for name, _ in generators}
        self.failed: Counter[str] = Counter()
        """Failures of each generator since the start."""

    def stream(self, question: str, passages: Sequence[SourcePassage]) -> Iterator[Piece]:
        """Yield the pieces of the first generator that works; the draft's notice says why.

        Without a passage that a model may read, only quotes are tried.
        A `Restart` comes between the pieces of a generator that failed half-way and those of the
        next one.

        Raises:
            GeneratorUnavailable: All of them failed or have an open breaker.
        """
        reasons: list[str] = []
        for name, generator in self._usable(passages):
            breaker = self._breakers[name]
            if not (breaker.healthy or breaker.allow()):
                reasons.append(f"{name} rests after {self._limit} failures")
                continue
            started = False
            try:
                for piece in generator.stream(question, passages):
                    started = True
                    if isinstance(piece, Draft):
                        if not breaker.healthy:
                            # Before the yield: the caller may not come back.
                            breaker.record_success()
                        yield replace(piece, notice=reasons[0]) if reasons else piece
                    else:
                        yield piece
            except GeneratorUnavailable as error:
                self._note_failure(name, error)
                reasons.append(error.message)
                if started:
                    yield Restart(error.message)
                continue
            return
        raise GeneratorUnavailable(reasons[-1] if reasons else "No generator is available.")

    def resting(self, name: str) -> bool:
        """Return whether that generator's breaker is open."""
        return self._breakers[name].refuses

    @property
    def names(self) -> tuple[str, ...]:
        """The generators in the order in which they are asked."""
        return tuple(name for name, _ in self._generators)

    def outside_breakers(self) -> dict[str, CircuitBreaker]:
        """Return the breakers of the generators that are services outside."""
        inside = "extractive"
        return {f"generator {n}": b for n, b in self._breakers.items() if n != inside}

    def prefer(self, name: str) -> str:
        """Ask that generator first from now on; return which one was first.

        Raises:
            GeneratorUnknown: No generator has that name.
        """
        with self._lock:
            before = self._generators
            if name not in {known for known, _ in before}:
                raise GeneratorUnknown(f"There is no generator {name!r}.")
            self._generators = tuple(sorted(before, key=lambda entry: entry[0] != name))
        return before[0][0]

    def put(self, name: str, generator: Generator | None) -> Generator | None:
        """Replace, add in front, or remove a generator; return the former one."""
        with self._lock:
            before = dict(self._generators)
            former = before.get(name)
            self._breakers = {**self._breakers, name: self._new_breaker()}
            if generator is None:
                before.pop(name, None)
            else:
                first = {name: generator} if former is None else {}
                before = {**first, **before, name: generator}
            self._generators = tuple(before.items())
        return former

    def _usable(self, passages: Sequence[SourcePassage]) -> tuple[tuple[str, Generator], ...]:
        """Return the generators that have something to read, in their order.

        Without a readable passage a model would be paid for an empty prompt.
        """
        if any(passage.is_readable for passage in passages):
            return self._generators
        return tuple(entry for entry in self._generators if entry[0] == EXTRACTIVE)

    def _new_breaker(self) -> CircuitBreaker:
        return CircuitBreaker(self._limit, self._open_seconds, self._clock)

    def _note_failure(self, name: str, error: GeneratorUnavailable) -> None:
        self._breakers[name].record_failure()
        with self._lock:
            self.failed[name] += 1
        _log.warning("generator failed", extra={"generator": name, "reason": error.message})


class CachedGenerator:
    """Caches drafts by question and passages.

    The passages are part of the key: a document that was deleted, changed or belongs to another
    project can never be answered from here, so nothing has to be invalidated.

    Args:
        inner: Writes the drafts.
        version: Changes with the generator's settings, so that drafts of former settings are not
            used.
        entries: Maximum number of drafts; 0 caches none.
        shared: The second layer, which other processes fill too; None without one.
        order: Returns the names of the inner generators, the preferred one first: drafts of another
            order are not used, also not those of other processes.
    """

    def __init__(
        self,
        inner: Generator,
        version: str,
        entries: int = 1_000,
        shared: SharedDrafts | None = None,
        order: Callable[[], Sequence[str]] = tuple,
    ) -> None:
        self._order = order
        self._shared = shared
        self._uses_shared = shared is not None
        self._inner = inner
        self._version = version
        self._drafts: LRUCache[str, Draft] = LRUCache(maxsize=entries)
        self._lock = threading.Lock()
        self.hits = 0
        self.misses = 0
        self.shared_hits = 0

    def use_shared(self, *, allowed: bool) -> None:
        """Use the second layer only while all processes have the same models."""
        self._uses_shared = allowed and self._shared is not None

    def stream(self, question: str, passages: Sequence[SourcePassage]) -> Iterator[Piece]:
        """Yield the cached draft, at no cost, or the inner generator's pieces."""
        parts = [
            part
            for p in passages
            for part in (p.document_id, p.chunk_id, str(p.start), str(p.unquotable), p.text)
        ]
        version = ">".join((self._version, *self._order()))
        key = content_id("draft", version, question, *parts)
        with self._lock:
            draft = self._drafts.get(key)
            self.hits += draft is not None
            self.misses += draft is None
        if draft is not None:
            yield replace(draft, usage=Usage())
            return
        looked = self._look(key)
        if looked.draft is not None:
            yield replace(looked.draft, usage=Usage())
            return
        for piece in self._inner.stream(question, passages):
            # A notice marks the draft of a fallback, which must not stand in for the preferred
            # generator's.
            if isinstance(piece, Draft) and not piece.notice and self._drafts.maxsize >= 1:
                with self._lock:
                    self._drafts[key] = piece
                if self._shared is not None and self._uses_shared:
                    self._shared.put(key, piece, looked)
            yield piece

    def _look(self, key: str) -> Looked:
        """Return what the second layer has, and keep it in the first one."""
        if self._shared is None or not self._uses_shared or self._drafts.maxsize < 1:
            return Looked()
        looked = self._shared.look(key)
        if looked.draft is not None:
            with self._lock:
                self._drafts[key] = looked.draft
                self.shared_hits += 1
        return looked

    def clear(self) -> int:
        """Empty the first layer and return the number of drafts."""
        with self._lock:
            count = len(self._drafts)
            self._drafts.clear()
        forget_units()
        return count

    def erase(self) -> int:
        """Empty both layers and return the number of drafts of the first; part of each erasure.

        Raises:
            SharedDraftsNotErased: The second layer cannot be emptied now.
        """
        count = self.clear()
        if self._shared is not None:
            self._shared.clear()
        return count

    def __len__(self) -> int:
        return len(self._drafts)
