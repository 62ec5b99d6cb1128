"""Incident operator: from an alert over diagnosis, plan and repair to the post-mortem.

`Incidents` is the public interface. Each stage is one module with one function from an `Incident`
to a `Transition`; `state.py` holds the allowed transitions, `loop.py` runs the stages as one
durable job per episode.
"""

from trimtab.incidents.clocks import ResponseClock
from trimtab.incidents.context import IncidentContext
from trimtab.incidents.embedded import EmbeddedMonitor, alert_of, deliver, firing_before
from trimtab.incidents.errors import (
    DrillRunning,
    IllegalTransition,
    IncidentUnknown,
    LaddersRefused,
    NothingToClose,
    NothingToDecide,
    PlanChanged,
    PreapprovalRefused,
    StillFiring,
)
from trimtab.incidents.ladders import Ladder, Ladders, Rung, load_ladders
from trimtab.incidents.model import (
    AttemptOutcome,
    CauseCandidate,
    Diagnosis,
    Entry,
    Incident,
    IncidentAlert,
    IncidentSeverity,
    Plan,
    PlanApproval,
)
from trimtab.incidents.notifications import Notification
from trimtab.incidents.ports import AlertMonitor, CheckJudgement, Consult
from trimtab.incidents.proofs import DrillProof, Proofs, proof_entry, shipped_proofs
from trimtab.incidents.service import Incidents
from trimtab.incidents.signals import signals
from trimtab.incidents.state import State
from trimtab.incidents.statements import cause_text, closing_text
from trimtab.incidents.store import IncidentStore

__all__ = [
    "AlertMonitor",
    "AttemptOutcome",
    "CauseCandidate",
    "CheckJudgement",
    "Consult",
    "Diagnosis",
    "DrillProof",
    "DrillRunning",
    "EmbeddedMonitor",
    "Entry",
    "IllegalTransition",
    "Incident",
    "IncidentAlert",
    "IncidentContext",
    "IncidentSeverity",
    "IncidentStore",
    "IncidentUnknown",
    "Incidents",
    "Ladder",
    "Ladders",
    "LaddersRefused",
    "NothingToClose",
    "NothingToDecide",
    "Notification",
    "Plan",
    "PlanApproval",
    "PlanChanged",
    "PreapprovalRefused",
    "Proofs",
    "ResponseClock",
    "Rung",
    "State",
    "StillFiring",
    "alert_of",
    "cause_text",
    "closing_text",
    "deliver",
    "firing_before",
    "load_ladders",
    "proof_entry",
    "shipped_proofs",
    "signals",
]
