"""Waiting for a person, durably. No answer means no."""

from dataclasses import replace

from trimtab.incidents.escalation import escalate
from trimtab.incidents.evidence import look
from trimtab.incidents.ground import Ground
from trimtab.incidents.model import Approval, Attempt, Incident, Outcome, Watch
from trimtab.incidents.state import State
from trimtab.incidents.turn import Draft, Turn, moved

_LONGEST_PAUSE_SECONDS = 60.0
"""An answer wakes the job at once; should the wake-up be lost in a crash, it is found this soon."""


def await_approval(ground: Ground, incident: Incident) -> Turn:
    """Look for the answer; go on waiting while there is none."""
    assert incident.plan is not None  # noqa: S101 - the state machine guarantees it; this tells mypy.
    approval = ground.store.approval(incident.id, incident.plan.hash)
    if approval is not None and approval.decision == "approved":
        return _approved(ground, incident, approval)
    if approval is not None and approval.decision == "rejected":
        return _refused(ground, incident, Outcome.REJECTED, f"rejected by {approval.principal}")
    left = 0.0 if approval is None else (approval.expires_at - ground.now()).total_seconds()
    if left <= 0:
        return _refused(
            ground, incident, Outcome.NOT_ANSWERED, f"no answer within {_minutes(ground)}"
        )
    if ground.quiet(incident):
        return _no_longer_needed(ground, incident)
    return Turn(incident, pause_seconds=min(left, _LONGEST_PAUSE_SECONDS))


def _approved(ground: Ground, incident: Incident, approval: Approval) -> Turn:
    now = ground.now()
    _, cause = ground.library.cause(approval_cause(incident))
    gone = [check for check in cause.evidence if look(ground, incident, check).holds is not True]
    if gone:
        entry = Draft(
            f"{incident.opening}.{approval.plan_hash}.stale",
            f"The approved plan does not run: `{gone[0].expression}` is not known to hold any longer. Looking again.",
        )
        return Turn(moved(incident, State.TRIAGED, now, plan=None), (entry,))
    # Nothing runs on an approval that is not in the audit chain.
    facts = {"plan": approval.plan_hash, "asked_at": approval.requested_at.isoformat()}
    ground.audit.append(approval.principal, "incidents.approved", incident.id, facts)
    after = moved(
        incident,
        State.EXECUTING,
        now,
        approved_by=approval.principal,
        remediation_at=incident.remediation_at or now,
    )
    return Turn(after)


def approval_cause(incident: Incident) -> str:
    """Return the cause that the present plan repairs."""
    assert incident.plan is not None  # noqa: S101 - the state machine guarantees it; this tells mypy.
    return incident.plan.cause_id


def _refused(ground: Ground, incident: Incident, outcome: Outcome, why: str) -> Turn:
    now = ground.now()
    attempt = Attempt(incident.opening, approval_cause(incident), outcome, now)
    turn = escalate(ground, incident, "not_approved", why)
    after = replace(turn.incident, attempts=(*incident.attempts, attempt))
    entry = Draft(
        f"{incident.opening}.{incident.attempt_number}.refused",
        f"The plan does not run: {why}.",
        facts={"outcome": outcome},
    )
    return Turn(after, (entry, *turn.entries), turn.messages)


def _minutes(ground: Ground) -> str:
    return f"{ground.settings.approval_timeout_minutes:g} minutes"


def _no_longer_needed(ground: Ground, incident: Incident) -> Turn:
    now = ground.now()
    after = moved(incident, State.VERIFYING, now, plan=None, done=(), watch=Watch(now))
    entry = Draft(
        f"{incident.opening}.{incident.attempt_number}.quiet",
        "The alert is quiet again before the plan was approved; watching whether it stays so.",
    )
    return Turn(after, (entry,))
