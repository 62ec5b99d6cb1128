"""Verifies a repair: checks hold and alerts stay quiet for the hold time."""

from dataclasses import dataclass
from datetime import datetime

from trimtab.incidents.bounded import run_bounded, why
from trimtab.incidents.context import IncidentContext
from trimtab.incidents.diagnose import look_again
from trimtab.incidents.escalation import ON_CALL, call
from trimtab.incidents.evidence import look
from trimtab.incidents.model import AttemptOutcome, EvidenceFinding, Incident, Watch
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
"""An alert that goes quiet wakes the job; this is for the runbooks' escalation checks and for a
lost wake-up.
"""


def verify(context: IncidentContext, incident: Incident) -> Transition:
    """Evaluate the checks; then wait, mark as restored, undo, or ask a person to close."""
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
    if seen.unknown and over:
        return _not_verified(context, incident, seen.unknown)
    entries = _probed(context, incident) if seen.unknown and not seen.failing else ()
    return Transition(
        incident.updated(watch=Watch(watch.started_at, since)),
        entries,
        pause_seconds=_pause(context, hold, since, now),
    )


def _probed(context: IncidentContext, incident: Incident) -> tuple[NewEntry, ...]:
    """Send test requests to an idle service; return their journal entries."""
    probe = context.probe
    if probe is None:
        return ()

    def use() -> ActionResult:
        # The incident of a drill is judged by the traffic of drills.
        with drill_traffic(marked=incident.drill):
            probe()
        return ActionResult("")

    key = f"{incident.attempt_key}.probing"
    try:
        run_bounded(use, _PROBE_SECONDS, "the probe", lambda _: None)
    # A failing probe is a result, too; the checks see it.
    except Exception as error:  # noqa: BLE001
        return (NewEntry(f"{key}.failed", f"A probe of trimtab's own failed: {why(error)}"),)
    return (NewEntry(key, "The samples cannot tell yet: trimtab sends probes of its own."),)


def watch_escalated(context: IncidentContext, incident: Incident) -> Transition:
    """Watch an escalated incident for quiet alerts or changed evidence."""
    # The person who has taken it over plans and acts; trimtab only watches.
    if not context.quiet(incident) and not incident.episode.taken_over_by:
        again = look_again(context, incident)
        if again is not None:
            return again
    return _watch_quiet(context, incident, recovery_hold(context, incident))


def watch_unverified(context: IncidentContext, incident: Incident) -> Transition:
    """Watch an unverified incident until a person closes it or the checks hold."""
    now = context.now()
    if not context.quiet(incident):
        entry = NewEntry(
            f"{incident.episode.number}.unverified.{now.isoformat()}", "An alert fires again."
        )
        if plan := incident.episode.plan:
            incident = incident.with_attempt(plan.cause_id, AttemptOutcome.NOT_VERIFIED, now)
        return Transition(moved(incident, State.TRIAGED, now, watch=None), (entry,))
    checks = _checks(context, incident)
    hold = max((check.hold_seconds for check in checks), default=recovery_hold(context, incident))
    if incident.drill:
        # No person closes the incident of a drill: it ends when its fault is gone.
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
    # Alerts can also be quiet because samples stopped arriving. Checked at the end of the hold time
    # only: at its start no sample can be newer.
    if not context.sampled_since(incident, since):
        return Transition(incident.updated(watch=None), pause_seconds=_ESCALATED_PAUSE_SECONDS)
    return _restored(context, incident, hold)


def _checks(context: IncidentContext, incident: Incident) -> tuple[Check, ...]:
    cause = context.cause_of(incident.episode.plan) if incident.episode.plan else None
    return cause.verify if cause else ()


def recovery_hold(context: IncidentContext, incident: Incident) -> float:
    """Return the seconds that alerts must stay quiet if no check can verify recovery.

    It includes the pending time: an alert that waits ten minutes before it fires proves nothing in
    one minute.
    """
    pending = max(attached.alert.pending_seconds for attached in incident.alerts)
    return context.settings.recovery_hold_seconds + pending


