"""A configuration that answers without leaving anything: no kept trace, no event, nothing for the asker."""

from dataclasses import dataclass, replace

from trimtab.answers.generate import Generator
from trimtab.answers.pipeline import Answers, Retriever
from trimtab.answers.records import Question, Trace
from trimtab.answers.screening import Screen
from trimtab.answers.traces import RecentTraces
from trimtab.kernel.clock import Clock
from trimtab.kernel.events import Events


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """Another retriever, generator or both, under a name.

    Thread-safe: each question has its own pipeline.
    """

    name: str
    retriever: Retriever
    generator: Generator
    clock: Clock
    screen: Screen | None = None
    top_k: int | None = None
    """How many passages it looks at; None as many as the trace did."""

    def trace(self, question: Question) -> Trace:
        """Return the trace of what this configuration would answer; raises what `Answers.answer` raises."""
        traces = RecentTraces(1)
        answers = Answers(self.retriever, self.generator, traces, self.clock, Events(), self.screen)
        if self.top_k is not None:
            question = replace(question, top_k=self.top_k)
        return traces.find(answers.answer(question).trace_id)


def question_of(trace: Trace) -> Question:
    """Return the question of a trace, without its user: what is tried belongs to nobody."""
    return Question(trace.answer.project, trace.answer.question, trace.top_k)
