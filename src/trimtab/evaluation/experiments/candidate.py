"""Candidate configurations: answer a question without storing a trace or publishing an event."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from trimtab.answers.budgets import Budget
from trimtab.answers.generation import FallbackGenerator
from trimtab.answers.generators import configured_generators
from trimtab.answers.pipeline import AnswerPipeline
from trimtab.answers.records import EXTRACTIVE, Question, Trace
from trimtab.answers.service import AnswerService
from trimtab.evaluation.errors import BadExperiment
from trimtab.evaluation.online.canary import Canary, CanaryProbe
from trimtab.infra.settings import load
from trimtab.infra.settings.sections.answers import AnswersSettings
from trimtab.kernel.errors import Misconfigured

TRIABLE = (
    "generator",
    "generator_model",
    "max_sentences",
    "top_k",
    "generator_timeout_seconds",
    "generation_deadline_seconds",
)
"""Settings that a candidate may change; addresses and keys would leak questions and secrets."""
WORST_USD = 0.01
"""What is reserved for one answer of a paid model."""


@dataclass(frozen=True, slots=True)
class CandidatePipeline:
    """A pipeline under a name. Thread-safe."""

    name: str
    pipeline: AnswerPipeline
    top_k: int | None = None
    """The number of passages; None takes that of the question."""

    def trace(self, question: Question) -> Trace:
        """Return the trace of the candidate's answer; raises as `AnswerPipeline.answer`."""
        if self.top_k is not None:
            question = replace(question, top_k=self.top_k)
        return self.pipeline.answer(question).trace


@dataclass(frozen=True, slots=True)
class BudgetedCandidate:
    """A candidate whose every question is first reserved in a budget."""

    inner: CandidatePipeline
    budget: Budget
    worst_usd: float = WORST_USD

    @property
    def name(self) -> str:
        """The candidate's name."""
        return self.inner.name

    def trace(self, question: Question) -> Trace:
        """Return the candidate's trace, or raise `BudgetExhausted`."""
        with self.budget.reserved(self.worst_usd) as bill:
            tried = self.inner.trace(question)
            bill.cost_usd = tried.cost_usd
            return tried


class CandidateFactory:
    """Builds candidates from changed settings of one answer service.

    Args:
        answers: Whose settings, retriever and guards the candidates share; its shadow budget pays
            for them.
    """

    def __init__(self, answers: AnswerService) -> None:
        self._answers = answers

    def build(self, changes: Mapping[str, str]) -> BudgetedCandidate:
        """Return the present configuration with these changes.

        Raises:
            BadExperiment: A setting cannot be tried, or its value is wrong.
        """
        answers, clock = self._answers, self._answers.context.clock
        settings = apply_changes(answers.settings, changes)
        generators = configured_generators(settings, answers.deadlines, None)
        models = FallbackGenerator(generators, clock)
        pipeline = AnswerPipeline(answers.retrieval, models, clock, answers.guards)
        top_k = settings.top_k if "top_k" in changes else None
        candidate = CandidatePipeline(name_of(changes), pipeline, top_k)
        worst = 0.0 if models.names == (EXTRACTIVE,) else WORST_USD
        return BudgetedCandidate(candidate, answers.shadow_budget, worst)

    def canary(self, probes: Sequence[CanaryProbe]) -> Canary:
        """Return a canary that asks these probes of the present retriever."""
        return Canary(self._answers.retrieval, probes, self._answers.settings.top_k)


def question_of(trace: Trace) -> Question:
    """Return the question of a trace, without its user."""
    return Question(trace.answer.project, trace.answer.question, trace.top_k)


def parse_changes(text: str) -> dict[str, str]:
    """Return the changes of ``name=value,name=value``; raises `BadExperiment`."""
    changes = dict[str, str]()
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        name, equals, value = part.partition("=")
        if not equals:
            raise BadExperiment(f"Expected name=value, got {part!r}.")
        changes[name.strip().removeprefix("answers.")] = value.strip()
    return changes


def apply_changes(settings: AnswersSettings, changes: Mapping[str, str]) -> AnswersSettings:
    """Return the settings with these changes; raises `BadExperiment`."""
    unknown = sorted(set(changes) - set(TRIABLE))
    if unknown:
        raise BadExperiment(
            f"{', '.join(unknown)} cannot be tried.", hint=f"Choose from: {', '.join(TRIABLE)}."
        )
    try:
        flags = {f"answers.{name}": value for name, value in changes.items()}
        section = load(flags=flags, environment={}).answers
    except Misconfigured as error:
        raise BadExperiment(error.message, hint=error.hint()) from error
    return replace(settings, **{name: getattr(section, name) for name in changes})


def name_of(changes: Mapping[str, str]) -> str:
    """Return a name for the changes, at most 100 characters."""
    text = ",".join(f"{name}={value}" for name, value in sorted(changes.items()))
    return text[:100] or "as it is"
