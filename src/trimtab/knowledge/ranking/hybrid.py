"""One ranking out of words and meaning.

Both scores are taken as distances from what an average passage of the project gets for this query,
in standard deviations. So a query whose words tell little, or a language that the model does not
know, lowers the influence of that side by itself; the project's weight does the rest.
"""

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from trimtab.knowledge.embedding import Vectors
from trimtab.knowledge.index import Keys, KeywordIndex, QueryTerm, WordMatches, query_terms
from trimtab.knowledge.index.vectors import Nearest, best_first
from trimtab.text.analysis import matching_words

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
    ) -> Nearest | None:
        """Return the nearest passages, best first; None when there are no vectors."""
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
    bm25: NDArray[np.float32]
    cosines: Scores
    """NaN for passages without vector."""
    row_of: NDArray[np.intp]
    """Where each passage's vector is in ``rows``; -1 for those without."""
    rows: Vectors
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
    if not len(scores):
        return Ranking((), terms, share)
    order = np.lexsort((found.keys, -scores))
    if share > 0:
        first = np.sort(order[:_SMOOTHED])
        near = first[found.row_of[first] >= 0]
        scores[near] = smoothed(scores[near], found.rows[found.row_of[near]])
        head = first[np.lexsort((found.keys[first], -scores[first]))]
        order = np.concatenate([head, order[_SMOOTHED:]])
    top = share * float(found.nearness.max()) + (1 - share) * float(found.words.max())
    if top <= 0 or len(found.keys) == 1:
        # A lone passage, or one of equals, stands out from no average: each is judged by itself.
        scores = share * np.nan_to_num(found.cosines) + (1 - share) * (found.bm25 > 0)
        order, top = np.lexsort((found.keys, -scores)), 1.0
    chosen = order[:limit]
    shown = np.clip(scores[chosen] / top, 0.0, 1.0)
    columns = (found.keys[chosen], shown, found.bm25[chosen], found.cosines[chosen])
    passages = tuple(
        RankedPassage(key, score, bm25, None if math.isnan(cosine) else cosine)
        for key, score, bm25, cosine in zip(*(part.tolist() for part in columns), strict=True)
    )
    return Ranking(passages, terms, share)


def candidates(
    index: SearchableIndex,
    terms: tuple[QueryTerm, ...],
    vector: NDArray[np.float32] | None,
    allowed: Keys | None = None,
) -> Candidates:
    """Return the best passages of both sides with the scores of both."""
    matches = index.words.search(terms, allowed)
    keys = np.sort(best_first(matches.keys, matches.scores, _POOL)[0])
    nearest = None if vector is None else index.vectors.search(vector, _POOL, allowed)
    if nearest is not None:
        keys = np.union1d(keys, nearest.keys)
    row_of, nearness = np.full(len(keys), -1), np.zeros(len(keys))
    cosines = np.full(len(keys), np.nan)
    rows: Vectors = np.empty((0, 0), np.float32)
    if vector is not None and nearest is not None:
        known, rows = index.vectors.vectors(keys)
        at = np.searchsorted(keys, known)
        row_of[at] = np.arange(len(known))
        cosines[at] = rows @ vector
        nearness[at] = (cosines[at] - nearest.mean) / (nearest.deviation or 1.0)
    bm25 = matches.of(keys)
    words = ((bm25 - matches.mean) / (matches.deviation or 1.0)).astype(np.float64)
    return Candidates(keys, words, nearness, bm25, cosines, row_of, rows, matches, nearest)


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


def highlights(terms: tuple[QueryTerm, ...], text: str) -> tuple[tuple[int, int], ...]:
    """Return the (start, end) offsets of the words in ``text`` that match a term, in order."""
    variants = {variant for term in terms for variant in term.variants}
    return tuple((start, end) for start, end, found in matching_words(text) if found in variants)
