"""Search indexes of the projects, in memory and on disk.

They are built from the store when needed, updated with changes, and can be dropped at any time. A
search never waits for a long build: until it is finished, SQLite's full-text index answers.
"""

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from trimtab.infra.breaker import BreakerState, CircuitBreaker
from trimtab.kernel.clock import Clock, machine_clock
from trimtab.kernel.drilling import Apart
from trimtab.kernel.errors import TrimtabError
from trimtab.knowledge.embedders import EMBEDDERS
from trimtab.knowledge.encoder import Encoder
from trimtab.knowledge.engine_port import EMBEDDED, EVERYTHING, SearchFilter
from trimtab.knowledge.engines.registry import Engines
from trimtab.knowledge.engines.remote import RemoteIndex, RemoteView
from trimtab.knowledge.errors import EngineBehind, IndexStale, IndexUnavailable
from trimtab.knowledge.fit_files import read_fit, write_fit
from trimtab.knowledge.index import Difference, IndexedPassage, Keys, KeywordIndex, ProjectIndex
from trimtab.knowledge.index_files import IndexFiles, IndexJobs
from trimtab.knowledge.loaded_index import LoadedIndex
from trimtab.knowledge.metrics import RecentValues
from trimtab.knowledge.ranking import UNFITTED, SearchableIndex, fit
from trimtab.knowledge.store import ProjectRow, SearchStore

_log = logging.getLogger(__name__)
# A search itself adds up to this many new passages to its index; more are added in background.
_AT_ONCE = 3000
_BATCH = 5000
_SAMPLE = 400
_REST_SECONDS = 60.0
# No vector is of this model: an index whose vectors are in a server is loaded without.
_NO_MODEL = ""


