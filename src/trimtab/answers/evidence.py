"""Lexical evidence that a sentence of the retrieved passages answers the question.

Term overlap with three additions that carry most of its quality: rare words of the question weigh
more (rarity is counted over the sentences at hand), a neighbouring sentence may supply what a
pronoun stands for, and the kind of thing that is asked for (a time, a quantity, a person, a place)
must be there. The weights were chosen on ``qa_xquad_en``; ``docs/answers.md`` has the figures.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import attrgetter

from trimtab.answers.answer_type import (
    AnswerType,
    classify_question,
    strip_question_words,
    type_evidence,
)
from trimtab.answers.records import SourcePassage
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


@dataclass(frozen=True, slots=True)
class AnalysedQuestion:
    """The words of a question."""

    stems: frozenset[str]
    terms: Mapping[str, float]
    """The stems that carry meaning, each with its weight: names and numbers weigh more."""
    pairs: frozenset[tuple[str, str]]
    """Stems side by side."""
    answer_type: AnswerType

    @classmethod
    def of(cls, text: str) -> "AnalysedQuestion":
        """Return the analysis of a question."""
        bare = strip_question_words(text)
        tokens, sequence = words(bare), stems(bare)
        language = language_of(tokens)
        # A function word of one language is a noun in another.
        ignored = STOP_WORDS
        if language != DEFAULT_LANGUAGE:
            ignored = STOP_WORDS | FUNCTION_WORDS[language]
        every = list(zip(tokens, sequence, strict=True))
        content = [
            (word, stem)
            for word, stem in every
            if word not in ignored and (len(stem) > 1 or stem.isdigit())
        ]
        named = {name for word in _NAME.findall(text[1:]) for name in stems(word)}
        terms = {
            stem: 1.0 + 0.5 * (stem in named) + 0.3 * stem[0].isdigit()
            for _, stem in content or every
        }
        pairs = frozenset(pairwise(sequence))
        return cls(frozenset(sequence), terms, pairs, classify_question(text))

    def share(self, hits: Mapping[str, float]) -> float:
        """Return the share of the terms, by weight, that were hit; 0 without words."""
        total = sum(self.terms.values())
        return sum(self.terms[term] * hit for term, hit in hits.items()) / total if total else 0.0


@dataclass(frozen=True, slots=True)
class QuoteCandidate:
    """A sentence of a passage with its evidence scores."""

    passage: SourcePassage
    sentence: Sentence
    score: float
    """For ranking only; not bounded."""
    coverage: float
    """Share of the question's terms, by weight, in the sentence or next to it, in [0, 1]."""
    passage_coverage: float
    """The same for its whole passage."""
    stems: frozenset[str]


def candidates(
    question: AnalysedQuestion, passages: Sequence[SourcePassage]
) -> list[QuoteCandidate]:
    """Return the quotable sentences of the passages, best first."""
    pieces = list[_Piece]()
    for passage in passages:
        parts = sentences(passage.text)
        sequences = [stems(part.text) for part in parts]
        heading = frozenset(stems(f"{passage.heading} {passage.title}"))
        stem_sets = [frozenset(sequence) for sequence in sequences]
        pieces.append(_Piece(passage, parts, sequences, stem_sets, heading))
    # A term weighs more, the fewer of the sentences at hand hold it.
    sentence_stems = [found for piece in pieces for found in piece.stem_sets]
    count = len(sentence_stems)
    rarity = {
        term: weight
        * math.log(1 + (count + 1) / (sum(term in found for found in sentence_stems) + 0.5))
        for term, weight in question.terms.items()
    }
    found = [candidate for piece in pieces for candidate in _scored(question, piece, rarity)]
    return sorted(found, key=attrgetter("score"), reverse=True)


@dataclass(frozen=True, slots=True)
class _Piece:
    passage: SourcePassage
    parts: tuple[Sentence, ...]
    sequences: list[list[str]]
    stem_sets: list[frozenset[str]]
    heading: frozenset[str]


def _scored(
    question: AnalysedQuestion, piece: _Piece, rarity: Mapping[str, float]
) -> Iterator[QuoteCandidate]:
    whole = question.share(_hits(question, frozenset().union(*piece.stem_sets) | piece.heading))
    heading = _hits(question, piece.heading)
    hits = [_hits(question, stems) for stems in piece.stem_sets]
    for index, part in enumerate(piece.parts):
        if part.kind is BlockKind.HEADING:
            continue
        own = hits[index]
        before = hits[index - 1] if index else {}
        after = hits[index + 1] if index + 1 < len(hits) else {}
        shared = question.pairs & frozenset(pairwise(piece.sequences[index]))
        score = (
            _weigh(rarity, own, ((_NEAR_BEFORE, before), (_NEAR_AFTER, after), (_HEADING, heading)))
            + _PAIRS * len(shared) / max(1, len(question.pairs))
            + _TYPE * type_evidence(question.answer_type, part.text, question.stems)
            + _RETRIEVAL * piece.passage.score
        )
        nearby = {
            term: max(h.get(term, 0.0) for h in (own, before, after, heading)) for term in own
        }
        yield QuoteCandidate(
            piece.passage, part, score, question.share(nearby), whole, piece.stem_sets[index]
        )


def _hits(question: AnalysedQuestion, found: frozenset[str]) -> _Hits:
    """Return 1 for a term itself, less for a word with the same beginning."""
    hits = dict[str, float]()
    for term in question.terms:
        if term in found:
            hits[term] = 1.0
            continue
        hits[term] = 0.0
        if len(term) >= _PREFIX and not term[0].isdigit():
            start = term[:_PREFIX]
            for stem in found:
                if (
                    stem.startswith(start)
                    and len(stem) >= _PREFIX
                    and abs(len(stem) - len(term)) <= 4
                ):
                    hits[term] = _PREFIX_HIT
                    break
    return hits


def _weigh(
    rarity: Mapping[str, float], own: _Hits, elsewhere: Sequence[tuple[float, _Hits]]
) -> float:
    """Return the question's share in the sentence; terms near by count for less."""
    total = sum(rarity.values()) or 1.0
    found = sum(rarity[term] * hit for term, hit in own.items())
    for discount, hits in elsewhere:
        found += discount * sum(rarity[term] * hit for term, hit in hits.items() if not own[term])
    return found / total
