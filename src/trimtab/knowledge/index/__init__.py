"""Disposable indexes over the store's passages: words and vectors, per project.

``ProjectIndex`` is the public class; ``ranking`` searches in it.
"""

from trimtab.knowledge.index.keywords import KeywordIndex, WordMatches
from trimtab.knowledge.index.project import Difference, IndexedPassage, ProjectIndex
from trimtab.knowledge.index.vectors import EXACT_LIMIT, Keys, Nearest, VectorIndex
from trimtab.text.analysis import QueryTerm, analysed, query_terms

__all__ = [
    "EXACT_LIMIT",
    "Difference",
    "IndexedPassage",
    "Keys",
    "KeywordIndex",
    "Nearest",
    "ProjectIndex",
    "QueryTerm",
    "VectorIndex",
    "WordMatches",
    "analysed",
    "query_terms",
]
