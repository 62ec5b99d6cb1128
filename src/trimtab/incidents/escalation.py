"""Escalates incidents to people by elapsed time, by events and by runbook checks."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from trimtab.incidents.context import IncidentContext
from trimtab.incidents.evidence import look
from trimtab.incidents.ladders import Rung
from trimtab.incidents.messages import direct, duration_text, escalation_text, message
from trimtab.incidents.model import Incident, IncidentSeverity
from trimtab.incidents.state import State
from trimtab.incidents.transition import NewEntry, Transition, moved
from trimtab.infra.notify import Kind, Message, channels_for
from trimtab.kernel.ids import content_id
from trimtab.runbooks.commands import Check

ON_CALL = "On-Call Engineer"
"""Default role when a ladder names no other."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call for a role, with its journal entry and messages."""

    role: str
    entry: NewEntry
    messages: tuple[Message, ...]


def rungs_due(context: IncidentContext, incident: Incident) -> Transition | None:
    """Return the transition that calls the roles that are due by the ladder, or None.

    Calls are held back while the incident is acknowledged or all its firing alerts are silenced.
    Afterwards only the last of the rungs whose time came meanwhile is called: the ladder continues
    where time has brought it, and does not page everybody at once.
    """
    age = context.now() - incident.episode.opened_at
    rungs = context.ladder_of(incident).due(incident, age)
    if not rungs or incident.drill or incident.state in {State.DETECTED, State.RESTORED}:
        return None
    if incident.episode.acknowledged_at(context.now()):
        return None
    if context.seen_quiet(incident):
        return None
    if context.silenced(incident):
        return _hold_back(incident, rungs)
    held = [rung for rung in rungs[:-1] if _is_held_back(incident, rung)]
    calls = []
    for rung in rungs:
        if rung in held:
            continue
        why = (
            f"unresolved for {duration_text(age.total_seconds())}" if rung.after else "new incident"
        )
        key = f"rung.{incident.severity}.{rung.role}"
        calls.append(call(context, incident, rung.role, why, key, page=rung.page))
    passed = tuple(rung.role for rung in held)
    after = incident.updated(
        called=(*incident.episode.called, *(each.role for each in calls)),
        passed_over=(*incident.episode.passed_over, *passed),
    )
    transition = _with_calls(after, calls)
    entries = (_passed_entry(incident, passed), *transition.entries)
    return replace(transition, entries=entries) if passed else transition


def _hold_back(incident: Incident, rungs: Sequence[Rung]) -> Transition | None:
    """Return the transition that remembers whose time came during the silence, or None."""
    before = incident.episode.held_back
    roles = tuple(rung.role for rung in rungs if rung.role not in before)
    return Transition(incident.updated(held_back=(*before, *roles))) if roles else None


def _is_held_back(incident: Incident, rung: Rung) -> bool:
    """Return whether the rung's time came during a silence or an acknowledgement."""
    episode = incident.episode
    acknowledged, due_at = episode.acknowledged, episode.opened_at + rung.after
    during = acknowledged is not None and acknowledged.at <= due_at < acknowledged.until
    return during or rung.role in episode.held_back


def _passed_entry(incident: Incident, roles: tuple[str, ...]) -> NewEntry:
    return NewEntry(
        f"{incident.episode.number}.passed.{incident.severity}.{','.join(roles)}",
        f"Not called: {', '.join(roles)}. Their time came while calls were held back by a silence"
        " or an acknowledgement.",
        facts={"roles": list(roles)},
    )


def conditions_met(context: IncidentContext, incident: Incident) -> Transition | None:
    """Return the transition that escalates because a runbook's check holds, or None.

    While the alerts are quiet, only a check with an event of its own (such as lost data) calls.
    Each check calls once in an episode: the role that the ladder has for its event, else the next
    rung that was not called yet, else the first one.
    """
    if incident.drill or incident.state in {State.DETECTED, State.RESTORED}:
        return None
    quiet = context.seen_quiet(incident)
    for book in context.runbooks_of(incident):
        for check in book.escalate_when:
            if check.expression in incident.episode.conditions or (quiet and not check.event):
                continue
            # An unknown result does not justify a call.
            found = look(context, incident, check)
            if found.holds is True:
                return _condition_met(context, incident, check, found.expression)
    return None


