"""The path of a question: check, guard, retrieve, generate, guard, cite, trace. No stage calls back up."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from trimtab.answers.errors import GeneratorUnavailable
from trimtab.answers.extractive import MODEL as EXTRACTIVE
from trimtab.answers.extractive import ExtractiveGenerator
from trimtab.answers.generate import Draft, Generator
from trimtab.answers.grounding import grounding_of
from trimtab.answers.question import checked
from trimtab.answers.records import Answer, Question, Retrieved, Stage, Trace
from trimtab.answers.screening import REFUSED, WITHHELD, Screen, facts, redacted
from trimtab.answers.stopwatch import Stopwatch
from trimtab.guardrails.verdicts import Decision
from trimtab.kernel.clock import Clock, machine_clock
from trimtab.kernel.drilling import in_drill
from trimtab.kernel.events import Event, Events
from trimtab.kernel.ids import new_id

_log = logging.getLogger(__name__)


class Retriever(Protocol):
    """Finds passages."""

    def search(
        self, project: str, query: str, top_k: int, *, labels: tuple[str, ...] = ()
    ) -> Retrieved:
        """Return at most ``top_k`` passages of the project, best first, that a caller with these labels may see."""
        ...


class TraceKeeper(Protocol):
    """Keeps traces."""

    def keep(self, trace: Trace) -> None:
        """Keep the trace; called once for each answer, before the asker sees it."""
        ...


@dataclass(frozen=True, slots=True)
class Begun:
    """A question whose passages are found and whose answer is still to be written."""

    question: Question
    retrieved: Retrieved
    watch: Stopwatch
    refusal: str = ""
    """Why a guard stopped the question; nothing was retrieved then, and nothing may be written."""


class Answers:
    """Answers questions from documents.

    Args:
        retriever: Finds the passages.
        generator: Writes the answer; when it is unavailable the extractive one does, and the answer says so.
        traces: Keeps how each answer came about.
        clock: Stamps and times.
        events: Told ``answers.given`` after each answer.
        screen: The guards; without them everything passes, which only tests and evaluations want.
    """

    def __init__(
        self,
        retriever: Retriever,
        generator: Generator,
        traces: TraceKeeper,
        clock: Clock,
        events: Events,
        screen: Screen | None = None,
    ) -> None:
        self._screen = screen
        self._retriever = retriever
        self._generator = generator
        self._fallback = ExtractiveGenerator()
        self._traces = traces
        self._clock = clock
        self._events = events

    def answer(self, question: Question) -> Answer:
        """Return the answer; one with ``found`` False when the project's documents don't hold it.

        Raises:
            InvalidInput: The question is unusable; see `question.checked`.
            TrimtabError: What the retriever raises, such as an unknown project.
        """
        begun = self.begin(question)
        if begun.refusal:
            return self.refuse(begun)
        with begun.watch.stage("generate") as stage:
            draft = self._generate(begun.question.text, begun.retrieved)
            stage.outcome = "fallback" if draft.notice else "ok"
            stage.facts = {"model": draft.model, "citations": len(draft.citations)}
        draft, blocked = self._screened(begun, draft)
        return self.finish(begun, draft, blocked=blocked)

    def begin(self, question: Question) -> "Begun":
        """Do everything that comes before the writing; raises what `answer` raises."""
        asked = checked(question)
        watch = Stopwatch(machine_clock(self._clock))
        refusal = self._refusal(asked, watch)
        if refusal:
            return Begun(asked, Retrieved(()), watch, refusal)
        with watch.stage("retrieve") as stage:
            retrieved = self._retriever.search(
                asked.project, asked.text, asked.top_k, labels=asked.labels
            )
            stage.outcome = "degraded" if retrieved.degraded_mode else "ok"
            stage.facts = {"passages": len(retrieved.passages), "cache_hit": retrieved.cache_hit}
        if self._screen is not None:
            with watch.stage("guard_passages") as stage:
                found = len(retrieved.passages)
                retrieved = self._screen.passages(retrieved)
                stage.outcome = "degraded" if retrieved.unjudged else "ok"
                stage.facts = {
                    "dropped": found - len(retrieved.passages),
                    "unjudged": retrieved.unjudged,
                }
        return Begun(asked, retrieved, watch)

    def finish(self, begun: "Begun", draft: Draft, *, blocked: bool = False) -> Answer:
        """Do everything that comes after the writing, and return the answer."""
        answer = replace(self._composed(begun.question, begun.retrieved, draft), blocked=blocked)
        self._finish(begun, draft, answer)
        return answer

    def refuse(self, begun: "Begun") -> Answer:
        """Return the answer to a question that a guard stopped; it is traced like any other."""
        draft = Draft(REFUSED, (), "none", 0.0, notice=begun.refusal)
        return self.finish(begun, draft, blocked=True)

    def _refusal(self, asked: Question, watch: Stopwatch) -> str:
        """Return why a guard stops the question; empty when it may be answered."""
        if self._screen is None:
            return ""
        with watch.stage("guard_question") as stage:
            outcome = self._screen.question(asked.text)
            stage.outcome = "ok" if outcome.allowed else "blocked"
            stage.facts = facts(outcome)
        return "" if outcome.allowed else outcome.reason

    def _screened(self, begun: "Begun", draft: Draft) -> tuple[Draft, bool]:
        """Return what may be shown and whether that is nothing: a model's blocked answer gives way to quotes."""
        if self._screen is None:
            return draft, False
        asked = begun.question.text
        with begun.watch.stage("guard_answer") as stage:
            outcome = self._screen.answer(asked, draft)
            stage.outcome = "ok" if outcome.allowed else "blocked"
            stage.facts = facts(outcome)
            if outcome.allowed:
                return draft, False
            quoted = self._fallback.generate(asked, begun.retrieved.passages)
            if draft.model != quoted.model and self._screen.answer(asked, quoted).allowed:
                stage.outcome = "fallback"
                return replace(quoted, usage=draft.usage, notice=outcome.reason), False
        return replace(
            draft, text=WITHHELD, citations=(), confidence=0.0, notice=outcome.reason
        ), True

    def _generate(self, question: str, retrieved: Retrieved) -> Draft:
        try:
            return self._generator.generate(question, retrieved.passages)
        except GeneratorUnavailable as error:
            _log.warning(
                "generator unavailable, answering extractively", extra={"reason": error.message}
            )
            draft = self._fallback.generate(question, retrieved.passages)
            return replace(draft, notice=error.message)

    def _composed(self, question: Question, retrieved: Retrieved, draft: Draft) -> Answer:
        now = self._clock.now()
        return Answer(
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
            notice=draft.notice,
        )

    def _finish(self, begun: "Begun", draft: Draft, answer: Answer) -> None:
        question, retrieved = begun.question, begun.retrieved
        trace = Trace(
            id=answer.trace_id,
            answer=self._screen.redacted(answer) if self._screen else redacted(answer),
            user_id=question.user_id,
            stages=tuple(begun.watch.stages),
            retrieved=tuple((p.chunk_id, p.score) for p in retrieved.passages),
            index_version=retrieved.index_version,
            input_tokens=draft.usage.input_tokens,
            output_tokens=draft.usage.output_tokens,
            top_k=question.top_k,
            cost_usd=draft.usage.cost_usd,
            labels=retrieved.labels,
            drill=in_drill(),
        )
        self._traces.keep(trace)
        facts = {
            "trace_id": trace.id,
            "project": answer.project,
            "found": answer.found,
            "blocked": answer.blocked,
            "degraded_mode": answer.degraded_mode,
            "cache_hit": answer.cache_hit,
            "model": answer.model,
            "confidence": answer.confidence,
            "grounding": grounding_of(trace) if answer.found else 0.0,
            "rejected": _made_up(trace.stages),
            "fallback": any(
                stage.name == "generate" and stage.outcome == "fallback" for stage in trace.stages
            ),
            "passages": len(trace.retrieved),
            "duration_ms": round(trace.duration_ms, 3),
        }
        self._events.publish(Event("answers.given", answer.created_at, answer.id, facts))


def _made_up(stages: Sequence[Stage]) -> bool:
    """Return whether the guards found a model's draft unsupported by its quotes.

    A text withheld for personal data, or quotes that no model wrote, say nothing about a model.
    """
    found = {stage.name: stage for stage in stages}
    written, judged = found.get("generate"), found.get("guard_answer")
    if written is None or judged is None or judged.outcome not in {"fallback", "blocked"}:
        return False
    verdicts = judged.facts.get("verdicts", {})
    unsupported = isinstance(verdicts, Mapping) and verdicts.get("hallucination") == Decision.BLOCK
    return unsupported and written.facts.get("model") != EXTRACTIVE
