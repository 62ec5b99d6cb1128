"""Moves a project from one engine to another while it is in use.

The target is filled from the store, not from the current engine: so a project can leave a server
that is down. Until the switch, which changes one row of the store, every search uses the old
engine. A crash before the switch leaves the project where it was, after it, in the target. The next
heartbeat drops what is left over in either case.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from trimtab.kernel.clock import Clock
from trimtab.knowledge.embedding import Vectors
from trimtab.knowledge.engine_port import EMBEDDED, EVERYTHING
from trimtab.knowledge.engines.registry import Engines
from trimtab.knowledge.engines.remote import RemoteVectors, StoreView
from trimtab.knowledge.errors import MoveRefused, MoveRunning
from trimtab.knowledge.indexes import Indexes
from trimtab.knowledge.project_locks import ProjectLocks
from trimtab.knowledge.store import ProjectRow, ProjectStore
from trimtab.knowledge.store.engines import EngineStore

_log = logging.getLogger(__name__)
_PAGE = 500
_SEARCHES = 20
_BEST = 10
# A graph finds nearly all of the true neighbours; below this something else is wrong.
_MIN_AGREEMENT = 0.9
# Rounds in which what came in meanwhile is sent; the rest goes with the next search.
_MAX_PASSES = 5

Progress = Callable[[str, int, int], None]
"""Called with the step (``send`` or ``check``), the amount done, and the total."""


@dataclass(frozen=True, slots=True)
class MoveResult:
    """Result of a move, or of its dry run."""

    project: str
    source: str
    target: str
    passages: int
    """How many have a vector."""
    dry_run: bool = False
    checked: int = 0
    """How many vectors were read back and compared with the store's."""
    searches: int = 0
    """How many searches were made in both engines."""
    agreement: float | None = None
    """Share of the ten nearest passages that both found, over those searches."""
    seconds: float = 0.0


class ProjectMover:
    """Moves projects, one at a time each."""

    def __init__(
        self,
        engines: Engines,
        indexes: Indexes,
        projects: ProjectStore,
        store: EngineStore,
        clock: Clock,
    ) -> None:
        self._engines = engines
        self._indexes = indexes
        self._projects = projects
        self._store = store
        self._clock = clock
        self._locks = ProjectLocks("move", store.try_turn)

    def move(
        self, project: str, target: str, progress: Progress, *, dry_run: bool = False
    ) -> MoveResult:
        """Move a project to another engine; searches use the old one until the move is complete.

        Args:
            project: Its name.
            target: ``embedded``, or a server that has an address.
            progress: Called as the move advances.
            dry_run: Only ask whether the server is there, and say what would be moved.

        Raises:
            ProjectUnknown, EngineNotConfigured, EngineClientMissing, MoveRunning: See there.
            EmbedderUnavailable: The model was never loaded, so its vectors' length is not known.
            EngineUnavailable: The server failed; the next heartbeat drops what it received.
            MoveRefused: The vectors that arrived differ from those sent. In every case the
                project stays where it was.
        """
        row = self._projects.find(project)
        started = self._clock.monotonic()
        if target != EMBEDDED:
            self._engines.engine(target).call(lambda engine: engine.ping())
        truth = self._engines.truth(row)
        passages = len(truth.stamps())
        plan = MoveResult(project, row.engine, target, passages, dry_run)
        if dry_run or row.engine == target:
            return plan
        refusal = MoveRunning(f"{row.name} is being moved already.")
        with self._locks.hold(row.key, refusal):
            if target == EMBEDDED:
                checked, searches, agreement = passages, 0, None
                self._indexes.switch(row, lambda: self._store.assign(row.key, target))
            else:
                checked, searches, agreement = self._send_missing(row, target, truth, progress)
        self._engines.sweep()
        seconds = round(self._clock.monotonic() - started, 3)
        _log.info("project moved", extra={"project_id": row.id, "engine": target})
        return replace(
            plan, checked=checked, searches=searches, agreement=agreement, seconds=seconds
        )

    def _send_missing(
        self, row: ProjectRow, target: str, truth: StoreView, progress: Progress
    ) -> tuple[int, int, float | None]:
        with self._store.filling_a_space():
            return self._fill(row, target, truth, progress)

    def _fill(
        self, row: ProjectRow, target: str, truth: StoreView, progress: Progress
    ) -> tuple[int, int, float | None]:
        remote = self._engines.remote(row, target)
        place = (target, remote.space)
        self._engines.moving.add(place)
        try:
            for _ in range(_MAX_PASSES):
                version = truth.version()
                remote.catch_up(version, progress=lambda done, total: progress("send", done, total))
                if truth.version() == version:
                    break
            checked = _Check(remote, truth).run(lambda done, of: progress("check", done, of))
            self._indexes.switch(row, lambda: self._store.assign(row.key, target))
        finally:
            self._engines.moving.discard(place)
        return checked


