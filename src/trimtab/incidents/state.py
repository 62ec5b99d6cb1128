"""States of an incident and the allowed transitions between them.

    detected -> triaged -> diagnosed -> awaiting_approval -> executing -> verifying -> restored
    restored -> resolved -> detected (reopened)
    executing, verifying -> undoing -> triaged
    diagnosed, awaiting_approval, verifying -> triaged
    verifying -> not_verified -> restored
    escalated -> triaged (handed back by the person who had taken it over)
    escalated -> awaiting_approval (a person or an agent has proposed a plan)

In ``triaged`` the operator searches the next cause, so every attempt that did not help leads back
to it. From every unsettled state the incident can be escalated to people: ``escalated``. When the
samples cannot tell whether a fix helped, the incident is ``not_verified``, and a person closes it.
"""

from enum import StrEnum

from trimtab.incidents.errors import IllegalTransition


class State(StrEnum):
    """State of an incident."""

    DETECTED = "detected"
    """An alert fired; to be triaged."""
    TRIAGED = "triaged"
    """Severity and runbooks are known; to be diagnosed."""
    DIAGNOSED = "diagnosed"
    """A cause was found; to be planned."""
    AWAITING_APPROVAL = "awaiting_approval"
    """A plan waits for a person; no answer means no."""
    EXECUTING = "executing"
    """The plan's acts run, one after another."""
    VERIFYING = "verifying"
    """The signals are watched until they were healthy for long enough."""
    UNDOING = "undoing"
    """What was done is taken back, the last first."""
    ESCALATED = "escalated"
    """Handed over to people; the operator still watches, calls and evaluates the evidence."""
    NOT_VERIFIED = "not_verified"
    """The samples cannot tell whether it is over; a person closes it."""
    RESTORED = "restored"
    """Healthy and proven; the post-mortem is to be written."""
    RESOLVED = "resolved"
    """Done."""


_S = State

_ONWARD: dict[State, set[State]] = {
    _S.DETECTED: {_S.TRIAGED},
    _S.TRIAGED: {_S.DIAGNOSED, _S.VERIFYING},
    _S.DIAGNOSED: {_S.AWAITING_APPROVAL, _S.EXECUTING, _S.TRIAGED},
    _S.AWAITING_APPROVAL: {_S.EXECUTING, _S.TRIAGED, _S.VERIFYING},
    _S.EXECUTING: {_S.VERIFYING, _S.UNDOING},
    _S.VERIFYING: {_S.RESTORED, _S.UNDOING, _S.TRIAGED, _S.NOT_VERIFIED},
    _S.NOT_VERIFIED: {_S.RESTORED, _S.TRIAGED},
    _S.UNDOING: {_S.TRIAGED},
    _S.ESCALATED: {_S.RESTORED, _S.DIAGNOSED, _S.TRIAGED, _S.AWAITING_APPROVAL},
    _S.RESTORED: {_S.RESOLVED},
    _S.RESOLVED: {_S.DETECTED},
}
_SETTLED = {_S.ESCALATED, _S.RESTORED, _S.RESOLVED}

TRANSITIONS: dict[State, frozenset[State]] = {
    current: frozenset(onward if current in _SETTLED else onward | {_S.ESCALATED})
    for current, onward in _ONWARD.items()
}


def check_transition(current: State, following: State) -> None:
    """Check that the transition is allowed; staying is always allowed.

    Raises:
        IllegalTransition: It is not allowed.
    """
    if following is not current and following not in TRANSITIONS[current]:
        raise IllegalTransition(
            f"An incident cannot go from {current} to {following}.",
            hint=f"From {current} it can go to: {', '.join(sorted(TRANSITIONS[current]))}.",
        )
