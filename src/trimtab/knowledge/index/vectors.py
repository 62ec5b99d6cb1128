"""The passages nearest in meaning: an exact scan for most projects, a graph for large ones.

Up to ``EXACT_LIMIT`` passages every vector is compared: recall is 1 and the scan costs less than
the graph's upkeep would. Above it, an HNSW graph over int8 copies (usearch) proposes candidates
that are scored again with the stored vectors. The switch goes by itself in both directions.
"""

import threading
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from usearch.index import Index

from trimtab.knowledge.embedding import Vectors

Keys = NDArray[np.int64]

EXACT_LIMIT = 12_000
"""Measured: from about here on the graph answers in less CPU time than the scan."""

_CONNECTIVITY = 16
_EXPANSION_ADD = 96
_EXPANSION_SEARCH = 192
# So many rows, evenly spaced, tell how cosines to a query are spread.
_SAMPLE = 2000


@dataclass(frozen=True, slots=True)
class Nearest:
    """Passages by cosine similarity, best first; both arrays have shape (n,)."""

    keys: Keys
    cosines: NDArray[np.float32]
    mean: float
    """The mean cosine of the project's passages to the query ..."""
    deviation: float
    """... and its standard deviation; of a sample when the index is a graph."""


@dataclass(frozen=True, slots=True)
class _Rows:
    """What a search reads, replaced as a whole: ascending keys (n,) and their vectors (n, d).

    Vectors are float32 while they are scanned and float16 under a graph, which reads few of them.
    """

    keys: Keys
    rows: NDArray[np.float32] | NDArray[np.float16]
    sample: NDArray[np.float32]
    graph: Index | None


