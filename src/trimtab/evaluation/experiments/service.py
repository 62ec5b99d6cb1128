"""Another configuration on real questions: shadow mode beside the traffic, replay of what was asked, the canary."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from trimtab.answers.budgets import Budget
from trimtab.answers.errors import BadTrial
from trimtab.answers.generators import generators
from trimtab.answers.records import Question, Trace
from trimtab.answers.stages import FirstAvailable
from trimtab.evaluation.experiments import (
    PairReport,
    Rehearsal,
    ReplayReport,
    Shadow,
    replay,
    report,
)
from trimtab.evaluation.experiments.shadow import ShadowRules
from trimtab.evaluation.online.canary import Canary, CanaryReport, Probe, read_probes
from trimtab.infra.settings import load
from trimtab.infra.settings.sections.answers import AnswersSettings
from trimtab.kernel.errors import Misconfigured

if TYPE_CHECKING:
    from trimtab.answers.service import AnswerService

_log = logging.getLogger(__name__)
TRIABLE = (
    "generator",
    "generator_model",
    "max_sentences",
    "top_k",
    "generator_timeout_seconds",
    "generation_deadline_seconds",
)
"""What may be tried. Addresses and keys may not: a trial would send questions and a key wherever its caller says."""
_WORST_USD = 0.01
"""What one answer of a paid model is reserved with."""


@dataclass(frozen=True, slots=True)
class Funded:
    """A rehearsal whose every question is reserved in a budget first."""

    inner: Rehearsal
    budget: Budget
    worst_usd: float

    @property
    def name(self) -> str:
        """The inner one's."""
        return self.inner.name

    def trace(self, question: Question) -> Trace:
        """Return the inner trace, or raise `BudgetExhausted`."""
        reservation = self.budget.reserve(self.worst_usd)
        spent = self.worst_usd
        try:
            tried = self.inner.trace(question)
            spent = tried.cost_usd
            return tried
        finally:
            self.budget.settle(reservation, spent)


class Trials:
    """Tries configurations of one answer service. Nothing that is tried is seen by an asker.

    Args:
        service: Whose settings, retriever, guards and traces are used.

    Raises:
        BadTrial: ``answers.shadow_set`` is no configuration.
        BadEvaluationSet: ``answers.canary_file`` cannot be read.
    """

    def __init__(self, service: "AnswerService") -> None:
        self._service = service
        settings = service.settings
        self.shadow: Shadow | None = None
        if settings.shadow_share > 0 and settings.shadow_set:
            candidate, worst = self._candidate(parsed(settings.shadow_set))
            rules = ShadowRules(settings.shadow_share, worst)
            self.shadow = Shadow(
                candidate,
                service.traces,
                service.pairs,
                service.shadow_budget,
                rules,
                service.ground.clock,
            )
            service.ground.events.subscribe("answers.given", self.shadow.heard)
        if settings.canary_file:
            probes = read_probes(Path(settings.canary_file))
            service.watch.canary = Canary(service.routing, probes, settings.top_k)

    def start(self) -> None:
        """Work through the shadow's questions in the background."""
        if self.shadow is not None:
            self.shadow.start()

    def close(self) -> None:
        """Stop."""
        if self.shadow is not None:
            self.shadow.close()

    def shadow_report(self, limit: int = 1_000) -> tuple[str, PairReport, Mapping[str, int]]:
        """Return the shadow's configuration, what its newest pairs say, and what became of its questions.

        Raises:
            BadTrial: No shadow is configured.
        """
        if self.shadow is None:
            raise BadTrial(
                "No shadow configuration runs.",
                hint="Set answers.shadow_set and answers.shadow_share, and start again.",
            )
        name = _name(parsed(self._service.settings.shadow_set))
        return name, report(self._service.pairs.of(name, limit)), dict(self.shadow.counts)

    def replay(
        self, changes: Mapping[str, str], last: int, project: str | None = None
    ) -> ReplayReport:
        """Ask the newest questions again of the present configuration with these changes.

        Args:
            changes: Of `TRIABLE`, by name without the section; none replays the present configuration.
            last: How many questions, 1 to 1,000.
            project: Only of this project.

        Raises:
            BadTrial: A name cannot be tried, or its value is wrong.
        """
        candidate, worst = self._candidate(changes)
        funded = Funded(candidate, self._service.shadow_budget, worst)
        return replay(self._service.traces.recent(last, project), funded)

    def canary(self, probes: Sequence[Probe] = ()) -> CanaryReport:
        """Ask these probes now, or those of ``answers.canary_file``.

        Raises:
            BadTrial: There are neither.
        """
        canary = self._service.watch.canary
        if probes:
            canary = Canary(self._service.routing, probes, self._service.settings.top_k)
        if canary is None:
            raise BadTrial("There are no probes.", hint="Give some, or set answers.canary_file.")
        return canary.run()

    def _candidate(self, changes: Mapping[str, str]) -> tuple[Rehearsal, float]:
        service = self._service
        settings = _changed(service.settings, changes)
        models = FirstAvailable(generators(settings, service.deadlines, None), service.ground.clock)
        worst = 0.0 if models.names == ("extractive",) else _WORST_USD
        return Rehearsal(
            _name(changes),
            service.routing,
            models,
            service.ground.clock,
            service.screen,
            settings.top_k if "top_k" in changes else None,
        ), worst


def parsed(text: str) -> dict[str, str]:
    """Return the changes of ``name=value,name=value``; raises `BadTrial`."""
    changes = dict[str, str]()
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        name, equals, value = part.partition("=")
        if not equals:
            raise BadTrial(f"{part!r} is no name=value.")
        changes[name.strip().removeprefix("answers.")] = value.strip()
    return changes


def _changed(settings: AnswersSettings, changes: Mapping[str, str]) -> AnswersSettings:
    unknown = sorted(set(changes) - set(TRIABLE))
    if unknown:
        raise BadTrial(
            f"{', '.join(unknown)} cannot be tried.", hint=f"Choose from: {', '.join(TRIABLE)}."
        )
    try:
        flags = {f"answers.{name}": value for name, value in changes.items()}
        read: Callable[[str], object] = load(flags=flags, environment={}).answers.__getattribute__
    except Misconfigured as error:
        raise BadTrial(error.message, hint=error.hint()) from error
    return replace(settings, **{name: read(name) for name in changes})  # type: ignore[arg-type]


def _name(changes: Mapping[str, str]) -> str:
    text = ",".join(f"{name}={value}" for name, value in sorted(changes.items()))
    return text[:100] or "as it is"
