"""Records of incidents; all are frozen and stored as JSON."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field

from trimtab.incidents.state import State

PROPOSED = "proposed-plan"
"""Stands for the cause of a plan that was proposed, in place of a runbook's cause."""


class IncidentSeverity(StrEnum):
    """Severity of an incident; labels of all sources are mapped to this scale."""

    P0 = "P0"
    """Complete service outage, data loss risk."""
    P1 = "P1"
    """Major feature degradation, under half the capacity."""
    P2 = "P2"
    """Minor feature degradation, performance issues."""
    P3 = "P3"
    """Cosmetic issues, notable events."""


@dataclass(frozen=True, slots=True)
class IncidentAlert:
    """A firing alert, as the rules or Alertmanager report it."""

    fingerprint: str
    """Of its name and labels; the same condition has the same fingerprint each time."""
    name: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    value: float
    """Finite; 0 when the rule's value is not."""
    fired_at: datetime
    pending_seconds: float = 0.0
    """Seconds that the condition held before the alert fired; a return would take as long."""
    source: str = ""
    """Who sent it from outside, such as ``alertmanager``; empty for trimtab's own rules."""
    expression: str = ""
    """The PromQL of its rule, if its sender has told it."""


@dataclass(frozen=True, slots=True)
class AttachedAlert:
    """An alert that belongs to an incident."""

    alert: IncidentAlert
    firing: bool
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class EvidenceFinding:
    """Result of one check at one instant."""

    expression: str
    holds: bool | None
    """None when it could not be evaluated."""
    values: tuple[float, ...] = ()
    """Finite ones of the first series that hold, at most five."""
    error: str = ""
    features: tuple[str, ...] = ()
    """Labels ``feature`` of the series that hold, at most five."""


@dataclass(frozen=True, slots=True)
class CauseCandidate:
    """A possible cause with its evidence and confidence."""

    cause_id: str
    title: str
    nature: str
    confidence: float
    """In [0, 1]; the confidences of all candidates and of "none of them" sum to 1."""
    supported: bool
    """Every piece of evidence holds."""
    findings: tuple[EvidenceFinding, ...]
    excluded_because: str = ""
    """Why it may not be repaired: tried before, barred, or without an automatic fix."""


@dataclass(frozen=True, slots=True)
class Change:
    """A recent change by a person or a deployment."""

    at: str
    actor: str
    action: str
    subject: str


@dataclass(frozen=True, slots=True)
class Similar:
    """A resolved incident that is similar to this one."""

    incident_id: str
    score: float
    """Cosine similarity in [0, 1]."""
    cause_id: str
    root_cause: str
    resolution: str


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Ranked causes of an incident, with their evidence."""

    at: datetime
    cause_id: str
    """Empty when it abstains."""
    root_cause: str
    confidence: float
    candidates: tuple[CauseCandidate, ...]
    """The most likely first."""
    recommended: tuple[str, ...]
    """The commands of the fix, as a person would type them."""
    gathered: Mapping[str, str]
    changes: tuple[Change, ...]
    similar: tuple[Similar, ...]
    consulted: tuple[str, ...]
    """Passages of the handbook, when no runbook fits."""
    abstained_because: str = ""


@dataclass(frozen=True, slots=True)
class PlannedAct:
    """An act of a plan with the result of its dry run."""

    name: str
    arguments: Mapping[str, Any]
    risk: str
    dry_run: str
    """Summary of the dry run."""
    effect: str = "unknown"
    """``reversible``, ``repeatable`` or ``irreversible``."""
    changes: bool = True
    """Whether the dry run would change anything."""
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Plan:
    """The acts that repair a cause, and whether they need approval."""

    cause_id: str
    runbook_id: str
    acts: tuple[PlannedAct, ...]
    hash: str
    """Binds an approval to exactly this incident, page, acts, dry run and evidence."""
    blast_radius: str
    approval_because: tuple[str, ...]
    """Why a person must approve; empty when the plan runs automatically."""
    proposed_by: str = ""
    """Who proposed it, a person or an agent; empty for a plan that trimtab made from a runbook."""
    proposed_cause: str = ""
    """The cause as the proposer states it."""

    @property
    def actor(self) -> str:
        """Return in whose name its acts run."""
        return f"proposal:{self.proposed_by}" if self.proposed_by else f"runbook:{self.runbook_id}"


@dataclass(frozen=True, slots=True)
class DoneAct:
    """An act of the plan that has run."""

    name: str
    summary: str
    undo_arguments: Mapping[str, Any] | None
    undone: bool = False
    """Its undo was tried, or there was nothing to undo."""
    undo_failed: bool = False
    changed: bool = True
    """False when it changed nothing or was skipped because it would have changed nothing."""


class AttemptOutcome(StrEnum):
    """Outcome of an attempt to repair a cause."""

    WORKED = "worked"
    DID_NOT_HELP = "did_not_help"
    ACT_FAILED = "act_failed"
    TIMED_OUT = "timed_out"
    """An act did not end within its time limit; its effect is unknown."""
    CHANGED_NOTHING = "changed_nothing"
    """No act of the fix would change, or has changed, anything."""
    NOT_VERIFIED = "not_verified"
    """The acts ran and the samples could not tell whether they helped."""
    NOT_PLANNABLE = "not_plannable"
    REJECTED = "rejected"
    NOT_ANSWERED = "not_answered"


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt to repair a cause."""

    episode: Annotated[int, Field(alias="opening")]
    """Number of the episode in which it was tried; stored and sent as ``opening``."""
    cause_id: str
    outcome: AttemptOutcome
    at: datetime
    reason: str = ""
    """Why it could not be planned, and what a person does instead; empty for other outcomes."""


