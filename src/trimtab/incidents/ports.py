"""Ports from the operator to the rules, the service and the handbook."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from trimtab.incidents.model import Incident, IncidentAlert
from trimtab.incidents.rca import CauseRanking
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

    def judge(self, expression: str, *, drill: bool = False, process: str = "") -> CheckJudgement:
        """Return whether the PromQL expression holds now; unknown if samples are missing.

        With ``drill``, evaluates the series of drills where those are counted apart. With the id of
        another process of the fleet, evaluates the series of that one.
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


class OutsideAlerts(Protocol):
    """Knows the alerts that came from outside, and which alerts are silenced."""

    def firing(self, fingerprint: str) -> bool:
        """Return whether the alert of that fingerprint fires, as far as its sender has said."""
        ...

    def firing_in(self, incident_id: str) -> int:
        """Return the number of firing alerts from outside that belong to the incident."""
        ...

    def unknown_in(self, incident_id: str) -> bool:
        """Return whether a sender has stopped repeating an alert without ending it."""
        ...

    def silenced(self, incident_id: str, rules: Sequence[Mapping[str, str]]) -> bool:
        """Return whether every firing alert of the incident is silenced; False when none fires.

        Args:
            incident_id: The incident.
            rules: The labels of its firing alerts of trimtab's own rules.
        """
        ...


class HeldAlerts(Protocol):
    """Holds back the alerts of trimtab's own rules that are silenced."""

    def mutes(self, alert: IncidentAlert) -> bool:
        """Return whether a silence or maintenance window mutes the alert."""
        ...

    def hold(self, alert: IncidentAlert) -> None:
        """Keep the alert, to report it when it is no longer muted."""
        ...

    def release(self, fingerprint: str, at: datetime) -> None:
        """Forget a held alert that is over."""
        ...


class NoOutsideAlerts:
    """Outside alerts of an operator that receives none."""

    def firing(self, _fingerprint: str) -> bool:
        """Return False: none is received."""
        return False

    def firing_in(self, _incident_id: str) -> int:
        """Return 0: none is received."""
        return 0

    def unknown_in(self, _incident_id: str) -> bool:
        """Return False: none is received."""
        return False

    def silenced(self, _incident_id: str, _rules: Sequence[Mapping[str, str]]) -> bool:
        """Return False: none is received."""
        return False


class OnCallPeople(Protocol):
    """Knows who is on call."""

    def person_for(self, role: str, now: datetime) -> str:
        """Return the person who is on call for a role of a ladder; empty when no one is known."""
        ...


class NobodyOnCall:
    """On-call schedules of an operator that has none."""

    def person_for(self, _role: str, _now: datetime) -> str:
        """Return the empty text."""
        return ""


ServiceProbe = Callable[[], None]
"""Sends one marked request of each kind, so that an idle service can be checked; may raise."""

History = Callable[[IncidentAlert], Mapping[str, str]]
"""Returns what a metrics server knows about an outside alert, by expression."""

Ranking = Callable[[Incident], CauseRanking]
"""Ranks the nodes of an incident's system as causes, or abstains."""

Impact = Callable[[float], str]
"""Returns the impact on users in the last seconds; empty when unknown."""

Consult = Callable[[str], Sequence[str]]
"""Returns the handbook's passages about a situation, best first; empty when nothing fits."""
