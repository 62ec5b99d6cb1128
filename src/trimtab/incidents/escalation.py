"""Calling people: when the clock says so, and when something happens that a machine should not decide."""

from dataclasses import dataclass, replace

from trimtab.incidents.evidence import look
from trimtab.incidents.ground import Ground
from trimtab.incidents.messages import direct, duration_text, escalation_text, message
from trimtab.incidents.model import Incident, Severity
from trimtab.incidents.state import State
from trimtab.incidents.turn import Draft, Turn, moved
from trimtab.infra.notify import Kind, Message, channels_for
from trimtab.kernel.ids import content_id
from trimtab.runbooks.commands import Check

ON_CALL = "On-Call Engineer"
"""Who is called when a ladder names no one else."""


@dataclass(frozen=True, slots=True)
class Call:
    """A person who is called."""

    who: str
    entry: Draft
    messages: tuple[Message, ...]


def rungs_due(ground: Ground, incident: Incident) -> Turn | None:
    """Return the turn that calls whoever the ladder says is due now, or None."""
    age = ground.now() - incident.opened_at
    rungs = ground.ladder_of(incident).due(incident, age)
    if not rungs or incident.drill or incident.state in {State.DETECTED, State.RESTORED}:
        return None
    if ground.seen_quiet(incident):
        return None
    calls = []
    for rung in rungs:
        why = (
            f"unresolved for {duration_text(age.total_seconds())}" if rung.after else "new incident"
        )
        key = f"rung.{incident.severity}.{rung.who}"
        calls.append(call(ground, incident, rung.who, why, key, page=rung.page))
    after = replace(incident, called=(*incident.called, *(rung.who for rung in rungs)))
    return Turn(
        after,
        tuple(each.entry for each in calls),
        tuple(message for each in calls for message in each.messages),
    )


def conditions_met(ground: Ground, incident: Incident) -> Turn | None:
    """Return the turn that calls a person because a runbook's escalation check holds, or None.

    While the alerts are quiet, only a check with an event of its own (such as lost data) calls.
    Each check calls once in an opening: whoever the ladder has for its event, or the next rung that was not called
    yet, else the first one.
    """
    if incident.drill or incident.state in {State.DETECTED, State.RESTORED}:
        return None
    quiet = ground.seen_quiet(incident)
    for book in ground.runbooks_of(incident):
        for check in book.escalate_when:
            if check.expression in incident.conditions or (quiet and not check.event):
                continue
            # "Cannot tell" is no reason to call anybody.
            if look(ground, incident, check).holds is True:
                return _condition_met(ground, incident, check)
    return None


def _condition_met(ground: Ground, incident: Incident, check: Check) -> Turn:
    ladder, expression = ground.ladder_of(incident), check.expression
    rungs = [rung.who for rung in ladder.rungs]
    following = next((name for name in rungs if name not in incident.called), (*rungs, ON_CALL)[0])
    who = ladder.when.get(check.event, following)
    key = f"condition.{content_id('', expression)}"
    called = call(ground, incident, who, f"`{expression}` holds", key)
    after = replace(
        incident,
        called=tuple(dict.fromkeys((*incident.called, who))),
        conditions=(*incident.conditions, expression),
    )
    return Turn(after, (called.entry,), called.messages)


def seconds_to_next_rung(ground: Ground, incident: Incident) -> float | None:
    """Return how long until the ladder calls the next person, or None when it has no more rungs."""
    following = ground.ladder_of(incident).next_after(incident, ground.now() - incident.opened_at)
    return None if following is None else following.total_seconds()


def escalate(ground: Ground, incident: Incident, event: str, why: str, nature: str = "") -> Turn:
    """Return the turn that hands the incident over to people.

    Args:
        ground: The stages' dependencies.
        incident: The incident.
        event: ``remediation_failed``, ``abstained``, ``barred`` or ``not_approved``.
        why: One clause for the person.
        nature: The cause's nature; a ladder may have a team for it.
    """
    when = ground.ladder_of(incident).when
    names = [name for name in (when.get(nature), when.get(event)) if name]
    who = tuple(dict.fromkeys(names)) or (ON_CALL,)
    key = f"{incident.attempt_number}.{event}"
    calls = [call(ground, incident, name, why, f"{key}.{name}") for name in who]
    after = moved(
        incident,
        State.ESCALATED,
        ground.now(),
        watch=None,
        escalated_at=incident.escalated_at or ground.now(),
        called=tuple(dict.fromkeys((*incident.called, *who))),
    )
    return Turn(
        after,
        tuple(each.entry for each in calls),
        tuple(message for each in calls for message in each.messages),
    )


def call(
    ground: Ground, incident: Incident, who: str, why: str, key: str, *, page: bool = True
) -> Call:
    """Return the journal entry and the messages that call somebody.

    P3 and drills are never paged: they are written to the channels of escalations, and stand in the list.
    """
    paged = page and incident.severity is not Severity.P3 and not incident.drill
    text = escalation_text(incident, who, why)
    kinds = (Kind.ESCALATION, Kind.PAGE) if paged else (Kind.ESCALATION,)
    messages = [] if incident.severity is Severity.P3 else [direct(incident, who, text, key)]
    for kind in kinds:
        messages += [
            message(incident, channel, kind, text, key)
            for channel in channels_for(kind, incident.severity, incident.system)
        ]
    receivers = ground.reach.receivers(messages)
    facts = {
        "who": who,
        "why": why,
        "paged": paged,
        "receivers": receivers,
        "opening": incident.opening,
        "message_key": messages[0].key if messages else "",
    }
    said = _said(who, why, receivers, severity=incident.severity, paged=paged)
    entry = Draft(f"{incident.opening}.call.{key}", said, facts=facts)
    return Call(who, entry, tuple(messages))


def _said(
    who: str, why: str, receivers: tuple[str, ...], *, severity: Severity, paged: bool
) -> str:
    through = ", ".join(receivers)
    if severity is Severity.P3:
        told = f"written to {through}" if receivers else "no channel is configured"
        return f"For {who}: {why}. P3 is never paged; {told}."
    if not receivers:
        return f"{who} could not be called: {why}. No on-call channel is configured."
    return f"{'Paging' if paged else 'Writing to'} {who} through {through}: {why}."
