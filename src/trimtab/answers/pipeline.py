"""Answer pipeline: validate, guard, retrieve, generate, guard, cite.

It returns an answer and its trace and has no side effects.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from trimtab.answers.deadlines import Retriever
from trimtab.answers.drafts import Draft, Generator, last_draft, sources_of
from trimtab.answers.errors import GeneratorUnavailable
from trimtab.answers.extractive import ExtractiveGenerator
from trimtab.answers.records import (
    EXTRACTIVE,
    Answer,
    AnswerResult,
    PipelineStage,
    Question,
    Retrieved,
    SourcePassage,
    Trace,
)
from trimtab.guardrails.engine import GuardEngine
from trimtab.guardrails.guard import Subject
from trimtab.guardrails.injection.guard import PassageGuard, unquotable_spans
from trimtab.guardrails.pii import redact
from trimtab.guardrails.verdicts import Outcome
from trimtab.kernel.clock import Clock, machine_clock
from trimtab.kernel.drilling import in_drill
from trimtab.kernel.ids import new_id

_log = logging.getLogger(__name__)
_NOTHING = Retrieved(())
NOT_FOUND_DEGRADED = (
    "Only words were compared, because the embedding model or the vector index is down: the "
    "documents may hold an answer in other words. Ask again when the service is healthy."
)
REFUSED = "This question cannot be answered: it was stopped by a guard."
WITHHELD = "The answer was withheld by a guard."
STILL_READING = (
    "The documents of {0} are still being read, {1} %: what has been read does not answer that."
    " Ask again in a moment."
)
PASSAGES_WITHHELD = (
    "A guard withheld passages, or sentences of them, that may give orders to the assistant."
)


@dataclass(slots=True)
class RunningStage:
    """A stage under way; the pipeline notes its outcome."""

    outcome: str = "ok"
    facts: Mapping[str, object] = field(default_factory=dict)


@dataclass(slots=True)
class PreparedQuestion:
    """A question whose passages are retrieved and whose answer is not written yet."""

    question: Question
    clock: Clock
    retrieved: Retrieved = _NOTHING
    stages: list[PipelineStage] = field(default_factory=list)
    refusal: str = ""
    """Why a guard blocked the question; nothing was retrieved then, and nothing may be written."""

    @contextmanager
    def stage(self, name: str) -> Iterator[RunningStage]:
        """Time the block as a stage; an error adds none, because no answer comes of it."""
        running = RunningStage()
        started = self.clock.monotonic()
        yield running
        elapsed_ms = (self.clock.monotonic() - started) * 1000
        self.stages.append(
            PipelineStage(name, round(elapsed_ms, 3), running.outcome, running.facts)
        )


@dataclass(frozen=True, slots=True)
class PipelineGuards:
    """The guards of one pipeline.

    Args:
        questions: Judges questions before retrieval.
        answers: Judges answers before they are shown.
        passage_guards: Judges passages before a model reads them.
        redact: Replaces secrets and personal data in stored texts.
    """

    questions: GuardEngine
    answers: GuardEngine
    passage_guards: GuardEngine
    redact: Callable[[str], str] = redact

    def judge(self, engine: GuardEngine, subject: Subject, stage: RunningStage) -> Outcome:
        """Judge a text; the stage notes decisions, findings and scores, but no text."""
        outcome = engine.check(subject)
        stage.outcome = "ok" if outcome.allowed else "blocked"
        stage.facts = {
            "decision": outcome.decision.value,
            "verdicts": {verdict.guard: verdict.decision.value for verdict in outcome.verdicts},
            "findings": sorted({name for verdict in outcome.verdicts for name in verdict.findings}),
            "scores": {v.guard: v.score for v in outcome.verdicts if v.score is not None},
            "shadow": any(verdict.shadow for verdict in outcome.verdicts),
            **({"bypassed": outcome.bypassed} if outcome.bypassed else {}),
        }
        return outcome

    def passages(self, retrieved: Retrieved) -> Retrieved:
        """Return the retrieved passages without those that give orders to the model.

        A passage that is only suspected stays for quotes, with the sentences that they leave out;
        a model does not read it.
        """
        outcomes = self.passage_guards.check_many([Subject(p.text) for p in retrieved.passages])
        judged = list(zip(retrieved.passages, outcomes, strict=True))
        # A guard that failed or was late has no findings.
        found, unjudged, documents = list[str](), list[str](), list[str]()
        kept = list[SourcePassage]()
        for passage, outcome in judged:
            if outcome.allowed:
                kept.append(passage)
                continue
            names = [name for verdict in outcome.verdicts for name in verdict.findings]
            (found if names else unjudged).append(passage.chunk_id)
            # Only the guard against orders knows which sentences it means.
            blocking = {verdict.guard for verdict in outcome.verdicts if verdict.findings}
            is_known = blocking == {PassageGuard.name}
            spans = unquotable_spans(passage.text) if is_known else None
            if spans is not None:
                kept.append(replace(passage, unquotable=spans))
            if spans != ():
                documents.append(passage.document_name)
        if unjudged:
            _log.warning("passages not judged", extra={"passages": unjudged})
        if found:
            _log.warning("injection_detected", extra={"passages": found})
        return replace(
            retrieved,
            passages=tuple(kept),
            unjudged=len(unjudged),
            withheld=tuple(dict.fromkeys(documents)),
        )

    def forbidden_kinds(self) -> tuple[str, ...]:
        """Return the kinds of personal data that no answer may show, by the current rules."""
        return self.answers.rules.current.pii_block_types


class AnswerPipeline:
    """Answers questions from passages. Thread-safe.

    Args:
        retriever: Finds the passages.
        generator: Writes the answer; quotes take its place when it is unavailable, and the answer
            says so.
        clock: Stamps and times.
        guards: Judge questions, passages and answers; None lets everything pass (tests and
            evaluations).
    """

    def __init__(
        self,
        retriever: Retriever,
        generator: Generator,
        clock: Clock,
        guards: PipelineGuards | None = None,
    ) -> None:
        self._retriever = retriever
        self._generator = generator
        self._fallback = ExtractiveGenerator()
        self._clock = clock
        self._machine = machine_clock(clock)
        self._guards = guards

    def answer(self, question: Question) -> AnswerResult:
        """Return the answer and its trace; ``found`` is False without an answer.

        Raises:
            InvalidInput: The question is not valid; see `Question.validated`.
            TrimtabError: What the retriever raises, such as an unknown project.
        """
        prepared = self.prepare(question)
        if prepared.refusal:
            return self.refuse(prepared)
        text, passages = prepared.question.text, prepared.retrieved.passages
        with prepared.stage("generate") as stage:
            try:
                draft = last_draft(self._generator.stream(text, passages))
            except GeneratorUnavailable as error:
                _log.warning("generator unavailable, quoting", extra={"reason": error.message})
                draft = replace(self._fallback.quote(text, passages), notice=error.message)
            stage.outcome = "fallback" if draft.notice else "ok"
            stage.facts = {"model": draft.model, "citations": len(draft.citations)}
        if (guards := self._guards) is None:
            return self.complete(prepared, draft)
        blocked = False
        with prepared.stage("guard_answer") as stage:
            subject = Subject(draft.text, text, sources_of(draft.text, draft.citations))
            outcome = guards.judge(guards.answers, subject, stage)
            if not outcome.allowed:
                quoted = self._fallback.quote(text, passages)
                again = Subject(quoted.text, text, sources_of(quoted.text, quoted.citations))
                if draft.model != quoted.model and guards.answers.check(again).allowed:
                    stage.outcome = "fallback"
                    draft = replace(quoted, usage=draft.usage, notice=outcome.reason)
                else:
                    blocked = True
                    draft = replace(
                        draft, text=WITHHELD, citations=(), confidence=0.0, notice=outcome.reason
                    )
        return self.complete(prepared, draft, blocked=blocked)

    def prepare(self, question: Question) -> PreparedQuestion:
        """Validate and guard the question, then retrieve and guard passages."""
        prepared = PreparedQuestion(question.validate(), self._machine)
        asked, guards = prepared.question, self._guards
        if guards is not None:
            with prepared.stage("guard_question") as stage:
                outcome = guards.judge(guards.questions, Subject(asked.text), stage)
            if not outcome.allowed:
                findings = {verdict.guard: verdict.findings for verdict in outcome.verdicts}
                _log.warning(
                    "injection_detected" if findings.get("injection") else "question_stopped",
                    extra={"reason": outcome.reason, "findings": findings},
                )
                prepared.refusal = outcome.reason
                return prepared
        with prepared.stage("retrieve") as stage:
            found = self._retriever.search(
                asked.project, asked.text, asked.top_k, labels=asked.labels
            )
            stage.outcome = "degraded" if found.degraded_mode else "ok"
            stage.facts = {"passages": len(found.passages), "cache_hit": found.cache_hit}
        prepared.retrieved = found
        if guards is not None:
            with prepared.stage("guard_passages") as stage:
                kept = guards.passages(found)
                stage.outcome = "degraded" if kept.unjudged else "ok"
                dropped = len(found.passages) - len(kept.passages)
                suspected = len(kept.passages) - len(kept.readable)
                stage.facts = {
                    "dropped": dropped,
                    "suspected": suspected,
                    "unjudged": kept.unjudged,
                }
            prepared.retrieved = kept
        return prepared

    def refuse(self, prepared: PreparedQuestion) -> AnswerResult:
        """Return the answer to a blocked question."""
        draft = Draft(REFUSED, (), "none", 0.0, notice=prepared.refusal)
        return self.complete(prepared, draft, blocked=True)

    def complete(
        self, prepared: PreparedQuestion, draft: Draft, *, blocked: bool = False
    ) -> AnswerResult:
        """Return the answer made of the draft, with its trace."""
        question, retrieved, now = prepared.question, prepared.retrieved, self._clock.now()
        if retrieved.percent_read < 100 and not draft.citations and not blocked:
            draft = replace(
                draft, text=STILL_READING.format(question.project, retrieved.percent_read)
            )
        notice, stored_notice = _notices(draft, retrieved, blocked=blocked)
        answer = Answer(
            id=new_id("answer", now),
            trace_id=new_id("trace", now),
            project=question.project,
            question=question.text,
            text=draft.text,
            found=bool(draft.citations),
            citations=draft.citations,
            degraded_mode=retrieved.degraded_mode,
            cache_hit=retrieved.cache_hit,
            model=draft.model,
            confidence=draft.confidence,
            created_at=now,
            notice=notice,
            blocked=blocked,
        )
        hide = self._guards.redact if self._guards else redact
        stored = replace(
            answer,
            question=hide(answer.question),
            text=hide(answer.text),
            citations=tuple(replace(c, quote=hide(c.quote)) for c in answer.citations),
            notice=stored_notice,
        )
        trace = Trace(
            id=answer.trace_id,
            answer=stored,
            user_id=question.user_id,
            stages=tuple(prepared.stages),
            retrieved=tuple((p.chunk_id, p.score) for p in retrieved.passages),
            index_version=retrieved.index_version,
            input_tokens=draft.usage.input_tokens,
            output_tokens=draft.usage.output_tokens,
            top_k=question.top_k,
            cost_usd=draft.usage.cost_usd,
            labels=retrieved.labels,
            drill=in_drill(),
        )
        return AnswerResult(answer, trace)


def _notices(draft: Draft, retrieved: Retrieved, *, blocked: bool) -> tuple[str, str]:
    """Return the answer's notice and the one that is stored in its trace.

    The stored one has no names of documents: a trace outlives a document that is erased.
    """
    shown = stored = draft.notice
    withheld = retrieved.withheld
    if draft.model != EXTRACTIVE:
        unread = [p.document_name for p in retrieved.passages if not p.is_readable]
        withheld = tuple(dict.fromkeys([*withheld, *unread]))
    if withheld:
        documents = ", ".join(withheld)
        shown = f"{shown} {PASSAGES_WITHHELD} Document: {documents}.".strip()
        stored = f"{stored} {PASSAGES_WITHHELD}".strip()
    if retrieved.degraded_mode and not draft.citations and not blocked:
        shown, stored = (f"{text} {NOT_FOUND_DEGRADED}".strip() for text in (shown, stored))
    return shown, stored
