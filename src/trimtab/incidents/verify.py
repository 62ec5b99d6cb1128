"""Proof that it is over: the runbook's checks hold and the alerts that opened it are quiet, long enough, together."""

from dataclasses import dataclass
from datetime import datetime

from trimtab.incidents.bounded import run_bounded, why
from trimtab.incidents.context import IncidentContext
from trimtab.incidents.diagnose import look_again
from trimtab.incidents.escalation import ON_CALL, call
from trimtab.incidents.evidence import look
from trimtab.incidents.model import Attempt, AttemptOutcome, EvidenceFinding, Incident, Watch
from trimtab.incidents.state import State
from trimtab.incidents.statements import resolution_of_fix, resolution_without_fix
from trimtab.incidents.transition import NewEntry, Transition, moved
from trimtab.kernel.drilling import drill_traffic
from trimtab.kernel.operable import ActionResult
from trimtab.runbooks import Check

_LOOKS_PER_HOLD = 10
_LONGEST_PAUSE_SECONDS = 30.0
_PROBE_SECONDS = 15.0
_ESCALATED_PAUSE_SECONDS = 300.0
"""An alert that goes quiet wakes the job; this is for the runbooks' escalation checks and for a lost wake-up."""


def verify(context: IncidentContext, incident: Incident) -> Transition:
    """Look once; then wait, declare the service restored, take the fix back, or ask a person to close."""
    checks = _checks(context, incident)
    hold = max((check.hold_seconds for check in checks), default=recovery_hold(context, incident))
    give_up = max((check.give_up_seconds for check in checks), default=2 * hold)
    watch = incident.episode.watch or Watch(context.now())
    now = context.now()
    seen = _look(context, incident, checks)
    since = watch.healthy_since or now if seen.healthy else None
    if since is not None and (now - since).total_seconds() >= hold:
        return _restored(context, incident, hold)
    over = (now - watch.started_at).total_seconds() >= give_up
    if seen.failing and (over or (incident.episode.plan is None and not context.quiet(incident))):
        return _not_over(context, incident, seen.failing)
    if seen.untold and over:
        return _not_verified(context, incident, seen.untold)
    entries = _probed(context, incident) if seen.untold and not seen.failing else ()
    return Transition(
        incident.updated(watch=Watch(watch.started_at, since)),
        entries,
        pause_seconds=_pause(context, hold, since, now),
    )


def _probed(context: IncidentContext, incident: Incident) -> tuple[NewEntry, ...]:
    """Use the service once, so that an idle one can be judged; return what the journal says of it."""
    probe = context.probe
    if probe is None:
        return ()

    def use() -> ActionResult:
        # What a drill's incident is judged by is the traffic of drills.
        with drill_traffic(marked=incident.drill):
            probe()
        return ActionResult("")

    key = f"{incident.episode.number}.{incident.attempt_number}.probing"
    try:
        run_bounded(use, _PROBE_SECONDS, "the probe", lambda _: None)
    except Exception as error:  # noqa: BLE001 - a probe that fails is an answer, too; the checks see it.
        return (NewEntry(f"{key}.failed", f"A probe of trimtab's own failed: {why(error)}"),)
    return (NewEntry(key, "The samples cannot tell yet: trimtab sends probes of its own."),)


def watch_escalated(context: IncidentContext, incident: Incident) -> Transition:
    """Watch an incident that people have: when its alerts stay quiet it is over; changed evidence is looked at."""
    if not context.quiet(incident):
        again = look_again(context, incident)
        if again is not None:
            return again
    return _watch_quiet(context, incident, recovery_hold(context, incident))


def watch_unverified(context: IncidentContext, incident: Incident) -> Transition:
    """Wait for a person to close it; look whether an alert fires again or the checks can tell after all."""
    now = context.now()
    if not context.quiet(incident):
        entry = NewEntry(
            f"{incident.episode.number}.unverified.{now.isoformat()}", "An alert fires again."
        )
        attempts = incident.attempts
        if incident.episode.plan is not None:
            tried = Attempt(
                incident.episode.number,
                incident.episode.plan.cause_id,
                AttemptOutcome.NOT_VERIFIED,
                now,
            )
            attempts = (*attempts, tried)
        after = moved(incident, State.TRIAGED, now, watch=None, attempts=attempts)
        return Transition(after, (entry,))
    checks = _checks(context, incident)
    hold = max((check.hold_seconds for check in checks), default=recovery_hold(context, incident))
    if incident.drill:
        # Nobody closes the incident of a drill: it ends when its fault is gone.
        return _watch_quiet(context, incident.updated(plan=None), hold)
    if not _look(context, incident, checks).healthy:
        return Transition(incident.updated(watch=None), pause_seconds=_ESCALATED_PAUSE_SECONDS)
    return _watch_quiet(context, incident, hold)


def _watch_quiet(context: IncidentContext, incident: Incident, hold: float) -> Transition:
    now = context.now()
    since = (incident.episode.watch.healthy_since if incident.episode.watch else None) or now
    if not context.quiet(incident):
        return Transition(incident.updated(watch=None), pause_seconds=_ESCALATED_PAUSE_SECONDS)
    if incident.episode.watch is None or (now - since).total_seconds() < hold:
        pause = _pause(context, hold, since, now)
        return Transition(incident.updated(watch=Watch(since, since)), pause_seconds=pause)
    # Alerts that are quiet because nothing is measured any more are no sign of health. Asked at the end of the hold
    # only: at its first instant no sample can be newer.
    if not context.monitor.sampled_since(since):
        return Transition(incident.updated(watch=None), pause_seconds=_ESCALATED_PAUSE_SECONDS)
    return _restored(context, incident, hold)


