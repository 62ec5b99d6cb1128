"""Regression test of answers: the same cases before and now, in pairs."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from trimtab.evaluation.errors import BadQuestionSet
from trimtab.evaluation.offline.cases import EvaluationCase, Reply
from trimtab.evaluation.statistics import Interval, paired_interval
from trimtab.kernel.errors import TrimtabError

Ask = Callable[[str, str], Reply]
"""Asks a project a question."""


@dataclass(frozen=True, slots=True)
class EvalRun:
    """The scores of one run, in [0, 1], by case."""

    scores: Mapping[str, float]
    errors: Mapping[str, str]
    """Cases that ended in an error, with its code; they score 0."""

    @property
    def mean(self) -> float:
        """Return the mean score."""
        return sum(self.scores.values()) / len(self.scores)

    def save(self, file: Path) -> None:
        """Write it, wholly or not at all."""
        file.parent.mkdir(parents=True, exist_ok=True)
        temporary = file.with_suffix(".new")
        temporary.write_text(json.dumps(asdict(self), indent=1, sort_keys=True), encoding="utf-8")
        temporary.replace(file)

    @classmethod
    def load(cls, file: Path) -> "EvalRun":
        """Return a saved run, or raise `BadQuestionSet`."""
        try:
            row = json.loads(file.read_text(encoding="utf-8"))
            scores = {str(key): float(value) for key, value in row["scores"].items()}
            return cls(scores, dict(row.get("errors", {})))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise BadQuestionSet(
                f"{file} is not a saved run: {error!r}.", hint="Write one with --write-baseline."
            ) from error


def run(cases: Sequence[EvaluationCase], ask: Ask) -> EvalRun:
    """Ask every case and score what comes back."""
    scores: dict[str, float] = {}
    errors: dict[str, str] = {}
    for case in cases:
        try:
            scores[case.id] = round(case.score(ask(case.project, case.question)), 4)
        except TrimtabError as error:
            scores[case.id], errors[case.id] = 0.0, error.code
    return EvalRun(scores, errors)


def before(cases: Sequence[EvaluationCase]) -> EvalRun:
    """Return the scores that the traces behind the cases had when they were answered."""
    return EvalRun(
        {case.id: round(case.score(case.before), 4) for case in cases if case.before is not None},
        {},
    )


@dataclass(frozen=True, slots=True)
class Regression:
    """The comparison of two runs over the cases that both have."""

    blocked: bool
    reason: str
    difference: Interval
    """Now minus before."""
    margin: float
    worse: tuple[str, ...]
    """Cases that lost most, worst first; at most 50."""
    missing: int
    """Cases of the baseline that were not asked now."""
    errors: int

    def as_dict(self) -> dict[str, object]:
        """Return a JSON-serialisable dict."""
        return asdict(self)


def compare(now: EvalRun, baseline: EvalRun, margin: float = 0.02) -> Regression:
    """Return whether the answers got worse.

    It blocks on the lower bound of the 95 % interval, not on the mean: a release must show that it
    does not lose more than the margin, so a set too small to tell blocks as well. Cases that
    vanished block too: leaving out what fails would be the easiest improvement.
    """
    both = sorted(now.scores.keys() & baseline.scores.keys())
    differences = {key: now.scores[key] - baseline.scores[key] for key in both}
    interval = paired_interval(list(differences.values()))
    worse = sorted((key for key in both if differences[key] < 0), key=lambda key: differences[key])
    missing = len(baseline.scores.keys() - now.scores.keys())
    reason = _reason(interval, margin, missing)
    return Regression(
        bool(reason), reason, interval, margin, tuple(worse[:50]), missing, len(now.errors)
    )


def _reason(interval: Interval, margin: float, missing: int) -> str:
    if interval.low is None or interval.high is None:
        return "The runs have no case in common."
    if missing:
        return f"{missing} cases of the baseline were not asked."
    if interval.high < 0:
        return f"Answers got worse: the mean score changed by {interval.mean:+.3f}."
    if interval.low < -margin:
        return (
            f"It is not shown that answers lose less than {margin:g}: the lower bound is "
            f"{interval.low:+.3f} over {interval.n} cases."
        )
    return ""
