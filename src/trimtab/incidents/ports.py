"""Ports from the operator to the rules, the service and the handbook."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from trimtab.kernel.operable import Sample


@dataclass(frozen=True, slots=True)
class CheckJudgement:
    """Result of a check: it holds, does not hold, or is unknown."""

    holds: bool | None
    """None when the samples allow no answer: no series, or one that does not cover the window asked
    for.
    """
    reason: str = ""
    """Why the samples cannot tell; empty when they can."""
    samples: Sequence[Sample] = ()
    """The series for which it holds."""


class AlertMonitor(Protocol):
    """Evaluates checks and knows which alerts fire."""

    def judge(self, expression: str, *, drill: bool = False) -> CheckJudgement:
        """Return whether the PromQL expression holds now; unknown if samples are missing.

        With ``drill``, evaluates the series of drills where those are counted apart.
        Never raises because of samples; raises `ExpressionRefused` for an invalid check.
        """
        ...

    def evaluate(self, expression: str, *, drill: bool = False) -> Sequence[Sample]:
        """Return the series for which the PromQL expression holds; raise on an error."""
        ...

    def counts_drills_apart(self, alert: str) -> bool:
        """Return whether the alert's rule can tell drills from users."""
        ...

    def firing(self, fingerprint: str) -> bool:
        """Return whether the alert of that fingerprint fires now."""
        ...

    def sampled_since(self, at: datetime) -> bool:
        """Return whether samples have arrived since then and still arrive."""
        ...


ServiceProbe = Callable[[], None]
"""Sends one marked request of each kind, so that an idle service can be checked; may raise."""

Impact = Callable[[float], str]
"""Returns the impact on users in the last seconds; empty when unknown."""

Consult = Callable[[str], Sequence[str]]
"""Returns the handbook's passages about a situation, best first; empty when nothing fits."""
