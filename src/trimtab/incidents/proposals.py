"""Plans that people and agents propose; another person or key approves them."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from trimtab.incidents.context import IncidentContext
from trimtab.incidents.errors import NotPossibleNow, ProposalRefused
from trimtab.incidents.model import PROPOSED, Incident, Plan, PlannedAct
from trimtab.incidents.plan import ask, blast_radius, dry_run_act
from trimtab.incidents.service import Incidents
from trimtab.incidents.state import State
from trimtab.kernel.ids import content_id
from trimtab.runbooks import Act

_MAX_ACTS = 10


@dataclass(frozen=True, slots=True)
class Proposal:
    """The acts that should repair an incident, and the cause that they repair."""

    cause: str
    acts: tuple[Act, ...]


def propose(
    context: IncidentContext, incidents: Incidents, incident_id: str, given: Proposal, by: str
) -> Plan:
    """Dry-run the acts, and ask people to approve them.

    Args:
        context: Dependencies of the stages.
        incidents: Wake the incident's job.
        incident_id: An incident that was handed over to people.
        given: The cause and the acts.
        by: Who proposes; may not approve it.

    Raises:
        ProposalRefused: It has no act or too many, or no act would change anything.
        UnknownName: An act is not in the catalog.
        BadArguments: The arguments of an act do not fit.
        NotPossibleNow: The incident was not handed over to people, or another plan waits.
    """
    incident = context.store.get(incident_id)
    _check_state(incident)
    if not 1 <= len(given.acts) <= _MAX_ACTS:
        raise ProposalRefused(f"The proposal has {len(given.acts)} acts.")
    actor = f"proposal:{by}"
    acts = tuple(dry_run_act(context, incident, act, actor) for act in given.acts)
    if not any(act.changes for act in acts):
        listed = " ".join(act.dry_run for act in acts)
        raise ProposalRefused(f"The proposal would change nothing: {listed}")
    made = _plan(incident, given, acts, by, context.now().isoformat())
    # The acts of an earlier plan of this episode count no more.
    fresh = incident.updated(done=(), approved_by="", watch=None)
    transition = ask(context, fresh, made)
    first, *others = transition.entries
    entries = (replace(first, actor=by), *others)
    if not context.store.apply(incident, replace(transition, entries=entries), context.now()):
        raise NotPossibleNow(f"{incident_id} has changed meanwhile.", hint="Look again.")
    facts = {"plan": made.hash, "acts": [act.name for act in acts]}
    context.audit.append(by, "incidents.proposed", incident_id, facts)
    incidents.wake(transition.incident)
    return made


def _check_state(incident: Incident) -> None:
    if incident.state is State.AWAITING_APPROVAL:
        raise NotPossibleNow(
            f"Another plan of {incident.id} waits.", hint="Approve or reject it first."
        )
    if incident.state is not State.ESCALATED:
        raise NotPossibleNow(
            f"{incident.id} is {incident.state}: plans are proposed when it is escalated.",
            hint="Wait until trimtab hands it over, or take it over.",
        )


def _plan(
    incident: Incident, given: Proposal, acts: Sequence[PlannedAct], by: str, at: str
) -> Plan:
    parts = json.dumps([asdict(act) for act in acts], sort_keys=True, default=str)
    return Plan(
        cause_id=PROPOSED,
        runbook_id="",
        acts=tuple(acts),
        hash=content_id("plan", incident.id, incident.attempt_key, by, given.cause, parts, at),
        blast_radius=blast_radius(incident, tuple(acts)),
        approval_because=(f"{by} has proposed it for: {given.cause}",),
        proposed_by=by,
        proposed_cause=given.cause,
    )