class _Check:
    """Compares what arrived with the store: every stamp, every vector, and a sample of searches.

    Passages that change in the store meanwhile are not compared: the next search sends them.
    """

    def __init__(self, remote: RemoteVectors, truth: StoreView) -> None:
        self._remote = remote
        self._truth = truth

    def run(self, progress: Callable[[int, int], None]) -> tuple[int, int, float | None]:
        """Return the numbers of compared vectors and searches, and their agreement, or refuse."""
        engine, space = self._remote.engine, self._remote.space
        held = engine.call(lambda adapter: adapter.stamps(space))
        expected = self._truth.stamps()
        if held != expected:
            expected = self._verify_move(held)
        keys = np.array(sorted(expected), np.int64)
        if not len(keys):
            return 0, 0, None
        _, questions = self._truth.vectors(keys[:: max(1, len(keys) // _SEARCHES)][:_SEARCHES])
        best = _Best(questions)
        for start in range(0, len(keys), _PAGE):
            known, rows = self._truth.vectors(keys[start : start + _PAGE])
            self._compare(known, rows)
            best.add(known, rows)
            progress(min(start + _PAGE, len(keys)), len(keys))
        agreement = self._agreement(questions, best)
        if agreement < _MIN_AGREEMENT:
            raise MoveRefused(
                f"Searches find {agreement:.0%} of what they should in {engine.name}."
            )
        return len(keys), len(questions), round(agreement, 4)

    def _verify_move(self, held: dict[int, str]) -> dict[int, str]:
        """Return what the engine should hold once it has what came in while it was asked."""
        self._remote.doubt()
        self._remote.catch_up(self._truth.version())
        held = self._remote.engine.call(lambda adapter: adapter.stamps(self._remote.space))
        expected = self._truth.stamps()
        same = {key: stamp for key, stamp in expected.items() if held.get(key) == stamp}
        # Documents may arrive without end; those that were there before must have been copied.
        if len(same) < 0.9 * max(len(held), len(expected)):
            raise MoveRefused(f"{len(same)} of {len(expected)} passages arrived as they were sent.")
        return same

    def _compare(self, known: NDArray[np.int64], rows: Vectors) -> None:
        there = self._remote.engine.call(
            lambda adapter: adapter.vectors(self._remote.space, known.tolist())
        )
        for key, row in zip(known.tolist(), rows, strict=True):
            found = there.get(key)
            if found is None or found.shape != row.shape or not np.allclose(found, row, atol=1e-3):
                raise MoveRefused(f"The vector of passage {key} is another one than was sent.")

    def _agreement(self, questions: Vectors, best: "_Best") -> float:
        shares = []
        for at, question in enumerate(questions):
            _, rows = self._truth.vectors(self._remote.nearest(question, _BEST, EVERYTHING))
            alive, _ = self._truth.vectors(best.keys[at])
            expected = best.scores[at][np.isin(best.keys[at], alive)]
            if len(expected):
                # Compared by score: of passages that say the same either may be found.
                good = (rows @ question >= expected.min() - 1e-4).sum()
                shares.append(min(1.0, float(good) / len(expected)))
        return float(np.mean(shares)) if shares else 1.0


class _Best:
    """The best scores of some questions over vectors that come in pages."""

    def __init__(self, questions: Vectors) -> None:
        self._questions = questions
        self.scores = np.empty((len(questions), 0), np.float32)
        """Shape (questions, at most 10), best first."""
        self.keys = np.empty((len(questions), 0), np.int64)
        """Whose they are, in the same order."""

    def add(self, keys: NDArray[np.int64], rows: Vectors) -> None:
        """Look at a page."""
        scores = np.concatenate([self.scores, self._questions @ rows.T], axis=1)
        whose = np.concatenate([self.keys, np.tile(keys, (len(self._questions), 1))], axis=1)
        order = np.argsort(-scores, axis=1)[:, :_BEST]
        self.scores = np.take_along_axis(scores, order, axis=1)
        self.keys = np.take_along_axis(whose, order, axis=1)
