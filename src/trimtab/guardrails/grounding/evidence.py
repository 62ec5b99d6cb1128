# ruff: noqa: SIM905 - word lists read best as text.
"""What speaks for and against a claim being supported by a context, as a row of numbers.

Embedding similarity is deliberately absent: on HaluEval a MiniLM cosine separates supported from made-up answers worse
than chance (AUC 0.30), because a made-up answer repeats the topic. What a made-up claim does show is new material:
words, names and numbers that the context does not have, or known ones in a new order.
"""

import re
from dataclasses import astuple, dataclass
from itertools import pairwise

from trimtab.guardrails.text.sentences import sentences
from trimtab.guardrails.text.words import STOP_WORDS, stem, words

_NAME = re.compile(r"\b[A-ZÀ-ÖØ-ÞА-Я][\w’'-]*")  # noqa: RUF001 - Cyrillic capitals.
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_NEGATION = frozenset(
    ["not", "no", "never", "none", "without", "neither", "nor", "cannot", "nothing", "n't"]
)
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
_SWEEPING = re.compile(
    r"\b(?:most|least|first|last|only|all|every|always|never|best|worst|largest|biggest|smallest|oldest|youngest|newest"
    r"|longest|highest|tallest|fastest|richest|greatest|earliest|latest|main|sole|entire|none|nobody|everyone|majority)\b",
    re.IGNORECASE,
)
_NUMBER_WORDS = frozenset(
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen "
    "nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million billion once twice half "
    "third quarter dozen decade century".split()
)


@dataclass(frozen=True, slots=True)
class Evidence:
    """All in [0, 1]."""

    known_terms: float
    """Share of the claim's content words that the context has; 1 for a claim without any. Small talk is no content."""
    known_in_best_sentence: float
    """The same within the single sentence of the context that has most of them."""
    known_pairs: float
    """Share of neighbouring content words of the claim that the context also has as neighbours or one apart."""
    new_names: float
    """Share of the claim's names that neither context nor question has; 0 without names."""
    new_numbers: float
    """The same of its numbers."""
    longest_run: float
    """Length of the longest word sequence that the context has verbatim, as a share of the claim."""
    verbatim: float
    """1 when the whole claim stands in the context."""
    from_question: float
    """Share of the claim's content words that only repeat the question."""
    sweeping: float
    """Share of the claim's superlatives and universals that the context does not have; 0 without any."""
    negation_differs: float
    """1 when claim and best sentence disagree on whether something is negated."""
    talk: float
    """1 when the claim speaks in the first or second person: conversation rather than a statement."""

    def row(self) -> tuple[float, ...]:
        """Return the numbers in the order of the fields."""
        return astuple(self)


def evidence(context: str, claim: str, question: str = "") -> Evidence:
    """Return the evidence for a claim of one or more sentences."""
    stated = _statements(claim)
    context_words, claim_words = words(context), words(stated)
    context_stems = [stem(word) for word in context_words]
    known = frozenset(context_stems)
    asked = frozenset(stem(word) for word in words(question))
    terms = [term for term in map(stem, _content(claim_words)) if term not in _CHAT]
    unique = frozenset(terms)
    return Evidence(
        known_terms=_share(unique, known),
        known_in_best_sentence=_share(unique, _best_sentence(context, unique)),
        known_pairs=_pairs(terms, context_stems),
        new_names=_new(_names(stated), known | asked),
        new_numbers=_new(
            _numbers(claim_words), _numbers(context_words) | _numbers(words(question))
        ),
        longest_run=_longest_run(claim_words, context_words) / max(1, len(claim_words)),
        verbatim=float(f" {' '.join(claim_words)} " in f" {' '.join(context_words)} "),
        from_question=len((unique & asked) - known) / max(1, len(unique)),
        sweeping=_new(_sweeping(stated), _sweeping(context)),
        negation_differs=float(_negated(claim_words) != _negated(context_words)),
        talk=float(bool(_FIRST_PERSON & frozenset(claim_words))),
    )


def _statements(claim: str) -> str:
    """Return the claim without its questions, which state nothing; all of it when there is nothing else."""
    stated = [part.text for part in sentences(claim) if not part.text.rstrip().endswith("?")]
    return " ".join(stated) or claim


def _content(sequence: list[str]) -> list[str]:
    return [word for word in sequence if word not in STOP_WORDS]


def _sweeping(text: str) -> frozenset[str]:
    return frozenset(word.casefold() for word in _SWEEPING.findall(text))


def _share(terms: frozenset[str], known: frozenset[str]) -> float:
    return len(terms & known) / len(terms) if terms else 1.0


def _best_sentence(context: str, terms: frozenset[str]) -> frozenset[str]:
    """Return the stems of the context's sentence that has most of the terms."""
    found = [frozenset(map(stem, words(part.text))) for part in sentences(context)]
    return max(found, key=lambda stems: len(stems & terms), default=frozenset())


def _pairs(terms: list[str], context_stems: list[str]) -> float:
    content = [stem for stem in context_stems if stem not in STOP_WORDS]
    near = set(pairwise(content)) | set(zip(content, content[2:], strict=False))
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


def _longest_run(claim: list[str], context: list[str]) -> int:
    """Return the length of the longest common run of words."""
    best = 0
    previous = [0] * (len(context) + 1)
    for word in claim:
        current = [0] * (len(context) + 1)
        for place, other in enumerate(context, 1):
            if word == other:
                current[place] = previous[place - 1] + 1
                best = max(best, current[place])
        previous = current
    return best


def _negated(sequence: list[str]) -> bool:
    return bool(_NEGATION & frozenset(sequence))
