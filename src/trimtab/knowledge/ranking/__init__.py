"""Search in one project: words and meaning, weighted by what the project's own passages ask for.

fitted = fit(index, sample, embed_queries, embed)  # again when fitted.outgrown(len(index))
ranking = rank(index, query, query_vector, meaning=fitted.meaning, limit=50)
highlights(ranking.terms, text)                     # the words that match, as (start, end)
"""

from trimtab.knowledge.ranking.hybrid import (
    DEFAULT_MEANING,
    RankedPassage,
    Ranking,
    SearchableIndex,
    highlights,
    rank,
)
from trimtab.knowledge.ranking.probes import UNFITTED, Fit, fit

__all__ = [
    "DEFAULT_MEANING",
    "UNFITTED",
    "Fit",
    "RankedPassage",
    "Ranking",
    "SearchableIndex",
    "fit",
    "highlights",
    "rank",
]
