"""Plans a repair: dry run of every act, and the decision whether to ask a person."""

import json
from dataclasses import asdict
from datetime import timedelta
from fnmatch import fnmatch

from trimtab.incidents.bounded import dry_run, why
from trimtab.incidents.context import IncidentContext
from trimtab.incidents.errors import PreapprovalRefused
from trimtab.incidents.evidence import bound_act
from trimtab.incidents.messages import approval_text, broadcast
from trimtab.incidents.model import (
    AttemptOutcome,
    Incident,
    Plan,
    PlanApproval,
    PlannedAct,
)
from trimtab.incidents.state import State
from trimtab.incidents.transition import NewEntry, Transition, moved
from trimtab.infra.notify import Kind
from trimtab.kernel.ids import content_id
from trimtab.kernel.operable import (
    ActionContext,
    Catalog,
    Effect,
    Realism,
    Risk,
    check_arguments,
)
from trimtab.runbooks import Act, Cause, Runbook

ALWAYS_ASKED = ("*rollback*", "*retrain*")
"""Actions that no setting can pre-approve."""


def check_preapproved(names: tuple[str, ...], catalog: Catalog) -> None:
    """Check that the pre-approved list has no action that always needs a person.

    Raises:
        PreapprovalRefused: It has one.
    """
    for name in names:
        if any(fnmatch(name, pattern) for pattern in ALWAYS_ASKED):
            raise PreapprovalRefused(f"{name} may not be pre-approved.")
        action = catalog.actions.get(name)
        if action is not None and action.effect_class is Effect.IRREVERSIBLE:
            raise PreapprovalRefused(f"{name} may not be pre-approved: it is irreversible.")


def plan(context: IncidentContext, incident: Incident) -> Transition:
    """Dry-run the fix; then execute it, ask for approval, or try the next cause."""
    # The state machine guarantees it; this tells mypy.
    assert incident.episode.diagnosis is not None  # noqa: S101
    book, cause = context.library.cause(incident.episode.diagnosis.cause_id)
    try:
        fix = tuple(bound_act(incident, act) for act in cause.fix)
        acts = tuple(dry_run_act(context, incident, act, f"runbook:{book.id}") for act in fix)
    except Exception as error:  # noqa: BLE001 - if a dry run fails, the next cause is tried.
        now, problem = context.now(), why(error)
        tried = incident.with_attempt(cause.id, AttemptOutcome.NOT_PLANNABLE, now, problem)
        entry = NewEntry(
            f"{incident.attempt_key}.not_plannable", f"The fix cannot be planned: {problem}"
        )
        return Transition(moved(tried, State.TRIAGED, now), (entry,))
    if not any(act.changes for act in acts):
        return _changes_nothing(context, incident, cause, acts)
    made = _plan(context, incident, book, cause, acts)
    return ask(context, incident, made) if made.approval_because else _go(context, incident, made)


def plan_hash(incident: Incident, book: Runbook, cause: Cause, acts: tuple[PlannedAct, ...]) -> str:
    """Return the hash that binds an approval to this plan.

    The diagnosis enters with its time, so that the same plan made again is asked for again.
    Evidence enters as what was found to hold, not as measured values: a value that moves while a
    person reads does not make it another plan, evidence that falls away does.
    """
    evidence = [
        (finding.expression, finding.holds)
        for candidate in (
            incident.episode.diagnosis.candidates if incident.episode.diagnosis else ()
        )
        if candidate.cause_id == cause.id
        for finding in candidate.findings
    ]
    parts = [asdict(act) for act in acts]
    return content_id(
        "plan",
        incident.id,
        incident.attempt_key,
        incident.episode.diagnosis.at.isoformat() if incident.episode.diagnosis else "",
        book.text,
        cause.id,
        json.dumps(parts, sort_keys=True, default=str),
        json.dumps(evidence),
    )


def dry_run_act(context: IncidentContext, incident: Incident, act: Act, actor: str) -> PlannedAct:
    """Return an act of a plan with the result of its dry run.

    Raises:
        UnknownName: The catalog has no such action.
        BadArguments: The arguments do not fit its parameters.
    """
    action = context.catalog.action(act.name)
    arguments = check_arguments(action.params, act.arguments)
    action_context = ActionContext(f"{incident.id}:dry", actor, incident.component)
    result = dry_run(action, arguments, action_context)
    return PlannedAct(
        name=act.name,
        arguments=arguments,
        risk=action.risk,
        dry_run=result.summary,
        effect=action.effect_class,
        changes=result.changes and action.risk is not Risk.OBSERVE,
        facts=dict(result.facts),
    )


