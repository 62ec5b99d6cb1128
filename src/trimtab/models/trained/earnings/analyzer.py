"""Analyses a report or call: speakers, statements, tone of each sentence, overall score."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trimtab.models.trained.earnings.metrics import find_mentions
from trimtab.models.trained.earnings.numbers import main_currency
from trimtab.models.trained.earnings.parser import Context, next_context, read_sentence
from trimtab.models.trained.earnings.records import AnalysedSentence, FinancialStatement
from trimtab.models.trained.earnings.speakers import outsider_sentences
from trimtab.models.trained.earnings.tone import TONES, ToneModel, tone_features
from trimtab.text.sentences import Sentence, sentences

_EVIDENCE = 5
_CLEAR = 0.25
"""Balance of a sentence without a statement from which it counts for the score."""
_MAX_WEIGHT = 3

Read = tuple[Sentence, bool, list[FinancialStatement]]


@dataclass(frozen=True, slots=True)
class EarningsReport:
    """Statements, tone and score of an earnings report or call.

    Attributes:
        score: Balance of good and bad news, from -1 to 1; 0 without any.
        probabilities: Share of each tone, weighted like the score.
        evidence: The sentences on which the score rests most, strongest first.
        sentences: All sentences in reading order.
    """

    score: float
    probabilities: NDArray[np.float64]
    evidence: tuple[AnalysedSentence, ...]
    sentences: tuple[AnalysedSentence, ...]

    def details(self) -> Mapping[str, Any]:
        """Return the report as a JSON object."""
        return {
            "score": round(self.score, 6),
            "evidence": [
                {"start": s.start, "end": s.end, "text": s.text, "tone": s.tone}
                for s in self.evidence
            ],
            "sentences": [sentence.to_json() for sentence in self.sentences],
        }


def read_report(text: str) -> list[Read]:
    """Return each sentence, whether an outsider speaks it, and its statements."""
    parts = sentences(text)
    outsiders = outsider_sentences([part.text for part in parts])
    context = Context(currency=main_currency(text))
    found: list[Read] = []
    for part, outsider in zip(parts, outsiders, strict=True):
        statements = [] if outsider else read_sentence(part.text, part.start, context)
        context = next_context(context, statements, find_mentions(part.text))
        found.append((part, outsider, statements))
    return found


def features_of(read: Sequence[Read]) -> NDArray[np.float64]:
    """Return the tone features of the sentences, shape (sentences, features)."""
    return np.asarray([tone_features(p.text, found, outsider=o) for p, o, found in read])


def analyse_sentences(text: str, tone: ToneModel) -> list[AnalysedSentence]:
    """Return every sentence with its statements and tone."""
    read = read_report(text)
    if not read:
        return []
    shares = tone.probabilities(features_of(read))
    return [
        AnalysedSentence(
            part.start,
            part.end,
            part.text,
            tuple(found),
            TONES[int(row.argmax())],
            {name: round(float(value), 6) for name, value in zip(TONES, row, strict=True)},
        )
        for (part, _, found), row in zip(read, shares, strict=True)
    ]


def analyse(text: str, tone: ToneModel) -> EarningsReport:
    """Return the statements of the text and its overall score with the evidence."""
    analysed = analyse_sentences(text, tone)
    counted = [s for s in analysed if s.statements or abs(_balance(s)) >= _CLEAR]
    if not counted:
        return EarningsReport(0.0, np.asarray([0.0, 1.0, 0.0]), (), tuple(analysed))
    weights = np.asarray([1.0 + min(_MAX_WEIGHT, len(s.statements)) for s in counted])
    balances = np.asarray([_balance(s) for s in counted])
    shares = np.asarray([[s.probabilities[name] for name in TONES] for s in counted])
    score = float((weights * balances).sum() / weights.sum())
    order = np.argsort(-weights * balances * (1.0 if score >= 0 else -1.0), kind="stable")
    evidence = tuple(counted[at] for at in order[:_EVIDENCE] if balances[at] * score > 0)
    return EarningsReport(
        score, (weights[:, None] * shares).sum(axis=0) / weights.sum(), evidence, tuple(analysed)
    )


def _balance(sentence: AnalysedSentence) -> float:
    return sentence.probabilities["positive"] - sentence.probabilities["negative"]