def _checks(context: IncidentContext, incident: Incident) -> tuple[Check, ...]:
    if incident.episode.plan is None:
        return ()
    return context.library.cause(incident.episode.plan.cause_id)[1].verify


def recovery_hold(context: IncidentContext, incident: Incident) -> float:
    """Return for how many seconds alerts must be quiet when nothing but them tells that it is over.

    An alert that waits ten minutes before it fires is not over because it was quiet for one.
    """
    pending = max(attached.alert.pending_seconds for attached in incident.alerts)
    return context.settings.recovery_hold_seconds + pending


@dataclass(frozen=True, slots=True)
class _Seen:
    """What one look at the checks and alerts gave."""

    failing: list[str]
    untold: list[str]
    """What the samples cannot tell, with the reason."""

    @property
    def healthy(self) -> bool:
        return not self.failing and not self.untold


def _look(context: IncidentContext, incident: Incident, checks: tuple[Check, ...]) -> _Seen:
    findings: list[EvidenceFinding] = [look(context, incident, check) for check in checks]
    failing = [f"`{one.expression}` does not hold" for one in findings if one.holds is False]
    failing += [
        f"alert {one.alert.name} fires"
        for one in incident.alerts
        if context.monitor.firing(one.alert.fingerprint)
    ]
    untold = [f"`{one.expression}` ({one.error})" for one in findings if one.holds is None]
    begun = incident.episode.watch.started_at if incident.episode.watch else context.now()
    if not context.monitor.sampled_since(begun):
        untold.append("no fresh samples")
    return _Seen(failing, untold)


def _pause(context: IncidentContext, hold: float, since: datetime | None, now: datetime) -> float:
    poll = context.settings.poll_seconds
    pause = min(max(poll, hold / _LOOKS_PER_HOLD), max(poll, _LONGEST_PAUSE_SECONDS))
    if since is None:
        return pause
    left = hold - (now - since).total_seconds()
    return min(pause, max(left, poll / 10))


def _restored(context: IncidentContext, incident: Incident, hold: float) -> Transition:
    now = context.now()
    attempts, resolution, verified = (
        incident.attempts,
        resolution_without_fix(context, incident),
        False,
    )
    if incident.episode.plan is not None and incident.state is not State.ESCALATED:
        verified = any(act.changed for act in incident.episode.done)
        outcome = AttemptOutcome.WORKED if verified else AttemptOutcome.CHANGED_NOTHING
        attempts = (
            *attempts,
            Attempt(incident.episode.number, incident.episode.plan.cause_id, outcome, now),
        )
        resolution = resolution_of_fix(incident)
    after = moved(
        incident,
        State.RESTORED,
        now,
        restored_at=now,
        attempts=attempts,
        resolution=resolution,
        cause_verified=verified,
    )
    quiet = f"every alert stayed quiet for {round(hold, 1):g} s"
    told = f"Repair verified: every check held and {quiet}" if verified else f"Over: {quiet}"
    entry = NewEntry(
        f"{incident.episode.number}.restored",
        f"{told}. {resolution}",
        facts={"hold_seconds": hold, "resolution": resolution, "repair_verified": verified},
    )
    return Transition(after, (entry,))


def _not_verified(context: IncidentContext, incident: Incident, untold: list[str]) -> Transition:
    now = context.now()
    reason = f"whether it is over cannot be told from the samples: {untold[0]}"
    who = context.ladder_of(incident).when.get("not_verified", ON_CALL)
    key = f"{incident.attempt_number}.not_verified.{who}"
    told = call(context, incident, who, f"{reason}; a person closes it", key, page=False)
    entry = NewEntry(
        f"{incident.episode.number}.{incident.attempt_number}.not_verified",
        f"Not verified: {reason}. A person closes it: `trimtab incidents close {incident.id}`.",
        facts={"untold": untold},
    )
    after = moved(incident, State.NOT_VERIFIED, now, watch=None)
    return Transition(after, (entry, told.entry), told.messages)


def _not_over(context: IncidentContext, incident: Incident, failing: list[str]) -> Transition:
    now = context.now()
    entry = NewEntry(
        f"{incident.episode.number}.{incident.attempt_number}.not_over.{now.isoformat()}",
        f"Not over: {failing[0]}.",
        facts={"failing": failing},
    )
    if incident.episode.plan is None:
        return Transition(moved(incident, State.TRIAGED, now, watch=None), (entry,))
    helped = any(act.changed for act in incident.episode.done)
    outcome = AttemptOutcome.DID_NOT_HELP if helped else AttemptOutcome.CHANGED_NOTHING
    attempt = Attempt(incident.episode.number, incident.episode.plan.cause_id, outcome, now)
    after = moved(incident, State.UNDOING, now, watch=None, attempts=(*incident.attempts, attempt))
    return Transition(after, (entry,))
