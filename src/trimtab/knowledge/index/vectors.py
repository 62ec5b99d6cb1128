"""The passages nearest in meaning: an exact scan for most projects, a graph for large ones.

Up to ``EXACT_LIMIT`` passages every vector is compared: recall is 1 and the scan costs less than
the graph's upkeep would. Above it, an HNSW graph over int8 copies (usearch) proposes candidates.
The switch goes by itself in both directions.

Vectors are held in float16, as they are stored: half the memory, and the scan needs no copy.
"""

import threading
from dataclasses import dataclass

import numkong
import numpy as np
from numpy.typing import NDArray
from usearch.index import Index

from trimtab.knowledge.embedding import Vectors

Keys = NDArray[np.int64]
Halves = NDArray[np.float16]
Cosines = NDArray[np.float32]

EXACT_LIMIT = 12_000
"""Measured: from about here on the graph answers in less CPU time than the scan."""

_CONNECTIVITY = 16
_EXPANSION_ADD = 96
_EXPANSION_SEARCH = 192
# Int8 copies rank neighbours a little differently: this many more are scored again.
_MORE = 32
# What float16 drops of a query's value is below 2^-11 of it; scaled by this it fits float16.
_REST = np.float32(2.0**12)
# This many rows, evenly spaced, give the distribution of cosines to a query.
_SAMPLE = 2000


@dataclass(frozen=True, slots=True)
class Nearest:
    """Passages by cosine similarity, best first; both arrays have shape (n,)."""

    keys: Keys
    cosines: NDArray[np.float32]
    mean: float
    """The mean cosine of the project's passages to the query ..."""
    deviation: float
    """... and its standard deviation; of a sample when the index is a graph or few are allowed."""


@dataclass(frozen=True, slots=True)
class _Rows:
    """State that searches read, replaced as a whole: ascending keys (n,), vectors (n, d)."""

    keys: Keys
    rows: Halves
    sample: Halves
    """Some of the rows, evenly spaced."""
    graph: Index | None


class VectorIndex:
    """The vectors of one project. Searches run concurrently with changes, which are serialised.

    Args:
        dimension: The length of a vector.
        exact_limit: Up to how many passages every vector is compared.
    """

    def __init__(self, dimension: int, exact_limit: int = EXACT_LIMIT) -> None:
        self.dimension = dimension
        self._exact_limit = exact_limit
        self._changing = threading.Lock()
        # Usearch moves its memory when it grows, so a graph is not searched while it changes.
        self._graph_use = threading.Lock()
        self._state = _state(np.empty(0, np.int64), np.empty((0, dimension), np.float16), None)

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
    ) -> Nearest | None:
        """Return the nearest passages; None when there are no vectors.

        Args:
            query: A unit vector, shape (dimension,).
            limit: Maximum number of passages.
            allowed: Only these, ascending; None means all.
        """
        state = self._state
        if not len(state.keys):
            return None
        if state.graph is None or (allowed is not None and len(allowed) <= self._exact_limit):
            selected = allowed
        else:
            selected = self._proposed(state, query, limit + _MORE, allowed)
        keys, rows = _rows(state, selected)
        cosines = _cosines(rows, query)
        spread = cosines if selected is None else _cosines(state.sample, query)
        keys, cosines = best_first(keys, cosines, limit)
        return Nearest(keys, cosines, float(spread.mean()), float(spread.std()))

    def vectors(self, keys: Keys) -> tuple[Keys, Vectors]:
        """Return those of the keys that have a vector, ascending, and their rows (m, dimension)."""
        known, rows = _rows(self._state, np.sort(keys))
        if not len(rows):
            return known, np.empty(rows.shape, np.float32)
        # Ten times faster than numpy's own conversion.
        return known, np.asarray(numkong.astype(np.ascontiguousarray(rows), "float32"))

    def graph_bytes(self) -> bytes:
        """Return the graph to be kept on disk; empty while the scan is exact."""
        graph = self._state.graph
        if graph is None:
            return b""
        with self._changing, self._graph_use:
            return bytes(graph.save() or b"")

    def restore(self, keys: Keys, vectors: Halves | Vectors, graph: bytes) -> None:
        """Replace the content with these passages and the graph in ``graph_bytes``."""
        with self._changing:
            order = np.argsort(keys)
            loaded: Index | None = None
            if graph and len(keys) > self._exact_limit // 2:
                loaded = _new_graph(self.dimension)
                loaded.load(graph)
                if len(loaded) != len(keys):
                    loaded = None
            self._state = self._fitted(
                keys[order], vectors[order].astype(np.float16, copy=False), loaded
            )

    def _change(self, drop: Keys, keys: Keys, vectors: Vectors) -> None:
        state = self._state
        stay = ~np.isin(state.keys, drop)
        merged = np.concatenate([state.keys[stay], keys])
        order = np.argsort(merged, kind="stable")
        rows = np.concatenate([state.rows[stay], vectors.astype(np.float16)])[order]
        graph = state.graph
        if graph is not None:
            with self._graph_use:
                gone = state.keys[~stay]
                if len(gone):
                    graph.remove(gone)
                if len(keys):
                    graph.add(keys, vectors, threads=1)
        self._state = self._fitted(merged[order], rows, graph)

    def _fitted(self, keys: Keys, rows: Halves, graph: Index | None) -> _Rows:
        """Return the state with the engine that fits its size; small changes do not flip it."""
        if graph is None and len(keys) > self._exact_limit:
            graph = _new_graph(self.dimension)
            graph.add(keys, rows.astype(np.float32), threads=0)
        elif graph is not None and len(keys) <= self._exact_limit // 2:
            graph = None
        return _state(keys, rows, graph)

    def _proposed(
        self, state: _Rows, query: NDArray[np.float32], selected: int, allowed: Keys | None
    ) -> Keys:
        """Return the graph's candidates, ascending; about ``selected`` unless few are allowed."""
        if allowed is not None and len(allowed):
            selected = min(len(state.keys), int(selected * 1.5 * len(state.keys) / len(allowed)))
        with self._graph_use:
            graph = state.graph
            found = graph.search(query, selected, threads=1).keys if graph is not None else ()
        keys = np.sort(np.asarray(found).astype(np.int64))
        return keys if allowed is None else keys[np.isin(keys, allowed)]


