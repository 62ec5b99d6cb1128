"""Public interface of the incident operator."""

import logging
import math
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta

from trimtab.incidents.after_drill import outlasting_alerts
from trimtab.incidents.attach import quieted
from trimtab.incidents.clocks import ResponseClock, read_clocks
from trimtab.incidents.context import IncidentContext
from trimtab.incidents.errors import (
    DrillRunning,
    IncidentUnknown,
    NothingToClose,
    OwnProposal,
    StillFiring,
)
from trimtab.incidents.ladders import check_ladders
from trimtab.incidents.loop import KIND, WAKE, Loop, Wakes, job_id
from trimtab.incidents.model import (
    AttemptOutcome,
    Entry,
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
from trimtab.incidents.opening import Opening
from trimtab.incidents.plan import check_preapproved
from trimtab.incidents.postmortem import render, render_report
from trimtab.incidents.report import IncidentReport, report_of
from trimtab.incidents.state import State
from trimtab.incidents.statements import resolution_by_person
from trimtab.incidents.transition import NewEntry, moved, sentence
from trimtab.incidents.triage import group_key
from trimtab.infra.jobs import Jobs, JobState, JobUnknown
from trimtab.infra.notify import Receipt
from trimtab.kernel.errors import TrimtabError
from trimtab.kernel.ids import content_id

_log = logging.getLogger(__name__)
_MAX_RESTARTS = 1000
_CLOSABLE = {State.ESCALATED, State.NOT_VERIFIED}


class Incidents:
    """Opens incidents for alerts and runs one durable job for each episode.

    Construct it before `Jobs.launch`, and call `resume` after.

    Args:
        context: Dependencies of the stages.
        jobs: Runs the durable jobs.

    Raises:
        PreapprovalRefused: The settings pre-approve what always needs a person.
        LaddersRefused: A runbook names a ladder that does not exist.
    """

    def __init__(self, context: IncidentContext, jobs: Jobs) -> None:
        check_preapproved(context.settings.preapproved, context.catalog)
        check_ladders(context.library, context.ladders)
        self.context = context
        """Dependencies that the work of people shares."""
        self._store = context.store
        self._jobs = jobs
        self._intake = threading.Lock()
        self._drilling = False
        self._drill_ended = context.now()
        self._opening = Opening(context, lambda: self._drilling)
        self._changed = threading.Condition()
        self._changes = 0
        self._store.listen(self._notice)
        self._wakes = Wakes()
        jobs.register(KIND, Loop(context, self._wakes).body)

    def resume(self) -> None:
        """Start the missing jobs of active incidents; safe to call at any time.

        Alerts that still fire long after a drill get an incident of their own.
        """
        if not self._drilling:
            for alert in outlasting_alerts(self.context, self._drill_ended):
                self.alert_fired(alert)
        for incident in self._store.find(active=True, limit=None):
            try:
                self._start(incident)
            # The others must start too; the next call tries again.
            except Exception:  # noqa: BLE001
                _log.exception("an incident's job cannot start", extra={"incident": incident.id})

    def alert_fired(self, alert: IncidentAlert) -> Incident:
        """Open or reopen an incident for the alert, or attach it to an open one."""
        if not math.isfinite(alert.value):
            alert = replace(alert, value=0.0)
        with self._intake:
            incident, joined = self._opening.place(group_key(alert), (alert,))
        (self.wake if joined else self._start)(incident)
        return incident

    def alerts_fired(
        self, group: str, alerts: Sequence[IncidentAlert], title: str = ""
    ) -> Incident:
        """Report the alerts of one group at once; see `alert_fired`.

        The incident is stored when this returns; its job starts within a minute at the latest.

        Args:
            group: The key of the group.
            alerts: At least one, the first to fire first.
            title: Of a new incident; that of the first alert when empty.
        """
        with self._intake:
            incident, joined = self._opening.place(group, alerts, title)
        try:
            (self.wake if joined else self._start)(incident)
        except TrimtabError:
            _log.exception("an incident's job cannot start", extra={"incident": incident.id})
        return incident

    def is_open(self, group: str) -> bool:
        """Return whether the group has an open incident."""
        latest = self._store.latest_of_group(group)
        return latest is not None and latest.active

    def alerts_quiet(self, incident_id: str, quiet: Mapping[str, datetime], text: str) -> None:
        """Record that alerts of an incident are quiet and wake its job.

        Args:
            incident_id: The incident; one that is resolved is left as it is.
            quiet: When each of them became quiet, by fingerprint.
            text: The sentence of the journal.
        """
        incident = self._store.get(incident_id)
        if not incident.active:
            return

        def change(fresh: Incident) -> Incident:
            for fingerprint, at in quiet.items():
                fresh = quieted(fresh, fingerprint, at)
            return fresh

        stamps = sorted(f"{name}.{at.isoformat()}" for name, at in quiet.items())
        entry = NewEntry(f"quiet.{content_id('alerts', *stamps)}", text)
        self.wake(self._store.change(incident_id, change, self.context.now(), [entry]))

    def alert_resolved(self, fingerprint: str, at: datetime) -> None:
        """Record that an alert is quiet and wake the jobs of its incidents."""
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
                self.wake(incident)

    def firing_alerts(self) -> Sequence[IncidentAlert]:
        """Return the rules' alerts that fired when last reported, to resume the rules at start."""
        return [
            attached.alert
            for incident in self._store.find(active=True, limit=None)
            for attached in incident.alerts
            if attached.firing and not attached.alert.source
        ]

    @contextmanager
    def drill(self) -> Iterator[None]:
        """Mark incidents that open meanwhile as a drill's, unless users caused them.

        Raises:
            DrillRunning: Another drill is running.
        """
        with self._intake:
            if self._drilling:
                raise DrillRunning("Another drill is running.")
            self._drilling = True
        try:
            yield
        finally:
            self._drilling, self._drill_ended = False, self.context.now()

    def list(
        self, *, active: bool | None = None, drills: bool = False, limit: int = 100
    ) -> Sequence[Incident]:
        """Return incidents, the newest first.

        Args:
            active: True for active incidents only, False for resolved ones only.
            drills: True for those of drills only; they are in no other list.
            limit: Maximum number of incidents.
        """
        return self._store.find(active=active, drills=drills, limit=limit)

    def get(self, incident_id: str) -> Incident:
        """Return the incident, or raise `IncidentUnknown`."""
        return self._store.get(incident_id)

    def clocks(self, incident_id: str) -> tuple[ResponseClock, ...]:
        """Return the four response clocks of the incident."""
        incident = self._store.get(incident_id)
        return read_clocks(incident, self.context.ladder_of(incident), self.context.now())

    def report(self, days: float) -> IncidentReport:
        """Return the response times of the incidents that opened within the last days."""
        now = self.context.now()
        found = self._store.find(drills=False, limit=None)

        def clocks(incident: Incident) -> tuple[ResponseClock, ...]:
            return read_clocks(incident, self.context.ladder_of(incident), now)

        return report_of(found, clocks, (now - timedelta(days=days), now))

    def timeline(self, incident_id: str, after_seq: int = 0) -> Sequence[Entry]:
        """Return the journal entries after ``after_seq``, in order."""
        return self._store.timeline(incident_id, after_seq)

    def follow(self, incident_id: str, after_seq: int, timeout_seconds: float) -> Sequence[Entry]:
        """Wait for journal entries after ``after_seq``; return none at the timeout.

        For live views: call it again with the last ``seq``. The timeout is in real seconds.
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
        """Return the approval request of the current plan with its decision, or None."""
        incident = self._store.get(incident_id)
        return (
            self._store.approval(incident_id, incident.episode.plan.hash)
            if incident.episode.plan
            else None
        )

    def planned(self, incident_id: str, plan_hash: str) -> tuple[str, ...]:
        """Return the actions of that plan; empty if it is not the current plan."""
        plan = self._store.get(incident_id).episode.plan
        return tuple(act.name for act in plan.acts) if plan and plan.hash == plan_hash else ()

    def approve(self, incident_id: str, plan_hash: str, principal: str) -> PlanApproval:
        """Approve the plan, so that it runs.

        Args:
            incident_id: The incident.
            plan_hash: The plan that the person has read.
            principal: Who approves; goes to the journal and the audit chain.

        Raises:
            NothingToDecide: No plan waits, it was decided before, or its time is over.
            PlanChanged: Another plan is current.
            OwnProposal: The principal has proposed the plan.
        """
        plan = self._store.get(incident_id).episode.plan
        if plan is not None and plan.hash == plan_hash and plan.proposed_by == principal:
            raise OwnProposal(f"{principal} has proposed this plan, and another one approves it.")
        return self._decide(incident_id, plan_hash, "approved", principal, "")

    def reject(
        self, incident_id: str, plan_hash: str, principal: str, reason: str = ""
    ) -> PlanApproval:
        """Reject the plan and escalate the incident; raises as `approve` does."""
        return self._decide(incident_id, plan_hash, "rejected", principal, reason)

    def close(
        self, incident_id: str, principal: str, note: str = "", *, cause: str = ""
    ) -> Incident:
        """Close an escalated or unverified incident on behalf of a person.

        Args:
            incident_id: The incident.
            principal: Who closes it; goes to the journal and the audit chain.
            note: What the person knows or has done; goes to the journal and, with a cause, to the
                resolution.
            cause: The cause as the person states it.

        Raises:
            NothingToClose: It is resolved, or the operator still works on it.
            StillFiring: An alert of it fires.
        """
        now, incident = self.context.now(), self._store.get(incident_id)
        self.check_quiet(incident)
        resolution = resolution_by_person(self.context, incident)
        if cause and note:
            resolution = f"{note} {resolution}"

        def close(fresh: Incident) -> Incident:
            if fresh.state not in _CLOSABLE:
                raise NothingToClose(f"{incident_id} cannot be closed: it is {fresh.state}.")
            if fresh.state is State.NOT_VERIFIED and (plan := fresh.episode.plan):
                fresh = fresh.with_attempt(plan.cause_id, AttemptOutcome.NOT_VERIFIED, now)
            given = {"resolution": resolution, "closed_by": principal, "cause_stated": cause}
            return moved(fresh, State.RESTORED, now, restored_at=now, **given)

        text = f"Closed by {principal}; not verified by trimtab" + (f": {note}" if note else "")
        entry = NewEntry(f"{incident.episode.number}.closed_by_person", sentence(text), principal)
        after = self._store.change(incident_id, close, now, [entry])
        facts = {"opening": incident.episode.number}
        self.context.audit.append(principal, "incidents.closed", incident_id, facts)
        self.wake(after)
        return after

    def check_quiet(self, incident: Incident) -> None:
        """Raise `StillFiring` while an alert of the incident fires."""
        if not self.context.quiet(incident):
            raise StillFiring(f"An alert of {incident.id} still fires.")

    def notifications(self, incident_id: str) -> tuple[Notification, ...]:
        """Return the calls of the current episode, with their delivery status."""
        episode = self._store.get(incident_id).episode
        return notifications(self._store.timeline(incident_id), episode.number)

    def people_told(self, incident_id: str) -> bool:
        """Return whether a channel that reaches people has accepted anything about the incident."""
        return people_told(self._store.timeline(incident_id))

    def note_receipt(self, receipt: Receipt) -> None:
        """Record the delivery of a message in the journal of its incident, if it has one."""
        entry = receipt_entry(receipt)
        if entry is None or not receipt.message.subject:
            return
        try:
            incident = self._store.get(receipt.message.subject)
        except IncidentUnknown:
            return
        self._store.note(incident, self.context.now(), entry)

    def postmortem(self, incident_id: str, *, report: bool = False) -> str:
        """Return the post-mortem as Markdown; a draft while the incident is active.

        Args:
            incident_id: The incident.
            report: Return the incident report format instead.
        """
        incident = self._store.get(incident_id)
        entries = self._store.timeline(incident_id)
        clocks = read_clocks(incident, self.context.ladder_of(incident), self.context.now())
        if report:
            return render_report(incident, entries, clocks)
        return incident.episode.postmortem or render(incident, entries, clocks, self.context.now())

    def _decide(
        self, incident_id: str, plan_hash: str, decision: str, principal: str, reason: str
    ) -> PlanApproval:
        now = self.context.now()
        decided = PlanApproval(incident_id, plan_hash, now, now, decision, principal, reason, now)
        text = f"{principal} {decided.decision} plan {plan_hash}" + (
            f": {reason}" if reason else ""
        )
        note = NewEntry(f"decision.{plan_hash}", sentence(text), principal, {"decision": decision})
        answer = self._store.decide(decided, note)
        self.wake(self._store.get(incident_id))
        return answer

    def _start(self, incident: Incident) -> None:
        name, known = self._driver(incident)
        number = incident.episode.number
        if not known:
            self._jobs.start(KIND, name, {"incident_id": incident.id, "opening": number})

    def wake(self, incident: Incident) -> None:
        """Let the job of an incident look at it now; start the job if there is none."""
        name, known = self._driver(incident)
        if known:
            self._wakes.send(name, lambda: self._jobs.send(name, WAKE, incident.state.value))
        else:
            self._start(incident)

    def _driver(self, incident: Incident) -> tuple[str, bool]:
        """Return the id of the incident's job, a new one if all have failed; whether it exists."""
        for restart in range(_MAX_RESTARTS):
            name = job_id(incident, restart)
            try:
                if self._jobs.status(name).state not in {JobState.FAILED, JobState.CANCELLED}:
                    return name, True
            except JobUnknown:
                return name, False
        return job_id(incident, _MAX_RESTARTS), False

    def _notice(self, _incident_id: str) -> None:
        with self._changed:
            self._changes += 1
            self._changed.notify_all()
