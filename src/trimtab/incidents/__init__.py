"""Incident operator: from an alert over diagnosis, plan and repair to the post-mortem.

`Incidents` is the public interface. Each stage is one module with one function from an `Incident`
to a `Transition`; `state.py` holds the allowed transitions, `loop.py` runs the stages as one
durable job per episode.
"""

from trimtab.incidents.embedded import EmbeddedMonitor, deliver, firing_before
from trimtab.incidents.model import AttemptOutcome, Entry, Incident
from trimtab.incidents.notifications import Notification
from trimtab.incidents.ports import AlertMonitor
from trimtab.incidents.proofs import Proofs, proof_entry
from trimtab.incidents.service import Incidents
from trimtab.incidents.state import State
from trimtab.incidents.statements import cause_text, closing_text

__all__ = [
    "AlertMonitor",
    "AttemptOutcome",
    "EmbeddedMonitor",
    "Entry",
    "Incident",
    "Incidents",
    "Notification",
    "Proofs",
    "State",
    "cause_text",
    "closing_text",
    "deliver",
    "firing_before",
    "proof_entry",
]
