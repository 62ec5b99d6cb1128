"""Running the plan, one act a turn, and taking it back.

Each act is in the ledger before it runs and in the journal after. A crash in between runs it again under the same
idempotency key, which the catalog's actions treat as the same intended effect.
"""

from dataclasses import replace
from typing import Any

from trimtab.incidents.escalation import ON_CALL, call
from trimtab.incidents.ground import Ground
from trimtab.incidents.model import Attempt, DoneAct, Incident, Outcome, Plan, PlannedAct, Watch
from trimtab.incidents.state import State
from trimtab.incidents.turn import Draft, Turn, moved
from trimtab.kernel.errors import TrimtabError
from trimtab.kernel.operable import ActionContext


def execute(ground: Ground, incident: Incident) -> Turn:
    """Run the next act of the plan; after the last one, begin to verify."""
    made = _plan_of(incident)
    position = len(incident.done)
    if position == len(made.acts):
        now = ground.now()
        entry = Draft(f"{incident.opening}.{made.hash}.verifying", "All acts ran; verifying.")
        return Turn(moved(incident, State.VERIFYING, now, watch=Watch(now)), (entry,))
    return _run(ground, incident, made, position)


def undo(ground: Ground, incident: Incident) -> Turn:
    """Take back the last act that stands; after the first one, look for another cause."""
    made = _plan_of(incident)
    standing = [number for number, act in enumerate(incident.done) if not act.undone]
    if not standing:
        return _undone(ground, incident, made)
    number = standing[-1]
    act, actor = incident.done[number], _actor(made)
    key = f"{_key(incident, number)}:undo"
    action = ground.catalog.action(act.name)
    if act.undo_arguments is None or action.undo is None:
        text = f"{act.name} stays: " + (action.no_undo_because or "it changed nothing.")
        entry = Draft(f"{key}:after", text, actor)
    else:
        ground.store.note(
            incident, ground.now(), Draft(f"{key}:before", f"Undoing {act.name}.", actor)
        )
        try:
            result = action.undo(act.undo_arguments, ActionContext(key, actor))
            entry = Draft(f"{key}:after", f"Undone: {result.summary}", actor, {"key": key})
            ground.audit.append(actor, "incidents.undone", incident.id, {"act": act.name})
        except Exception as error:  # noqa: BLE001 - an undo that fails must not keep the others from being undone.
            entry = Draft(f"{key}:after", f"Undo of {act.name} failed: {_why(error)}", actor)
    done = tuple(
        replace(each, undone=True) if index == number else each
        for index, each in enumerate(incident.done)
    )
    return Turn(replace(incident, done=done), (entry,))


def _run(ground: Ground, incident: Incident, made: Plan, position: int) -> Turn:
    act, actor = made.acts[position], _actor(made)
    key = _key(incident, position)
    before = Draft(f"{key}:before", f"Running {act.name}{_shown(act)}.", actor, {"key": key})
    again = not ground.store.begin_act(incident, key, act.name, ground.now(), before)
    try:
        action = ground.catalog.action(act.name)
        result = action.run(act.arguments, ActionContext(key, actor))
    except Exception as error:  # noqa: BLE001 - whatever an action raises, what ran before it is to be undone.
        return _failed(ground, incident, key, act, error)
    facts = {"act": act.name, "approved_by": incident.approved_by, "key": key}
    ground.audit.append(actor, "incidents.acted", incident.id, facts)
    done = DoneAct(act.name, result.summary, result.undo_arguments)
    after = Draft(
        f"{key}:after",
        f"Done: {result.summary}",
        actor,
        {**facts, "result": dict(result.facts), "resumed_after_crash": again},
    )
    return Turn(replace(incident, done=(*incident.done, done)), (after,))


def _failed(
    ground: Ground, incident: Incident, key: str, act: PlannedAct, error: Exception
) -> Turn:
    now = ground.now()
    attempt = Attempt(incident.opening, _plan_of(incident).cause_id, Outcome.ACT_FAILED, now)
    after = moved(incident, State.UNDOING, now, attempts=(*incident.attempts, attempt))
    entry = Draft(f"{key}:after", f"{act.name} failed: {_why(error)}", facts={"key": key})
    return Turn(after, (entry,))


def _undone(ground: Ground, incident: Incident, made: Plan) -> Turn:
    entry = Draft(
        f"{incident.opening}.{made.hash}.undone", "Everything is taken back; looking further."
    )
    who = ground.ladder_of(incident).when.get("remediation_failed", ON_CALL)
    key = f"{incident.attempt_number}.remediation_failed.{who}"
    told = call(incident, who, f"the fix for {made.cause_id} failed", key, page=False)
    after = moved(incident, State.TRIAGED, ground.now(), watch=None)
    return Turn(after, (entry, told.entry), told.messages)


def _plan_of(incident: Incident) -> Plan:
    assert incident.plan is not None  # noqa: S101 - the state machine guarantees it; this tells mypy.
    return incident.plan


def _key(incident: Incident, position: int) -> str:
    # The plan's hash holds incident, opening and attempt, so the key is one intended effect.
    return f"{incident.id}:{_plan_of(incident).hash}:{position}"


def _actor(made: Plan) -> str:
    return f"runbook:{made.runbook_id}"


def _shown(act: PlannedAct) -> str:
    given: dict[str, Any] = dict(act.arguments)
    return " with " + ", ".join(f"{name}={value}" for name, value in given.items()) if given else ""


def _why(error: Exception) -> str:
    if isinstance(error, TrimtabError):
        return f"{error.message} {error.hint()}".strip()
    return f"{type(error).__name__}: {error}"
