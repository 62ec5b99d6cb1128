"""Search in one project: words and meaning, weighted by what the project's own passages ask for.

fitted = fit(index, sample, embedder.embed)        # again when fitted.outgrown(len(index))
ranking = rank(index, query, query_vector, meaning=fitted.meaning, limit=50)
explain(index, ranking, ranking.passages[0], text)
"""

from trimtab.knowledge.ranking.explain import Explanation, MatchedTerm, explain, highlights
from trimtab.knowledge.ranking.hybrid import (
    DEFAULT_MEANING,
    RankedPassage,
    Ranking,
    SearchableIndex,
    rank,
)
from trimtab.knowledge.ranking.probes import UNFITTED, Fit, fit

__all__ = [
    "DEFAULT_MEANING",
    "UNFITTED",
    "Explanation",
    "Fit",
    "MatchedTerm",
    "RankedPassage",
    "Ranking",
    "SearchableIndex",
    "explain",
    "fit",
    "highlights",
    "rank",
]
