"""All engines of this installation, and the projects that live in them."""

import logging
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from operator import methodcaller

from trimtab.infra.breaker import CircuitBreaker
from trimtab.infra.settings.sections.knowledge import KnowledgeSettings
from trimtab.kernel.clock import Clock
from trimtab.kernel.errors import Misconfigured
from trimtab.knowledge.embedding import Vectors
from trimtab.knowledge.encoder import Encoder
from trimtab.knowledge.engine_port import EMBEDDED, Point, VectorEngine
from trimtab.knowledge.engines.chroma import ChromaEngine
from trimtab.knowledge.engines.guarded import GuardedEngine
from trimtab.knowledge.engines.postgres import PostgresEngine
from trimtab.knowledge.engines.qdrant import QdrantEngine
from trimtab.knowledge.engines.remote import RemoteVectors, StoreView
from trimtab.knowledge.errors import (
    EmbedderUnavailable,
    EngineNotConfigured,
    EngineUnavailable,
    IndexUnavailable,
)
from trimtab.knowledge.index import Keys
from trimtab.knowledge.store import ProjectRow, SearchStore
from trimtab.knowledge.store.engines import EngineStore

_log = logging.getLogger(__name__)

Adapter = Callable[[str, float], VectorEngine]
"""Makes an engine of its address and the seconds that one call may take."""
ADAPTERS: dict[str, Adapter] = {
    "postgres": PostgresEngine,
    "chroma": ChromaEngine,
    "qdrant": QdrantEngine,
}


