"""One ranking out of words and meaning.

Both scores are taken as distances from what an average passage of the project gets for this query,
in standard deviations. So a query whose words tell little, or a language that the model does not
know, lowers the influence of that side by itself; the project's weight does the rest.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from trimtab.knowledge.embedding import Vectors
from trimtab.knowledge.index import Keys, KeywordIndex, QueryTerm, WordMatches, query_terms
from trimtab.knowledge.index.vectors import Nearest

Scores = NDArray[np.float64]

DEFAULT_MEANING = 0.6
"""The share of meaning in a project whose own passages have not been asked yet."""

# The best of each side; deeper ones never reached the first ten in the sets measured.
_POOL = 200
_SMOOTHED = 100
_NEIGHBOURS = 5
_NEIGHBOUR_SHARE = 0.3


class NearestVectors(Protocol):
    """Search for the nearest passages; `VectorIndex` documents each method."""

    def __len__(self) -> int:
        """Return how many passages have a vector."""
        ...

    def search(
        self, query: NDArray[np.float32], limit: int, allowed: Keys | None = None
    ) -> Nearest:
        """Return the nearest passages, best first."""
        ...

    def vectors(self, keys: Keys) -> tuple[Keys, Vectors]:
        """Return those of the keys that have a vector, ascending, and their rows."""
        ...


class SearchableIndex(Protocol):
    """A project as it is searched: `ProjectIndex`, or words here and vectors in a server."""

    @property
    def words(self) -> KeywordIndex:
        """Its keyword index."""
        ...

    @property
    def vectors(self) -> NearestVectors:
        """Its vector index."""
        ...

    def __len__(self) -> int:
        """Return how many passages it has."""
        ...


@dataclass(frozen=True, slots=True)
class RankedPassage:
    """A passage and why it has its place."""

    key: int
    score: float
    """0 to 1; 1 would be the best of both sides. Comparable within one ranking only."""
    keyword_score: float
    """BM25; 0 when it has none of the query's words."""
    cosine: float | None
    """Cosine similarity to the query; None when it has no vector or the model is down."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """The passages for a query, best first."""

    passages: tuple[RankedPassage, ...]
    terms: tuple[QueryTerm, ...]
    meaning: float
    """The share of meaning that was used; 0 when there was no query vector."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """Both sides' scores of the passages that either side proposes; arrays of shape (n,).

    ``words`` and ``nearness`` are in standard deviations above the project's average.
    """

    keys: Keys
    words: Scores
    nearness: Scores
    matches: WordMatches
    nearest: Nearest | None


def rank(
    index: SearchableIndex,
    query: str,
    vector: NDArray[np.float32] | None,
    *,
    meaning: float = DEFAULT_MEANING,
    limit: int = 100,
    allowed: Keys | None = None,
) -> Ranking:
    """Return the passages that answer the query.

    Args:
        index: Where to search.
        query: Natural language.
        vector: The query's unit vector; None while the model is down: words alone decide.
        meaning: The share of meaning in the sum, 0 to 1; see ``fit_weight``.
        limit: Maximum number of passages.
        allowed: Only these passages, ascending; None means all.
    """
    terms = query_terms(query, index.words.languages)
    found = candidates(index, terms, vector, allowed)
    share = meaning if found.nearest is not None else 0.0
    scores = share * found.nearness + (1 - share) * found.words
    order = np.lexsort((found.keys, -scores))
    if share > 0:
        order = _with_neighbours(index, found.keys, scores, order)
    top = share * _highest(found.nearness) + (1 - share) * _highest(found.words)
    chosen = order[:limit]
    shown = np.clip(scores[chosen] / top, 0.0, 1.0) if top > 0 else np.zeros(len(chosen))
    return Ranking(_passages(index, found, vector, chosen, shown), terms, share)


def candidates(
    index: SearchableIndex,
    terms: tuple[QueryTerm, ...],
    vector: NDArray[np.float32] | None,
    allowed: Keys | None = None,
) -> Candidates:
    """Return the best passages of both sides with the scores of both."""
    matches = index.words.search(terms, allowed)
    keys = np.sort(matches.best(_POOL))
    nearest: Nearest | None = None
    nearness = np.zeros(len(keys))
    if vector is not None and len(index.vectors):
        nearest = index.vectors.search(vector, _POOL, allowed)
        keys = np.union1d(keys, nearest.keys)
        nearness = _cosines(index, keys, vector, nearest.mean) - nearest.mean
        nearness /= nearest.deviation or 1.0
    words = (matches.of(keys) - matches.mean) / (matches.deviation or 1.0)
    return Candidates(keys, words.astype(np.float64), nearness, matches, nearest)


def _cosines(
    index: SearchableIndex, keys: Keys, vector: NDArray[np.float32], missing: float
) -> Scores:
    """Return the cosine of each passage to the query; ``missing`` for those without vector."""
    cosines = np.full(len(keys), missing)
    known, rows = index.vectors.vectors(keys)
    cosines[np.searchsorted(keys, known)] = rows @ vector
    return cosines


def _with_neighbours(
    index: SearchableIndex, keys: Keys, scores: Scores, order: NDArray[np.intp]
) -> NDArray[np.intp]:
    """Return the order after smoothing the first ``_SMOOTHED``; ``scores`` changes with it."""
    first = np.sort(order[:_SMOOTHED])
    known, rows = index.vectors.vectors(keys[first])
    at = first[np.searchsorted(keys[first], known)]
    scores[at] = smoothed(scores[at], rows)
    head = first[np.lexsort((keys[first], -scores[first]))]
    return np.concatenate([head, order[_SMOOTHED:]])


def smoothed(scores: NDArray[np.float64], vectors: Vectors) -> NDArray[np.float64]:
    """Return the scores, each mixed with those of its nearest neighbours.

    A passage about what was asked has neighbours about it too; one that merely shares words with
    the query has not: Diaz, "Regularizing ad hoc retrieval scores" (CIKM 2005).

    Args:
        scores: Of the candidates, shape (n,).
        vectors: Their unit vectors in the same order, shape (n, dimension).
    """
    count = min(_NEIGHBOURS, len(scores) - 1)
    if count < 1:
        return scores
    likeness = vectors @ vectors.T
    np.fill_diagonal(likeness, -1.0)
    nearest = np.argpartition(-likeness, count - 1, axis=1)[:, :count]
    weights = np.maximum(np.take_along_axis(likeness, nearest, axis=1), 1e-6).astype(np.float64)
    neighbours = (scores[nearest] * weights).sum(axis=1) / weights.sum(axis=1)
    mixed: NDArray[np.float64] = (1 - _NEIGHBOUR_SHARE) * scores + _NEIGHBOUR_SHARE * neighbours
    return mixed


def _highest(scores: Scores) -> float:
    return float(scores.max()) if len(scores) else 0.0


def _passages(
    index: SearchableIndex,
    found: Candidates,
    vector: NDArray[np.float32] | None,
    chosen: NDArray[np.intp],
    shown: Scores,
) -> tuple[RankedPassage, ...]:
    keys = found.keys[chosen]
    bm25 = found.matches.of(keys)
    cosines: dict[int, float] = {}
    if found.nearest is not None and vector is not None:
        known, rows = index.vectors.vectors(keys)
        cosines = dict(zip(known.tolist(), (rows @ vector).tolist(), strict=True))
    return tuple(
        RankedPassage(int(key), float(score), float(words), cosines.get(int(key)))
        for key, score, words in zip(keys, shown, bm25, strict=True)
    )
