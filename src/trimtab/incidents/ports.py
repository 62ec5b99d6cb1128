"""What the operator needs from the rest of the house."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from trimtab.kernel.operable import Sample


@dataclass(frozen=True, slots=True)
class CheckJudgement:
    """The answer to a check: it holds, it does not hold, or the samples cannot tell."""

    holds: bool | None
    """None when the samples allow no answer: no series, or one that does not cover the window asked for."""
    reason: str = ""
    """Why the samples cannot tell; empty when they can."""
    samples: Sequence[Sample] = ()
    """The series for which it holds."""


class AlertMonitor(Protocol):
    """The rule evaluator."""

    def judge(self, expression: str, *, drill: bool = False) -> CheckJudgement:
        """Return whether the PromQL expression holds now, does not hold, or cannot be told from the samples.

        Of users, or of drills where those are counted apart.
        Never raises because of what was sampled; `ExpressionRefused` for what is no check.
        """
        ...

    def evaluate(self, expression: str, *, drill: bool = False) -> Sequence[Sample]:
        """Return the series for which the PromQL expression holds now; raise when it cannot be evaluated."""
        ...

    def counts_drills_apart(self, alert: str) -> bool:
        """Return whether the rule of that alert reads series in which drills are counted apart."""
        ...

    def firing(self, fingerprint: str) -> bool:
        """Return whether the alert of that fingerprint fires now."""
        ...

    def sampled_since(self, at: datetime) -> bool:
        """Return whether samples have arrived since then and still arrive: older ones prove nothing."""
        ...


class ServiceProbe(Protocol):
    """Uses the service as its callers do, marked as trimtab's own, so that an idle service can be judged."""

    def __call__(self) -> None:
        """Send one request of each kind; may raise."""
        ...


class Impact(Protocol):
    """Measures what users met."""

    def __call__(self, seconds: float) -> str:
        """Return what users met in the last seconds; empty when the samples cannot tell."""
        ...


class Consult(Protocol):
    """Searches the handbook for what is known about a situation."""

    def __call__(self, question: str) -> Sequence[str]:
        """Return the best passages, best first; empty when nothing fits."""
        ...