def _plan(
    context: IncidentContext,
    incident: Incident,
    book: Runbook,
    cause: Cause,
    acts: tuple[PlannedAct, ...],
) -> Plan:
    return Plan(
        cause_id=cause.id,
        runbook_id=book.id,
        acts=acts,
        hash=plan_hash(incident, book, cause, acts),
        blast_radius=blast_radius(incident, acts),
        approval_because=_reasons(context, incident, book, cause, acts),
    )


def blast_radius(incident: Incident, acts: tuple[PlannedAct, ...]) -> str:
    """Return what the acts would change, as one sentence."""
    listed = "; ".join(f"{act.name} ({act.effect}): {act.dry_run.rstrip('.')}" for act in acts)
    return f"{len(acts)} act{'s' * (len(acts) != 1)} on {incident.component}: {listed}."


def _reasons(
    context: IncidentContext,
    incident: Incident,
    book: Runbook,
    cause: Cause,
    acts: tuple[PlannedAct, ...],
) -> tuple[str, ...]:
    settings = context.settings
    changing = [act for act in acts if act.risk != Risk.OBSERVE]
    risky = [
        act.name
        for act in changing
        if act.risk == Risk.APPROVAL and act.name not in settings.preapproved
    ]
    reasons = [f"{act.name} is irreversible" for act in acts if act.effect == Effect.IRREVERSIBLE]
    reasons += [f"{name} always asks" for name in risky]
    if incident.episode.escalated_at is not None:
        reasons.append("the incident was handed over to people")
    if changing:
        reasons += _unproven(context, book, cause)
    if changing and not settings.automatic:
        reasons.append("automatic acts are switched off")
    used = context.store.automatic_acts_since(
        context.now() - timedelta(hours=1), drills=incident.drill
    )
    if used + len(changing) > settings.automatic_acts_per_hour:
        reasons.append(
            f"{used} of {settings.automatic_acts_per_hour} automatic acts used this hour"
        )
    return tuple(reasons)


def _unproven(context: IncidentContext, book: Runbook, cause: Cause) -> list[str]:
    proof = context.proofs.find(book, cause)
    if proof is None:
        return ["the drill of this cause has not passed on this build"]
    if proof.realism is not Realism.REAL:
        return [f"the drill of this cause was simulated ({proof.reason})"]
    return []


def _go(context: IncidentContext, incident: Incident, made: Plan) -> Transition:
    now = context.now()
    after = moved(
        incident,
        State.EXECUTING,
        now,
        plan=made,
        remediation_at=incident.episode.remediation_at or now,
    )
    used = context.store.automatic_acts_since(now - timedelta(hours=1), drills=incident.drill)
    limit = context.settings.automatic_acts_per_hour
    classes = ", ".join(dict.fromkeys(act.effect for act in made.acts))
    how = (
        "It runs without approval: a real drill of this cause has passed on this build, its acts"
        f" are {classes}, and {used} of {limit} automatic acts were used this hour."
    )
    return Transition(after, (_planned(incident, made, how),))


def ask(context: IncidentContext, incident: Incident, made: Plan) -> Transition:
    """Return the transition that asks people for the approval of a plan."""
    now = context.now()
    after = moved(incident, State.AWAITING_APPROVAL, now, plan=made)
    timeout = timedelta(minutes=context.settings.approval_timeout_minutes)
    approval = PlanApproval(incident.id, made.hash, now, now + timeout)
    messages = broadcast(after, Kind.APPROVAL, approval_text(after, made), f"approval.{made.hash}")
    receivers = context.reach.receivers(messages)
    asked = f"asked through {', '.join(receivers)}" if receivers else "no channel is configured"
    how = f"Approval is needed ({asked}): {'; '.join(made.approval_because)}."
    return Transition(after, (_planned(incident, made, how),), messages, approval)


def _planned(incident: Incident, made: Plan, how: str) -> NewEntry:
    return NewEntry(
        f"{incident.episode.number}.{made.hash}.planned",
        f"Planned {made.blast_radius} {how}",
        facts={
            "plan_hash": made.hash,
            "cause": made.cause_id,
            "acts": [asdict(act) for act in made.acts],
            "approval_because": made.approval_because,
        },
    )


def _changes_nothing(
    context: IncidentContext, incident: Incident, cause: Cause, acts: tuple[PlannedAct, ...]
) -> Transition:
    now = context.now()
    tried = incident.with_attempt(cause.id, AttemptOutcome.CHANGED_NOTHING, now)
    entry = NewEntry(
        f"{incident.attempt_key}.changes_nothing",
        f"The fix would change nothing, so it is not run: {' '.join(act.dry_run for act in acts)}",
        facts={"cause": cause.id, "acts": [asdict(act) for act in acts]},
    )
    return Transition(moved(tried, State.TRIAGED, now), (entry,))
