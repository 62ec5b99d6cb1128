"""What speaks for and against a claim being supported by a context, as a row of numbers.

Embedding similarity is deliberately absent: on HaluEval a MiniLM cosine separates supported from made-up answers worse
than chance (AUC 0.30), because a made-up answer repeats the topic. What a made-up claim does show is new material:
words, names and numbers that the context does not have, or known ones in a new order. Similarity of single word
vectors was tried too and added nothing (docs/decisions/guardrails-grounding-evidence.md).
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
    # The word "t" is what is left of n't, however it was written.
    ["not", "no", "never", "none", "without", "neither", "nor", "cannot", "nothing", "t"]
)
MOST_NEW_TERMS = 3
NEAR, WIDE = 2, 4
"""How many content words of the context make neighbours, and how many still one thought."""
UNKNOWN_TOPIC = 0.5
"""`Evidence.on_topic` without a question: taken for talk beside the sources (0), claims that are wrong by a word pass."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """All in [0, 1]."""

    known_in_best_sentence: float
    """Share of the claim's content words that the sentence of the context with most of them has; 1 for a claim without
    any. Small talk is no content."""
    known_pairs: float
    """Share of neighbouring content words of the claim that the context also has as neighbours or one apart."""
    in_order: float
    """Share of the claim's content words that the context has in the claim's order, with any words between them."""
    coverage: float
    """Share of the context's content words that the claim has."""
    new_terms: float
    """Content words that neither context nor question has: 1 for three of them or more."""
    new_names: float
    """Share of the claim's names that neither context nor question has; 0 without names."""
    new_numbers: float
    """The same of its numbers."""
    verbatim: float
    """1 when the whole claim stands in the context, or all that it states."""
    from_question: float
    """Share of the claim's content words that only repeat the question."""
    negation_differs: float
    """1 when claim and context disagree on whether something is negated."""
    scattered: float
    """Share of its neighbouring content words, both known, that the context has far apart: put together anew."""
    repeats: float
    """Share of the claim's content words that it has said already; 0 for a quote."""
    talk: float
    """1 when the claim speaks in the first or second person: conversation rather than a statement."""
    on_topic: float
    """Share of the question's content words that the context has. It weighs the rest."""

    def row(self) -> tuple[float, ...]:
        """Return the numbers in the order of the fields."""
        return astuple(self)


def evidence(context: str, claim: str, question: str = "") -> Evidence:
    """Return the evidence for a claim of one or more sentences."""
    context_words = read(context)
    context_stems = [stem(word) for word in context_words]
    ordered = [term for term in context_stems if term not in STOP_WORDS]
    known = frozenset(context_stems)
    question_words = read(question)
    asked = frozenset(terms(question_words))
    claim_words = read(claim)
    quoted = _stands_in(context_words, claim_words)
    stated = [whole(claim)] if quoted else statements(claim, known)
    found = [term for clause in stated for term in clause.terms]
    unique = frozenset(found)
    said = [word for clause in stated for word in clause.words]
    return Evidence(
        known_in_best_sentence=_share(unique, _best_sentence(context, unique)),
        known_pairs=_pairs(found, ordered),
        in_order=_in_order(found, ordered) / len(found) if found else 1.0,
        coverage=len(unique & known) / max(1, len(frozenset(ordered))),
        new_terms=min(len(unique - known - asked), MOST_NEW_TERMS) / MOST_NEW_TERMS,
        new_names=_new(_names(stated), known | asked),
        new_numbers=_new(_numbers(claim_words), _numbers(context_words) | _numbers(question_words)),
        verbatim=float(quoted or _stands_in(context_words, said)),
        from_question=len((unique & asked) - known) / max(1, len(unique)),
        negation_differs=float(_negated(said) != _negated(context_words)),
        scattered=_scattered(found, ordered),
        repeats=1 - len(unique) / len(found) if found and not quoted else 0.0,
        talk=float(in_first_person(claim_words)),
        on_topic=_on_topic(question, asked, known),
    )


def _on_topic(question: str, asked: frozenset[str], known: frozenset[str]) -> float:
    """Return how far the context treats the question: not at all when it asks nothing, half when there is none."""
    if not question.strip():
        return UNKNOWN_TOPIC
    return len(asked & known) / len(asked) if asked else 0.0


def _stands_in(context: Sequence[str], sequence: Sequence[str]) -> bool:
    return f" {' '.join(sequence)} " in f" {' '.join(context)} "


def _share(terms: frozenset[str], known: frozenset[str]) -> float:
    return len(terms & known) / len(terms) if terms else 1.0


def _best_sentence(context: str, terms: frozenset[str]) -> frozenset[str]:
    """Return the stems of the context's sentence that has most of the terms."""
    found = [frozenset(map(stem, read(part.text))) for part in sentences(context)]
    return max(found, key=lambda stems: len(stems & terms), default=frozenset())


def _neighbours(ordered: Sequence[str], reach: int) -> set[tuple[str, str]]:
    """Return the pairs of words that stand at most ``reach`` places apart, in their order."""
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
    """Return the stems of capitalised words, except those that only begin a sentence with a stop word."""
    found = (name for clause in stated for name in _NAME.findall(clause.text))
    return frozenset(term for name in found for term in terms(read(name)))


def _numbers(sequence: list[str]) -> frozenset[str]:
    return frozenset(word for word in sequence if word[0].isdigit())


def _new(claimed: frozenset[str], known: frozenset[str]) -> float:
    return len(claimed - known) / len(claimed) if claimed else 0.0


def _in_order(terms: list[str], ordered: list[str]) -> int:
    """Return how many of the terms the context has in the same order: the longest common subsequence."""
    previous = [0] * (len(ordered) + 1)
    for term in terms:
        current = [0]
        for place, other in enumerate(ordered):
            same = term == other
            current.append(
                previous[place] + 1 if same else max(previous[place + 1], current[place])
            )
        previous = current
    return previous[-1]


def _negated(sequence: list[str]) -> bool:
    return bool(_NEGATION & frozenset(sequence))
