"""Replay: asks past questions again with another configuration."""

from collections.abc import Sequence
from dataclasses import dataclass

from trimtab.answers.errors import BudgetExhausted
from trimtab.answers.records import Trace
from trimtab.evaluation.experiments.candidate import BudgetedCandidate, question_of
from trimtab.evaluation.experiments.pairs import (
    ExperimentVerdict,
    Pair,
    PairReport,
    pair,
    report,
)
from trimtab.kernel.errors import TrimtabError


@dataclass(frozen=True, slots=True)
class ReplayReport:
    """Changes that a switch to the configuration would bring."""

    name: str
    pairs: tuple[Pair, ...]
    errors: tuple[tuple[str, str], ...]
    """Trace ids with the code of what the configuration raised."""
    summary: PairReport
    stopped: str = ""
    """Why not all were asked: ``budget``."""

    @property
    def verdict(self) -> ExperimentVerdict:
        """Return ``worse`` when a question failed, else the verdict of the pairs."""
        return "worse" if self.errors else self.summary.verdict

    @property
    def changed(self) -> tuple[Pair, ...]:
        """Return the pairs whose answers differ, the greatest change first."""
        changed = [p for p in self.pairs if p.now.found != p.tried.found or not p.same_text]
        changed.sort(key=lambda p: (p.now.found == p.tried.found, p.shared_sources))
        return tuple(changed)


def replay(traces: Sequence[Trace], configuration: BudgetedCandidate) -> ReplayReport:
    """Ask the questions of these traces again and compare.

    The documents are those of today, so a trace from before a document changed may differ for that
    reason; compare the configuration with a replay of the present one when that matters.
    """
    pairs, errors, stopped = [], [], ""
    for trace in traces:
        try:
            pairs.append(pair(trace, configuration.trace(question_of(trace))))
        except BudgetExhausted:
            stopped = "budget"
            break
        except TrimtabError as error:
            errors.append((trace.id, error.code))
    return ReplayReport(configuration.name, tuple(pairs), tuple(errors), report(pairs), stopped)
