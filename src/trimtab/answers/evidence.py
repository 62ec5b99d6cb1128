# ruff: noqa: RUF001 - punctuation of several languages.
"""Evidence that a unit of a passage answers the question, as numbers that a model weighs.

Words carry most of it: which of the question's words stand in the unit, in what it depends on (its
lead-in, the heading, the title), and which of them stand nowhere. Rare words, names and numbers
weigh more. The weights were trained; see `decision` and ``docs/answers.md``.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from trimtab.answers.answer_type import (
    AnswerType,
    classify_question,
    strip_question_words,
    type_evidence,
)
from trimtab.answers.records import SourcePassage
from trimtab.answers.units import PassageUnits, Unit, units_of, with_title
from trimtab.text.languages import DEFAULT_LANGUAGE, FUNCTION_WORDS, language_of
from trimtab.text.sentences import BlockKind
from trimtab.text.words import STOP_WORDS, stems, words

FEATURES = (
    # Of the unit's words and where it stands:
    "own",  # the share of the question, by weight, in the unit,
    "context",  # what its lead-in and the heading right above add to it,
    "place",  # what title, file name and all headings add,
    "near",  # what its neighbours add,
    "elsewhere",  # and what the passage adds;
    "rarest_missing",  # the largest weight that neither the unit nor its context or place has,
    "missing_here",  # that the passage does not have,
    "missing_everywhere",  # that no passage has;
    "identifier_missing",
    "identifier_missing_here",
    "question_above",  # the share of the question in the question right above the unit,
    "heading",  # and in the innermost heading;
    # of the passage:
    "passage_score",
    "similarity",
    "not_compared",  # whether it was found by words alone;
    "first",
    "rank",
    # and of the unit's text:
    "pairs",
    "context_words",
    "type",
    "code",
    "code_wanted",
    "item",
    "row",
    "length",
    "short",
    "new",  # the words that the question does not have, as a logarithm,
    "nothing_new",  # and whether there are fewer than two of them.
    "title",
    "title_wanted",
)
"""Names of the columns of `UnitEvidence.features`, in order."""

_PREFIX = 5
_PREFIX_HIT = 0.7
_LENGTH_SLACK = 4
_AFTER = 0.7
_SHORT = 4
_NEW = 2
_NAME = re.compile(r"\b[A-ZÀ-ÖØ-ÞА-Я]\w+")
_IDENTIFIER = re.compile(r"\b(?=\w*[\d_])\w{2,}|\d|\b[A-Z][A-Z\d]+\b|\b\w+(?:[.:/-]\w+)+")
# Names of which documents hold many alike: versions, error codes, settings, tickets.
_CODE = re.compile(
    r"(?<![\w./-])(?:"
    r"v?(?P<version>\d{1,4}(?:\.\d{1,5}){1,3})"  # 2.4, v1.29, 10.0.0.1
    r"|(?P<name>[a-z]{1,12}(?:[-_/]?\d{1,8}){1,3}[a-z]?"  # ENT-02, md0, CVE-2024-1234, http/3
    r"|[a-z][^\W_]{0,40}(?:[_.][a-z][^\W_]{0,40}){1,6})"  # query_cache_size, storage.full
    r"|(?P<kind>version|release|error|code|issue|ticket|port|rfc|status)[ #:]{1,3}"
    r"(?P<number>\d{1,6})"
    r")(?![\w-]|\.\d)",
    re.IGNORECASE,
)
_CODE_PART = re.compile(r"[a-z]+|\d+")
_OTHER_SCRIPT = re.compile("[^\\W\\d_\u0000-\u024f]")
_HOW_TO = re.compile(
    r"\bhow (?:do|can|to|would|should)\b|\bcommand\b|\bwie kann\b|\bcómo\b", re.IGNORECASE
)
_ASKS = re.compile(
    r"^\W*(?:wh|how\b|is\b|are\b|do\b|does\b|did\b|can\b|may\b|must\b|should\b|will\b|has\b|have\b)"
    r"|[?？]\s*$",
    re.IGNORECASE,
)
_DOCUMENT = r"(?:documents?|runbook|manual|guide|page|paper|article|readme|faq|handbook|file)"
_TITLE = re.compile(
    rf"\b(?:name|title)s? of (?:\S+ ){{0,3}}{_DOCUMENT}\b|\b(?:which|what) (?:\S+ ){{0,2}}?{_DOCUMENT} (?!is\b"
    r"(?! about)|are\b|do\b|does\b)|\btitle of\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class NamedCode:
    """A version, number or name in a question that only a text about the same one answers."""

    itself: re.Pattern[str]
    """Matches it in casefolded text, with any separator."""
    alike: re.Pattern[str] | None
    """Matches it and others of its kind; None when they look like no others."""
    stems: frozenset[str]

    @classmethod
    def all_in(cls, text: str) -> "tuple[NamedCode, ...]":
        """Return those of a question."""
        return tuple(map(cls._of, _CODE.finditer(text.casefold())))

    @classmethod
    def _of(cls, found: re.Match[str]) -> "NamedCode":
        alike = None
        if code := found["version"]:
            itself = rf"(?<![\d.]){re.escape(code)}(?!\d)"
            alike = r"(?<![\w.])v?\d+(?:\.\d+)+"
        elif code := found["number"]:
            # "Version 9" is 9.6 too; an error or a port with a dot is another one.
            longer = "" if found["kind"] in {"version", "release"} else r"|\.\d"
            itself = rf"(?<![\w.])v?{code}(?!\w{longer})"
            alike = rf"\b{found['kind']}s?[ #:]{{1,3}}\d+"
        else:
            code = found["name"]
            parts = _CODE_PART.findall(code)
            itself = rf"(?<![^\W_]){'[-_./ ]?'.join(parts)}(?![^\W_])"
            if parts[-1].isdigit():
                kind = "[-_./ ]?".join([*parts[:-1], ""])
                alike = rf"(?<![^\W_]){kind}\d+(?![^\W_])"
        return cls(re.compile(itself), re.compile(alike) if alike else None, frozenset(stems(code)))

    def is_missing(self, unit: Unit, piece: PassageUnits) -> bool:
        """Return whether a unit of a passage that has it is about another one all the same."""
        shown = unit.shown.casefold()
        if self.stems <= unit.context | unit.asked | piece.place or self.itself.search(shown):
            return False
        is_entry = unit.kind in {BlockKind.ROW, BlockKind.ITEM}
        return is_entry or (self.alike is not None and self.alike.search(shown) is not None)


@dataclass(frozen=True, slots=True)
class AnalysedQuestion:
    """The words of a question."""

    stems: frozenset[str]
    terms: Mapping[str, float]
    """The stems that carry meaning, each with its weight: names and numbers weigh more."""
    pairs: frozenset[tuple[str, str]]
    """Stems side by side."""
    answer_type: AnswerType
    identifiers: frozenset[str] = frozenset()
    """Stems of numbers, codes, versions and abbreviations."""
    procedure: bool = False
    """Whether a command or a procedure is asked for."""
    title: bool = False
    """Whether a document is asked for, or its name."""
    named: tuple[NamedCode, ...] = ()
    text: str = ""
    is_english: bool = True

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
        codes = {name for word in _IDENTIFIER.findall(text) for name in stems(word)}
        kind = classify_question(text)
        terms = {
            stem: 1.0 + 0.5 * (stem in named) + 0.3 * stem[0].isdigit()
            for _, stem in content or every
        }
        return cls(
            frozenset(sequence),
            terms,
            frozenset(pairwise(sequence)),
            kind,
            frozenset(codes & terms.keys()),
            _is_procedural(text, kind),
            _TITLE.search(text) is not None,
            NamedCode.all_in(text),
            text,
            language == DEFAULT_LANGUAGE and not _OTHER_SCRIPT.search(text),
        )


def _is_procedural(text: str, kind: AnswerType) -> bool:
    """Return whether a procedure is asked for: key words alone mostly do."""
    if _HOW_TO.search(text):
        return True
    return kind is AnswerType.ANYTHING and not _ASKS.search(text) and not _TITLE.search(text)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A unit that may be quoted."""

    passage: SourcePassage
    unit: Unit
    coverage: float
    """Share of the question's terms, by weight, in the unit or next to it, in [0, 1]."""


