"""The states of an incident and the only ways between them.

    detected -> triaged -> diagnosed -> awaiting_approval -> executing -> verifying -> restored -> resolved
                  ^           |               |                  |            |                       |
                  |           |               |                  +-> undoing <+                       |
                  +-----------+---------------+------------------------+          reopened: detected <+
                                                                  verifying -> not_verified -> restored

``triaged`` is where the next cause is looked for, so every way that did not help leads back to it. From every state
in which something is still to be done the incident can be handed over to people: ``escalated``. When the samples cannot
tell whether a fix helped, the incident is ``not_verified``, and a person closes it.
"""

from enum import StrEnum

from trimtab.incidents.errors import IllegalTransition


class State(StrEnum):
    """What the operator does next."""

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
    """Handed over to people; the operator goes on watching, calling and looking at the evidence."""
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
    _S.ESCALATED: {_S.RESTORED, _S.DIAGNOSED},
    _S.RESTORED: {_S.RESOLVED},
    _S.RESOLVED: {_S.DETECTED},
}
_SETTLED = {_S.ESCALATED, _S.RESTORED, _S.RESOLVED}

TRANSITIONS: dict[State, frozenset[State]] = {
    here: frozenset(onward if here in _SETTLED else onward | {_S.ESCALATED})
    for here, onward in _ONWARD.items()
}


def check_transition(here: State, there: State) -> None:
    """Return when the step is allowed; staying is always allowed.

    Raises:
        IllegalTransition: It is not.
    """
    if there is not here and there not in TRANSITIONS[here]:
        raise IllegalTransition(
            f"An incident cannot go from {here} to {there}.",
            hint=f"From {here} it can go to: {', '.join(sorted(TRANSITIONS[here]))}.",
        )
