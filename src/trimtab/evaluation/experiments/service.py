"""Experiments: shadow mode, replay of past questions, the retrieval canary."""

from collections.abc import Mapping, Sequence

from trimtab.answers import TraceStore
from trimtab.evaluation.errors import BadExperiment
from trimtab.evaluation.experiments.candidate import CandidateFactory
from trimtab.evaluation.experiments.pairs import PairReport, report
from trimtab.evaluation.experiments.replay import ReplayReport, replay
from trimtab.evaluation.experiments.shadow import Shadow
from trimtab.evaluation.experiments.store import PairStore
from trimtab.evaluation.online.canary import Canary, CanaryProbe, CanaryReport


class Experiments:
    """Runs candidate configurations on real questions; no user sees their answers.

    Args:
        candidates: Builds them.
        traces: The questions that were asked.
        pairs: Results of shadow mode.
        shadow: The shadow configuration, if one is set.
        canary: The configured probes, if there are any.
    """

    def __init__(
        self,
        candidates: CandidateFactory,
        traces: TraceStore,
        pairs: PairStore,
        shadow: Shadow | None = None,
        canary: Canary | None = None,
    ) -> None:
        self._candidates = candidates
        self._traces = traces
        self._pairs = pairs
        self.shadow = shadow
        self._canary = canary

    def shadow_report(self, limit: int = 1_000) -> tuple[str, PairReport, Mapping[str, int]]:
        """Return the shadow's name, the report on its newest pairs, and its counts.

        Raises:
            BadExperiment: No shadow is configured.
        """
        if self.shadow is None:
            raise BadExperiment(
                "No shadow configuration runs.",
                hint="Set answers.shadow_set and answers.shadow_share, and start again.",
            )
        name = self.shadow.name
        return name, report(self._pairs.of(name, limit)), dict(self.shadow.counts)

    def replay(
        self, changes: Mapping[str, str], last: int, project: str | None = None
    ) -> ReplayReport:
        """Ask the newest questions again with changed settings.

        Args:
            changes: Of `TRIABLE`, by name without the section; none replays the present
                configuration.
            last: How many questions, 1 to 1,000.
            project: Only of this project.

        Raises:
            BadExperiment: A setting cannot be tried, or its value is wrong.
        """
        return replay(self._traces.recent(last, project), self._candidates.build(changes))

    def canary(self, probes: Sequence[CanaryProbe] = ()) -> CanaryReport:
        """Run these probes now, or those of ``answers.canary_file``.

        Raises:
            BadExperiment: There are neither.
        """
        canary = self._candidates.canary(probes) if probes else self._canary
        if canary is None:
            raise BadExperiment(
                "There are no probes.", hint="Give some, or set answers.canary_file."
            )
        return canary.run()