class Indexes:
    """All indexes in memory. Safe for many threads; one at a time changes a project's index."""

    def __init__(
        self,
        store: SearchStore,
        encoders: Mapping[str, Encoder],
        files: IndexFiles,
        breaker: CircuitBreaker,
        clock: Clock,
        engines: Engines,
    ) -> None:
        self._store = store
        self._encoders = encoders
        self._files = files
        self._clock, self._machine = clock, machine_clock(clock)
        self.engines = engines
        self.breaker = breaker
        self.durations = Apart(lambda: RecentValues(clock, 300.0))
        """How long it took to get hold of an index, in seconds."""
        self._held: dict[int, LoadedIndex] = {}
        self._locks: dict[int, threading.Lock] = {}
        self._tainted: set[int] = set()
        self._lock = threading.Lock()
        self._jobs = IndexJobs()

    @property
    def up(self) -> bool:
        """Return whether searches get their indexes: the breaker is closed."""
        return self.breaker.state is BreakerState.CLOSED

    def of(self, project: ProjectRow) -> LoadedIndex | None:
        """Return the project's index at its present version; None while it is being built.

        When its vectors are in a server, it has its words only; see `searchable_index`.

        Raises:
            IndexUnavailable: It cannot be had now.
        """
        if not (self.breaker.healthy or self.breaker.allow()):
            raise IndexUnavailable("The search index is down.")
        started = self._machine.monotonic()
        try:
            held = self._held.get(project.key)
            if held is None or held.version < project.index_version:
                held = self._current(project)
        except (TrimtabError, OSError, ValueError) as error:
            self.breaker.record_failure()
            _log.exception("search index failed", extra={"error_type": type(error).__name__})
            raise IndexUnavailable(f"The search index failed: {error}") from error
        if not self.breaker.healthy:
            self.breaker.record_success()
        self.durations.now.add(self._machine.monotonic() - started)
        if held is not None and held.fit_due:
            # Behind the builds that wait: no index is worse for a search than the usual weights.
            self._jobs.add(project, self._fit)
        return held

    def searchable_index(
        self, project: ProjectRow, held: LoadedIndex, seen: SearchFilter = EVERYTHING
    ) -> SearchableIndex:
        """Return the index to rank: the project's own, or its keywords with its engine's vectors.

        Raises:
            EngineUnavailable: The engine is down; the words of ``held`` still answer.
            EngineBehind: The engine is being given what it lacks, in the background.
        """
        remote = self.engines.of(project)
        if remote is None:
            return held.index
        if not remote.catch_up(project.index_version, most=_AT_ONCE):
            self._jobs.add(project, self._build)
            raise EngineBehind(f"{project.engine} is being given what it lacks of {project.name}.")
        return RemoteIndex(held.index.words, RemoteView(remote, seen))

    def switch(self, project: ProjectRow, assign: Callable[[], None]) -> None:
        """Let ``assign`` change the project's engine, with an index at hand that fits the new one.

        Keywords are the same in every engine; vectors are in memory for the embedded engine only.
        """
        encoder = self._encoders[project.embedder]
        former = self.overview().get(project.key)
        fresh = ProjectIndex(encoder.dimension)
        if project.engine != EMBEDDED and former is not None:
            stored = self._store.vectors(project.key, encoder.model_id, encoder.dimension)
            fresh.vectors.restore(stored.keys, stored.rows, b"")
        with self._lock_of(project.key):
            assign()
            if former is not None:
                fresh.words = former.index.words
                # Of no version: the next search compares it with the store.
                unsaved = replace(former, version=-1, saved=-1, model=self._place(project.key)[0])
                self._hold(project.key, replace(unsaved, index=fresh))
        self._files.index(project.key).unlink(missing_ok=True)

    def change_embedder(self, key: int, assign: Callable[[], bool]) -> bool:
        """Let ``assign`` replace the project's vectors, with an index at hand that fits them.

        Returns:
            What ``assign`` returns: False when it changed nothing.
        """
        with self._lock_of(key):
            if not assign():
                return False
            self._files.drop(key)
            self.engines.forget(key)
            former = self._held.get(key)
            if former is not None:
                fresh, model = self._vectors_of(key)
                fresh.words = former.index.words
                # Of no version: the next search compares it with the store.
                self._hold(key, LoadedIndex(fresh, -1, UNFITTED, model))
        return True

    def adopt(self, key: int, words: KeywordIndex) -> None:
        """Use this keyword index for a project; the next search updates it from the store."""
        fresh, model = self._vectors_of(key)
        fresh.words = words
        with self._lock_of(key):
            self._hold(key, LoadedIndex(fresh, -1, read_fit(self._files.fit(key)), model))
        # Its words may be of deleted passages until the next purge.
        self._taint(key)

    def forget(self, project_key: int) -> None:
        """Drop a project's index and its file."""
        with self._lock:
            self._held.pop(project_key, None)
        self.engines.forget(project_key)
        self._files.drop(project_key)

    def deleted_from(self, project: ProjectRow) -> None:
        """Take what was deleted out of the project's index now, and its file away."""
        self._taint(project.key)
        if project.key in self.overview():
            self._update(project.key)
        self.engines.let_go(project)

    def purge(self) -> None:
        """Drop the indexes that held deleted passages: segments may keep their postings."""
        with self._lock:
            tainted, self._tainted = self._tainted, set()
        for key in tainted:
            self.forget(key)

    def follow(self, versions: Mapping[int, int]) -> None:
        """Drop what other processes deleted; the next search brings in what they added.

        Args:
            versions: The index version of every project that exists, by key.
        """
        for key, held in self.overview().items():
            if key not in versions:
                self.forget(key)
            elif held.version < versions[key]:
                with self._lock_of(key):
                    gone = held.index.difference(*self._keys(key, *self._place(key))).gone
                    held.index.remove(gone.tolist())
                if len(gone):
                    self._taint(key)

    def dead_keys(self) -> dict[int, int]:
        """Count passages in each index and engine that the store no longer has; omit zeros."""
        dead = {}
        for key, found in self.overview().items():
            # What changed since the last search is brought in by the next one; that is done now.
            current = found.version >= self._store.version(key)
            held = found if current else self._update(key)
            gone = held.index.difference(*self._keys(key, *self._place(key))).gone
            if len(gone):
                dead[key] = len(gone)
        for key, count in self.engines.dead_keys().items():
            dead[key] = dead.get(key, 0) + count
        return dead

    def restart(self) -> None:
        """Drop everything in memory and on disk; indexes are built again from the store."""
        with self._lock:
            self._held.clear()
        self.engines.forget_all()
        for file in self.saved_files():
            file.unlink(missing_ok=True)
        self.breaker.record_success()

    def held_count(self) -> int:
        """Return how many projects' indexes are in memory."""
        return len(self._held)

    def saved_files(self) -> list[Path]:
        """Return the files of indexes on disk."""
        return self._files.all()

    def probe(self) -> None:
        """Try whether the indexes work again, when the breaker lets a probe through."""
        if self.breaker.state is not BreakerState.CLOSED and self.breaker.allow():
            self.breaker.record_success()

    def beat(self) -> None:
        """Ask the engines whether they are there, and give each what it lacks."""
        self.probe()
        for project in self.engines.beat():
            self._jobs.add(project, self._build)

    def save(self, *, rest_seconds: float = _REST_SECONDS) -> int:
        """Write the indexes that changed, and then rested, to their files; return how many.

        The next start reads the files. Indexes of projects that still change are skipped, and so
        are all when the disk is full: they can be built again from the store.
        """
        before = self._clock.monotonic() - rest_seconds
        with self._lock:
            changed = [
                (key, held)
                for key, held in self._held.items()
                if held.saved < held.version and held.changed_at <= before
            ]
        for number, (key, held) in enumerate(changed):
            try:
                self._save(key, held)
            except OSError as error:
                _log.warning("a search index could not be saved: %s", error.strerror)
                return number
        return len(changed)

    def _save(self, key: int, held: LoadedIndex) -> None:
        with self._lock_of(key):
            held.index.save(self._files.index(key), held.version)
            write_fit(self._files.fit(key), held.fitted)
            self._hold(key, replace(held, saved=held.version), only_over=held)

    def overview(self) -> dict[int, LoadedIndex]:
        """Return what is in memory, by project key."""
        with self._lock:
            return dict(self._held)

    def close(self) -> None:
        """Save what changed and end the background work."""
        self._jobs.close()
        self.save(rest_seconds=0)

    def _current(self, project: ProjectRow) -> LoadedIndex | None:
        """Bring the project's index to its present version; None while that takes long."""
        held = self._held.get(project.key)
        if held is None:
            with self._lock_of(project.key):
                held = self._held.get(project.key) or self._load(project)
        if held is not None and held.version >= project.index_version:
            return held
        model, encoder = self._place(project.key)
        held = self._fitting(project.key, held, model)
        index = held.index if held else ProjectIndex(encoder.dimension)
        difference = index.difference(*self._keys(project.key, model, encoder))
        if len(difference.missing) > _AT_ONCE:
            self._jobs.add(project, self._build)
            return None
        return self._update(project.key)

    def _update(self, key: int) -> LoadedIndex:
        with self._lock_of(key):
            model, encoder = self._place(key)
            held = self._fitting(key, self._held.get(key), model)
            index = held.index if held else ProjectIndex(encoder.dimension)
            # Read before the rows: whatever changes in between is seen by the next search.
            version = self._store.version(key)
            difference = index.difference(*self._keys(key, model, encoder))
            self._apply(index, difference, model)
            if self._store.shared and len(difference.gone):
                self._taint(key)  # Another process may have deleted it.
            fitted = held.fitted if held else UNFITTED
            fresh = LoadedIndex(index, version, fitted, model, changed_at=self._clock.monotonic())
            self._hold(key, fresh)
            return fresh

    def _fitting(self, key: int, held: LoadedIndex | None, model: str) -> LoadedIndex | None:
        """Return the index with vectors of that model; another process may have changed it."""
        if held is None or held.model == model:
            return held
        fresh, model = self._vectors_of(key)
        fresh.words = held.index.words
        return LoadedIndex(fresh, -1, UNFITTED, model)

    def _taint(self, key: int) -> None:
        """Remember that the index held passages that were deleted, and drop its file."""
        self._files.index(key).unlink(missing_ok=True)
        with self._lock:
            self._tainted.add(key)

    def _keys(self, key: int, model: str, encoder: Encoder) -> tuple[Keys, Keys]:
        """Return the keys of all passages of the project, and of those with a vector here."""
        keys, with_vector = self._store.keys(key, encoder.model_id)
        return keys, with_vector if model else with_vector[:0]

    def _place(self, key: int) -> tuple[str, Encoder]:
        """Return the model of the vectors that are searched here, and what makes all vectors."""
        # Asked of the store: a move or a change may have ended since the project was read.
        engine, embedder = self._store.place(key)
        encoder = self._encoders[embedder]
        return encoder.model_id if engine == EMBEDDED else _NO_MODEL, encoder

    def _vectors_of(self, key: int) -> tuple[ProjectIndex, str]:
        """Return an index with the project's vectors as searched here, and their model."""
        model, encoder = self._place(key)
        fresh = ProjectIndex(encoder.dimension)
        if model:
            stored = self._store.vectors(key, model, encoder.dimension)
            fresh.vectors.restore(stored.keys, stored.rows, b"")
        return fresh, model

    def _apply(self, index: ProjectIndex, difference: Difference, model: str) -> None:
        index.remove(difference.gone.tolist())
        for start in range(0, len(difference.missing), _BATCH):
            keys = difference.missing[start : start + _BATCH].tolist()
            index.add(
                IndexedPassage(row.key, row.words, row.vector)
                for row in self._store.passages(keys, model)
            )

    def _load(self, project: ProjectRow) -> LoadedIndex | None:
        file = self._files.index(project.key)
        if not file.exists():
            return None
        encoder = self._encoders[project.embedder]
        model = encoder.model_id if project.engine == EMBEDDED else _NO_MODEL
        stored = self._store.vectors(project.key, model, encoder.dimension)
        try:
            index = ProjectIndex.load(file, stored.index_version, (stored.keys, stored.rows))
        except IndexStale as error:
            _log.info("search index is built again", extra={"reason": error.message})
            file.unlink(missing_ok=True)
            return None
        version, fitted = stored.index_version, read_fit(self._files.fit(project.key))
        held = LoadedIndex(index, version, fitted, model, saved=version)
        self._hold(project.key, held)
        return held

    def _build(self, project: ProjectRow) -> None:
        held = self._update(project.key)
        remote = self.engines.of(project)
        if remote is not None:
            remote.catch_up_in_background(project.index_version)
        if held.fit_due:
            self._jobs.add(project, self._fit)

    def _fit(self, project: ProjectRow) -> None:
        held = self.overview().get(project.key)
        _, encoder = self._place(project.key)
        if held is None or not encoder.up or not held.fit_due:
            return
        sample = self._store.sample(project.key, _SAMPLE)
        index, usual = self.searchable_index(project, held), EMBEDDERS[project.embedder].meaning
        fitted = fit(index, sample, encoder.query_vectors, encoder.vectors, usual=usual)
        self._hold(project.key, replace(held, fitted=fitted), only_over=held)

    def _hold(self, key: int, held: LoadedIndex, only_over: LoadedIndex | None = None) -> None:
        with self._lock:
            if only_over is None or self._held.get(key) is only_over:
                self._held[key] = held

    def _lock_of(self, key: int) -> threading.Lock:
        with self._lock:
            return self._locks.setdefault(key, threading.Lock())
