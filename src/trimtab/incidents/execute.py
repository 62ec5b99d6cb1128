"""Running the plan, one act a turn, and taking it back.

Each act is in the ledger before it runs and in the journal after. A crash in between runs it again under the same
idempotency key, which the catalog's actions treat as the same intended effect, as long as its time limit is not over.
An act that raises or does not end in time is followed by the undo of those before it.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from trimtab.incidents.bounded import ActTimedOut, run_bounded, why
from trimtab.incidents.escalation import ON_CALL, call, escalate
from trimtab.incidents.ground import Ground
from trimtab.incidents.model import Attempt, DoneAct, Incident, Outcome, Plan, PlannedAct, Watch
from trimtab.incidents.state import State
from trimtab.incidents.turn import Draft, Turn, moved
from trimtab.kernel.operable import Action, ActionContext, Risk


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
    entry = _take_back(ground, incident, incident.done[number], number)
    failed = "undo_failed" in entry.facts
    done = tuple(
        replace(each, undone=True, undo_failed=failed) if index == number else each
        for index, each in enumerate(incident.done)
    )
    return Turn(replace(incident, done=done), (entry,))


def _take_back(ground: Ground, incident: Incident, act: DoneAct, number: int) -> Draft:
    actor = _actor(_plan_of(incident))
    key = f"{_key(incident, number)}:undo"
    action = ground.catalog.action(act.name)
    arguments, take_back = act.undo_arguments, action.undo
    if arguments is None or take_back is None:
        reason = action.no_undo_because or "its result names nothing to take back"
        text = f"{act.name} stays: {reason if act.changed else 'it changed nothing'}."
        return Draft(f"{key}:after", text, actor)
    before = Draft(f"{key}:before", f"Undoing {act.name}.", actor)
    try:
        left = _seconds_left(ground, incident, key, action, before)
        if left <= 0:
            raise ActTimedOut(f"The undo of {act.name} was interrupted and its time is over.")
        result = run_bounded(
            lambda: take_back(arguments, ActionContext(key, actor)),
            left,
            f"the undo of {act.name}",
            _late(ground, incident, key),
        )
        ground.audit.append(actor, "incidents.undone", incident.id, {"act": act.name})
    except Exception as error:  # noqa: BLE001 - an undo that fails must not keep the others from being undone.
        facts = {"key": key, "undo_failed": act.name}
        return Draft(f"{key}:after", f"Undo of {act.name} failed: {why(error)}", actor, facts)
    return Draft(f"{key}:after", f"Undone: {result.summary}", actor, {"key": key})


def _run(ground: Ground, incident: Incident, made: Plan, position: int) -> Turn:
    act, actor = made.acts[position], _actor(made)
    key = _key(incident, position)
    before = Draft(f"{key}:before", f"Running {act.name}{_shown(act)}.", actor, {"key": key})
    try:
        action = ground.catalog.action(act.name)
        if not ground.store.act_begun(key) and (reason := _no_effect(ground, incident, act)):
            return _skipped(incident, act, key, reason)
        left = _seconds_left(ground, incident, key, action, before)
        if left <= 0:
            raise ActTimedOut(
                f"{act.name} was interrupted and its time limit is over; whether it took effect is unknown."
            )
        result = run_bounded(
            lambda: action.run(act.arguments, ActionContext(key, actor)),
            left,
            act.name,
            _late(ground, incident, key),
        )
    except Exception as error:  # noqa: BLE001 - whatever an action raises, what ran before it is to be undone.
        return _failed(ground, incident, key, act, error)
    facts = {"act": act.name, "approved_by": incident.approved_by, "key": key}
    ground.audit.append(actor, "incidents.acted", incident.id, facts)
    done = DoneAct(act.name, result.summary, result.undo_arguments, changed=result.changes)
    resumed = left < action.limit_seconds
    told = f"Done: {result.summary}" if result.changes else f"Changed nothing: {result.summary}"
    details = {"result": dict(result.facts), "resumed_after_crash": resumed}
    after = Draft(f"{key}:after", told, actor, {**facts, **details})
    return Turn(replace(incident, done=(*incident.done, done)), (after,))


def _no_effect(ground: Ground, incident: Incident, act: PlannedAct) -> str:
    """Return why the act would change nothing now, or an empty text; acts before it may have changed that."""
    action = ground.catalog.action(act.name)
    if action.risk is Risk.OBSERVE:
        return ""
    context = ActionContext(f"{incident.id}:dry", _actor(_plan_of(incident)))
    tried = run_bounded(
        lambda: action.dry_run(act.arguments, context),
        action.limit_seconds,
        act.name,
        lambda _: None,
    )
    return "" if tried.changes else tried.summary


def _skipped(incident: Incident, act: PlannedAct, key: str, reason: str) -> Turn:
    done = DoneAct(act.name, reason, None, changed=False)
    entry = Draft(f"{key}:skipped", f"Skipped {act.name}, it would change nothing: {reason}")
    return Turn(replace(incident, done=(*incident.done, done)), (entry,))


def _seconds_left(
    ground: Ground, incident: Incident, key: str, action: Action, before: Draft
) -> float:
    """Record that it begins; return its whole time limit, or after a crash what is left of it."""
    now = ground.now()
    began = ground.store.begin_act(incident, key, action.name, now, before)
    return action.limit_seconds if began is None else action.limit_seconds - _seconds(began, now)


def _seconds(began: datetime, now: datetime) -> float:
    # At least a little, so that a resumed act is known as one.
    return max(0.001, (now - began).total_seconds())


def _late(ground: Ground, incident: Incident, key: str) -> Callable[[str], None]:
    def note(how: str) -> None:
        text = f"Ended after its time limit, when it no longer counted: {how}"
        ground.store.note(incident, ground.now(), Draft(f"{key}:late", text))

    return note


def _failed(
    ground: Ground, incident: Incident, key: str, act: PlannedAct, error: Exception
) -> Turn:
    now = ground.now()
    outcome = Outcome.TIMED_OUT if isinstance(error, ActTimedOut) else Outcome.ACT_FAILED
    attempt = Attempt(incident.opening, _plan_of(incident).cause_id, outcome, now)
    after = moved(incident, State.UNDOING, now, attempts=(*incident.attempts, attempt))
    entry = Draft(f"{key}:after", f"{act.name} failed: {why(error)}", facts={"key": key})
    return Turn(after, (entry,))


def _undone(ground: Ground, incident: Incident, made: Plan) -> Turn:
    now = ground.now()
    changed = [act for act in incident.done if act.changed]
    broken = [act.name for act in changed if act.undo_failed]
    kept = [act.name for act in changed if act.undo_failed or _stays(ground, act)]
    taken = [act.name for act in changed if act.name not in kept]
    parts = [f"Taken back: {', '.join(taken)}."] if taken else []
    parts += [f"Not taken back: {', '.join(kept)}."] if kept else []
    told = " ".join(parts) or "There was nothing to take back."
    entry = Draft(f"{incident.opening}.{made.hash}.undone", told)
    last = incident.attempts[-1].outcome if incident.attempts else None
    problem = f"the undo of {', '.join(broken)} failed" if broken else ""
    if last is Outcome.TIMED_OUT:
        # It may still be at work: nothing else is tried beside it.
        problem = f"an act of {made.cause_id} did not end in time"
    if problem:
        turn = escalate(ground, incident, "remediation_failed", problem)
        return Turn(turn.incident, (entry, *turn.entries), turn.messages)
    who = ground.ladder_of(incident).when.get("remediation_failed", ON_CALL)
    key = f"{incident.attempt_number}.remediation_failed.{who}"
    told_to = call(ground, incident, who, f"the fix for {made.cause_id} failed", key, page=False)
    after = moved(incident, State.TRIAGED, now, watch=None)
    return Turn(after, (entry, told_to.entry), told_to.messages)


def _stays(ground: Ground, act: DoneAct) -> bool:
    return act.undo_arguments is None or ground.catalog.action(act.name).undo is None


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
