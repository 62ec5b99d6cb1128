"""One project's copy in an engine: brought up to date by what changed, and searched."""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from operator import methodcaller
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from trimtab.infra.retries import retry_in_background
from trimtab.knowledge.embedding import Vectors
from trimtab.knowledge.engine_port import EVERYTHING, Point, SearchFilter
from trimtab.knowledge.engines.guarded import GuardedEngine
from trimtab.knowledge.errors import EngineBehind, EngineUnavailable
from trimtab.knowledge.index import Keys, KeywordIndex, Nearest

_log = logging.getLogger(__name__)
_BATCH = 500
# This many vectors, evenly spaced, give the distribution of cosines to a query.
_SAMPLE = 2000

Progress = Callable[[int, int], None]
"""Called with how many passages were sent, and how many are to be sent in all."""


class StoreView(Protocol):
    """The store's view of a project."""

    def version(self) -> int:
        """Return the project's index version now."""
        ...

    def stamps(self) -> dict[int, str]:
        """Return the stamp of every passage that has a vector."""
        ...

    def points(self, keys: Sequence[int]) -> list[Point]:
        """Return those of the passages that exist now."""
        ...

    def vectors(self, keys: Keys) -> tuple[Keys, Vectors]:
        """Return those of the keys that have a vector, ascending, and their rows."""
        ...


@dataclass(frozen=True, slots=True)
class _Shown:
    """State that searches read, replaced as a whole."""

    version: int = -1
    """The project's version that the engine shows; -1 when it is not known."""
    keys: Keys = field(default_factory=lambda: np.empty(0, np.int64))
    sample: Vectors = field(default_factory=lambda: np.empty((0, 0), np.float32))


