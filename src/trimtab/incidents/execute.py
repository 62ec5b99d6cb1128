"""Runs the acts of a plan, one per transition, and undoes them.

Each act is in the ledger before it runs and in the journal afterwards. After a crash in between it
runs again with the same idempotency key, which actions treat as the same intended effect, unless
its time limit is over. After an act that fails or exceeds its time limit, the acts before it are
undone.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from trimtab.incidents.bounded import ActTimedOut, dry_run, run_bounded, why
from trimtab.incidents.context import IncidentContext
from trimtab.incidents.escalation import ON_CALL, call, escalate
from trimtab.incidents.model import (
    AttemptOutcome,
    DoneAct,
    Incident,
    Plan,
    PlannedAct,
    Watch,
)
from trimtab.incidents.state import State
from trimtab.incidents.transition import NewEntry, Transition, moved
from trimtab.kernel.operable import Action, ActionContext, Risk


def execute(context: IncidentContext, incident: Incident) -> Transition:
    """Run the next act of the plan; after the last one, start the verification."""
    made = incident.current_plan
    position = len(incident.episode.done)
    if position == len(made.acts):
        now = context.now()
        entry = NewEntry(
            f"{incident.episode.number}.{made.hash}.verifying", "All acts ran; verifying."
        )
        return Transition(moved(incident, State.VERIFYING, now, watch=Watch(now)), (entry,))
    return _run(context, incident, made, position)


def undo(context: IncidentContext, incident: Incident) -> Transition:
    """Undo the most recent act; when all are undone, look for another cause."""
    made = incident.current_plan
    standing = [number for number, act in enumerate(incident.episode.done) if not act.undone]
    if not standing:
        return _undone(context, incident, made)
    number = standing[-1]
    entry = _take_back(context, incident, incident.episode.done[number], number)
    failed = "undo_failed" in entry.facts
    done = tuple(
        replace(each, undone=True, undo_failed=failed) if index == number else each
        for index, each in enumerate(incident.episode.done)
    )
    return Transition(incident.updated(done=done), (entry,))


def _take_back(context: IncidentContext, incident: Incident, act: DoneAct, number: int) -> NewEntry:
    actor = _actor(incident.current_plan)
    key = f"{_key(incident, number)}:undo"
    action = context.catalog.action(act.name)
    arguments, take_back = act.undo_arguments, action.undo
    if arguments is None or take_back is None:
        reason = action.no_undo_because or "its result names nothing to take back"
        text = f"{act.name} stays: {reason if act.changed else 'it changed nothing'}."
        return NewEntry(f"{key}:after", text, actor)
    before = NewEntry(f"{key}:before", f"Undoing {act.name}.", actor)
    try:
        left = _seconds_left(context, incident, key, action, before)
        if left <= 0:
            raise ActTimedOut(f"The undo of {act.name} was interrupted and its time is over.")
        result = run_bounded(
            lambda: take_back(arguments, ActionContext(key, actor, incident.component)),
            left,
            f"the undo of {act.name}",
            _late(context, incident, key),
        )
        context.audit.append(actor, "incidents.undone", incident.id, {"act": act.name})
    except Exception as error:  # noqa: BLE001 - an undo that fails must not stop the others.
        facts = {"key": key, "undo_failed": act.name}
        return NewEntry(f"{key}:after", f"Undo of {act.name} failed: {why(error)}", actor, facts)
    return NewEntry(f"{key}:after", f"Undone: {result.summary}", actor, {"key": key})


def _run(context: IncidentContext, incident: Incident, made: Plan, position: int) -> Transition:
    act, actor = made.acts[position], _actor(made)
    key = _key(incident, position)
    before = NewEntry(f"{key}:before", f"Running {act.name}{_shown(act)}.", actor, {"key": key})
    try:
        action = context.catalog.action(act.name)
        if not context.store.act_begun(key) and (reason := _no_effect(context, incident, act)):
            return _skipped(incident, act, key, reason)
        left = _seconds_left(context, incident, key, action, before)
        if left <= 0:
            raise ActTimedOut(
                f"{act.name} was interrupted and its time limit is over; whether it took effect is"
                " unknown."
            )
        result = run_bounded(
            lambda: action.run(act.arguments, ActionContext(key, actor, incident.component)),
            left,
            act.name,
            _late(context, incident, key),
        )
    # Whatever an action raises, what ran before it is to be undone.
    except Exception as error:  # noqa: BLE001
        return _failed(context, incident, key, act, error)
    facts = {"act": act.name, "approved_by": incident.episode.approved_by, "key": key}
    context.audit.append(actor, "incidents.acted", incident.id, facts)
    done = DoneAct(act.name, result.summary, result.undo_arguments, changed=result.changes)
    resumed = left < action.limit_seconds
    text = f"Done: {result.summary}" if result.changes else f"Changed nothing: {result.summary}"
    details = {"result": dict(result.facts), "resumed_after_crash": resumed}
    after = NewEntry(f"{key}:after", text, actor, {**facts, **details})
    return Transition(incident.updated(done=(*incident.episode.done, done)), (after,))


def _no_effect(context: IncidentContext, incident: Incident, act: PlannedAct) -> str:
    """Return why the act would change nothing now; empty if it would change something.

    The dry run of the plan may be outdated: earlier acts of the plan can have changed the result.
    """
    action = context.catalog.action(act.name)
    if action.risk is Risk.OBSERVE:
        return ""
    actor = incident.current_plan.actor
    action_context = ActionContext(f"{incident.id}:dry", actor, incident.component)
    tried = dry_run(action, act.arguments, action_context)
    return "" if tried.changes else tried.summary


def _skipped(incident: Incident, act: PlannedAct, key: str, reason: str) -> Transition:
    done = DoneAct(act.name, reason, None, changed=False)
    entry = NewEntry(f"{key}:skipped", f"Skipped {act.name}, it would change nothing: {reason}")
    return Transition(incident.updated(done=(*incident.episode.done, done)), (entry,))


def _seconds_left(
    context: IncidentContext, incident: Incident, key: str, action: Action, before: NewEntry
) -> float:
    """Record the start of an act and return the time that it may still take."""
    now = context.now()
    began = context.store.begin_act(incident, key, action.name, now, before)
    return action.limit_seconds if began is None else action.limit_seconds - _seconds(began, now)


def _seconds(began: datetime, now: datetime) -> float:
    # Above zero, so that a resumed act differs from a new one.
    return max(0.001, (now - began).total_seconds())


def _late(context: IncidentContext, incident: Incident, key: str) -> Callable[[str], None]:
    def note(how: str) -> None:
        text = f"Ended after its time limit, when it no longer counted: {how}"
        context.store.note(incident, context.now(), NewEntry(f"{key}:late", text))

    return note


def _failed(
    context: IncidentContext, incident: Incident, key: str, act: PlannedAct, error: Exception
) -> Transition:
    now = context.now()
    timed_out = isinstance(error, ActTimedOut)
    outcome = AttemptOutcome.TIMED_OUT if timed_out else AttemptOutcome.ACT_FAILED
    tried = incident.with_attempt(incident.current_plan.cause_id, outcome, now)
    after = moved(tried, State.UNDOING, now)
    entry = NewEntry(f"{key}:after", f"{act.name} failed: {why(error)}", facts={"key": key})
    return Transition(after, (entry,))


def _undone(context: IncidentContext, incident: Incident, made: Plan) -> Transition:
    now = context.now()
    changed = [act for act in incident.episode.done if act.changed]
    broken = [act.name for act in changed if act.undo_failed]
    kept = [act.name for act in changed if act.undo_failed or _stays(context, act)]
    taken = [act.name for act in changed if act.name not in kept]
    parts = [f"Taken back: {', '.join(taken)}."] if taken else []
    parts += [f"Not taken back: {', '.join(kept)}."] if kept else []
    text = " ".join(parts) or "There was nothing to take back."
    entry = NewEntry(f"{incident.episode.number}.{made.hash}.undone", text)
    last = incident.attempts[-1].outcome if incident.attempts else None
    problem = f"the undo of {', '.join(broken)} failed" if broken else ""
    if last is AttemptOutcome.TIMED_OUT:
        # It may still be running, so no other fix is tried at the same time.
        problem = f"an act of {made.cause_id} did not end in time"
    if problem:
        transition = escalate(context, incident, "remediation_failed", problem)
        return Transition(transition.incident, (entry, *transition.entries), transition.messages)
    role = context.ladder_of(incident).when.get("remediation_failed", ON_CALL)
    key = f"{incident.attempt_number}.remediation_failed.{role}"
    called = call(context, incident, role, f"the fix for {made.cause_id} failed", key, page=False)
    after = moved(incident, State.TRIAGED, now, watch=None)
    return Transition(after, (entry, called.entry), called.messages)


def _stays(context: IncidentContext, act: DoneAct) -> bool:
    return act.undo_arguments is None or context.catalog.action(act.name).undo is None


def _key(incident: Incident, position: int) -> str:
    # The plan's hash holds incident, episode and attempt, so the key is one intended effect.
    return f"{incident.id}:{incident.current_plan.hash}:{position}"


def _actor(made: Plan) -> str:
    return made.actor


def _shown(act: PlannedAct) -> str:
    given: dict[str, Any] = dict(act.arguments)
    return " with " + ", ".join(f"{name}={value}" for name, value in given.items()) if given else ""
