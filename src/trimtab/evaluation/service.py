"""Facade of the evaluation domain: online monitoring and experiments."""

from datetime import timedelta
from pathlib import Path

from trimtab.answers.service import DRILL_ENDED, AnswerService
from trimtab.evaluation.experiments import CandidateFactory, PairStore, Shadow
from trimtab.evaluation.experiments.candidate import parse_changes
from trimtab.evaluation.experiments.service import Experiments
from trimtab.evaluation.online import Canary, QualityMonitor, SampleStore
from trimtab.evaluation.online.canary import read_probes
from trimtab.evaluation.online.quality_monitor import MonitoredStores, QuestionEmbedder
from trimtab.kernel.events import Event
from trimtab.kernel.personal_data import Erasable, ErasureStep
from trimtab.kernel.tasks import Task


class EvaluationService:
    """Monitors the answers of a service and runs experiments on its questions.

    Args:
        answers: The service.
        embedder: Makes vectors of questions; None leaves similarity and drift out.

    Raises:
        BadTrial: ``answers.shadow_set`` is not a valid configuration.
        BadEvaluationSet: ``answers.canary_file`` cannot be read.
    """

    def __init__(self, answers: AnswerService, embedder: QuestionEmbedder | None = None) -> None:
        settings, context = answers.settings, answers.context
        self.samples, self.pairs = SampleStore(context.database), PairStore(context.database)
        candidates = CandidateFactory(answers)
        canary: Canary | None = None
        if settings.canary_file:
            canary = candidates.canary(read_probes(Path(settings.canary_file)))
        self.monitor = QualityMonitor(
            MonitoredStores(answers.traces, answers.feedback, self.samples),
            context.clock,
            timedelta(minutes=settings.watch_window_minutes),
            embedder,
            canary,
        )
        shadow: Shadow | None = None
        if settings.shadow_share > 0 and settings.shadow_set:
            candidate = candidates.build(parse_changes(settings.shadow_set))
            shadow = Shadow(
                candidate, answers.traces, self.pairs, settings.shadow_share, context.clock
            )
            context.events.subscribe("answers.given", shadow.on_answer)
        context.events.subscribe(DRILL_ENDED, self._forget_drill)
        self.experiments = Experiments(candidates, answers.traces, self.pairs, shadow, canary)

    def personal_data(self) -> tuple[Erasable, ...]:
        """Return the erasure steps of this domain.

        They run after those of answers: neither a sample nor a pair is added for a trace that is
        gone.
        """
        return (
            ErasureStep("answers.samples", self.samples.count_user, self.samples.forget_user),
            ErasureStep("answers.shadow_pairs", self.pairs.count_user, self.pairs.forget_user),
        )

    def _forget_drill(self, event: Event) -> None:
        """Delete what the questions of a drill have left."""
        self.samples.forget_user(event.subject)
        self.pairs.forget_user(event.subject)

    def start(self) -> None:
        """Start the monitor and the shadow in the background."""
        self.monitor.start()
        if self.experiments.shadow is not None:
            self.experiments.shadow.start()

    def close(self) -> None:
        """Stop the monitor and the shadow."""
        if self.experiments.shadow is not None:
            self.experiments.shadow.close()
        self.monitor.close()

    @property
    def tasks(self) -> tuple[Task, ...]:
        """The background tasks."""
        shadow = self.experiments.shadow
        return (self.monitor.task, *((shadow.task,) if shadow else ()))
