"""Applies guardrails to questions, passages and answers."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from trimtab.answers.drafts import Draft, DraftSentence
from trimtab.answers.records import Answer, Judged, Retrieved
from trimtab.guardrails.credentials import without_credentials
from trimtab.guardrails.engine import GuardEngine
from trimtab.guardrails.guard import Subject
from trimtab.guardrails.pii import redact as redact_text
from trimtab.guardrails.verdicts import Outcome

_log = logging.getLogger(__name__)
REFUSED = "This question cannot be answered: it was stopped by a guard."
WITHHELD = "The answer was withheld by a guard."


@dataclass(frozen=True, slots=True)
class PipelineGuards:
    """The guards of one pipeline.

    Args:
        questions: Judges questions before retrieval.
        answers: Judges answers before they are shown.
        passage_guards: Judges passages before a model reads them.
        redact: Replaces personal data in stored texts.
    """

    questions: GuardEngine
    answers: GuardEngine
    passage_guards: GuardEngine
    redact: Callable[[str], str] = redact_text

    def question(self, text: str) -> Outcome:
        """Judge a question; a blocked injection is logged as ``injection_detected``."""
        outcome = self.questions.check(Subject(text))
        if not outcome.allowed:
            findings = {verdict.guard: verdict.findings for verdict in outcome.verdicts}
            _log.warning(
                "injection_detected" if findings.get("injection") else "question_stopped",
                extra={"reason": outcome.reason, "findings": findings},
            )
        return outcome

    def passages(self, retrieved: Retrieved) -> Retrieved:
        """Return the retrieved passages without those that give orders to the model."""
        outcomes = self.passage_guards.check_many([Subject(p.text) for p in retrieved.passages])
        judged = list(zip(retrieved.passages, outcomes, strict=True))
        dropped = [(passage, outcome) for passage, outcome in judged if not outcome.allowed]
        unjudged = [p.chunk_id for p, outcome in dropped if not _findings(outcome)]
        if unjudged:
            _log.warning("passages not judged", extra={"passages": unjudged})
        if len(dropped) > len(unjudged):
            found = [p.chunk_id for p, outcome in dropped if _findings(outcome)]
            _log.warning("injection_detected", extra={"passages": found})
        kept = tuple(passage for passage, outcome in judged if outcome.allowed)
        return replace(retrieved, passages=kept, unjudged=len(unjudged))

    def forbidden_kinds(self) -> tuple[str, ...]:
        """Return the kinds of personal data that no answer may show, by the current rules."""
        return self.answers.rules.now().pii_block_types

    def answer(self, question: str, draft: Draft) -> Outcome:
        """Judge an answer against the quotes that it cites."""
        quotes = tuple(citation.quote for citation in draft.citations)
        return self.answers.check(Subject(draft.text, question, quotes))


@dataclass(frozen=True, slots=True)
class GuardedSentences:
    """Judges an answer sentence by sentence, for streaming."""

    guards: PipelineGuards

    def judge(self, question: str, sentence: DraftSentence) -> Judged:
        """Judge the sentence against the quotes that it cites."""
        quotes = tuple(citation.quote for citation in sentence.citations)
        outcome = self.guards.answers.check(Subject(sentence.text, question, quotes))
        return Judged("" if outcome.allowed else outcome.reason, outcome.bypassed)


def _findings(outcome: Outcome) -> tuple[str, ...]:
    """Return the findings in a text; none when its guard failed or was late."""
    return tuple(name for verdict in outcome.verdicts for name in verdict.findings)


def facts_of(outcome: Outcome) -> Mapping[str, object]:
    """Return an outcome's decisions, findings and scores for a trace; no text."""
    return {
        "decision": outcome.decision.value,
        "verdicts": {verdict.guard: verdict.decision.value for verdict in outcome.verdicts},
        "findings": sorted({name for verdict in outcome.verdicts for name in verdict.findings}),
        "scores": {v.guard: v.score for v in outcome.verdicts if v.score is not None},
        "shadow": any(verdict.shadow for verdict in outcome.verdicts),
        **({"bypassed": outcome.bypassed} if outcome.bypassed else {}),
    }


def redact_answer(answer: Answer, redact: Callable[[str], str] = redact_text) -> Answer:
    """Return the answer with personal data and secrets replaced by their kind."""
    return replace(
        answer,
        question=redact(without_credentials(answer.question)),
        text=redact(without_credentials(answer.text)),
        citations=tuple(
            replace(cited, quote=redact(without_credentials(cited.quote)))
            for cited in answer.citations
        ),
    )
