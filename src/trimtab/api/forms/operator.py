"""What the routes of incidents, runbooks, rules and the catalog answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from trimtab.api.forms.shape import Shape
from trimtab.incidents import Entry, Incident, Notification, State
from trimtab.incidents.clocks import Clock
from trimtab.incidents.model import Approval, Severity
from trimtab.kernel.operable import Effect, Param, Risk, Value
from trimtab.kernel.roles import Role
from trimtab.monitoring.alerts import AlertState
from trimtab.monitoring.engine import RuleHealth


@dataclass(frozen=True, slots=True)
class IncidentSummary:
    """An incident in a list."""

    id: str
    """``INC-YYYY-MMDD``, with ``-2``, ``-3`` ... for more on the same day."""
    state: State
    state_since: datetime
    title: str
    component: str
    severity: Severity
    opened_at: datetime
    resolved_at: datetime | None
    root_cause: str
    """The title of the most likely cause."""
    cause_status: Literal["verified", "suspected", "unknown"]
    """``verified`` when the cause's fix changed something and its checks held afterwards."""
    ending: str
    """How it ended; empty while it goes on."""
    opening: int
    active: bool


@dataclass(frozen=True, slots=True)
class IncidentList:
    """Incidents, the newest first."""

    incidents: tuple[IncidentSummary, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationBody(Notification):
    """A call for a person, with what is known of its delivery."""

    status: Literal["accepted", "failed", "waiting", "no_channel"]
    text: str
    """The same as a sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentBody(Incident):
    """Everything about an incident but its journal."""

    active: bool
    approval: Approval | None
    """The newest question to a person; null when none was asked."""
    cause_status: Literal["verified", "suspected", "unknown"]
    cause_text: str
    """What is known of the root cause, for people."""
    ending: str
    """How it ended; empty while it goes on."""
    notifications: tuple[NotificationBody, ...]
    """Whom this opening has called, and what is known of the delivery."""
    clocks: tuple[Clock, ...]


@dataclass(frozen=True, slots=True)
class Timeline:
    """Entries of an incident's journal, in order."""

    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class CauseSummary:
    """A cause of a runbook; checks and acts are as the page writes them."""

    id: str
    title: str
    proven: bool
    """Whether a drill on this build has shown that the fix works."""
    realism: Literal["", "real", "simulated"]
    """How real that drill was; empty when there is none. A simulated one does not let the fix run by itself."""
    realism_reason: str
    """Why it was simulated."""
    repair: Literal["machine", "person"]
    evidence: tuple[str, ...]
    fix: tuple[str, ...]
    verify: tuple[str, ...]
    drill: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ProcedureSummary:
    """A page that people follow."""

    id: str
    title: str
    path: str
    kind: Literal["procedure"]


@dataclass(frozen=True, slots=True)
class RunbookSummary:
    """A page that the machine follows."""

    id: str
    title: str
    path: str
    kind: Literal["runbook"]
    severity: str
    alerts: tuple[str, ...]
    causes: tuple[CauseSummary, ...]


@dataclass(frozen=True, slots=True)
class RunbookList:
    """The library."""

    runbooks: tuple[RunbookSummary | ProcedureSummary, ...]


@dataclass(frozen=True, slots=True)
class ProcedureBody(ProcedureSummary):
    """A procedure with its text."""

    text: str
    """Markdown."""


@dataclass(frozen=True, slots=True)
class RunbookBody(RunbookSummary):
    """A runbook with its text."""

    text: str
    """Markdown."""


@dataclass(frozen=True, slots=True)
class WrongClaim:
    """Something that a page names and that does not exist."""

    line: int
    named: str
    problem: str


@dataclass(frozen=True, slots=True)
class LintBody:
    """A page that would load."""

    ok: Literal[True]
    id: str
    kind: Literal["runbook", "procedure"]
    claims: tuple[WrongClaim, ...]
    """What its prose and its ``source`` name and what does not exist."""


@dataclass(frozen=True, slots=True)
class ActiveAlert:
    """An alert that is pending or fires."""

    fingerprint: str
    name: str
    state: AlertState
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    value: float | None
    """Of the rule's expression when it was last there; null when it is not finite."""
    since: datetime
    severity: str
    runbook: str | None
    """The id of the runbook that the alert names."""


@dataclass(frozen=True, slots=True)
class AlertList:
    """The pending and the firing alerts."""

    alerts: tuple[ActiveAlert, ...]


@dataclass(frozen=True, slots=True)
class PrometheusAlert:
    """An alert as Prometheus' API writes it."""

    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    state: AlertState
    activeAt: datetime  # noqa: N815 - Prometheus' own name.
    value: str
    """With an exponent, such as ``1e+00``; or ``NaN``, ``+Inf``, ``-Inf``."""


@dataclass(frozen=True, slots=True)
class PrometheusAlerts:
    """The pending and the firing alerts."""

    alerts: tuple[PrometheusAlert, ...]


@dataclass(frozen=True, slots=True)
class PrometheusBody:
    """An answer of Prometheus' API."""

    status: Literal["success"]
    data: PrometheusAlerts


@dataclass(frozen=True, slots=True)
class RuleList:
    """Every rule and how its last evaluation went."""

    rules: tuple[RuleHealth, ...]


@dataclass(frozen=True, slots=True)
class CheckSample:
    """A series that a comparison left over."""

    metric: str
    labels: Mapping[str, str]
    value: float | None
    """Null when it is not finite."""


@dataclass(frozen=True, slots=True)
class CheckBody:
    """Whether a comparison holds."""

    expression: str
    holds: bool | None
    """None: the samples cannot tell."""
    at: datetime
    error: str
    """Why the samples cannot tell; else empty."""
    samples: tuple[CheckSample, ...]


@dataclass(frozen=True, slots=True)
class HeldBody(CheckBody):
    """Whether a comparison has held for long enough; the samples are of the last look."""

    outcome: Literal["held", "gave_up", "stopped"]
    held_seconds: float
    waited_seconds: float


@dataclass(frozen=True, slots=True)
class SignalEntry:
    """Something that can be measured."""

    name: str
    unit: str
    help: str
    metric: str
    """Its name in PromQL."""
    counter: bool
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ActionEntry:
    """Something that can be done."""

    name: str
    help: str
    risk: Risk
    role: Role
    effect: Effect
    """Whether it can be taken back: ``reversible``, ``repeatable`` or ``irreversible``."""
    params: tuple[Param, ...]
    undo: bool
    no_undo_because: str


@dataclass(frozen=True, slots=True)
class CatalogBody:
    """Everything that can be measured and done."""

    signals: tuple[SignalEntry, ...]
    actions: tuple[ActionEntry, ...]


@dataclass(frozen=True, slots=True)
class SampleBody:
    """One measured value."""

    value: float | None
    """Null when it cannot be said now."""
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class SignalRead(SignalEntry):
    """A signal with what it measures now."""

    samples: tuple[SampleBody, ...]


@dataclass(frozen=True, slots=True)
class SignalList:
    """Signals, read now."""

    signals: tuple[SignalRead, ...]


@dataclass(frozen=True, slots=True)
class ActionOutcome:
    """What an action did, or would do."""

    action: str
    dry_run: bool
    summary: str
    changes: bool
    """False when nothing was changed; of a dry run, when nothing would be."""
    facts: Mapping[str, Any]
    """Of the action."""
    undo_arguments: Mapping[str, Value] | None
    """What its undo needs; null when nothing was changed, or nothing can be undone."""


FORMS: Mapping[str, Shape] = {
    "GET /v1/incidents": IncidentList,
    "GET /v1/incidents/{incident_id}": IncidentBody,
    "GET /v1/incidents/{incident_id}/timeline": Timeline,
    "POST /v1/incidents/{incident_id}/approve": Approval,
    "POST /v1/incidents/{incident_id}/reject": Approval,
    "POST /v1/incidents/{incident_id}/close": IncidentSummary,
    "GET /v1/runbooks": RunbookList,
    "GET /v1/runbooks/{page_id}": RunbookBody | ProcedureBody,
    "POST /v1/runbooks/lint": LintBody,
    "GET /v1/alerts": AlertList,
    "GET /v1/rules": RuleList,
    "GET /api/v1/alerts": PrometheusBody,
    "POST /v1/check": CheckBody,
    "POST /v1/check/hold": HeldBody,
    "GET /v1/catalog": CatalogBody,
    "GET /v1/signals": SignalList,
    "POST /v1/actions/{name}": ActionOutcome,
}
