"""Waits durably for the approval of a plan; no answer counts as a rejection."""

from trimtab.incidents.context import IncidentContext
from trimtab.incidents.diagnose import watch_recovery
from trimtab.incidents.escalation import escalate
from trimtab.incidents.evidence import look
from trimtab.incidents.model import AttemptOutcome, Incident, PlanApproval
from trimtab.incidents.state import State
from trimtab.incidents.transition import NewEntry, Transition, moved

_LONGEST_PAUSE_SECONDS = 60.0
"""A decision wakes the job at once; if a crash loses the wake-up, the decision is found after this
time.
"""


def await_approval(context: IncidentContext, incident: Incident) -> Transition:
    """Run the plan if it was approved, escalate if it was rejected, else keep waiting."""
    approval = context.store.approval(incident.id, incident.current_plan.hash)
    if approval is not None and approval.decision == "approved":
        return _approved(context, incident, approval)
    if approval is not None and approval.decision == "rejected":
        return _refused(
            context, incident, AttemptOutcome.REJECTED, f"rejected by {approval.principal}"
        )
    left = 0.0 if approval is None else (approval.expires_at - context.now()).total_seconds()
    if left <= 0:
        return _refused(
            context, incident, AttemptOutcome.NOT_ANSWERED, f"no answer within {_minutes(context)}"
        )
    if context.quiet(incident):
        return watch_recovery(context, incident, "the plan was approved")
    return Transition(incident, pause_seconds=min(left, _LONGEST_PAUSE_SECONDS))


def _approved(context: IncidentContext, incident: Incident, approval: PlanApproval) -> Transition:
    now = context.now()
    cause = context.cause_of(incident.current_plan)
    evidence = cause.evidence if cause else ()
    gone = [check for check in evidence if look(context, incident, check).holds is not True]
    if gone:
        entry = NewEntry(
            f"{incident.episode.number}.{approval.plan_hash}.stale",
            f"The approved plan does not run: `{gone[0].expression}` is not known to hold any"
            " longer. Looking again.",
        )
        return Transition(moved(incident, State.TRIAGED, now, plan=None), (entry,))
    # Nothing runs on an approval that is not in the audit chain.
    facts = {"plan": approval.plan_hash, "asked_at": approval.requested_at.isoformat()}
    context.audit.append(approval.principal, "incidents.approved", incident.id, facts)
    after = moved(
        incident,
        State.EXECUTING,
        now,
        approved_by=approval.principal,
        root_cause=incident.current_plan.proposed_cause or incident.episode.root_cause,
        remediation_at=incident.episode.remediation_at or now,
    )
    return Transition(after)


def _refused(
    context: IncidentContext, incident: Incident, outcome: AttemptOutcome, why: str
) -> Transition:
    transition = escalate(context, incident, "not_approved", why)
    cause_id = incident.current_plan.cause_id
    after = transition.incident.with_attempt(cause_id, outcome, context.now())
    entry = NewEntry(
        f"{incident.attempt_key}.refused",
        f"The plan does not run: {why}.",
        facts={"outcome": outcome},
    )
    return Transition(after, (entry, *transition.entries), transition.messages)


def _minutes(context: IncidentContext) -> str:
    return f"{context.settings.approval_timeout_minutes:g} minutes"
