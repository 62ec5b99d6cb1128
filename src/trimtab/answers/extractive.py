"""Extractive generator: quotes and cites the sentence that holds the answer; needs no model."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter

from trimtab.answers.decision import AnswerChoice, shipped_models
from trimtab.answers.drafts import Draft, Piece, cite
from trimtab.answers.evidence import FEATURES, Candidate, UnitEvidence, evidence
from trimtab.answers.question import AnalysedQuestion, AnswerType
from trimtab.answers.records import EXTRACTIVE, SourcePassage
from trimtab.text.sentences import BlockKind

NOT_FOUND = "The documents of this project do not answer that."
_ADDS = 0.25
"""The share of the question that a further sentence must add."""
_CLOSE = 2.5
"""How many times as far below the first one as one that is about as likely it may be."""
_FOLLOWS = 4.0
"""The distance in score within which the next sentence of running text comes along ..."""
_CERTAIN = 0.85
"""... below this probability; above it the first sentence answers by itself."""
_TYPE = FEATURES.index("type")


@dataclass(frozen=True, slots=True)
class ExtractiveGenerator:
    """Quotes the sentence that answers; a second one when it adds a part, is as likely or follows.

    Args:
        max_sentences: The most sentences in an answer.
        min_confidence: The lowest probability with which an answer is given; None takes that of
            the shipped weights.
    """

    max_sentences: int = 2
    min_confidence: float | None = None

    def stream(self, question: str, passages: Sequence[SourcePassage]) -> Iterator[Piece]:
        """Yield the draft of `quote`."""
        yield self.quote(question, passages)

    def quote(self, question: str, passages: Sequence[SourcePassage]) -> Draft:
        """Return the best sentences as a draft; without citations when nothing was found."""
        analysed = AnalysedQuestion.of(question)
        found = evidence(analysed, passages)
        decision = shipped_models().choose(analysed, found)
        least = decision.threshold if self.min_confidence is None else self.min_confidence
        if not decision.order or decision.probability < least:
            return Draft(NOT_FOUND, (), EXTRACTIVE, 0.0)
        confidence = round(decision.probability, 4)
        chosen = self._chosen(analysed, found, decision)
        citations = tuple(
            cite(number, c.passage, c.unit.start, c.unit.end, confidence)
            for number, c in enumerate(chosen, 1)
        )
        text = " ".join(
            f"{candidate.unit.shown} [{number}]" for number, candidate in enumerate(chosen, 1)
        )
        return Draft(text, citations, EXTRACTIVE, confidence)

    def _chosen(
        self, question: AnalysedQuestion, found: UnitEvidence, decision: AnswerChoice
    ) -> list[Candidate]:
        """Return the best unit, then those that are as likely or say more of the question."""
        first = decision.order[0]
        chosen = [found.candidates[first]]
        typed = question.answer_type is AnswerType.ANYTHING or found.features[first][_TYPE] == 1.0
        total = sum(question.terms.values()) or 1.0
        for at, score in zip(decision.order[1:], decision.scores[1:], strict=True):
            behind = decision.scores[0] - score
            if len(chosen) >= self.max_sentences or behind > _CLOSE * decision.second:
                break
            stated = frozenset().union(*(c.unit.stems | c.unit.context for c in chosen))
            new = found.candidates[at].unit.stems & question.terms.keys() - stated
            adds = sum(question.terms[term] for term in new) >= _ADDS * total
            repeats = found.candidates[at].unit.stems <= stated
            if not repeats and (adds or behind < decision.second):
                chosen.append(found.candidates[at])
                typed = typed or found.features[at][_TYPE] == 1.0
        if not typed and self.max_sentences > 1 and (completion := _completion(found, first)):
            chosen = [chosen[0], completion]
        if len(chosen) < min(2, self.max_sentences) and (after := _following(found, decision)):
            chosen.append(after)
        if len({candidate.passage.chunk_id for candidate in chosen}) == 1:
            chosen.sort(key=attrgetter("unit.start"))
        return chosen


def _following(found: UnitEvidence, decision: AnswerChoice) -> Candidate | None:
    """Return the next sentence of the paragraph when it may hold the answer that the first lacks.

    "A problem instance is a string over an alphabet. Usually, the alphabet is the binary one." Only
    sentences of running text are continued like that: a row, an item or a command stands alone.
    By words alone the distance in score says too little.
    """
    at = decision.order[0] + 1
    if not decision.read or decision.probability >= _CERTAIN or at not in decision.order:
        return None
    best, after = found.candidates[at - 1], found.candidates[at]
    is_prose = best.unit.kind is BlockKind.PROSE and after.unit.kind is BlockKind.PROSE
    if after.passage is not best.passage or not is_prose:
        return None
    between = best.passage.text[best.unit.end : after.unit.start]
    behind = decision.scores[0] - decision.scores[decision.order.index(at)]
    adjoins = not between.strip() and "\n\n" not in between
    repeats = after.unit.stems <= best.unit.stems | best.unit.context
    return after if adjoins and not repeats and behind <= _FOLLOWS else None


def _completion(found: UnitEvidence, first: int) -> Candidate | None:
    """Return the next unit of the passage when it alone has the kind of thing that is asked for.

    "Type the port number. The default is 162."
    """
    best = found.candidates[first]
    for at in range(first + 1, len(found.candidates)):
        following = found.candidates[at]
        if following.passage is not best.passage:
            return None
        if following.unit.start >= best.unit.end:
            return following if found.features[at][_TYPE] == 1.0 else None
    return None
