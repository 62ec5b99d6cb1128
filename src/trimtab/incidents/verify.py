"""Proof that it is over: the runbook's checks hold and the alerts that opened it are quiet, long enough, together."""

from dataclasses import replace
from datetime import datetime

from trimtab.incidents.evidence import look
from trimtab.incidents.ground import Ground
from trimtab.incidents.model import Attempt, Finding, Incident, Outcome, Watch
from trimtab.incidents.state import State
from trimtab.incidents.turn import Draft, Turn, moved
from trimtab.runbooks import Check

_LOOKS_PER_HOLD = 10
_LONGEST_PAUSE_SECONDS = 30.0
_ESCALATED_PAUSE_SECONDS = 300.0
"""An alert that goes quiet wakes the job; this is for the runbooks' escalation checks and for a lost wake-up."""


def verify(ground: Ground, incident: Incident) -> Turn:
    """Look once; then wait, declare the service restored, or take the fix back."""
    checks = _checks(ground, incident)
    hold = max((check.hold_seconds for check in checks), default=recovery_hold(ground, incident))
    give_up = max((check.give_up_seconds for check in checks), default=2 * hold)
    watch = incident.watch or Watch(ground.now())
    now = ground.now()
    failing = _failing(ground, incident, checks)
    since = None if failing else watch.healthy_since or now
    if since is not None and (now - since).total_seconds() >= hold:
        return _restored(ground, incident, hold)
    waited = (now - watch.started_at).total_seconds()
    if failing and (waited >= give_up or (incident.plan is None and not ground.quiet(incident))):
        return _not_over(ground, incident, failing)
    return Turn(
        replace(incident, watch=Watch(watch.started_at, since)),
        pause_seconds=_pause(ground, hold, since, now),
    )


def watch_escalated(ground: Ground, incident: Incident) -> Turn:
    """Watch an incident that a person has: when its alerts stay quiet it is over."""
    now = ground.now()
    hold = recovery_hold(ground, incident)
    since = (incident.watch.healthy_since if incident.watch else None) or now
    if not ground.quiet(incident):
        after = replace(incident, watch=None)
        return Turn(after, pause_seconds=_ESCALATED_PAUSE_SECONDS)
    if (now - since).total_seconds() >= hold:
        return _restored(ground, incident, hold)
    return Turn(
        replace(incident, watch=Watch(since, since)), pause_seconds=_pause(ground, hold, since, now)
    )


def _checks(ground: Ground, incident: Incident) -> tuple[Check, ...]:
    if incident.plan is None:
        return ()
    return ground.library.cause(incident.plan.cause_id)[1].verify


def recovery_hold(ground: Ground, incident: Incident) -> float:
    """Return for how many seconds alerts must be quiet when nothing but them tells that it is over.

    An alert that waits ten minutes before it fires is not over because it was quiet for one.
    """
    pending = max(attached.alert.pending_seconds for attached in incident.alerts)
    return ground.settings.recovery_hold_seconds + pending


def _failing(ground: Ground, incident: Incident, checks: tuple[Check, ...]) -> list[str]:
    findings: list[Finding] = [look(ground, check) for check in checks]
    failing = [finding.expression for finding in findings if not finding.holds]
    firing = [
        f"alert {one.alert.name} fires"
        for one in incident.alerts
        if ground.monitor.firing(one.alert.fingerprint)
    ]
    begun = incident.watch.started_at if incident.watch else ground.now()
    blind = [] if ground.monitor.sampled_since(begun) else ["no fresh samples"]
    return [*failing, *firing, *blind]


def _pause(ground: Ground, hold: float, since: datetime | None, now: datetime) -> float:
    poll = ground.settings.poll_seconds
    pause = min(max(poll, hold / _LOOKS_PER_HOLD), max(poll, _LONGEST_PAUSE_SECONDS))
    if since is None:
        return pause
    left = hold - (now - since).total_seconds()
    return min(pause, max(left, poll / 10))


def _restored(ground: Ground, incident: Incident, hold: float) -> Turn:
    now = ground.now()
    fixed = incident.plan is not None and incident.state is State.VERIFYING
    attempts = incident.attempts
    if fixed and incident.plan is not None:
        worked = Attempt(incident.opening, incident.plan.cause_id, Outcome.WORKED, now)
        attempts = (*attempts, worked)
        resolution = " ".join(act.summary for act in incident.done)
    else:
        by_person = incident.state is State.ESCALATED
        resolution = "Repaired by a person." if by_person else "Recovered without a fix."
    after = moved(
        incident,
        State.RESTORED,
        now,
        restored_at=now,
        attempts=attempts,
        resolution=resolution,
        root_cause=incident.root_cause or "not established",
    )
    entry = Draft(
        f"{incident.opening}.restored",
        f"Service restored: every check held and every alert stayed quiet for {hold:g} s.",
        facts={"hold_seconds": hold, "resolution": resolution},
    )
    return Turn(after, (entry,))


def _not_over(ground: Ground, incident: Incident, failing: list[str]) -> Turn:
    now = ground.now()
    entry = Draft(
        f"{incident.opening}.{incident.attempt_number}.not_over.{now.isoformat()}",
        f"Not over: {failing[0]}.",
        facts={"failing": failing},
    )
    if incident.plan is None:
        return Turn(moved(incident, State.TRIAGED, now, watch=None), (entry,))
    attempt = Attempt(incident.opening, incident.plan.cause_id, Outcome.DID_NOT_HELP, now)
    after = moved(incident, State.UNDOING, now, watch=None, attempts=(*incident.attempts, attempt))
    return Turn(after, (entry,))