@dataclass(frozen=True, slots=True)
class UnitEvidence:
    """All candidates of a question: features of shape (n, len(FEATURES)), one row each."""

    candidates: list[Candidate]
    features: NDArray[np.float64]


def evidence(question: AnalysedQuestion, passages: Sequence[SourcePassage]) -> UnitEvidence:
    """Return the quotable units of the passages with their evidence, in reading order."""
    cut = [_about(question.named, passage, units_of(passage)) for passage in passages]
    if question.title:
        cut = [with_title(passage, piece) for passage, piece in zip(passages, cut, strict=True)]
    names = tuple(question.terms)
    weights = _rarity(question, cut)
    in_passage = [_hits(names, piece.stems | piece.place) for piece in cut]
    everywhere = np.max(in_passage, axis=0, initial=0.0)
    codes = np.array([name in question.identifiers for name in names], dtype=bool)
    found = list[Candidate]()
    blocks = [np.empty((0, len(FEATURES)))]
    for rank, (passage, piece) in enumerate(zip(passages, cut, strict=True)):
        if not piece.units:
            continue
        hits = _WordHits.of(names, piece)
        rows, coverage = _word_columns(hits, weights, in_passage[rank], everywhere, codes)
        found += map(Candidate, [passage] * len(rows), piece.units, coverage.tolist())
        retrieval = (
            passage.score,
            passage.similarity or 0.0,
            float(passage.similarity is None),
            float(rank == 0),
            1 / (1 + rank),
        )
        texts = [_text_columns(question, unit) for unit in piece.units]
        blocks.append(np.hstack([rows, np.tile(retrieval, (len(rows), 1)), np.array(texts)]))
    return UnitEvidence(found, np.concatenate(blocks))