def _condition_met(
    context: IncidentContext, incident: Incident, check: Check, bound: str
) -> Transition:
    ladder, expression = context.ladder_of(incident), check.expression
    rungs = [rung.role for rung in ladder.rungs]
    following = next(
        (name for name in rungs if name not in incident.episode.called), (*rungs, ON_CALL)[0]
    )
    role = ladder.when.get(check.event, following)
    key = f"condition.{content_id('', expression)}"
    called = call(context, incident, role, f"`{bound}` holds", key)
    after = incident.updated(
        called=tuple(dict.fromkeys((*incident.episode.called, role))),
        conditions=(*incident.episode.conditions, expression),
    )
    return Transition(after, (called.entry,), called.messages)


def seconds_to_next_rung(context: IncidentContext, incident: Incident) -> float | None:
    """Return the seconds until the next rung is due, or None if no rung is left.

    Nothing is due before an acknowledgement ends.
    """
    acknowledged, now = incident.episode.acknowledged, context.now()
    if acknowledged is not None and now < acknowledged.until:
        return (acknowledged.until - now).total_seconds()
    following = context.ladder_of(incident).next_after(
        incident, context.now() - incident.episode.opened_at
    )
    return None if following is None else following.total_seconds()


def escalate(
    context: IncidentContext, incident: Incident, event: str, why: str, nature: str = ""
) -> Transition:
    """Return the transition that escalates the incident to people.

    Args:
        context: The stages' dependencies.
        incident: The incident.
        event: ``remediation_failed``, ``abstained``, ``barred`` or ``not_approved``.
        why: One clause for the person.
        nature: The cause's nature; a ladder may have a team for it.
    """
    when = context.ladder_of(incident).when
    names = [name for name in (when.get(nature), when.get(event)) if name]
    roles = tuple(dict.fromkeys(names)) or (ON_CALL,)
    key = f"{incident.attempt_number}.{event}"
    calls = [call(context, incident, name, why, f"{key}.{name}") for name in roles]
    after = moved(
        incident,
        State.ESCALATED,
        context.now(),
        watch=None,
        escalated_at=incident.episode.escalated_at or context.now(),
        called=tuple(dict.fromkeys((*incident.episode.called, *roles))),
    )
    return _with_calls(after, calls)


def _with_calls(after: Incident, calls: Sequence[Call]) -> Transition:
    entries = tuple(each.entry for each in calls)
    return Transition(after, entries, tuple(text for each in calls for text in each.messages))


def call(
    context: IncidentContext,
    incident: Incident,
    role: str,
    why: str,
    key: str,
    *,
    page: bool = True,
) -> Call:
    """Return the journal entry and the messages of a call.

    P3 incidents, drills and acknowledged incidents are not paged: they are written to the
    escalation channels and shown in the list.
    """
    never = incident.severity is IncidentSeverity.P3 or incident.drill
    paged = page and not never and not incident.episode.acknowledged_at(context.now())
    person = context.on_call.person_for(role, context.now())
    text = escalation_text(incident, f"{role} ({person})" if person else role, why)
    kinds = (Kind.ESCALATION, Kind.PAGE) if paged else (Kind.ESCALATION,)
    messages = (
        []
        if incident.severity is IncidentSeverity.P3
        else [direct(incident, person or role, text, key)]
    )
    for kind in kinds:
        messages += [
            message(incident, channel, kind, text, key)
            for channel in channels_for(kind, incident.severity, incident.system)
        ]
    receivers = context.reach.receivers(messages)
    facts = {
        "who": role,
        **({"person": person} if person else {}),
        "why": why,
        "paged": paged,
        "receivers": receivers,
        "opening": incident.episode.number,
        "message_key": messages[0].key if messages else "",
    }
    called = f"{role} ({person})" if person else role
    text = _call_text(called, why, receivers, severity=incident.severity, paged=paged)
    entry = NewEntry(f"{incident.episode.number}.call.{key}", text, facts=facts)
    return Call(role, entry, tuple(messages))


def _call_text(
    role: str, why: str, receivers: tuple[str, ...], *, severity: IncidentSeverity, paged: bool
) -> str:
    through = ", ".join(receivers)
    if severity is IncidentSeverity.P3:
        delivery = f"written to {through}" if receivers else "no channel is configured"
        return f"For {role}: {why}. P3 is never paged; {delivery}."
    if not receivers:
        return f"{role} could not be called: {why}. No on-call channel is configured."
    return f"{'Paging' if paged else 'Writing to'} {role} through {through}: {why}."
