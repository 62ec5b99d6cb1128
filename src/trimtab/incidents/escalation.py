"""Calling people: when the clock says so, and when something happens that a machine should not decide."""

from dataclasses import dataclass

from trimtab.incidents.context import IncidentContext
from trimtab.incidents.evidence import look
from trimtab.incidents.messages import direct, duration_text, escalation_text, message
from trimtab.incidents.model import Incident, IncidentSeverity
from trimtab.incidents.state import State
from trimtab.incidents.transition import NewEntry, Transition, moved
from trimtab.infra.notify import Kind, Message, channels_for
from trimtab.kernel.ids import content_id
from trimtab.runbooks.commands import Check

ON_CALL = "On-Call Engineer"
"""Who is called when a ladder names no one else."""


@dataclass(frozen=True, slots=True)
class Call:
    """A person who is called."""

    who: str
    entry: NewEntry
    messages: tuple[Message, ...]


def rungs_due(context: IncidentContext, incident: Incident) -> Transition | None:
    """Return the turn that calls whoever the ladder says is due now, or None."""
    age = context.now() - incident.episode.opened_at
    rungs = context.ladder_of(incident).due(incident, age)
    if not rungs or incident.drill or incident.state in {State.DETECTED, State.RESTORED}:
        return None
    if context.seen_quiet(incident):
        return None
    calls = []
    for rung in rungs:
        why = (
            f"unresolved for {duration_text(age.total_seconds())}" if rung.after else "new incident"
        )
        key = f"rung.{incident.severity}.{rung.who}"
        calls.append(call(context, incident, rung.who, why, key, page=rung.page))
    after = incident.updated(called=(*incident.episode.called, *(rung.who for rung in rungs)))
    return Transition(
        after,
        tuple(each.entry for each in calls),
        tuple(message for each in calls for message in each.messages),
    )


def conditions_met(context: IncidentContext, incident: Incident) -> Transition | None:
    """Return the turn that calls a person because a runbook's escalation check holds, or None.

    While the alerts are quiet, only a check with an event of its own (such as lost data) calls.
    Each check calls once in an opening: whoever the ladder has for its event, or the next rung that was not called
    yet, else the first one.
    """
    if incident.drill or incident.state in {State.DETECTED, State.RESTORED}:
        return None
    quiet = context.seen_quiet(incident)
    for book in context.runbooks_of(incident):
        for check in book.escalate_when:
            if check.expression in incident.episode.conditions or (quiet and not check.event):
                continue
            # "Cannot tell" is no reason to call anybody.
            if look(context, incident, check).holds is True:
                return _condition_met(context, incident, check)
    return None


def _condition_met(context: IncidentContext, incident: Incident, check: Check) -> Transition:
    ladder, expression = context.ladder_of(incident), check.expression
    rungs = [rung.who for rung in ladder.rungs]
    following = next(
        (name for name in rungs if name not in incident.episode.called), (*rungs, ON_CALL)[0]
    )
    who = ladder.when.get(check.event, following)
    key = f"condition.{content_id('', expression)}"
    called = call(context, incident, who, f"`{expression}` holds", key)
    after = incident.updated(
        called=tuple(dict.fromkeys((*incident.episode.called, who))),
        conditions=(*incident.episode.conditions, expression),
    )
    return Transition(after, (called.entry,), called.messages)


def seconds_to_next_rung(context: IncidentContext, incident: Incident) -> float | None:
    """Return how long until the ladder calls the next person, or None when it has no more rungs."""
    following = context.ladder_of(incident).next_after(
        incident, context.now() - incident.episode.opened_at
    )
    return None if following is None else following.total_seconds()


def escalate(
    context: IncidentContext, incident: Incident, event: str, why: str, nature: str = ""
) -> Transition:
    """Return the turn that hands the incident over to people.

    Args:
        context: The stages' dependencies.
        incident: The incident.
        event: ``remediation_failed``, ``abstained``, ``barred`` or ``not_approved``.
        why: One clause for the person.
        nature: The cause's nature; a ladder may have a team for it.
    """
    when = context.ladder_of(incident).when
    names = [name for name in (when.get(nature), when.get(event)) if name]
    who = tuple(dict.fromkeys(names)) or (ON_CALL,)
    key = f"{incident.attempt_number}.{event}"
    calls = [call(context, incident, name, why, f"{key}.{name}") for name in who]
    after = moved(
        incident,
        State.ESCALATED,
        context.now(),
        watch=None,
        escalated_at=incident.episode.escalated_at or context.now(),
        called=tuple(dict.fromkeys((*incident.episode.called, *who))),
    )
    return Transition(
        after,
        tuple(each.entry for each in calls),
        tuple(message for each in calls for message in each.messages),
    )


def call(
    context: IncidentContext, incident: Incident, who: str, why: str, key: str, *, page: bool = True
) -> Call:
    """Return the journal entry and the messages that call somebody.

    P3 and drills are never paged: they are written to the channels of escalations, and stand in the list.
    """
    paged = page and incident.severity is not IncidentSeverity.P3 and not incident.drill
    text = escalation_text(incident, who, why)
    kinds = (Kind.ESCALATION, Kind.PAGE) if paged else (Kind.ESCALATION,)
    messages = (
        [] if incident.severity is IncidentSeverity.P3 else [direct(incident, who, text, key)]
    )
    for kind in kinds:
        messages += [
            message(incident, channel, kind, text, key)
            for channel in channels_for(kind, incident.severity, incident.system)
        ]
    receivers = context.reach.receivers(messages)
    facts = {
        "who": who,
        "why": why,
        "paged": paged,
        "receivers": receivers,
        "opening": incident.episode.number,
        "message_key": messages[0].key if messages else "",
    }
    said = _said(who, why, receivers, severity=incident.severity, paged=paged)
    entry = NewEntry(f"{incident.episode.number}.call.{key}", said, facts=facts)
    return Call(who, entry, tuple(messages))


def _said(
    who: str, why: str, receivers: tuple[str, ...], *, severity: IncidentSeverity, paged: bool
) -> str:
    through = ", ".join(receivers)
    if severity is IncidentSeverity.P3:
        told = f"written to {through}" if receivers else "no channel is configured"
        return f"For {who}: {why}. P3 is never paged; {told}."
    if not receivers:
        return f"{who} could not be called: {why}. No on-call channel is configured."
    return f"{'Paging' if paged else 'Writing to'} {who} through {through}: {why}."
