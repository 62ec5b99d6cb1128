# ruff: noqa: SIM905 - word lists read best as text.
"""What speaks for and against a claim being supported by a context, as a row of numbers.

Embedding similarity is deliberately absent: on HaluEval a MiniLM cosine separates supported from made-up answers worse
than chance (AUC 0.30), because a made-up answer repeats the topic. What a made-up claim does show is new material:
words, names and numbers that the context does not have, or known ones in a new order. Similarity of single word
vectors was tried too and added nothing (docs/decisions/guardrails-grounding-evidence.md).
"""

import re
from dataclasses import astuple, dataclass
from itertools import pairwise

from trimtab.guardrails.text.sentences import sentences
from trimtab.guardrails.text.words import STOP_WORDS, stem, words

_NAME = re.compile(r"\b[A-ZÀ-ÖØ-ÞА-Я][\w’'-]*")  # noqa: RUF001 - Cyrillic capitals.
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_NEGATION = frozenset(
    # The word "t" is what is left of n't, however it was written.
    ["not", "no", "never", "none", "without", "neither", "nor", "cannot", "nothing", "t"]
)
MOST_NEW_TERMS = 3
UNKNOWN_TOPIC = 0.5
"""`Evidence.on_topic` without a question: taken for talk beside the sources (0), claims that are wrong by a word pass."""
_FIRST_PERSON = frozenset(["i", "me", "my", "you", "your", "we", "our"])
_CHAT = frozenset(
    stem(word)
    for word in (
        "yes yeah yep oh ok okay well wow hi hey hello lol haha thanks thank sure really actually also too very just like love "
        "think know guess believe hear heard say said see sounds sound great good nice cool interesting awesome wonderful "
        "favorite favourite lot lots pretty definitely maybe probably something things thing way ever even though because am "
        "im ve don didn re ll agree hope glad sorry sir madam however therefore thus overall answer question context based "
        "according passage text document information don doesn isn aren wasn get got go going make made want wanted try "
        "tell told talk wonder enjoy enjoyed prefer personally fan big quite bit kind sort people"
    ).split()
)
_NUMBER_WORDS = frozenset(
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen "
    "nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million billion once twice half "
    "third quarter dozen decade century".split()
)


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
    """1 when the whole claim stands in the context."""
    from_question: float
    """Share of the claim's content words that only repeat the question."""
    negation_differs: float
    """1 when claim and context disagree on whether something is negated."""
    repeats: float
    """Share of the claim's content words that it has said already."""
    talk: float
    """1 when the claim speaks in the first or second person: conversation rather than a statement."""
    on_topic: float
    """Share of the question's content words that the context has. It weighs the rest."""

    def row(self) -> tuple[float, ...]:
        """Return the numbers in the order of the fields."""
        return astuple(self)


def evidence(context: str, claim: str, question: str = "") -> Evidence:
    """Return the evidence for a claim of one or more sentences."""
    stated = _statements(claim)
    context_words, claim_words = words(context), words(stated)
    context_stems = [stem(word) for word in context_words]
    ordered = [term for term in context_stems if term not in STOP_WORDS]
    known = frozenset(context_stems)
    asked = frozenset(_terms(question))
    terms = _terms(stated)
    unique = frozenset(terms)
    return Evidence(
        known_in_best_sentence=_share(unique, _best_sentence(context, unique)),
        known_pairs=_pairs(terms, ordered),
        in_order=_in_order(terms, ordered) / len(terms) if terms else 1.0,
        coverage=len(unique & known) / max(1, len(frozenset(ordered))),
        new_terms=min(len(unique - known - asked), MOST_NEW_TERMS) / MOST_NEW_TERMS,
        new_names=_new(_names(stated), known | asked),
        new_numbers=_new(
            _numbers(claim_words), _numbers(context_words) | _numbers(words(question))
        ),
        verbatim=float(f" {' '.join(claim_words)} " in f" {' '.join(context_words)} "),
        from_question=len((unique & asked) - known) / max(1, len(unique)),
        negation_differs=float(_negated(claim_words) != _negated(context_words)),
        repeats=1 - len(unique) / len(terms) if terms else 0.0,
        talk=float(bool(_FIRST_PERSON & frozenset(claim_words))),
        on_topic=_on_topic(question, asked, known),
    )


def _on_topic(question: str, asked: frozenset[str], known: frozenset[str]) -> float:
    """Return how far the context treats the question: not at all when it asks nothing, half when there is none."""
    if not question.strip():
        return UNKNOWN_TOPIC
    return len(asked & known) / len(asked) if asked else 0.0


def _statements(claim: str) -> str:
    """Return the claim without its questions, which state nothing; all of it when there is nothing else."""
    stated = [part.text for part in sentences(claim) if not part.text.rstrip().endswith("?")]
    return " ".join(stated) or claim


def _terms(text: str) -> list[str]:
    """Return the stems of the content words in order: neither stop words nor small talk."""
    found = (stem(word) for word in words(text) if word not in STOP_WORDS)
    return [term for term in found if term not in _CHAT]


def _share(terms: frozenset[str], known: frozenset[str]) -> float:
    return len(terms & known) / len(terms) if terms else 1.0


def _best_sentence(context: str, terms: frozenset[str]) -> frozenset[str]:
    """Return the stems of the context's sentence that has most of the terms."""
    found = [frozenset(map(stem, words(part.text))) for part in sentences(context)]
    return max(found, key=lambda stems: len(stems & terms), default=frozenset())


def _pairs(terms: list[str], ordered: list[str]) -> float:
    near = set(pairwise(ordered)) | set(zip(ordered, ordered[2:], strict=False))
    claimed = set(pairwise(terms))
    return len(claimed & near) / len(claimed) if claimed else 1.0


def _names(text: str) -> frozenset[str]:
    """Return the stems of capitalised words, except those that only begin a sentence with a stop word."""
    found = (name.casefold() for name in _NAME.findall(text))
    return frozenset(stem(word) for name in found for word in words(name) if word not in STOP_WORDS)


def _numbers(sequence: list[str]) -> frozenset[str]:
    """Return the numbers among the words, in digits or spelled out."""
    return frozenset(
        word.replace(",", "") for word in sequence if _NUMBER.match(word) or word in _NUMBER_WORDS
    )


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
