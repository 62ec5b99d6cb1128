"""What a drill reports, while it runs and at its end."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from trimtab.kernel.operable import Realism


class DrillStage(StrEnum):
    """The stages of a drill, in their order."""

    HEALTHY = "healthy"
    INJECTED = "injected"
    DETECTED = "detected"
    DIAGNOSED = "diagnosed"
    REPAIRED = "repaired"
    VERIFIED = "verified"
    RESTORED = "restored"


@dataclass(frozen=True, slots=True)
class Progress:
    """A stage that was reached."""

    cause_id: str
    stage: DrillStage
    seconds: float
    """Of the service's clock, since the drill began."""
    text: str


@dataclass(frozen=True, slots=True)
class DrillWait:
    """What a drill waits for; reported every few seconds of the machine."""

    cause_id: str
    stage: DrillStage
    """The stage that is reached when the condition holds."""
    condition: str
    seconds: float
    """Of the service's clock, since this wait began."""
    machine_seconds: float
    """Of the machine, since this wait began."""


@dataclass(frozen=True, slots=True)
class DrillResult:
    """How a drill went."""

    cause_id: str
    realism: Realism
    """How real its faults were; only a real drill lets the operator act without approval."""
    realism_reason: str = ""
    """Why it was simulated; empty for a real one."""
    injected: bool = False
    detected: bool = False
    """An alert of the runbook opened an incident."""
    first_cause_right: bool = False
    """The first diagnosis named the cause that was brought about."""
    repaired: bool = False
    """The cause's own fix worked; for a cause that only a person can repair: a person was called."""
    verified: bool = False
    """The runbook's checks held and its alerts stayed quiet for their time."""
    restored: bool = False
    """Every fault was put back."""
    incident_id: str = ""
    problem: str = ""
    """What went wrong first; empty when it passed."""
    seconds: Mapping[str, float] = field(default_factory=dict)
    """When each stage was reached: seconds of the service's clock since the drill began."""

    @property
    def passed(self) -> bool:
        """Return whether the drill proves the runbook."""
        stages = (self.detected, self.first_cause_right, self.repaired, self.verified)
        return all((self.injected, *stages, self.restored))
