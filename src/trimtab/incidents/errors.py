"""Errors of the incident operator."""

from trimtab.kernel.errors import Conflict, Misconfigured, NotFound


class IncidentUnknown(NotFound):
    """No incident has that id."""

    code = "incidents.unknown"
    default_hint = "`trimtab incidents list` shows them all."


class NothingToDecide(Conflict):
    """The incident does not wait for an approval, or it was decided before."""

    code = "incidents.nothing_to_decide"
    default_hint = "Look at the incident's timeline: another person may have decided."


class NothingToClose(Conflict):
    """The incident is resolved, or the operator still works on it."""

    code = "incidents.nothing_to_close"
    default_hint = "A person closes incidents that are escalated or not verified."


class StillFiring(Conflict):
    """An alert of the incident still fires."""

    code = "incidents.still_firing"
    default_hint = "Repair the cause first; closing would leave the alert without an incident."


class PlanChanged(Conflict):
    """The approval is for another plan than the current one."""

    code = "incidents.plan_changed"
    default_hint = "Read the plan again and approve its new hash."


class IllegalTransition(Conflict):
    """The state machine does not allow this transition."""

    code = "incidents.illegal_transition"


class DrillRunning(Conflict):
    """Another drill is running; only one may run at a time."""

    code = "incidents.drill_running"
    default_hint = "Wait until it has ended."


class LaddersRefused(Misconfigured):
    """The escalation ladders cannot be read."""

    code = "incidents.ladders_refused"
    default_hint = "Compare with the shipped ladders.yaml; docs/incidents.md explains each key."


class PreapprovalRefused(Misconfigured):
    """An action that always needs a person was put on the pre-approved list."""

    code = "incidents.preapproval_refused"
    default_hint = (
        "Take it out of `incidents.preapproved`; rollback and retraining are always asked for."
    )
