"""Why a passage was found, and where its words match."""

from dataclasses import dataclass

from trimtab.knowledge.index import QueryTerm, analysed
from trimtab.knowledge.ranking.hybrid import RankedPassage, Ranking, SearchableIndex
from trimtab.text.analysis import matching_words


@dataclass(frozen=True, slots=True)
class MatchedTerm:
    """A word of the query that the passage has."""

    word: str
    score: float
    """Its part of the keyword score."""
    rarity: float
    """Inverse document frequency: how much the word tells apart in this project."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a passage has its place."""

    score: float
    keyword_score: float
    vector_score: float | None
    keyword_weight: float
    vector_weight: float
    matched: tuple[MatchedTerm, ...]
    """The words found, the most telling first."""
    unmatched: tuple[str, ...]
    """The words of the query that the passage has not."""


def explain(
    index: SearchableIndex, ranking: Ranking, passage: RankedPassage, text: str
) -> Explanation:
    """Return why ``passage`` is in ``ranking``; ``text`` is what was indexed of it."""
    content = analysed(text)
    matched: list[MatchedTerm] = []
    unmatched: list[str] = []
    for term in ranking.terms:
        score = index.words.score_of((term,), content)
        if score > 0:
            matched.append(MatchedTerm(term.word, score, index.words.rarity(term)))
        else:
            unmatched.append(term.word)
    return Explanation(
        score=passage.score,
        keyword_score=passage.keyword_score,
        vector_score=passage.cosine,
        keyword_weight=round(1 - ranking.meaning, 3),
        vector_weight=ranking.meaning,
        matched=tuple(sorted(matched, key=lambda found: -found.score)),
        unmatched=tuple(unmatched),
    )


def highlights(terms: tuple[QueryTerm, ...], text: str) -> tuple[tuple[int, int], ...]:
    """Return the (start, end) offsets of the words in ``text`` that match a term, in order."""
    variants = {variant for term in terms for variant in term.variants}
    return tuple((start, end) for start, end, found in matching_words(text) if found in variants)
