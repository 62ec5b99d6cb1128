"""What would be done: every act tried dry, and whether a person has to agree."""

import json
from dataclasses import asdict, replace
from datetime import timedelta
from fnmatch import fnmatch

from trimtab.incidents.errors import PreapprovalRefused
from trimtab.incidents.ground import Ground
from trimtab.incidents.messages import approval_text, broadcast
from trimtab.incidents.model import (
    Approval,
    Attempt,
    Incident,
    Outcome,
    Plan,
    PlannedAct,
)
from trimtab.incidents.state import State
from trimtab.incidents.turn import Draft, Turn, moved
from trimtab.infra.notify import Kind
from trimtab.kernel.errors import TrimtabError
from trimtab.kernel.ids import content_id
from trimtab.kernel.operable import ActionContext, Realism, Risk, check_arguments
from trimtab.runbooks import Act, Cause, Runbook

ALWAYS_ASKED = ("*rollback*", "*retrain*")
"""Actions that no setting can pre-approve."""


def check_preapproved(names: tuple[str, ...]) -> None:
    """Refuse a pre-approved list that holds what always needs a person.

    Raises:
        PreapprovalRefused: It does.
    """
    for name in names:
        if any(fnmatch(name, pattern) for pattern in ALWAYS_ASKED):
            raise PreapprovalRefused(f"{name} may not be pre-approved.")


def plan(ground: Ground, incident: Incident) -> Turn:
    """Try the fix dry; then run it, ask a person, or go on to the next cause."""
    assert incident.diagnosis is not None  # noqa: S101 - the state machine guarantees it; this tells mypy.
    book, cause = ground.library.cause(incident.diagnosis.cause_id)
    try:
        acts = tuple(_tried_dry(ground, incident, book, act) for act in cause.fix)
    except TrimtabError as error:
        return _not_plannable(ground, incident, cause, f"{error.message} {error.hint()}")
    made = _plan(ground, incident, book, cause, acts)
    return _ask(ground, incident, made) if made.approval_because else _go(ground, incident, made)


def plan_hash(incident: Incident, book: Runbook, cause: Cause, acts: tuple[PlannedAct, ...]) -> str:
    """Return what an approval is bound to.

    The diagnosis enters with its time, so that the same plan made again is asked for again. Evidence enters as what was found to hold, not as measured values: a value that moves while a person reads does
    not make it another plan, evidence that falls away does.
    """
    evidence = [
        (finding.expression, finding.holds)
        for candidate in (incident.diagnosis.candidates if incident.diagnosis else ())
        if candidate.cause_id == cause.id
        for finding in candidate.findings
    ]
    parts = [asdict(act) for act in acts]
    return content_id(
        "plan",
        incident.id,
        f"{incident.opening}.{incident.attempt_number}",
        incident.diagnosis.at.isoformat() if incident.diagnosis else "",
        book.text,
        cause.id,
        json.dumps(parts, sort_keys=True, default=str),
        json.dumps(evidence),
    )


def _tried_dry(ground: Ground, incident: Incident, book: Runbook, act: Act) -> PlannedAct:
    action = ground.catalog.action(act.name)
    arguments = check_arguments(action.params, act.arguments)
    context = ActionContext(f"{incident.id}:dry", f"runbook:{book.id}")
    result = action.dry_run(arguments, context)
    return PlannedAct(
        name=act.name,
        arguments=arguments,
        risk=action.risk,
        reversible=action.undo is not None or action.risk is Risk.OBSERVE,
        dry_run=result.summary,
        facts=dict(result.facts),
    )


def _plan(
    ground: Ground, incident: Incident, book: Runbook, cause: Cause, acts: tuple[PlannedAct, ...]
) -> Plan:
    irreversible = [act.name for act in acts if not act.reversible]
    radius = f"{len(acts)} act{'s' * (len(acts) != 1)} on {incident.component}: " + "; ".join(
        act.dry_run for act in acts
    )
    if irreversible:
        radius += f" Cannot be undone: {', '.join(irreversible)}."
    return Plan(
        cause_id=cause.id,
        runbook_id=book.id,
        acts=acts,
        hash=plan_hash(incident, book, cause, acts),
        blast_radius=radius,
        approval_because=_reasons(ground, book, cause, acts),
    )


def _reasons(
    ground: Ground, book: Runbook, cause: Cause, acts: tuple[PlannedAct, ...]
) -> tuple[str, ...]:
    settings = ground.settings
    changing = [act for act in acts if act.risk != Risk.OBSERVE]
    risky = [
        act.name
        for act in changing
        if act.risk == Risk.APPROVAL and act.name not in settings.preapproved
    ]
    reasons = [f"{name} always asks" for name in risky]
    if changing:
        reasons += _unproven(ground, book, cause)
    if changing and not settings.automatic:
        reasons.append("automatic acts are switched off")
    used = ground.store.automatic_acts_since(ground.now() - timedelta(hours=1))
    if used + len(changing) > settings.automatic_acts_per_hour:
        reasons.append(
            f"{used} of {settings.automatic_acts_per_hour} automatic acts used this hour"
        )
    return tuple(reasons)


def _unproven(ground: Ground, book: Runbook, cause: Cause) -> list[str]:
    proof = ground.proofs.find(book, cause)
    if proof is None:
        return ["the drill of this cause has not passed on this build"]
    if proof.realism is not Realism.REAL:
        return [f"the drill of this cause was simulated ({proof.reason})"]
    return []


def _go(ground: Ground, incident: Incident, made: Plan) -> Turn:
    now = ground.now()
    after = moved(
        incident,
        State.EXECUTING,
        now,
        plan=made,
        remediation_at=incident.remediation_at or now,
    )
    return Turn(
        after, (_planned(incident, made, "It runs by itself: proven, reversible, bounded."),)
    )


def _ask(ground: Ground, incident: Incident, made: Plan) -> Turn:
    now = ground.now()
    after = moved(incident, State.AWAITING_APPROVAL, now, plan=made)
    timeout = timedelta(minutes=ground.settings.approval_timeout_minutes)
    approval = Approval(incident.id, made.hash, now, now + timeout)
    why = f"A person is asked: {'; '.join(made.approval_because)}."
    messages = broadcast(after, Kind.APPROVAL, approval_text(after, made), f"approval.{made.hash}")
    return Turn(after, (_planned(incident, made, why),), messages, approval)


def _planned(incident: Incident, made: Plan, how: str) -> Draft:
    return Draft(
        f"{incident.opening}.{made.hash}.planned",
        f"Planned {made.blast_radius} {how}",
        facts={
            "plan_hash": made.hash,
            "cause": made.cause_id,
            "acts": [asdict(act) for act in made.acts],
            "approval_because": made.approval_because,
        },
    )


def _not_plannable(ground: Ground, incident: Incident, cause: Cause, why: str) -> Turn:
    now = ground.now()
    attempt = Attempt(incident.opening, cause.id, Outcome.NOT_PLANNABLE, now)
    after = replace(moved(incident, State.TRIAGED, now), attempts=(*incident.attempts, attempt))
    entry = Draft(
        f"{incident.opening}.{incident.attempt_number}.not_plannable",
        f"The fix cannot be planned: {why}",
    )
    return Turn(after, (entry,))
