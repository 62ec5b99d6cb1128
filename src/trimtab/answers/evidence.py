"""How well each sentence of the retrieved passages holds the answer to a question.

Lexical evidence with three additions that carry most of its quality: rare words of the question weigh more (rarity
is counted over the sentences at hand), a neighbouring sentence may supply what a pronoun stands for, and the kind of
thing that is asked for (a time, a quantity, a person, a place) must be there. The weights were chosen on
``qa_xquad_en``; ``docs/answers.md`` has the figures.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from trimtab.answers.records import Passage
from trimtab.answers.wanted import Wanted, type_evidence, wanted, without_question_words
from trimtab.text.languages import DEFAULT_LANGUAGE, FUNCTION_WORDS, language_of
from trimtab.text.sentences import BlockKind, Sentence, sentences
from trimtab.text.words import STOP_WORDS, stems, words

_NEAR_BEFORE = 0.4
_NEAR_AFTER = 0.2
_PAIRS = 0.5
_TYPE = 0.1
_HEADING = 0.15
_RETRIEVAL = 0.05

_Hits = Mapping[str, float]
"""For each term of the question how well it was found, in [0, 1]."""

_PREFIX = 5
_PREFIX_HIT = 0.7
_NAME = re.compile(r"\b[A-ZÀ-ÖØ-ÞА-Я]\w+")


@dataclass(frozen=True)
class Asked:
    """A question, taken apart once."""

    text: str

    @cached_property
    def sequence(self) -> list[str]:
        """The stems in order."""
        return stems(self._bare)

    @cached_property
    def _bare(self) -> str:
        return without_question_words(self.text)

    @cached_property
    def all_stems(self) -> frozenset[str]:
        """The stems as a set."""
        return frozenset(self.sequence)

    @cached_property
    def terms(self) -> dict[str, float]:
        """The stems that carry meaning, each with its weight: names and numbers weigh more."""
        named = {name for word in _NAME.findall(self.text[1:]) for name in stems(word)}
        content = [
            (word, stem)
            for word, stem in zip(words(self._bare), self.sequence, strict=True)
            if word not in self._telling_nothing and (len(stem) > 1 or stem.isdigit())
        ]
        terms = content or list(zip(words(self._bare), self.sequence, strict=True))
        return {stem: 1.0 + 0.5 * (stem in named) + 0.3 * stem[0].isdigit() for _, stem in terms}

    @cached_property
    def _telling_nothing(self) -> frozenset[str]:
        """The stop words, and those of the question's own language: what says nothing in one is a noun in another."""
        language = language_of(words(self._bare))
        return STOP_WORDS | FUNCTION_WORDS[language] if language != DEFAULT_LANGUAGE else STOP_WORDS

    @cached_property
    def pairs(self) -> frozenset[tuple[str, str]]:
        """The stems that stand side by side."""
        return frozenset(pairwise(self.sequence))

    def share(self, hits: Mapping[str, float]) -> float:
        """Return the share of the terms, by weight, that were hit; 0 for a question without any word."""
        total = sum(self.terms.values())
        return sum(self.terms[term] * hit for term, hit in hits.items()) / total if total else 0.0

    @cached_property
    def wanted(self) -> Wanted:
        """The kind of thing that is asked for."""
        return wanted(self.text)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence of a passage and how much speaks for it."""

    passage: Passage
    sentence: Sentence
    score: float
    """For ranking only; not bounded."""
    coverage: float
    """The share of the question's terms, by weight, that stand in the sentence or beside it, in [0, 1]."""
    passage_coverage: float
    """The same for its whole passage."""
    stems: frozenset[str]


def candidates(asked: Asked, passages: Sequence[Passage]) -> list[Candidate]:
    """Return the quotable sentences of the passages, best first."""
    pieces = [_Piece.of(passage) for passage in passages]
    rarity = _rarity(asked, [stems for piece in pieces for stems in piece.stem_sets])
    found = [candidate for piece in pieces for candidate in _scored(asked, piece, rarity)]
    return sorted(found, key=lambda candidate: -candidate.score)


@dataclass(frozen=True, slots=True)
class _Piece:
    passage: Passage
    parts: tuple[Sentence, ...]
    sequences: list[list[str]]
    stem_sets: list[frozenset[str]]
    heading: frozenset[str]

    @classmethod
    def of(cls, passage: Passage) -> "_Piece":
        parts = sentences(passage.text)
        sequences = [stems(part.text) for part in parts]
        heading = frozenset(stems(f"{passage.heading} {passage.title}"))
        return cls(passage, parts, sequences, [frozenset(s) for s in sequences], heading)


def _rarity(asked: Asked, sentence_stems: Sequence[frozenset[str]]) -> dict[str, float]:
    """Weigh each term of the question by how few of the sentences at hand hold it."""
    count = len(sentence_stems)
    return {
        term: weight
        * math.log(1 + (count + 1) / (sum(term in stems for stems in sentence_stems) + 0.5))
        for term, weight in asked.terms.items()
    }


def _hit(term: str, stems: frozenset[str]) -> float:
    """Return 1 for the stem itself, less for a word that begins alike (``chloroplast``, ``chloroplastidan``)."""
    if term in stems:
        return 1.0
    if len(term) < _PREFIX or term[0].isdigit():
        return 0.0
    start = term[:_PREFIX]
    near = any(
        stem.startswith(start) and abs(len(stem) - len(term)) <= 4
        for stem in stems
        if len(stem) >= _PREFIX
    )
    return _PREFIX_HIT if near else 0.0


def _scored(asked: Asked, piece: _Piece, rarity: Mapping[str, float]) -> Iterator[Candidate]:
    whole = asked.share(_hits(asked, frozenset().union(*piece.stem_sets) | piece.heading))
    heading = _hits(asked, piece.heading)
    hits = [_hits(asked, stems) for stems in piece.stem_sets]
    for index, part in enumerate(piece.parts):
        if part.kind is BlockKind.HEADING:
            continue
        own = hits[index]
        before = hits[index - 1] if index else {}
        after = hits[index + 1] if index + 1 < len(hits) else {}
        shared = asked.pairs & frozenset(pairwise(piece.sequences[index]))
        score = (
            _weigh(rarity, own, ((_NEAR_BEFORE, before), (_NEAR_AFTER, after), (_HEADING, heading)))
            + _PAIRS * len(shared) / max(1, len(asked.pairs))
            + _TYPE * type_evidence(asked.wanted, part.text, asked.all_stems)
            + _RETRIEVAL * piece.passage.score
        )
        around = {
            term: max(h.get(term, 0.0) for h in (own, before, after, heading)) for term in own
        }
        yield Candidate(
            piece.passage, part, score, asked.share(around), whole, piece.stem_sets[index]
        )


def _hits(asked: Asked, stems: frozenset[str]) -> _Hits:
    return {term: _hit(term, stems) for term in asked.terms}


def _weigh(
    rarity: Mapping[str, float], own: _Hits, elsewhere: Sequence[tuple[float, _Hits]]
) -> float:
    """Return the question's share in the sentence; a term that it lacks counts for less where it stands near by."""
    total = sum(rarity.values()) or 1.0
    found = sum(rarity[term] * hit for term, hit in own.items())
    for discount, hits in elsewhere:
        found += discount * sum(rarity[term] * hit for term, hit in hits.items() if not own[term])
    return found / total