def _about(named: Sequence[NamedCode], passage: SourcePassage, piece: PassageUnits) -> PassageUnits:
    """Return the units that may be about what the question names: never those of another one."""
    for code in named:
        names = f"{passage.title} {passage.document_name} {passage.heading}"
        if not code.itself.search(f"{names}\n{passage.text}".casefold()):
            return replace(piece, units=())
        kept = tuple(unit for unit in piece.units if not code.is_missing(unit, piece))
        piece = replace(piece, units=kept)
    return piece


@dataclass(frozen=True, slots=True)
class _WordHits:
    """Hits of each term of the question, in [0, 1], by unit and term: shape (n, t)."""

    own: NDArray[np.float64]
    context: NDArray[np.float64]
    asked: NDArray[np.float64]
    near: NDArray[np.float64]
    place: NDArray[np.float64]
    """Shape (t,)."""
    heading: NDArray[np.float64]
    """Shape (t,)."""

    @classmethod
    def of(cls, names: Sequence[str], piece: PassageUnits) -> "_WordHits":
        """Look the terms up in every unit of a passage."""
        units = piece.units
        own = np.array([_hits(names, unit.stems) for unit in units])
        near = np.zeros_like(own)
        near[1:] = own[:-1]
        near[:-1] = np.maximum(near[:-1], _AFTER * own[1:])
        return cls(
            own,
            np.array([_hits(names, unit.context) for unit in units]),
            np.array([_hits(names, unit.asked) for unit in units]),
            near,
            np.array(_hits(names, piece.place)),
            np.array(_hits(names, piece.heading)),
        )


def _word_columns(
    hits: _WordHits,
    weights: NDArray[np.float64],
    in_passage: Sequence[float],
    everywhere: NDArray[np.float64],
    codes: NDArray[np.bool_],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the columns up to ``heading``, and the coverage of each unit with its neighbours."""
    context = np.maximum(hits.own, np.maximum(hits.context, hits.asked))
    place = np.maximum(context, hits.place)
    near = np.maximum(place, hits.near)
    shares = [level @ weights for level in (hits.own, context, place, near)]
    whole = float(np.asarray(in_passage) @ weights)
    largest = weights.max(initial=1e-9)
    column = np.ones(len(hits.own))
    missing = ((1 - place) * weights).max(axis=1, initial=0.0) / largest
    nowhere = ((1 - np.asarray(in_passage)) * weights).max(initial=0.0) / largest
    never = ((1 - everywhere) * weights).max(initial=0.0) / largest
    columns = [
        shares[0],
        *(after - before for before, after in pairwise(shares)),
        np.maximum(0.0, whole - shares[3]),
        missing,
        nowhere * column,
        never * column,
        (1 - place[:, codes]).max(axis=1, initial=0.0),
        (1 - np.asarray(in_passage)[codes]).max(initial=0.0) * column,
        hits.asked @ weights,
        float(hits.heading @ weights) * column,
    ]
    return np.column_stack(columns), shares[3]


def _text_columns(question: AnalysedQuestion, unit: Unit) -> tuple[float, ...]:
    """Return the columns from ``pairs`` on."""
    count = max(1, len(question.pairs))
    pairs = question.pairs & frozenset(pairwise(unit.sequence))
    procedural = question.procedure and unit.kind is BlockKind.CODE
    new = len(unit.stems - question.stems - STOP_WORDS)
    title = unit.kind is BlockKind.HEADING
    return (
        len(pairs) / count,
        len(question.stems & unit.context) / max(1, len(question.stems)),
        type_evidence(question.answer_type, unit.shown, question.stems),
        float(unit.kind is BlockKind.CODE),
        float(procedural),
        float(unit.kind is BlockKind.ITEM),
        float(unit.kind is BlockKind.ROW),
        math.log1p(len(unit.sequence)),
        float(len(unit.sequence) < _SHORT),
        math.log1p(new),
        float(new < _NEW),
        float(title),
        float(title and question.title),
    )


def _rarity(question: AnalysedQuestion, cut: Sequence[PassageUnits]) -> NDArray[np.float64]:
    """Return the terms' weights, 1 in all: a term weighs more, the fewer units hold it."""
    found = [unit.stems for piece in cut for unit in piece.units]
    weights = np.array(
        [
            weight * math.log(1 + (len(found) + 1) / (sum(term in held for held in found) + 0.5))
            for term, weight in question.terms.items()
        ]
    )
    return weights / (weights.sum() or 1.0)


def _hits(names: Sequence[str], held: frozenset[str]) -> list[float]:
    """Return 1 for a term itself, less for a word with the same beginning, 0 for none."""
    hits = list[float]()
    for term in names:
        hit = 1.0 if term in held else 0.0
        if not hit and len(term) >= _PREFIX and not term[0].isdigit():
            start, size = term[:_PREFIX], len(term)
            for stem in held:
                if stem.startswith(start) and abs(len(stem) - size) <= _LENGTH_SLACK:
                    hit = _PREFIX_HIT
                    break
        hits.append(hit)
    return hits
