"""Features of a claim and its context for the grounding model.

Embedding similarity is deliberately not a feature: on HaluEval the cosine of MiniLM embeddings
separates supported from hallucinated answers worse than chance (AUC 0.30), because a hallucinated
answer repeats the topic. A hallucinated claim does contain new material: words, names and numbers
that the context does not have, or known words in a new order. Similarity of single word vectors did
not improve the model either (docs/decisions/guardrails-grounding-evidence.md).
"""

import re
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from itertools import pairwise

from trimtab.guardrails.grounding.reading import (
    Clause,
    in_first_person,
    read,
    statements,
    terms,
    whole,
)
from trimtab.text.sentences import sentences
from trimtab.text.words import STOP_WORDS, stem

_NAME = re.compile(r"\b[A-ZÀ-ÖØ-ÞА-Я][\w’'-]*")  # noqa: RUF001 - Cyrillic capitals.
_NEGATION = frozenset(
    # The token "t" is the ending of n't, with or without spaces around the apostrophe.
    ["not", "no", "never", "none", "without", "neither", "nor", "cannot", "nothing", "t"]
)
MAX_NEW_TERMS = 3
NEAR, WIDE = 2, 4
"""Maximum distances, in content words of the context, of neighbours and of related words."""
UNKNOWN_TOPIC = 0.5
"""`Evidence.on_topic` without a question.

With 0, which stands for conversation off the sources, claims that are wrong by one word would pass.
"""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Features of one claim, each in [0, 1]."""

    known_in_best_sentence: float
    """Share of the claim's content words in the best matching sentence of the context; 1 for a
    claim without content words. Small talk does not count as content.
    """
    known_pairs: float
    """Share of the claim's pairs of adjacent content words that the context has at a distance of at
    most `NEAR`."""
    in_order: float
    """Length of the longest common subsequence with the context, as a share of the claim's content
    words."""
    coverage: float
    """Share of the context's content words that the claim has."""
    new_terms: float
    """Content words that neither context nor question has: 1 for three of them or more."""
    new_names: float
    """Share of the claim's names that neither context nor question has; 0 without names."""
    new_numbers: float
    """Share of the claim's numbers that neither context nor question has; 0 without numbers."""
    verbatim: float
    """1 when the context contains the whole claim, or all of its statements, verbatim."""
    from_question: float
    """Share of the claim's content words that only repeat the question."""
    negation_differs: float
    """1 when claim and context disagree on whether something is negated."""
    scattered: float
    """Share of the claim's pairs of adjacent known content words that the context has further apart
    than `WIDE`: known words in a new combination."""
    repeats: float
    """Share of the claim's content words that are repetitions; 0 for a quote."""
    talk: float
    """1 when the claim speaks in the first or second person: conversation rather than a statement.
    """
    on_topic: float
    """Share of the question's content words that the context has. It blends the two regressions."""

    def row(self) -> tuple[float, ...]:
        """Return the values in the order of the fields."""
        return astuple(self)


def evidence(context: str, claim: str, question: str = "") -> Evidence:
    """Compute the features of a claim of one or more sentences."""
    context_words = read(context)
    context_stems = [stem(word) for word in context_words]
    ordered = [term for term in context_stems if term not in STOP_WORDS]
    known = frozenset(context_stems)
    question_words = read(question)
    question_terms = frozenset(terms(question_words))
    claim_words = read(claim)
    quoted = _contains_sequence(context_words, claim_words)
    stated = [whole(claim)] if quoted else statements(claim, known)
    found = [term for clause in stated for term in clause.terms]
    unique = frozenset(found)
    stated_words = [word for clause in stated for word in clause.words]
    return Evidence(
        known_in_best_sentence=_share(unique, _best_sentence(context, unique)),
        known_pairs=_pairs(found, ordered),
        in_order=_common_length(found, ordered) / len(found) if found else 1.0,
        coverage=len(unique & known) / max(1, len(frozenset(ordered))),
        new_terms=min(len(unique - known - question_terms), MAX_NEW_TERMS) / MAX_NEW_TERMS,
        new_names=_share_new(_names(stated), known | question_terms),
        new_numbers=_share_new(
            _numbers(claim_words), _numbers(context_words) | _numbers(question_words)
        ),
        verbatim=float(quoted or _contains_sequence(context_words, stated_words)),
        from_question=len((unique & question_terms) - known) / max(1, len(unique)),
        negation_differs=float(_negated(stated_words) != _negated(context_words)),
        scattered=_scattered(found, ordered),
        repeats=1 - len(unique) / len(found) if found and not quoted else 0.0,
        talk=float(in_first_person(claim_words)),
        on_topic=_on_topic(question, question_terms, known),
    )


def _on_topic(question: str, question_terms: frozenset[str], known: frozenset[str]) -> float:
    """Return the share of the question's content words that the context has.

    0 for a question without content words, `UNKNOWN_TOPIC` without a question.
    """
    if not question.strip():
        return UNKNOWN_TOPIC
    return len(question_terms & known) / len(question_terms) if question_terms else 0.0


def _contains_sequence(context: Sequence[str], sequence: Sequence[str]) -> bool:
    return f" {' '.join(sequence)} " in f" {' '.join(context)} "


def _share(terms: frozenset[str], known: frozenset[str]) -> float:
    return len(terms & known) / len(terms) if terms else 1.0


def _best_sentence(context: str, terms: frozenset[str]) -> frozenset[str]:
    """Return the stems of the context sentence with most terms."""
    found = [frozenset(map(stem, read(part.text))) for part in sentences(context)]
    return max(found, key=lambda stems: len(stems & terms), default=frozenset())


def _neighbours(ordered: Sequence[str], reach: int) -> set[tuple[str, str]]:
    """Return the ordered pairs of words within a distance of ``reach``."""
    return {
        pair
        for apart in range(1, reach + 1)
        for pair in zip(ordered, ordered[apart:], strict=False)
    }


def _pairs(found: list[str], ordered: list[str]) -> float:
    claimed = set(pairwise(found))
    return len(claimed & _neighbours(ordered, NEAR)) / len(claimed) if claimed else 1.0


def _scattered(found: list[str], ordered: list[str]) -> float:
    known = frozenset(ordered)
    claimed = {pair for pair in pairwise(found) if known.issuperset(pair)}
    return len(claimed - _neighbours(ordered, WIDE)) / len(claimed) if claimed else 0.0


def _names(stated: list[Clause]) -> frozenset[str]:
    """Return the stems of capitalised words, without stop words."""
    found = (name for clause in stated for name in _NAME.findall(clause.text))
    return frozenset(term for name in found for term in terms(read(name)))


def _numbers(sequence: list[str]) -> frozenset[str]:
    return frozenset(word for word in sequence if word[0].isdigit())


def _share_new(claimed: frozenset[str], known: frozenset[str]) -> float:
    return len(claimed - known) / len(claimed) if claimed else 0.0


def _common_length(terms: list[str], ordered: list[str]) -> int:
    """Return the length of the longest common subsequence of terms and context."""
    previous = [0] * (len(ordered) + 1)
    for term in terms:
        current = [0]
        for index, other in enumerate(ordered):
            same = term == other
            current.append(
                previous[index] + 1 if same else max(previous[index + 1], current[index])
            )
        previous = current
    return previous[-1]


def _negated(sequence: list[str]) -> bool:
    return bool(_NEGATION & frozenset(sequence))