def _state(keys: Keys, rows: Halves, graph: Index | None) -> _Rows:
    sample = rows[:: max(1, len(rows) // _SAMPLE)]
    # A copy costs memory, and is worth it where every search reads the sample instead of the rows.
    return _Rows(keys, rows, sample if graph is None else np.ascontiguousarray(sample), graph)


def _new_graph(dimension: int) -> Index:
    return Index(
        ndim=dimension,
        metric="ip",
        dtype="i8",
        connectivity=_CONNECTIVITY,
        expansion_add=_EXPANSION_ADD,
        expansion_search=_EXPANSION_SEARCH,
    )


def _rows(state: _Rows, selected: Keys | None) -> tuple[Keys, Halves]:
    """Return the selected keys that exist, in order, and their rows; None selects all."""
    if selected is None:
        return state.keys, state.rows
    if not len(state.keys):
        return selected[:0], state.rows
    at = np.minimum(np.searchsorted(state.keys, selected), len(state.keys) - 1)
    there = state.keys[at] == selected
    return selected[there], state.rows[at[there]]


def _cosines(rows: Halves, query: NDArray[np.float32]) -> Cosines:
    """Return the cosine of each row to the query, shape (n,), as exact as in float32.

    The query goes in two parts of float16, its rounded values and what rounding left of them.
    """
    if not len(rows):
        return np.empty(0, np.float32)
    rounded = query.astype(np.float16)
    rest = (query - rounded.astype(np.float32)) * _REST
    parts = np.stack([rounded, rest.astype(np.float16)])
    found = np.asarray(numkong.cdist(parts, np.ascontiguousarray(rows), "inner"))
    cosines: Cosines = (found[0] + found[1] / _REST).astype(np.float32)
    return cosines


def best_first(keys: Keys, scores: Cosines, limit: int) -> tuple[Keys, Cosines]:
    """Return the best ``limit`` by score, ties broken by key."""
    if len(keys) > limit > 0:
        lowest = np.partition(scores, len(scores) - limit)[len(scores) - limit]
        best = np.flatnonzero(scores >= lowest)
        keys, scores = keys[best], scores[best]
    order = np.lexsort((keys, -scores))[:limit]
    return keys[order], scores[order]
