"""Where the guards stand in the path of a question: before retrieval, over the passages, before the answer is shown."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from trimtab.answers.generate import Draft
from trimtab.answers.pieces import DraftSentence
from trimtab.answers.records import Answer, Judged, Retrieved
from trimtab.guardrails.credentials import without_credentials
from trimtab.guardrails.engine import GuardEngine
from trimtab.guardrails.guard import Subject
from trimtab.guardrails.injection.guard import passage_margin
from trimtab.guardrails.pii import redact
from trimtab.guardrails.verdicts import Outcome

_log = logging.getLogger(__name__)
REFUSED = "This question cannot be answered: it was stopped by a guard."
WITHHELD = "The answer was withheld by a guard."


@dataclass(frozen=True, slots=True)
class Screen:
    """The guards of one pipeline.

    Args:
        questions: Judges questions before anything is looked up.
        answers: Judges answers before anybody sees them.
        redact: Replaces personal data in what is kept.
    """

    questions: GuardEngine
    answers: GuardEngine
    redact: Callable[[str], str] = redact

    def question(self, text: str) -> Outcome:
        """Judge a question; one that is stopped for injection is logged as ``injection_detected``."""
        outcome = self.questions.check(Subject(text))
        if not outcome.allowed:
            findings = {verdict.guard: verdict.findings for verdict in outcome.verdicts}
            _log.warning(
                "injection_detected" if findings.get("injection") else "question_stopped",
                extra={"reason": outcome.reason, "findings": findings},
            )
        return outcome

    def passages(self, retrieved: Retrieved) -> Retrieved:
        """Return what was retrieved without the passages that hold orders to the model."""
        if not self.questions.rules.now().injection_enabled:
            return retrieved
        kept = tuple(p for p in retrieved.passages if passage_margin(p.text) <= 0)
        if len(kept) < len(retrieved.passages):
            dropped = [p.chunk_id for p in retrieved.passages if p not in kept]
            _log.warning("injection_detected", extra={"passages": dropped})
        return replace(retrieved, passages=kept)

    def redacted(self, answer: Answer) -> Answer:
        """Return the answer as it may be kept; see `redacted`."""
        return redacted(answer, self.redact)

    def answer(self, question: str, draft: Draft) -> Outcome:
        """Judge an answer against the quotes that it cites."""
        quotes = tuple(citation.quote for citation in draft.citations)
        return self.answers.check(Subject(draft.text, question, quotes))


@dataclass(frozen=True, slots=True)
class ScreenedSentences:
    """Judges an answer sentence by sentence, for streaming."""

    screen: Screen

    def judge(self, question: str, sentence: DraftSentence) -> Judged:
        """Return why the sentence must not be shown, if so, and what a bypass let through."""
        quotes = tuple(citation.quote for citation in sentence.citations)
        outcome = self.screen.answers.check(Subject(sentence.text, question, quotes))
        return Judged("" if outcome.allowed else outcome.reason, outcome.bypassed)


def facts(outcome: Outcome) -> Mapping[str, object]:
    """Return the outcome for a trace: decisions, findings and scores, no text."""
    return {
        "decision": outcome.decision.value,
        "verdicts": {verdict.guard: verdict.decision.value for verdict in outcome.verdicts},
        "findings": sorted({name for verdict in outcome.verdicts for name in verdict.findings}),
        "scores": {v.guard: v.score for v in outcome.verdicts if v.score is not None},
        "shadow": any(verdict.shadow for verdict in outcome.verdicts),
        **({"bypassed": outcome.bypassed} if outcome.bypassed else {}),
    }


def redacted(answer: Answer, redact: Callable[[str], str] = redact) -> Answer:
    """Return the answer as it may be kept: personal data and secrets replaced by their kind."""

    def clean(text: str) -> str:
        return redact(without_credentials(text))

    return replace(
        answer,
        question=clean(answer.question),
        text=clean(answer.text),
        citations=tuple(replace(c, quote=clean(c.quote)) for c in answer.citations),
    )
