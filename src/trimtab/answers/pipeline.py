"""The path of a question: check, retrieve, generate, cite, trace. No stage calls back up."""

import logging
from dataclasses import dataclass, replace
from typing import Protocol

from trimtab.answers.errors import GeneratorUnavailable
from trimtab.answers.extractive import ExtractiveGenerator
from trimtab.answers.generate import Draft, Generator
from trimtab.answers.question import checked
from trimtab.answers.records import Answer, Question, Retrieved, Trace
from trimtab.answers.stopwatch import Stopwatch
from trimtab.kernel.clock import Clock
from trimtab.kernel.events import Event, Events
from trimtab.kernel.ids import new_id

_log = logging.getLogger(__name__)


class Retriever(Protocol):
    """Finds passages."""

    def search(self, project: str, query: str, top_k: int) -> Retrieved:
        """Return at most ``top_k`` passages of the project, best first."""
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


class Answers:
    """Answers questions from documents.

    Args:
        retriever: Finds the passages.
        generator: Writes the answer; when it is unavailable the extractive one does, and the answer says so.
        traces: Keeps how each answer came about.
        clock: Stamps and times.
        events: Told ``answers.given`` after each answer.
    """

    def __init__(
        self,
        retriever: Retriever,
        generator: Generator,
        traces: TraceKeeper,
        clock: Clock,
        events: Events,
    ) -> None:
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
        with begun.watch.stage("generate") as stage:
            draft = self._generate(begun.question.text, begun.retrieved)
            stage.outcome = "fallback" if draft.notice else "ok"
            stage.facts = {"model": draft.model, "citations": len(draft.citations)}
        return self.finish(begun, draft)

    def begin(self, question: Question) -> "Begun":
        """Do everything that comes before the writing; raises what `answer` raises."""
        asked = checked(question)
        watch = Stopwatch(self._clock)
        with watch.stage("retrieve") as stage:
            retrieved = self._retriever.search(asked.project, asked.text, asked.top_k)
            stage.outcome = "degraded" if retrieved.degraded_mode else "ok"
            stage.facts = {"passages": len(retrieved.passages), "cache_hit": retrieved.cache_hit}
        return Begun(asked, retrieved, watch)

    def finish(self, begun: "Begun", draft: Draft) -> Answer:
        """Do everything that comes after the writing, and return the answer."""
        answer = self._composed(begun.question, begun.retrieved, draft)
        self._finish(begun, draft, answer)
        return answer

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
            answer=answer,
            user_id=question.user_id,
            stages=tuple(begun.watch.stages),
            retrieved=tuple((p.chunk_id, p.score) for p in retrieved.passages),
            index_version=retrieved.index_version,
            input_tokens=draft.usage.input_tokens,
            output_tokens=draft.usage.output_tokens,
            top_k=question.top_k,
            cost_usd=draft.usage.cost_usd,
        )
        self._traces.keep(trace)
        facts = {
            "trace_id": trace.id,
            "project": answer.project,
            "found": answer.found,
            "degraded_mode": answer.degraded_mode,
            "cache_hit": answer.cache_hit,
            "model": answer.model,
            "confidence": answer.confidence,
            "blocked": answer.blocked,
            "fallback": any(stage.outcome == "fallback" for stage in trace.stages),
            "passages": len(trace.retrieved),
            "duration_ms": round(trace.duration_ms, 3),
        }
        self._events.publish(Event("answers.given", answer.created_at, answer.id, facts))