class Engines:
    """Opens each engine when it is first needed. Safe for many threads."""

    def __init__(
        self,
        store: EngineStore,
        search: SearchStore,
        encoders: Mapping[str, Encoder],
        settings: KnowledgeSettings,
        clock: Clock,
    ) -> None:
        self._store = store
        self._search = search
        self._encoders = encoders
        self._settings = settings
        self._clock = clock
        self._opened: dict[str, GuardedEngine] = {}
        self._addresses: dict[str, str] = {}
        self._remotes: dict[tuple[int, str], RemoteVectors] = {}
        self._lock = threading.Lock()
        self._complained: set[str] = set()
        self.moving: set[tuple[str, str]] = set()
        """Engine and space that a move is filling: no leftovers."""
        if settings.engine != EMBEDDED:
            self.engine(settings.engine)

    @property
    def up(self) -> bool:
        """Return whether all engines in use accept calls."""
        return not self.down()

    def opened(self) -> dict[str, GuardedEngine]:
        """Return the engines opened so far, by name."""
        with self._lock:
            return dict(self._opened)

    def breakers(self) -> dict[str, CircuitBreaker]:
        """Return the circuit breaker of each engine opened so far."""
        return {f"engine {name}": engine.breaker for name, engine in self.opened().items()}

    def in_use(self) -> set[str]:
        """Return the servers that hold a project or get the new ones."""
        used = {project.engine for project in self._store.projects()} | {self._settings.engine}
        return used - {EMBEDDED}

    def down(self) -> dict[str, GuardedEngine]:
        """Return the servers in use that take no calls, by name."""
        used = self.in_use()
        return {
            name: engine for name, engine in self.opened().items() if name in used and not engine.up
        }

    def projects_in(self, names: Collection[str]) -> list[tuple[str, str]]:
        """Return each project that lives in one of these servers, with the server's name."""
        return [
            (project.name, project.engine)
            for project in self._store.projects()
            if project.engine in names
        ]

    @property
    def of_new_projects(self) -> str:
        """The engine that new projects get."""
        return self._settings.engine

    def configured(self) -> list[str]:
        """Return the servers that have an address."""
        return [name for name in ADAPTERS if getattr(self._settings, f"{name}_url")]

    def engine(self, name: str) -> GuardedEngine:
        """Return an engine by its name in settings.

        Raises:
            EngineNotConfigured: Its address is not set.
            EngineClientMissing: Its client library is not installed.
        """
        with self._lock:
            if name not in self._opened:
                self._opened[name] = GuardedEngine(
                    self.adapter(name),
                    CircuitBreaker(
                        self._settings.breaker_failures, self._settings.probe_seconds, self._clock
                    ),
                    self._clock,
                    self._settings.engine_timeout_seconds,
                )
            return self._opened[name]

    def connect(self, name: str, url: str) -> None:
        """Use a server at this address, whatever the settings say, until `disconnect`."""
        with self._lock:
            self._addresses[name] = url
        self.engine(name)

    def disconnect(self, name: str) -> None:
        """Release the server of `connect`, and forget what of ours lies in it."""
        for engine, space in self._store.spaces():
            if engine == name:
                self._store.forget_space(engine, space)
        with self._lock:
            self._addresses.pop(name, None)
            released = self._opened.pop(name, None)
            for key in [key for key in self._remotes if key[1] == name]:
                del self._remotes[key]
        if released is not None:
            released.close()

    def reconnect(self, name: str, url: str = "") -> bool:
        """Reconnect to the engine, at its own or another address; return whether it answers."""
        engine = self.engine(name)
        engine.replace(self.adapter(name, url)).close()
        engine.breaker.record_success()
        return engine.heartbeat()

    def behind(self) -> dict[str, int]:
        """Return the number of projects that each engine shows in an old state, where known."""
        counted = dict.fromkeys(self.opened(), 0)
        with self._lock:
            remotes = dict(self._remotes)
        for project in self._store.projects():
            remote = remotes.get((project.key, project.engine))
            counted.setdefault(project.engine, 0)
            counted[project.engine] += remote is None or remote.version < project.index_version
        return counted

    def adapter(self, name: str, url: str = "") -> VectorEngine:
        """Return a new client of the engine, at its own address or at another."""
        url = url or self._addresses.get(name, "")
        url = url or str(getattr(self._settings, f"{name}_url", ""))
        if not url or name not in ADAPTERS:
            raise EngineNotConfigured(
                f"The engine {name} has no address.",
                hint=f"Set knowledge.{name}_url, such as in TRIMTAB_KNOWLEDGE_{name.upper()}_URL.",
            )
        return ADAPTERS[name](url, self._settings.engine_timeout_seconds)

    def of(self, project: ProjectRow) -> RemoteVectors | None:
        """Return the project's vectors in its engine; None when that is the embedded one.

        Raises:
            EngineUnavailable: Its engine is not set up here.
        """
        if project.engine == EMBEDDED:
            return None
        try:
            return self.remote(project, project.engine)
        except Misconfigured as error:
            raise EngineUnavailable(error.message, hint=error.hint()) from error

    def remote(self, project: ProjectRow, engine: str) -> RemoteVectors:
        """Return the project's vectors in that engine, also while a move is filling it."""
        guarded = self.engine(engine)
        space = space_of(project.id, self._encoders[project.embedder].dimension)
        with self._lock:
            known = self._remotes.get((project.key, engine))
        if known is not None and known.space == space:
            return known
        self._store.note_space(engine, space)
        fresh = RemoteVectors(guarded, space, self.truth(project))
        with self._lock:
            known = self._remotes.get((project.key, engine))
            if known is None or known.space != space:
                known = self._remotes[project.key, engine] = fresh
            return known

    def truth(self, project: ProjectRow) -> StoreView:
        """Return what the store says of the project.

        Raises:
            EmbedderUnavailable: The model was never loaded, so the vector length is unknown.
        """
        encoder = self._encoders[project.embedder]
        if not encoder.dimension:
            raise EmbedderUnavailable("The embedding model was not loaded yet.")
        return _ProjectTruth(project.key, self._store, self._search, encoder)

    def let_go(self, project: ProjectRow) -> None:
        """Take what was deleted out of the project's engine now, or when it is back."""
        try:
            remote = self.of(project) if self._encoders[project.embedder].dimension else None
            if remote is not None:
                remote.catch_up(self._search.version(project.key), most=0)
        except IndexUnavailable as error:
            # No search returns it: hits are joined with the store. The next change removes it.
            _log.warning("engine keeps a deletion for later", extra={"error": error.message})

    def forget(self, project_key: int) -> None:
        """Drop what is known of a project's engine."""
        with self._lock:
            for key in [key for key in self._remotes if key[0] == project_key]:
                del self._remotes[key]

    def forget_all(self) -> None:
        """Compare every project with its engine again before it is searched."""
        with self._lock:
            self._remotes.clear()

    def beat(self) -> list[ProjectRow]:
        """Probe every engine that holds data of this service, and drop leftovers.

        Returns:
            The projects whose engine lacks something and takes calls.
        """
        for name in {engine for engine, _ in self._store.spaces()} | self.opened().keys():
            try:
                self.engine(name).heartbeat()
            except Misconfigured as error:
                if name not in self._complained:
                    self._complained.add(name)
                    extra = {"engine": name, "error": error.message}
                    _log.warning("engine holds projects and is not set up", extra=extra)
        # Without the length of its vectors a project's space has no name, and would look left over.
        if not all(
            self._encoders[project.embedder].dimension for project in self._store.projects()
        ):
            return []
        self.sweep()
        return [project for project in self._store.projects() if self._lacks(project)]

    def dead_keys(self) -> dict[int, int]:
        """Return the number of deleted passages that each project's engine still holds.

        Raises:
            EngineUnavailable: An engine cannot be asked.
        """
        remotes = {project.key: self.of(project) for project in self._store.projects()}
        counted = {key: remote.dead_keys() for key, remote in remotes.items() if remote}
        return {key: count for key, count in counted.items() if count}

    def sweep(self) -> int:
        """Drop the spaces of deleted or moved projects; return their number.

        An engine that is down keeps them until later.
        """
        selected = {
            (project.engine, space_of(project.id, self._encoders[project.embedder].dimension))
            for project in self._store.projects()
        }
        kept, opened = selected | self.moving, self.opened()
        left = [
            (name, space)
            for name, space in self._store.spaces()
            if (name, space) not in kept and name in opened
        ]
        if not left:
            return 0
        with self._store.try_sweeping() as alone:
            return self._drop(left) if alone else 0

    def _drop(self, spaces: Sequence[tuple[str, str]]) -> int:
        dropped = 0
        for name, space in spaces:
            try:
                self.engine(name).call(methodcaller("drop", space))
            except EngineUnavailable:
                continue
            self._store.forget_space(name, space)
            dropped += 1
        return dropped

    def close(self) -> None:
        """Release every connection."""
        for engine in self.opened().values():
            engine.close()

    def _lacks(self, project: ProjectRow) -> bool:
        try:
            remote = self.of(project)
        except EngineUnavailable:
            return False
        return remote is not None and remote.engine.up and remote.version < project.index_version


@dataclass(frozen=True, slots=True)
class _ProjectTruth:
    key: int
    store: EngineStore
    search: SearchStore
    encoder: Encoder

    def version(self) -> int:
        return self.search.version(self.key)

    def stamps(self) -> dict[int, str]:
        return self.store.stamps(self.key, self.encoder.model_id)

    def points(self, keys: Sequence[int]) -> list[Point]:
        return self.store.points(keys, self.encoder.model_id)

    def vectors(self, keys: Keys) -> tuple[Keys, Vectors]:
        return self.store.vectors(keys, self.encoder.model_id)


def space_of(project_id: str, dimension: int) -> str:
    """Return the engine's name for a project: letters, digits and ``_``, at most 63."""
    return f"trimtab_{project_id}_{dimension}".lower()
