"""The public face: alerts come in, people look, approve and read."""

import logging
import math
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

from trimtab.incidents.attach import attached, fired, quieted, reopened
from trimtab.incidents.clocks import ResponseClock, read_clocks
from trimtab.incidents.context import IncidentContext
from trimtab.incidents.errors import (
    DrillRunning,
    IncidentUnknown,
    NothingToClose,
    StillFiring,
)
from trimtab.incidents.ladders import check_ladders
from trimtab.incidents.loop import KIND, WAKE, Loop, job_id
from trimtab.incidents.model import (
    AttachedAlert,
    Attempt,
    AttemptOutcome,
    Entry,
    Episode,
    Incident,
    IncidentAlert,
    PlanApproval,
)
from trimtab.incidents.notifications import (
    Notification,
    notifications,
    people_told,
    receipt_entry,
)
from trimtab.incidents.plan import check_preapproved
from trimtab.incidents.postmortem import render, render_report
from trimtab.incidents.state import State
from trimtab.incidents.statements import resolution_by_person
from trimtab.incidents.transition import NewEntry, moved
from trimtab.incidents.triage import component_of, group_key, title_of
from trimtab.infra.jobs import Jobs, JobState, JobUnknown, Json
from trimtab.infra.notify import Receipt
from trimtab.kernel.drilling import is_marked

_log = logging.getLogger(__name__)
_MOST_RESTARTS = 1000
_CLOSABLE = {State.ESCALATED, State.NOT_VERIFIED}


