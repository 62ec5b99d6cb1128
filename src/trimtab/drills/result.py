"""Progress reports and result of a drill."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from trimtab.kernel.operable import Realism


class DrillStage(StrEnum):
    """Stages of a drill, in order."""

    HEALTHY = "healthy"
    INJECTED = "injected"
    DETECTED = "detected"
    DIAGNOSED = "diagnosed"
    REPAIRED = "repaired"
    VERIFIED = "verified"
    RESTORED = "restored"


@dataclass(frozen=True, slots=True)
class Progress:
    """A stage that the drill has reached."""

    cause_id: str
    stage: DrillStage
    seconds: float
    """Seconds of the service's clock since the drill began."""
    text: str


@dataclass(frozen=True, slots=True)
class DrillWait:
    """The condition that a drill waits for; reported every few real seconds."""

    cause_id: str
    stage: DrillStage
    """The stage that is reached when the condition holds."""
    condition: str
    seconds: float
    """Seconds of the service's clock since this wait began."""
    machine_seconds: float
    """Real seconds since this wait began."""


@dataclass(frozen=True, slots=True)
class DrillResult:
    """Result of a drill."""

    cause_id: str
    realism: Realism
    """Realism of its faults; only a real drill lets the operator act without approval."""
    realism_reason: str = ""
    """Why it was simulated; empty for a real drill."""
    injected: bool = False
    detected: bool = False
    """An alert of the runbook opened an incident."""
    first_cause_right: bool = False
    """The first diagnosis named the cause that was injected."""
    repaired: bool = False
    """The fix of the cause worked; for a cause without a fix: a person was called."""
    verified: bool = False
    """The runbook's checks held and its alerts stayed quiet for their time."""
    restored: bool = False
    """Every fault was restored."""
    incident_id: str = ""
    problem: str = ""
    """The first problem; empty when the drill passed."""
    seconds: Mapping[str, float] = field(default_factory=dict)
    """Time of each stage, in seconds of the service's clock since the drill began."""

    @property
    def passed(self) -> bool:
        """Return whether the drill proves the runbook."""
        stages = (self.detected, self.first_cause_right, self.repaired, self.verified)
        return all((self.injected, *stages, self.restored))