class VectorIndex:
    """The vectors of one project. Searches run beside changes; changes wait for each other.

    Args:
        dimension: The length of a vector.
        exact_limit: Up to how many passages every vector is compared.
    """

    def __init__(self, dimension: int, exact_limit: int = EXACT_LIMIT) -> None:
        self.dimension = dimension
        self._exact_limit = exact_limit
        self._changing = threading.Lock()
        # usearch moves its memory when it grows, so a graph is not searched while it changes.
        self._graph_use = threading.Lock()
        self._state = _state(np.empty(0, np.int64), np.empty((0, dimension), np.float32), None)

    def __len__(self) -> int:
        return len(self._state.keys)

    @property
    def engine(self) -> str:
        """``exact`` or ``hnsw``."""
        return "exact" if self._state.graph is None else "hnsw"

    @property
    def keys(self) -> Keys:
        """The keys of all vectors, ascending."""
        return self._state.keys

    def add(self, keys: Keys, vectors: Vectors) -> None:
        """Add passages, in place of those with the same keys.

        Args:
            keys: Distinct, shape (n,), in any order.
            vectors: Unit rows, shape (n, dimension).
        """
        with self._changing:
            self._change(drop=keys, keys=keys, vectors=vectors)

    def remove(self, keys: Keys) -> None:
        """Take passages out; keys that are not there are left alone."""
        with self._changing:
            nothing = np.empty((0, self.dimension), np.float32)
            self._change(drop=keys, keys=np.empty(0, np.int64), vectors=nothing)

    def search(
        self, query: NDArray[np.float32], limit: int, allowed: Keys | None = None
    ) -> Nearest:
        """Return the nearest passages.

        Args:
            query: A unit vector, shape (dimension,).
            limit: At most so many.
            allowed: Only these, ascending; None means all.
        """
        state = self._state
        if state.graph is None or (allowed is not None and len(allowed) <= self._exact_limit):
            candidates = state.keys if allowed is None else allowed
            return self._scored(state, candidates, query, limit)
        return self._scored(state, self._proposed(state, query, limit, allowed), query, limit)

    def vectors(self, keys: Keys) -> tuple[Keys, Vectors]:
        """Return those of the keys that have a vector, ascending, and their rows (m, dimension)."""
        state = self._state
        known, at = _positions(state.keys, np.sort(keys))
        return known, state.rows[at].astype(np.float32)

    def graph_bytes(self) -> bytes:
        """Return the graph to be kept on disk; empty while the scan is exact."""
        graph = self._state.graph
        if graph is None:
            return b""
        with self._changing, self._graph_use:
            return bytes(graph.save() or b"")

    def restore(self, keys: Keys, vectors: Vectors, graph: bytes) -> None:
        """Become the index of these passages, with a graph from ``graph_bytes`` of the same keys."""
        with self._changing:
            order = np.argsort(keys)
            loaded: Index | None = None
            if graph and len(keys) > self._exact_limit // 2:
                loaded = _new_graph(self.dimension)
                loaded.load(graph)
                if len(loaded) != len(keys):
                    loaded = None
            self._state = self._fitted(keys[order], vectors[order], loaded)

    def _change(self, drop: Keys, keys: Keys, vectors: Vectors) -> None:
        state = self._state
        stay = ~np.isin(state.keys, drop)
        merged = np.concatenate([state.keys[stay], keys])
        order = np.argsort(merged, kind="stable")
        rows = np.concatenate([state.rows[stay], vectors.astype(state.rows.dtype)])[order]
        graph = state.graph
        if graph is not None:
            with self._graph_use:
                gone = state.keys[~stay]
                if len(gone):
                    graph.remove(gone)
                if len(keys):
                    graph.add(keys, vectors, threads=1)
        self._state = self._fitted(merged[order], rows, graph)

    def _fitted(
        self,
        keys: Keys,
        rows: NDArray[np.float32] | NDArray[np.float16],
        graph: Index | None,
    ) -> _Rows:
        """Return the state with the engine that fits its size; small changes do not flip it."""
        if graph is None and len(keys) > self._exact_limit:
            graph = _new_graph(self.dimension)
            graph.add(keys, rows.astype(np.float32), threads=0)
        elif graph is not None and len(keys) <= self._exact_limit // 2:
            graph = None
        return _state(keys, rows, graph)

    def _proposed(
        self, state: _Rows, query: NDArray[np.float32], limit: int, allowed: Keys | None
    ) -> Keys:
        """Return the graph's candidates, ascending; more than ``limit`` unless few are allowed."""
        # int8 copies rank neighbours a little differently, so a few more are scored again.
        wanted = limit + 32
        if allowed is not None and len(allowed):
            wanted = min(len(state.keys), int(wanted * 1.5 * len(state.keys) / len(allowed)))
        with self._graph_use:
            graph = state.graph
            found = graph.search(query, wanted, threads=1).keys if graph is not None else ()
        keys = np.sort(np.asarray(found).astype(np.int64))
        return keys if allowed is None else keys[np.isin(keys, allowed, assume_unique=True)]

    def _scored(
        self, state: _Rows, candidates: Keys, query: NDArray[np.float32], limit: int
    ) -> Nearest:
        if candidates is state.keys:
            cosines = state.rows.astype(np.float32, copy=False) @ query
            return _best(state.keys, cosines, limit, cosines)
        known, at = _positions(state.keys, candidates)
        cosines = state.rows[at].astype(np.float32, copy=False) @ query
        return _best(known, cosines, limit, state.sample @ query)


def _state(
    keys: Keys, rows: NDArray[np.float32] | NDArray[np.float16], graph: Index | None
) -> _Rows:
    sample = rows[:: max(1, len(rows) // _SAMPLE)].astype(np.float32)
    if graph is None:
        return _Rows(keys, rows.astype(np.float32, copy=False), sample, None)
    return _Rows(keys, rows.astype(np.float16, copy=False), sample, graph)


def _new_graph(dimension: int) -> Index:
    return Index(
        ndim=dimension,
        metric="ip",
        dtype="i8",
        connectivity=_CONNECTIVITY,
        expansion_add=_EXPANSION_ADD,
        expansion_search=_EXPANSION_SEARCH,
    )


def _positions(keys: Keys, wanted: Keys) -> tuple[Keys, NDArray[np.intp]]:
    """Return the wanted keys that are among the ascending ``keys``, and where."""
    if not len(keys):
        return wanted[:0], np.empty(0, np.intp)
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    there = keys[at] == wanted
    return wanted[there], at[there]


def _best(
    keys: Keys, scores: NDArray[np.float32], limit: int, spread: NDArray[np.float32]
) -> Nearest:
    """Return the best by score, then by key, so that equal scores have one order."""
    if len(keys) > limit:
        best = np.argpartition(-scores, limit)[:limit]
        keys, scores = keys[best], scores[best]
    order = np.lexsort((keys, -scores))
    mean, deviation = (float(spread.mean()), float(spread.std())) if len(spread) else (0.0, 0.0)
    return Nearest(keys[order], scores[order], mean, deviation)
