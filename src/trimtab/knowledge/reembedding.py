"""Changes the embedder of a project while it is in use.

The new vectors are kept next to the old ones, which every search uses until all are there. The
switch is one transaction. Whatever ends the process before it, what was made is kept, and the next
run continues with it.
"""

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from trimtab.kernel.clock import Clock
from trimtab.knowledge.encoder import Encoder
from trimtab.knowledge.errors import EmbedderNotInstalled, EmbedderUnknown, ReembeddingRunning
from trimtab.knowledge.indexes import Indexes
from trimtab.knowledge.project_locks import ProjectLocks
from trimtab.knowledge.store import ProjectRow, ProjectStore
from trimtab.knowledge.store.new_vectors import NewVectorStore

_log = logging.getLogger(__name__)
# Between two batches a stop is seen, and what was made is on disk.
_BATCH = 32

Progress = Callable[[int, int], None]
"""Called with passages done and passages in all."""


@dataclass(frozen=True, slots=True)
class ReembeddingResult:
    """Result of a change of the embedder."""

    project: str
    source: str
    target: str
    passages: int
    made: int
    """How many new vectors this run made."""
    complete: bool
    """False when it was stopped: the next run continues."""
    seconds: float = 0.0


class Reembedder:
    """Makes a project's vectors again with another embedder, one project at a time each."""

    def __init__(
        self,
        encoders: Mapping[str, Encoder],
        projects: ProjectStore,
        store: NewVectorStore,
        indexes: Indexes,
        clock: Clock,
    ) -> None:
        self._encoders = encoders
        self._projects = projects
        self._store = store
        self._indexes = indexes
        self._clock = clock
        self._locks = ProjectLocks("re_embed", store.try_turn)
        self.stopping = threading.Event()
        """Set when the service ends."""

    def run(self, project: str, embedder: str, progress: Progress) -> ReembeddingResult:
        """Change the project's embedder; searches use the old vectors until all new ones are there.

        Args:
            project: Its name.
            embedder: The name of the other embedder.
            progress: Called as the work advances.

        Raises:
            ProjectUnknown, EmbedderUnknown, EmbedderNotInstalled, ReembeddingRunning: See there.
            EmbedderUnavailable: The model failed; what was made is kept.
        """
        row, started = self._projects.find(project), self._clock.monotonic()
        if row.embedder == embedder:
            self._store.discard(row.key)
            return ReembeddingResult(project, embedder, embedder, 0, 0, complete=True)
        encoder = self.load(embedder)
        refusal = ReembeddingRunning(f"{row.name} is being re-embedded already.")
        with self._locks.hold(row.key, refusal):
            made, complete = self._make(row, embedder, encoder, progress)
        _, passages = self._store.counts(row.key, encoder.model_id)
        seconds = round(self._clock.monotonic() - started, 3)
        if complete:
            _log.info("project re-embedded", extra={"project_id": row.id, "embedder": embedder})
        return ReembeddingResult(
            project, row.embedder, embedder, passages, made, complete=complete, seconds=seconds
        )

    def load(self, embedder: str) -> Encoder:
        """Return the embedder's encoder, with its model in memory.

        Raises:
            EmbedderUnknown, EmbedderNotInstalled: See there.
            EmbedderUnavailable: Its files could not be made or loaded.
        """
        encoder = self._encoders.get(embedder)
        if encoder is None:
            raise EmbedderUnknown(f"There is no embedder {embedder!r}.")
        if not encoder.loaded:
            if encoder.home.missing() and not encoder.home.is_installed():
                raise EmbedderNotInstalled.of(embedder)
            encoder.start()
        return encoder

    def _make(
        self, row: ProjectRow, embedder: str, encoder: Encoder, progress: Progress
    ) -> tuple[int, bool]:
        """Make what is missing and switch; return the number of new vectors, and whether done."""
        model, made = encoder.model_id, 0
        done, total = self._store.counts(row.key, model)
        progress(done, total)
        while not self.stopping.is_set():
            missing = self._store.missing(row.key, model, _BATCH)
            if not missing:
                # Documents may have come in since: then they are missing, and are made next.
                if self._indexes.change_embedder(
                    row.key, lambda: self._store.switch(row.key, embedder, model)
                ):
                    return made, True
                continue
            rows = encoder.vectors([text for _, text in missing])
            self._store.add(dict(zip([key for key, _ in missing], rows, strict=True)), model)
            made += len(missing)
            done = min(done + len(missing), total)
            progress(done, total)
        return made, False
