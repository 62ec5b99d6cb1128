"""Calling people: when the clock says so, and when something happens that a machine should not decide."""

from dataclasses import dataclass, replace

from trimtab.incidents.evidence import look
from trimtab.incidents.ground import Ground
from trimtab.incidents.messages import direct, duration_text, escalation_text, message
from trimtab.incidents.model import Incident
from trimtab.incidents.state import State
from trimtab.incidents.turn import Draft, Turn, moved
from trimtab.infra.notify import Kind, Message, channels_for
from trimtab.kernel.ids import content_id
from trimtab.runbooks.commands import Check

ON_CALL = "On-Call Engineer"
"""Who is called when a ladder names nobody."""


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
    if not rungs or incident.drill or incident.state is State.DETECTED:
        return None
    calls = []
    for rung in rungs:
        why = (
            f"unresolved for {duration_text(age.total_seconds())}" if rung.after else "new incident"
        )
        calls.append(call(incident, rung.who, why, f"rung.{rung.who}", page=rung.page))
    after = replace(incident, called=(*incident.called, *(rung.who for rung in rungs)))
    return Turn(
        after,
        tuple(each.entry for each in calls),
        tuple(message for each in calls for message in each.messages),
    )


def conditions_met(ground: Ground, incident: Incident) -> Turn | None:
    """Return the turn that calls a person because a runbook's escalation check holds, or None.

    Each check calls once in an opening: whoever the ladder has for its event, or the next rung that was not called
    yet, else the first one.
    """
    if incident.drill or incident.state in {State.DETECTED, State.RESTORED}:
        return None
    for book in ground.runbooks_of(incident):
        for check in book.escalate_when:
            if check.expression not in incident.conditions and look(ground, check).holds:
                return _condition_met(ground, incident, check)
    return None


def _condition_met(ground: Ground, incident: Incident, check: Check) -> Turn:
    ladder, expression = ground.ladder_of(incident), check.expression
    rungs = [rung.who for rung in ladder.rungs]
    following = next((name for name in rungs if name not in incident.called), (*rungs, ON_CALL)[0])
    who = ladder.when.get(check.event, following)
    called = call(
        incident, who, f"`{expression}` holds", f"condition.{content_id('', expression)}", page=True
    )
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
    """Return the turn that puts a person in charge.

    Args:
        ground: The operator's surroundings.
        incident: The incident.
        event: ``remediation_failed``, ``abstained``, ``barred`` or ``not_approved``.
        why: One clause for the person.
        nature: The cause's nature; a ladder may have a team for it.
    """
    when = ground.ladder_of(incident).when
    names = [name for name in (when.get(nature), when.get(event)) if name]
    who = tuple(dict.fromkeys(names)) or (ON_CALL,)
    key = f"{incident.attempt_number}.{event}"
    calls = [call(incident, name, why, f"{key}.{name}", page=True) for name in who]
    after = moved(
        incident,
        State.ESCALATED,
        ground.now(),
        watch=None,
        called=tuple(dict.fromkeys((*incident.called, *who))),
    )
    return Turn(
        after,
        tuple(each.entry for each in calls),
        tuple(message for each in calls for message in each.messages),
    )


def call(incident: Incident, who: str, why: str, key: str, *, page: bool) -> Call:
    """Return the journal entry and the messages that call somebody."""
    text = escalation_text(incident, who, why)
    kinds = [Kind.ESCALATION, *([Kind.PAGE] if page else [])]
    messages = [direct(incident, who, text, key)]
    for kind in kinds:
        messages += [
            message(incident, channel, kind, text, key)
            for channel in channels_for(kind, incident.severity, incident.system)
        ]
    entry = Draft(
        f"{incident.opening}.call.{key}", f"Called {who}: {why}.", facts={"who": who, "why": why}
    )
    return Call(who, entry, tuple(messages))