@dataclass(frozen=True, slots=True)
class _Seen:
    """Result of one evaluation of the checks and alerts."""

    failing: list[str]
    unknown: list[str]
    """What the samples cannot tell, with the reason."""

    @property
    def healthy(self) -> bool:
        return not self.failing and not self.unknown


def _look(context: IncidentContext, incident: Incident, checks: tuple[Check, ...]) -> _Seen:
    findings: list[EvidenceFinding] = [look(context, incident, check) for check in checks]
    failing = [f"`{each.expression}` does not hold" for each in findings if each.holds is False]
    failing += [
        f"alert {each.alert.name} fires" for each in incident.alerts if context.firing(each.alert)
    ]
    if not failing and (firing := context.outside.firing_in(incident.id)):
        failing.append(f"{firing} alerts fire")
    unknown = [f"`{each.expression}` ({each.error})" for each in findings if each.holds is None]
    begun = incident.episode.watch.started_at if incident.episode.watch else context.now()
    if not context.sampled_since(incident, begun):
        unknown.append("no fresh samples")
    return _Seen(failing, unknown)


def _pause(context: IncidentContext, hold: float, since: datetime | None, now: datetime) -> float:
    poll = context.settings.poll_seconds
    pause = min(max(poll, hold / _LOOKS_PER_HOLD), max(poll, _LONGEST_PAUSE_SECONDS))
    if since is None:
        return pause
    left = hold - (now - since).total_seconds()
    return min(pause, max(left, poll / 10))


def _restored(context: IncidentContext, incident: Incident, hold: float) -> Transition:
    now = context.now()
    resolution, verified = resolution_without_fix(context, incident), False
    if incident.episode.plan is not None and incident.state is not State.ESCALATED:
        changed = any(act.changed for act in incident.episode.done)
        # No check of a runbook stands behind a proposed plan: its cause stays a suspicion.
        verified = changed and not incident.current_plan.proposed_by
        outcome = AttemptOutcome.WORKED if changed else AttemptOutcome.CHANGED_NOTHING
        resolution = resolution_of_fix(incident)
        incident = incident.with_attempt(incident.current_plan.cause_id, outcome, now)
    after = moved(
        incident,
        State.RESTORED,
        now,
        restored_at=now,
        resolution=resolution,
        cause_verified=verified,
    )
    quiet = f"every alert stayed quiet for {round(hold, 1):g} s"
    text = f"Repair verified: every check held and {quiet}" if verified else f"Over: {quiet}"
    entry = NewEntry(
        f"{incident.episode.number}.restored",
        f"{text}. {resolution}",
        facts={"hold_seconds": hold, "resolution": resolution, "repair_verified": verified},
    )
    return Transition(after, (entry,))


def _not_verified(context: IncidentContext, incident: Incident, unknown: list[str]) -> Transition:
    now = context.now()
    reason = f"whether it is over is unknown from the samples: {unknown[0]}"
    role = context.ladder_of(incident).when.get("not_verified", ON_CALL)
    key = f"{incident.attempt_number}.not_verified.{role}"
    called = call(context, incident, role, f"{reason}; a person closes it", key, page=False)
    entry = NewEntry(
        f"{incident.attempt_key}.not_verified",
        f"Not verified: {reason}. A person closes it: `trimtab incidents close {incident.id}`.",
        facts={"untold": unknown},
    )
    after = moved(incident, State.NOT_VERIFIED, now, watch=None)
    return Transition(after, (entry, called.entry), called.messages)


def _not_over(context: IncidentContext, incident: Incident, failing: list[str]) -> Transition:
    now = context.now()
    entry = NewEntry(
        f"{incident.attempt_key}.not_over.{now.isoformat()}",
        f"Not over: {failing[0]}.",
        facts={"failing": failing},
    )
    if incident.episode.plan is None:
        return Transition(moved(incident, State.TRIAGED, now, watch=None), (entry,))
    helped = any(act.changed for act in incident.episode.done)
    outcome = AttemptOutcome.DID_NOT_HELP if helped else AttemptOutcome.CHANGED_NOTHING
    tried = incident.with_attempt(incident.episode.plan.cause_id, outcome, now)
    return Transition(moved(tried, State.UNDOING, now, watch=None), (entry,))
