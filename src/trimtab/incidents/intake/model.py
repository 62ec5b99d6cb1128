"""Records of received alerts and silences."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from trimtab.incidents.intake.fingerprint import fingerprint_of

DECLARED = "declared"
"""Source of the alert that stands for an incident which a person has declared."""
RULES = "rules"
"""Source of alerts of trimtab's own rules that were suppressed when they fired."""


class ReceivedState(StrEnum):
    """State of a received alert."""

    FIRING = "firing"
    RESOLVED = "resolved"
    """Its sender has said that it is over."""
    EXPIRED = "expired"
    """Its sender has stopped repeating it; whether it is over is unknown."""


@dataclass(frozen=True, slots=True)
class ReceivedAlert:
    """An alert as its sender wrote it, checked and bounded."""

    fingerprint: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    starts_at: datetime
    ends_at: datetime | None
    """When it ended or, if that is in the future, when it expires; None when it says nothing."""
    resolved: bool
    source: str
    """``alertmanager``, ``prometheus``, ``declared``, ``rules``, or the name of a webhook."""
    generator_url: str = ""
    group_labels: tuple[tuple[str, str], ...] = ()
    """The sender's own group, sorted; empty when trimtab groups it."""

    @property
    def name(self) -> str:
        """Return the alert's name."""
        return self.labels.get("alertname", "unnamed")

    def identified_by(self, labels: Mapping[str, str]) -> "ReceivedAlert":
        """Return a copy whose fingerprint is that of other labels."""
        return replace(self, fingerprint=fingerprint_of(labels))


@dataclass(frozen=True, slots=True)
class StoredAlert:
    """The record of an alert that was received at least once."""

    fingerprint: str
    name: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    source: str
    state: ReceivedState
    starts_at: datetime
    ends_at: datetime | None
    updated_at: datetime
    group_key: str
    generator_url: str = ""
    incident_id: str = ""
    """The incident that it last belonged to; empty before."""
    pending: bool = False
    """Whether its incident does not know yet what it has last said."""
    suppressed_by: tuple[str, ...] = ()
    """Silences, maintenance windows and fingerprints of inhibiting alerts, each with its kind."""
    changes: int = 0
    """How often it fired or ended within the flapping window."""
    changes_since: datetime | None = None
    flapping: bool = False
    """Whether it changes so often that it counts as firing until the hold time is over."""
    times: int = 1
    """How often it has fired in total."""

    @property
    def firing(self) -> bool:
        """Return whether it fires, as far as is known."""
        return self.state is ReceivedState.FIRING


@dataclass(frozen=True, slots=True)
class RefusedAlert:
    """An alert of a batch that was not accepted."""

    position: int
    """Its place in the batch, from 0."""
    reason: str


@dataclass(frozen=True, slots=True)
class Batch:
    """The alerts of one request."""

    alerts: tuple[ReceivedAlert, ...]
    refused: tuple[RefusedAlert, ...] = ()


@dataclass(frozen=True, slots=True)
class IntakeCounts:
    """Counts of the results of one request."""

    fired: int
    """New, or firing again."""
    repeated: int
    """Firing as before."""
    resolved: int
    unknown_resolved: int
    """Resolved without having fired; they open no incident."""
    refused: tuple[RefusedAlert, ...]


@dataclass(frozen=True, slots=True)
class Matcher:
    """A condition on one label, as Alertmanager writes it; a missing label is empty."""

    name: str
    value: str
    is_regex: bool = False
    is_equal: bool = True


class SilenceState(StrEnum):
    """State of a silence at an instant."""

    PENDING = "pending"
    ACTIVE = "active"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Silence:
    """Mutes the alerts that fulfil all its matchers, for a time."""

    id: str
    matchers: tuple[Matcher, ...]
    starts_at: datetime
    ends_at: datetime
    created_by: str
    comment: str
    updated_at: datetime
    maintenance: bool = False
    """A maintenance window: announced work, which the status page shows."""

    def state(self, now: datetime) -> SilenceState:
        """Return whether it is pending, active or expired."""
        if now >= self.ends_at:
            return SilenceState.EXPIRED
        return SilenceState.ACTIVE if now >= self.starts_at else SilenceState.PENDING