class RemoteVectors:
    """The vectors of one project in one engine.

    Searches run concurrently with changes; changes wait for each other.
    """

    def __init__(self, engine: GuardedEngine, space: str, truth: StoreView) -> None:
        self.engine = engine
        self.space = space
        self._truth = truth
        self._changing = threading.Lock()
        self._shown = _Shown()
        # None: not known, ask the engine. It is known only after every call of a change went well.
        self._held: dict[int, str] | None = None
        self._doubted = False

    def __len__(self) -> int:
        return len(self._shown.keys)

    @property
    def version(self) -> int:
        """The project's version that the engine shows; -1 when it is not known."""
        return self._shown.version

    def catch_up(
        self, version: int, most: int | None = None, progress: Progress | None = None
    ) -> bool:
        """Give the engine what it lacks of the store, and take from it what the store has not.

        Args:
            version: Nothing is done when the engine shows this version already.
            most: When more passages than these are missing, they are not sent.
            progress: Told after each batch.

        Returns:
            Whether the engine shows that version now.

        Raises:
            EngineUnavailable: It failed on the way; the next call continues there.
        """
        with self._changing:
            if self._shown.version >= version:
                return True
            # Read before the rows: whatever changes in between is seen by the next call.
            reached = self._truth.version()
            expected = self._truth.stamps()
            held, listed = self._held, self._held is None
            if held is None:
                held = self.engine.call(lambda engine: engine.stamps(self.space))
            missing = [key for key, stamp in expected.items() if held.get(key) != stamp]
            if listed and missing:
                self._doubted = False
            self._held = None
            held = self._without(held, [key for key in held if key not in expected])
            if most is None or len(missing) <= most:
                held.update(self._send(missing, progress))
                self._shown = self._state(reached, np.array(sorted(held), np.int64))
            self._held = held
            return self._shown.version >= version

    def catch_up_in_background(self, version: int) -> None:
        """Catch up as `catch_up` does, with up to three attempts, 1 to 10 seconds apart."""
        if self.engine.breaker.refuses:
            self.catch_up(version)  # It raises at once: the thread serves other projects too.
        retry_in_background(lambda: self.catch_up(version), EngineUnavailable, self.engine.clock)

    def dead_keys(self) -> int:
        """Count deleted passages that the engine still holds, or raise `EngineUnavailable`."""
        held = self.engine.call(lambda engine: engine.stamps(self.space))
        return len(held.keys() - self._truth.stamps().keys())

    def doubt(self) -> None:
        """Compare with the engine again before the next search: it may have lost something."""
        with self._changing:
            self._held = None
            self._shown = _Shown()

    def nearest(self, query: NDArray[np.float32], limit: int, seen: SearchFilter) -> Keys:
        """Return the engine's proposals that were in the store at the version shown, ascending.

        Raises:
            EngineUnavailable: It does not answer.
            EngineBehind: It proposes so few that it must have lost some.
        """
        shown = self._shown
        try:
            found = self.engine.search(
                lambda engine: engine.nearest(self.space, query, limit, seen)
            )
        except EngineUnavailable:
            # Whatever it does until it is back, it may come back with less than it had.
            self.doubt()
            raise
        keys = np.unique(np.array(found, np.int64))
        known = keys[np.isin(keys, shown.keys)]
        few = len(known) < min(limit, len(shown.keys)) / 2
        if few and seen == EVERYTHING and not self._doubted:
            _log.warning("engine lost passages", extra={"engine": self.engine.name})
            self.doubt()
            # Once only: if the first reply already has all of them, asking for more is useless.
            self._doubted = True
            raise EngineBehind(f"{self.engine.name} has lost passages of this project.")
        return known

    def rows(self, keys: Keys) -> tuple[Keys, Vectors]:
        """Return those of the keys that have a vector in the store, ascending, and their rows."""
        return self._truth.vectors(keys)

    def spread(self, query: NDArray[np.float32]) -> tuple[float, float]:
        """Return mean and standard deviation of the passages' cosines to the query, of a sample."""
        sample = self._shown.sample
        if not len(sample):
            return 0.0, 0.0
        cosines = sample @ query
        return float(cosines.mean()), float(cosines.std())

    def _without(self, held: dict[int, str], gone: list[int]) -> dict[int, str]:
        """Take keys out of the engine; return what it holds then."""
        for start in range(0, len(gone), _BATCH):
            some = gone[start : start + _BATCH]
            self.engine.call(methodcaller("remove", self.space, some))
        left_out = set(gone)
        return {key: stamp for key, stamp in held.items() if key not in left_out}

    def _send(self, missing: list[int], progress: Progress | None) -> dict[int, str]:
        """Give the engine those of the passages that exist now; return their stamps."""
        sent: dict[int, str] = {}
        for start in range(0, len(missing), _BATCH):
            points = self._truth.points(missing[start : start + _BATCH])
            self.engine.call(methodcaller("put", self.space, points))
            sent.update((point.key, point.stamp) for point in points)
            if progress is not None:
                progress(min(start + _BATCH, len(missing)), len(missing))
        return sent

    def _state(self, version: int, keys: Keys) -> _Shown:
        _, sample = self._truth.vectors(keys[:: max(1, len(keys) // _SAMPLE)])
        return _Shown(version, keys, sample)


@dataclass(frozen=True, slots=True)
class RemoteIndex:
    """A project as the ranking searches it: words from this process, nearness from the engine."""

    words: KeywordIndex
    vectors: "RemoteView"

    def __len__(self) -> int:
        return len(self.words)


@dataclass(frozen=True, slots=True)
class RemoteView:
    """The passages of a project that one search may see; reads each needed row once."""

    remote: RemoteVectors
    seen: SearchFilter = EVERYTHING
    _rows: dict[int, NDArray[np.float32] | None] = field(default_factory=dict)
    """By key, of those that were asked for; None where the store has no vector."""

    def __len__(self) -> int:
        return len(self.remote)

    def search(
        self, query: NDArray[np.float32], limit: int, allowed: Keys | None = None
    ) -> Nearest | None:
        """Return the nearest passages, scored with the stored vectors; see `VectorIndex.search`.

        The engine has left out hidden passages already; ``allowed`` is what the store permits.
        """
        if not len(self.remote):
            return None
        keys = self.remote.nearest(query, limit, self.seen)
        if allowed is not None:
            keys = keys[np.isin(keys, allowed)]
        known, rows = self.vectors(keys)
        cosines = rows @ query if len(known) else np.empty(0, np.float32)
        order = np.lexsort((known, -cosines))[:limit]
        mean, deviation = self.remote.spread(query)
        return Nearest(known[order], cosines[order], mean, deviation)

    def vectors(self, keys: Keys) -> tuple[Keys, Vectors]:
        """Return those of the keys that have a vector, ascending, and their rows."""
        missing = [key for key in keys.tolist() if key not in self._rows]
        if missing:
            found, read = self.remote.rows(np.array(missing, np.int64))
            self._rows.update(dict.fromkeys(missing))
            self._rows.update(zip(found.tolist(), read, strict=True))
        known = [
            (key, row) for key in sorted(keys.tolist()) if (row := self._rows[key]) is not None
        ]
        if not known:
            return np.empty(0, np.int64), np.empty((0, 0), np.float32)
        return np.array([key for key, _ in known], np.int64), np.stack([row for _, row in known])
