"""Runs the embedding model behind a circuit breaker, with a cache of query vectors."""

import logging
import threading
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from trimtab.infra.breaker import BreakerState, CircuitBreaker
from trimtab.infra.settings.sections.knowledge import KnowledgeSettings
from trimtab.kernel.clock import Clock, machine_clock
from trimtab.kernel.drilling import Apart
from trimtab.kernel.health import ComponentHealth, Status
from trimtab.knowledge.caches import BoundedCache, CacheLimits
from trimtab.knowledge.embedding import EmbeddingModel, Prefixes, Vectors
from trimtab.knowledge.errors import EmbedderUnavailable
from trimtab.knowledge.metrics import RecentValues
from trimtab.knowledge.model_store import ModelStore

_log = logging.getLogger(__name__)
# Texts per call of the model: between two batches a search gets its turn, and a stop is seen.
_BATCH = 64
NO_PREFIXES = Prefixes()

QueryCache = BoundedCache[str, NDArray[np.float32]]


class EmbeddingStopped(Exception):
    """Raised when the caller of a long embedding does not want its result any more."""


class Encoder:
    """Turns text into vectors as long as the model is well, and says so when it is not."""

    def __init__(
        self,
        home: ModelStore,
        settings: KnowledgeSettings,
        clock: Clock,
        prefixes: Prefixes = NO_PREFIXES,
        cache: QueryCache | None = None,
    ) -> None:
        self.home = home
        self._prefixes = prefixes
        self._machine = machine_clock(clock)
        self._model: EmbeddingModel | None = None
        self.model_id = ""
        """The id of the model that is or was loaded; empty when none ever was."""
        self.dimension = 0
        """The length of a vector; 0 when no model was ever loaded."""
        self._loading = threading.Lock()
        self.breaker = CircuitBreaker(settings.breaker_failures, settings.probe_seconds, clock)
        self.durations = Apart(lambda: RecentValues(clock, settings.cache_window_seconds))
        self._last_error = "The model is not loaded."
        self.files_intact = True
        """Whether the files' checksums were right when last read, which is while it is down."""
        self.cache = cache or _query_cache(settings, clock)
        """Vectors of queries; all encoders share one, so its limits are those of the process."""

    @property
    def loaded(self) -> bool:
        """Return whether a model is in memory."""
        return self._model is not None

    @property
    def device(self) -> str:
        """Device in use: ``cpu`` or ``cuda``; ``none`` while the model is not loaded."""
        model = self._model
        return model.device if model is not None else "none"

    @property
    def up(self) -> bool:
        """Return whether the model is loaded and its last call succeeded."""
        return self._model is not None and self.breaker.state is BreakerState.CLOSED

    def start(self) -> None:
        """Load the model, after making its files if this is the first start.

        Raises:
            EmbedderUnavailable: The files are gone or damaged, or could not be made.
        """
        with self._loading:
            self.home.prepare()
            self._load()

    def install_and_load(self) -> bool:
        """Rebuild missing or damaged files and load them; return whether files were rebuilt.

        Raises:
            EmbedderUnavailable: The installed package is damaged, or the disk full or read-only.
        """
        with self._loading:
            made = self.home.install()
            self._load()
            return made

    def reload(self) -> None:
        """Load the files that are there, or raise `EmbedderUnavailable`."""
        with self._loading:
            self._load()

    def unload(self) -> None:
        """Free the model: keyword search still works; ingestion queues."""
        self.close()
        self._down("The model is not loaded.")

    def close(self) -> None:
        """Free the model at the end of the process. May be called twice."""
        with self._loading:
            model, self._model = self._model, None
            if model is not None:
                model.close()

    def query_vector(self, query: str) -> NDArray[np.float32]:
        """Return the query's vector, shape (dimension,), from the cache where it is there.

        Raises:
            EmbedderUnavailable: It is not cached and the model is down.
        """
        key = " ".join(query.lower().split())
        if self._prefixes.query:
            key = f"{self._prefixes.query}\0{key}"
        cached = self.cache.get(key)
        if cached is not None:
            return cached
        vector: NDArray[np.float32] = self._embed([self._prefixes.query + query])[0]
        self.cache.put(key, vector, vector.nbytes + 200)
        return vector

    def vectors(
        self, texts: Sequence[str], is_stopped: Callable[[], bool] | None = None
    ) -> Vectors:
        """Return one row for each passage.

        Raises:
            EmbedderUnavailable: The model is down.
            EmbeddingStopped: ``is_stopped`` said so between two batches.
        """
        if self._prefixes.passage:
            texts = [self._prefixes.passage + text for text in texts]
        parts: list[Vectors] = []
        for at in range(0, len(texts), _BATCH):
            if is_stopped is not None and is_stopped():
                raise EmbeddingStopped
            parts.append(self._embed(texts[at : at + _BATCH]))
        if not parts:
            return np.empty((0, self.dimension), dtype=np.float32)
        return np.concatenate(parts)

    def query_vectors(self, texts: Sequence[str]) -> Vectors:
        """Return one row for each text as a query, uncached, or raise `EmbedderUnavailable`."""
        asked = [self._prefixes.query + text for text in texts]
        parts = [self._embed(asked[at : at + _BATCH]) for at in range(0, len(asked), _BATCH)]
        return np.concatenate(parts) if parts else np.empty((0, self.dimension), np.float32)

    def heartbeat(self) -> bool:
        """Ask the model for one vector, when the breaker allows it; return whether it is up."""
        try:
            self._embed(["heartbeat"])
        except EmbedderUnavailable:
            self.files_intact = not self.home.problem()
            return False
        self.files_intact = True
        return True

    def files_present(self) -> bool:
        """Return whether the model's files are there; cheap, does not read them."""
        return not self.home.missing()

    def health(self) -> ComponentHealth:
        """Return the model's health for ``/health``: up with its name, or down with the error."""
        name = self.model_id.partition("/")[0]
        facts: dict[str, object] = {
            "model": name,
            "device": self.device,
            "breaker": self.breaker.state.value,
        }
        if self.up:
            return ComponentHealth(Status.UP, facts=facts)
        error = self._last_error if self.files_present() else "Model file not found"
        return ComponentHealth(Status.DOWN, error, facts={**facts, "error": error})

    def _load(self) -> None:
        before, self._model = self._model, None
        if before is not None:
            before.close()
        try:
            model = self.home.load()
        except EmbedderUnavailable as error:
            self._down(error.message)
            raise
        self._model, self.model_id, self.dimension = model, model.model_id, model.dimension
        self.breaker.record_success()
        self.files_intact = True
        _log.info("embedding_model loaded", extra={"model": model.model_id})

    def _embed(self, texts: Sequence[str]) -> Vectors:
        if not (self.breaker.healthy or self.breaker.allow()):
            raise EmbedderUnavailable("The embedding model is down.")
        model = self._model
        if model is None:
            self._down("The model is not loaded.")
            raise EmbedderUnavailable("The embedding model is not loaded.")
        started = self._machine.monotonic()
        try:
            vectors = model.embed(texts)
        except EmbedderUnavailable as error:
            self.breaker.record_failure()
            self._last_error = error.message
            _log.warning("embedding_model failed", extra={"error_type": type(error).__name__})
            raise
        self.durations.now.add((self._machine.monotonic() - started) / len(texts))
        if not self.breaker.healthy:
            self.breaker.record_success()
        return vectors

    def _down(self, error: str) -> None:
        self._last_error = error
        self.breaker.trip()
        self.files_intact = not self.home.problem()
        _log.error(
            "embedding_model is down: %s", error, extra={"error_type": "EmbedderUnavailable"}
        )


def _query_cache(settings: KnowledgeSettings, clock: Clock) -> QueryCache:
    limits = CacheLimits(
        settings.embedding_cache_entries,
        settings.max_cache_memory_mb * 1024 * 1024 // 4,
        settings.cache_window_seconds,
        settings.cache_window_lookups,
    )
    return BoundedCache(limits, clock)