class Incidents:
    """Opens incidents for alerts and drives each with one durable job.

    Construct it before `Jobs.launch`, and call `resume` after.

    Args:
        context: What the stages stand on.
        jobs: Where the durable jobs run.

    Raises:
        PreapprovalRefused: The settings pre-approve what always needs a person.
        LaddersRefused: A runbook names a ladder that does not exist.
    """

    def __init__(self, context: IncidentContext, jobs: Jobs) -> None:
        check_preapproved(context.settings.preapproved, context.catalog)
        check_ladders(context.library, context.ladders)
        self._context = context
        self._store = context.store
        self._jobs = jobs
        self._opening = threading.Lock()
        self._drilling = False
        self._changed = threading.Condition()
        self._changes = 0
        self._store.listen(self._notice)
        jobs.register(KIND, Loop(context).body)

    def resume(self) -> None:
        """Make sure that every active incident has a job that runs; safe to call at any time."""
        for incident in self._store.find(active=True, limit=None):
            try:
                self._start(incident)
            except Exception:  # noqa: BLE001 - the others are driven all the same; the next call tries again.
                _log.exception("an incident's job cannot start", extra={"incident": incident.id})

    def alert_fired(self, alert: IncidentAlert) -> Incident:
        """Open an incident for the alert, join it to the one that is open, or reopen one that just ended."""
        if not math.isfinite(alert.value):
            alert = replace(alert, value=0.0)
        with self._opening:
            latest = self._store.latest_of_group(group_key(alert))
            if latest is None:
                incident = self._open(alert)
            elif latest.active and (not latest.drill or self._of_drill(alert)):
                incident = self._join(latest, alert)
            elif self._comes_back(latest, alert):
                incident = self._reopen(latest, alert)
            else:
                incident = self._open(alert)
        self._start(incident)
        return incident

    def alert_resolved(self, fingerprint: str, at: datetime) -> None:
        """Note that an alert is quiet; the loop decides what that means."""
        for incident in self._store.active_with_alert(fingerprint):
            found = next(each for each in incident.alerts if each.alert.fingerprint == fingerprint)
            if found.firing:
                text = f"Alert {found.alert.name} is quiet."
                self._store.change(
                    incident.id,
                    lambda fresh: quieted(fresh, fingerprint, at),
                    at,
                    [NewEntry(f"quiet.{fingerprint}.{at.isoformat()}", text)],
                )
                self._wake(incident)

    def firing_alerts(self) -> Sequence[IncidentAlert]:
        """Return the alerts that fired when they were last heard of, to resume the rules with after a start."""
        return [
            attached.alert
            for incident in self._store.find(active=True, limit=None)
            for attached in incident.alerts
            if attached.firing
        ]

    @contextmanager
    def drill(self) -> Iterator[None]:
        """Mark the incidents that open in this time as a drill's, unless their rule knows that users met it.

        Raises:
            DrillRunning: Another drill is running.
        """
        with self._opening:
            if self._drilling:
                raise DrillRunning("A drill is running already.")
            self._drilling = True
        try:
            yield
        finally:
            self._drilling = False

    def list(
        self, *, active: bool | None = None, drills: bool = False, limit: int = 100
    ) -> Sequence[Incident]:
        """Return incidents, the newest first.

        Args:
            active: Only those that are not over, or only those that are.
            drills: Only those of drills; they are in no other list.
            limit: The most that are returned.
        """
        return self._store.find(active=active, drills=drills, limit=limit)

    def get(self, incident_id: str) -> Incident:
        """Return the incident, or raise `IncidentUnknown`."""
        return self._store.get(incident_id)

    def clocks(self, incident_id: str) -> tuple[ResponseClock, ...]:
        """Return the incident's four clocks as they stand."""
        incident = self._store.get(incident_id)
        return read_clocks(incident, self._context.ladder_of(incident), self._context.now())

    def timeline(self, incident_id: str, after_seq: int = 0) -> Sequence[Entry]:
        """Return the journal behind an entry, in order."""
        return self._store.timeline(incident_id, after_seq)

    def follow(self, incident_id: str, after_seq: int, timeout_seconds: float) -> Sequence[Entry]:
        """Return the journal behind an entry as soon as there is something, or nothing after the real seconds.

        For live views: call it again with the last ``seq``.
        """
        with self._changed:
            seen = self._changes
        found = self._store.timeline(incident_id, after_seq)
        if found:
            return found
        with self._changed:
            self._changed.wait_for(lambda: self._changes != seen, timeout_seconds)
        return self._store.timeline(incident_id, after_seq)

    def approval(self, incident_id: str) -> PlanApproval | None:
        """Return the question that the incident waits for, or its answer."""
        incident = self._store.get(incident_id)
        return (
            self._store.approval(incident_id, incident.episode.plan.hash)
            if incident.episode.plan
            else None
        )

    def planned(self, incident_id: str, plan_hash: str) -> tuple[str, ...]:
        """Return the names of the actions of that plan; none when another one waits: then `approve` refuses."""
        plan = self._store.get(incident_id).episode.plan
        return tuple(act.name for act in plan.acts) if plan and plan.hash == plan_hash else ()

    def approve(self, incident_id: str, plan_hash: str, principal: str) -> PlanApproval:
        """Let the plan run.

        Args:
            incident_id: The incident.
            plan_hash: The plan that the person has read.
            principal: Who approves; goes to the journal and the audit chain.

        Raises:
            NothingToDecide: Nothing waits, it was answered before, or its time is over.
            PlanChanged: Another plan waits.
        """
        return self._decide(incident_id, plan_hash, "approved", principal, "")

    def reject(
        self, incident_id: str, plan_hash: str, principal: str, reason: str = ""
    ) -> PlanApproval:
        """Reject the plan and hand the incident over to people. Raises as `approve` does."""
        return self._decide(incident_id, plan_hash, "rejected", principal, reason)

    def close(self, incident_id: str, principal: str, note: str = "") -> Incident:
        """Close an incident that is escalated or not verified, on a person's word.

        Args:
            incident_id: The incident.
            principal: Who closes it; goes to the journal and the audit chain.
            note: What the person knows; goes to the journal.

        Raises:
            NothingToClose: It is over, or the operator still works on it.
            StillFiring: An alert of it fires.
        """
        now, incident = self._context.now(), self._store.get(incident_id)
        if not self._context.quiet(incident):
            raise StillFiring(f"An alert of {incident_id} still fires.")
        resolution = resolution_by_person(self._context, incident)

        def closed(fresh: Incident) -> Incident:
            if fresh.state not in _CLOSABLE:
                raise NothingToClose(f"{incident_id} cannot be closed: it is {fresh.state}.")
            attempts = fresh.attempts
            if fresh.state is State.NOT_VERIFIED and fresh.episode.plan is not None:
                tried = Attempt(
                    fresh.episode.number,
                    fresh.episode.plan.cause_id,
                    AttemptOutcome.NOT_VERIFIED,
                    now,
                )
                attempts = (*attempts, tried)
            return moved(
                fresh,
                State.RESTORED,
                now,
                restored_at=now,
                attempts=attempts,
                resolution=resolution,
                closed_by=principal,
            )

        said = f"Closed by {principal}; not verified by trimtab" + (f": {note}" if note else "")
        entry = NewEntry(f"{incident.episode.number}.closed_by_person", f"{said}.", principal)
        after = self._store.change(incident_id, closed, now, [entry])
        facts = {"opening": incident.episode.number}
        self._context.audit.append(principal, "incidents.closed", incident_id, facts)
        self._wake(after)
        return after

    def notifications(self, incident_id: str) -> tuple[Notification, ...]:
        """Return whom the present opening has called, and what is known of the delivery."""
        opening = self._store.get(incident_id).episode.number
        return notifications(self._store.timeline(incident_id), opening)

    def people_told(self, incident_id: str) -> bool:
        """Return whether a channel that reaches people has accepted anything about the incident."""
        return people_told(self._store.timeline(incident_id))

    def note_receipt(self, receipt: Receipt) -> None:
        """Write to the journal what became of a message; those about no incident are left out."""
        entry = receipt_entry(receipt)
        if entry is None or not receipt.message.subject:
            return
        try:
            incident = self._store.get(receipt.message.subject)
        except IncidentUnknown:
            return
        self._store.note(incident, self._context.now(), entry)

    def postmortem(self, incident_id: str, *, report: bool = False) -> str:
        """Return the post-mortem as Markdown; before the end, what it would say now.

        Args:
            incident_id: The incident.
            report: Return the incident report format instead.
        """
        incident = self._store.get(incident_id)
        entries = self._store.timeline(incident_id)
        clocks = read_clocks(incident, self._context.ladder_of(incident), self._context.now())
        if report:
            return render_report(incident, entries, clocks)
        return incident.episode.postmortem or render(incident, entries, clocks, self._context.now())

    def _decide(
        self, incident_id: str, plan_hash: str, decision: str, principal: str, reason: str
    ) -> PlanApproval:
        now = self._context.now()
        decided = PlanApproval(incident_id, plan_hash, now, now, decision, principal, reason, now)
        said = f"{principal} {decided.decision} plan {plan_hash}" + (
            f": {reason}" if reason else ""
        )
        note = NewEntry(f"decision.{plan_hash}", f"{said}.", principal, {"decision": decision})
        answer = self._store.decide(decided, note)
        self._wake(self._store.get(incident_id))
        return answer

    def _open(self, alert: IncidentAlert) -> Incident:
        now = self._context.now()

        def make(incident_id: str) -> Incident:
            return Incident(
                id=incident_id,
                state=State.DETECTED,
                state_since=now,
                title=title_of(alert),
                component=component_of(alert),
                group_key=group_key(alert),
                alerts=(AttachedAlert(alert, firing=True, changed_at=now),),
                episode=Episode(1, now),
                drill=self._of_drill(alert),
            )

        return self._store.open(make, f"INC-{now:%Y-%m%d}", [fired(alert, "opened")])

    def _of_drill(self, alert: IncidentAlert) -> bool:
        """Return whether a drill has caused the alert.

        Its label tells. A rule that reads nothing in which drills are counted apart, such as the free space of a disk,
        cannot tell: what it finds while a drill runs is taken as the drill's.
        """
        if is_marked(alert.labels):
            return True
        return self._drilling and not self._context.monitor.counts_drills_apart(alert.name)

    def _join(self, incident: Incident, alert: IncidentAlert) -> Incident:
        now = self._context.now()
        known = {one.alert.fingerprint for one in incident.alerts if one.firing}
        if alert.fingerprint in known:
            return incident
        after = self._store.change(
            incident.id, lambda fresh: attached(fresh, alert, now), now, [fired(alert, "joined")]
        )
        self._wake(after)
        return after

    def _reopen(self, incident: Incident, alert: IncidentAlert) -> Incident:
        now = self._context.now()

        return self._store.change(
            incident.id, lambda fresh: reopened(fresh, alert, now), now, [fired(alert, "reopened")]
        )

    def _comes_back(self, ended: Incident, alert: IncidentAlert) -> bool:
        if ended.drill or self._of_drill(alert):
            return False
        if all(one.alert.fingerprint != alert.fingerprint for one in ended.alerts):
            return False
        since = alert.fired_at - (ended.episode.resolved_at or ended.episode.opened_at)
        return since.total_seconds() <= self._context.settings.reopen_window_minutes * 60

    def _start(self, incident: Incident) -> None:
        argument: dict[str, Json] = {"incident_id": incident.id, "opening": incident.episode.number}
        self._jobs.start(KIND, self._driver(incident), argument)

    def _wake(self, incident: Incident) -> None:
        try:
            self._jobs.send(self._driver(incident), WAKE, incident.state.value)
        except JobUnknown:
            self._start(incident)

    def _driver(self, incident: Incident) -> str:
        """Return the id of the job that drives the incident, or of a fresh one when all before have failed."""
        for restart in range(_MOST_RESTARTS):
            name = job_id(incident, restart)
            try:
                if self._jobs.status(name).state not in {JobState.FAILED, JobState.CANCELLED}:
                    return name
            except JobUnknown:
                return name
        return job_id(incident, _MOST_RESTARTS)

    def _notice(self, _incident_id: str) -> None:
        with self._changed:
            self._changes += 1
            self._changed.notify_all()
