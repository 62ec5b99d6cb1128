"""Waits durably for the approval of a plan; no answer counts as a rejection."""

from trimtab.incidents.context import IncidentContext
from trimtab.incidents.escalation import escalate
from trimtab.incidents.evidence import look
from trimtab.incidents.model import Attempt, AttemptOutcome, Incident, PlanApproval, Watch
from trimtab.incidents.state import State
from trimtab.incidents.transition import NewEntry, Transition, moved

_LONGEST_PAUSE_SECONDS = 60.0
"""A decision wakes the job at once; if a crash loses the wake-up, the decision is found after this
time.
"""


def await_approval(context: IncidentContext, incident: Incident) -> Transition:
    """Run the plan if it was approved, escalate if it was rejected, else keep waiting."""
    # The state machine guarantees it; this tells mypy.
    assert incident.episode.plan is not None  # noqa: S101
    approval = context.store.approval(incident.id, incident.episode.plan.hash)
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
        return _no_longer_needed(context, incident)
    return Transition(incident, pause_seconds=min(left, _LONGEST_PAUSE_SECONDS))


def _approved(context: IncidentContext, incident: Incident, approval: PlanApproval) -> Transition:
    now = context.now()
    _, cause = context.library.cause(approval_cause(incident))
    gone = [check for check in cause.evidence if look(context, incident, check).holds is not True]
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
        remediation_at=incident.episode.remediation_at or now,
    )
    return Transition(after)


def approval_cause(incident: Incident) -> str:
    """Return the id of the cause that the current plan repairs."""
    # The state machine guarantees it; this tells mypy.
    assert incident.episode.plan is not None  # noqa: S101
    return incident.episode.plan.cause_id


def _refused(
    context: IncidentContext, incident: Incident, outcome: AttemptOutcome, why: str
) -> Transition:
    now = context.now()
    attempt = Attempt(incident.episode.number, approval_cause(incident), outcome, now)
    transition = escalate(context, incident, "not_approved", why)
    after = transition.incident.updated(attempts=(*incident.attempts, attempt))
    entry = NewEntry(
        f"{incident.episode.number}.{incident.attempt_number}.refused",
        f"The plan does not run: {why}.",
        facts={"outcome": outcome},
    )
    return Transition(after, (entry, *transition.entries), transition.messages)


def _minutes(context: IncidentContext) -> str:
    return f"{context.settings.approval_timeout_minutes:g} minutes"


def _no_longer_needed(context: IncidentContext, incident: Incident) -> Transition:
    now = context.now()
    after = moved(incident, State.VERIFYING, now, plan=None, done=(), watch=Watch(now))
    entry = NewEntry(
        f"{incident.episode.number}.{incident.attempt_number}.quiet",
        "The alert is quiet again before the plan was approved; watching whether it stays so.",
    )
    return Transition(after, (entry,))