@dataclass(frozen=True, slots=True)
class Watch:
    """Progress of a verification."""

    started_at: datetime
    healthy_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """A person works on it: no one is paged until it ends."""

    by: str
    at: datetime
    """When that person did so first."""
    until: datetime


@dataclass(frozen=True, slots=True)
class FollowUp:
    """Something to do after the incident."""

    id: str
    text: str
    created_by: str
    created_at: datetime
    owner: str = ""
    done_by: str = ""
    done_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Episode:
    """State of an incident since it was opened or last reopened."""

    number: Annotated[int, Field(alias="opening")]
    """1 for the first; a reopened incident starts the next one. Stored and sent as ``opening``."""
    opened_at: datetime
    triaged_at: datetime | None = None
    diagnosed_at: datetime | None = None
    remediation_at: datetime | None = None
    restored_at: datetime | None = None
    resolved_at: datetime | None = None
    diagnosis: Diagnosis | None = None
    plan: Plan | None = None
    approved_by: str = ""
    """Key name of the person who approved the current plan; empty when it runs automatically."""
    done: tuple[DoneAct, ...] = ()
    watch: Watch | None = None
    called: tuple[str, ...] = ()
    """Roles that the escalation ladder has called."""
    held_back: tuple[str, ...] = ()
    """Roles whose time came while every firing alert was silenced."""
    passed_over: tuple[str, ...] = ()
    """Roles that were not called, because a later rung was due when calls were allowed again."""
    conditions: tuple[str, ...] = ()
    """Escalation checks of the runbooks that have held."""
    root_cause: str = ""
    """The title of the most likely cause; see `Incident.cause_status` for how sure it is."""
    cause_verified: bool = False
    """The fix of that cause changed something, and its checks held afterwards."""
    resolution: str = ""
    escalated_at: datetime | None = None
    """When it was first handed over to people; from then on every plan needs approval."""
    closed_by: str = ""
    """The person who closed it; empty when the checks or the quiet alerts did."""
    impact: str = ""
    """What users noticed, as measured at the end; empty when it was not measured."""
    postmortem: str = ""
    acknowledged: Acknowledgement | None = None
    """The newest acknowledgement; it may be over."""
    assigned_to: str = ""
    """The person who is responsible; empty for no one."""
    taken_over_by: str = ""
    """The person who works on it instead of trimtab; empty while trimtab may plan and act."""
    severity_set_at: datetime | None = None
    """When a person set the severity; alerts that fired before do not raise it any more."""
    cause_stated: str = ""
    """The cause as the person has stated it who resolved the incident."""

    def acknowledged_at(self, now: datetime) -> bool:
        """Return whether a person has acknowledged it and that is not over."""
        return self.acknowledged is not None and now < self.acknowledged.until


_EPISODE_FIELDS = frozenset(each.name for each in fields(Episode))


@dataclass(frozen=True, slots=True)
class Incident:
    """An incident without its journal."""

    id: str
    """``INC-YYYY-MMDD``, with ``-2``, ``-3`` ... for more on the same day."""
    state: State
    state_since: datetime
    title: str
    component: str
    group_key: str
    alerts: tuple[AttachedAlert, ...]
    episode: Episode
    severity: IncidentSeverity = IncidentSeverity.P2
    native_severity: str = ""
    system: str = "KB"
    ladder: str = "knowledge"
    runbooks: tuple[str, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    """Of all episodes, the oldest first."""
    drill: bool = False
    """Caused by a drill: the ladder pages no one, and its fix counts for no statistics."""
    follow_ups: tuple[FollowUp, ...] = ()

    @property
    def alert(self) -> IncidentAlert:
        """Return the alert that opened the incident."""
        return self.alerts[0].alert

    @property
    def active(self) -> bool:
        """Return whether the incident is not resolved yet."""
        return self.state is not State.RESOLVED

    @property
    def cause_status(self) -> str:
        """Return ``verified``, ``suspected`` or ``unknown``."""
        if self.episode.cause_verified:
            return "verified"
        return "suspected" if self.episode.root_cause else "unknown"

    @property
    def attempt_number(self) -> int:
        """Return the number of attempts so far, over all episodes."""
        return len(self.attempts)

    @property
    def attempt_key(self) -> str:
        """Return the key of the current attempt, the prefix of its journal keys."""
        return f"{self.episode.number}.{self.attempt_number}"

    @property
    def current_plan(self) -> Plan:
        """Return the plan, which the state machine guarantees from its approval to its undo."""
        assert self.episode.plan is not None  # noqa: S101 - tells mypy.
        return self.episode.plan

    def with_attempt(
        self, cause_id: str, outcome: AttemptOutcome, at: datetime, reason: str = ""
    ) -> "Incident":
        """Return a copy with one more attempt in the current episode."""
        attempt = Attempt(self.episode.number, cause_id, outcome, at, reason)
        return replace(self, attempts=(*self.attempts, attempt))

    def updated(self, **changes: Any) -> "Incident":
        """Return a copy with other values; those of an episode's fields go to its episode."""
        current = {name: changes.pop(name) for name in _EPISODE_FIELDS.intersection(changes)}
        return replace(self, episode=replace(self.episode, **current), **changes)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of an incident's journal."""

    seq: int
    """From 1, without gaps."""
    at: datetime
    stage: str
    """The state in which it was written."""
    actor: str
    """``operator``, ``runbook:<id>``, or a person's key name."""
    text: str
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PlanApproval:
    """A request for the approval of a plan, and its decision."""

    incident_id: str
    plan_hash: str
    requested_at: datetime
    expires_at: datetime
    decision: str = ""
    """Empty while it waits, then ``approved``, ``rejected`` or ``expired``."""
    principal: str = ""
    reason: str = ""
    decided_at: datetime | None = None
