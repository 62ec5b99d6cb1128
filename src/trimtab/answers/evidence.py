"""Evidence that a unit of a passage answers the question, as numbers that a model weighs.

Words carry most of it: which of the question's words stand in the unit, in what it depends on (its
lead-in, the heading, the title), and which of them stand nowhere. Rare words, names and numbers
weigh more. The weights were trained; see `decision` and ``docs/answers.md``.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from operator import attrgetter

import numpy as np
from numpy.typing import NDArray

from trimtab.answers.question import AnalysedQuestion, AnswerType, type_evidence
from trimtab.answers.records import SourcePassage
from trimtab.answers.units import PassageUnits, Unit, units_of, with_title
from trimtab.text.sentences import BlockKind
from trimtab.text.words import STOP_WORDS

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
    "path_wanted",
    "introduces",  # whether it only announces what comes below it,
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
_SAID_AGAIN = 0.4
_MAILS = (".eml", ".mbox")
_QUOTED_MAIL = re.compile(r"(?:[^>\n]*\n)?(?:\s*>[^\n]*(?:\n|\Z))+\s*")


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
    cut = [_about(question, passage, units_of(passage)) for passage in passages]
    if question.form:
        cut = [_of_form(question.form, piece) for piece in cut]
    if any(map(attrgetter("unquotable"), passages)):
        cut = [_quotable(passage, piece) for passage, piece in zip(passages, cut, strict=True)]
    if question.title:
        cut = [with_title(passage, piece) for passage, piece in zip(passages, cut, strict=True)]
    names = tuple(question.terms)
    weights = _rarity(question, cut)
    in_passage = [hits_of(names, piece.stems | piece.place) for piece in cut]
    shares = (np.array(in_passage).reshape(len(cut), len(names)) @ weights).tolist()
    cut = [
        replace(piece, units=())
        if passages[at].document_name.endswith(_MAILS) and _is_outdated(at, passages, shares)
        else piece
        for at, piece in enumerate(cut)
    ]
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


def _of_form(form: re.Pattern[str], piece: PassageUnits) -> PassageUnits:
    """Return the units that have what the question asks for."""
    return replace(piece, units=tuple(unit for unit in piece.units if form.search(unit.shown)))


def _quotable(passage: SourcePassage, piece: PassageUnits) -> PassageUnits:
    """Return the units that have no part of what a guard keeps out of quotes."""
    spans = passage.unquotable or ()
    kept = tuple(
        unit
        for unit in piece.units
        if not any(unit.start < end and start < unit.end for start, end in spans)
    )
    return replace(piece, units=kept)


def _about(question: AnalysedQuestion, passage: SourcePassage, piece: PassageUnits) -> PassageUnits:
    """Return the units that may be about what the question names: never those of another one."""
    for label in question.labels:
        kept = tuple(unit for unit in piece.units if not label.is_contradicted(unit, piece))
        piece = replace(piece, units=kept)
    for code in question.named:
        names = f"{passage.title} {passage.document_name} {passage.heading}"
        if not code.itself.search(f"{names}\n{passage.text}".casefold()):
            return replace(piece, units=())
        kept = tuple(unit for unit in piece.units if not code.is_missing(unit, piece))
        piece = replace(piece, units=kept)
    return piece


def _is_outdated(at: int, passages: Sequence[SourcePassage], shares: Sequence[float]) -> bool:
    """Return whether a passage is a quoted mail, and the reply to it is about the question too."""
    name = passages[at].document_name
    return _QUOTED_MAIL.fullmatch(passages[at].text) is not None and any(
        share >= _SAID_AGAIN
        for passage, share in zip(passages, shares, strict=True)
        if passage.document_name == name and not _QUOTED_MAIL.fullmatch(passage.text)
    )


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
        own = np.array([hits_of(names, unit.stems) for unit in units])
        near = np.zeros_like(own)
        near[1:] = own[:-1]
        near[:-1] = np.maximum(near[:-1], _AFTER * own[1:])
        return cls(
            own,
            np.array([hits_of(names, unit.context) for unit in units]),
            np.array([hits_of(names, unit.asked) for unit in units]),
            near,
            np.array(hits_of(names, piece.place)),
            np.array(hits_of(names, piece.heading)),
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
    typed = type_evidence(question.answer_type, unit.shown, question.stems)
    new = len(unit.stems - question.stems - STOP_WORDS)
    title = unit.kind is BlockKind.HEADING
    return (
        len(pairs) / count,
        len(question.stems & unit.context) / max(1, len(question.stems)),
        typed,
        float(unit.kind is BlockKind.CODE),
        float(procedural),
        float(typed == 1.0 and question.answer_type is AnswerType.PLACE),
        float(unit.shown.endswith(":")),
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


def hits_of(names: Sequence[str], held: frozenset[str]) -> list[float]:
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
