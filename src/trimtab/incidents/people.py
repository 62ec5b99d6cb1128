"""Actions of people: declare, acknowledge, assign, take over and resolve incidents."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from trimtab.incidents.context import IncidentContext
from trimtab.incidents.errors import (
    AlreadyAcknowledged,
    FollowUpUnknown,
    NotPossibleNow,
    StillFiring,
)
from trimtab.incidents.intake.model import DECLARED, Batch, ReceivedAlert
from trimtab.incidents.intake.service import AlertIntake
from trimtab.incidents.messages import broadcast, direct
from trimtab.incidents.model import Acknowledgement, FollowUp, Incident, IncidentSeverity
from trimtab.incidents.service import Incidents
from trimtab.incidents.state import State
from trimtab.incidents.transition import NewEntry, moved, sentence
from trimtab.incidents.triage import native_label
from trimtab.infra.notify import Kind
from trimtab.kernel.errors import Unavailable
from trimtab.kernel.ids import content_id, new_id

_ACTING = {State.EXECUTING, State.UNDOING}
_OVER = {State.RESTORED, State.RESOLVED}
_MAX_FOLLOW_UPS = 100


@dataclass(frozen=True, slots=True)
class Declaration:
    """An incident as a person declares it."""

    title: str
    severity: IncidentSeverity
    component: str = ""
    system: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class AgentCall:
    """A call of a tool by an agent."""

    agent: str
    """The program that called, as it names itself."""
    tool: str
    arguments: str
    """As JSON, cut where it is long; without those that say where they belong."""


class People:
    """Lets people work on incidents; every change is in the journal and in the audit chain.

    Each change is one transaction that looks at the incident afresh, so of two people who do the
    same thing at once the second learns of the first.

    Args:
        context: Dependencies of the stages.
        incidents: Close incidents and wake their jobs.
        intake: Keeps the alerts that stand for declared incidents.
    """

    def __init__(self, context: IncidentContext, incidents: Incidents, intake: AlertIntake) -> None:
        self._context = context
        self._store = context.store
        self._incidents = incidents
        self._intake = intake

    def declare(self, declaration: Declaration, principal: str) -> Incident:
        """Open an incident that no alert has reported."""
        now = self._context.now()
        fingerprint = content_id("declared", new_id("incident", now))
        labels = {
            "alertname": "DeclaredIncident",
            "severity": declaration.severity.value,
            "component": declaration.component,
            "system": declaration.system,
        }
        alert = ReceivedAlert(
            fingerprint=fingerprint,
            labels={name: value for name, value in labels.items() if value},
            annotations={"title": declaration.title, "summary": declaration.description},
            starts_at=now,
            ends_at=None,
            resolved=False,
            source=DECLARED,
        )
        self._intake.receive(Batch((alert,)))
        self._intake.process()
        incident_id = self._intake.incident_of(fingerprint)
        if not incident_id:
            raise Unavailable("The incident was stored and is not open yet.", hint="Look again.")
        text = f"Declared by {principal}" + (
            f": {declaration.description}" if declaration.description else ""
        )
        return self._noted(incident_id, "declared", sentence(text), principal)

    def acknowledge(
        self, incident_id: str, principal: str, minutes: float | None = None
    ) -> Incident:
        """Stop paging until the acknowledgement ends; the clocks continue.

        Args:
            incident_id: The incident.
            principal: Who works on it.
            minutes: How long; `incidents.acknowledge_minutes` when None.

        Raises:
            AlreadyAcknowledged: Another person has, and that is not over.
            NotPossibleNow: It is over.
        """
        now = self._context.now()
        lasts = self._context.settings.acknowledge_minutes if minutes is None else minutes
        until = now + timedelta(minutes=lasts)

        def acknowledge(fresh: Incident) -> Incident:
            _check_open(fresh)
            known = fresh.episode.acknowledged
            if known is not None and known.by != principal and now < known.until:
                raise AlreadyAcknowledged(
                    f"{known.by} acknowledged {incident_id} until {known.until:%H:%M} UTC."
                )
            since = known.at if known is not None and known.by == principal else now
            return fresh.updated(acknowledged=Acknowledgement(principal, since, until))

        text = f"Acknowledged by {principal} until {until:%H:%M} UTC; no one is paged before."
        return self._change(incident_id, acknowledge, ("acknowledged", text), principal)

    def assign(self, incident_id: str, person: str, principal: str) -> Incident:
        """Make a person responsible, and tell them; an empty name takes it back."""

        def assign(fresh: Incident) -> Incident:
            _check_open(fresh)
            return fresh.updated(assigned_to=person)

        text = f"Assigned to {person} by {principal}." if person else f"Unassigned by {principal}."
        after = self._change(incident_id, assign, ("assigned", text), principal)
        if person:
            text = f"{after.id} {after.title}: {principal} made you responsible."
            key = content_id("assigned", person, self._context.now().isoformat())
            self._store.send(direct(after, person, text, key), self._context.now())
        return after

    def note(self, incident_id: str, text: str, principal: str) -> Incident:
        """Write a note to the journal."""
        return self._noted(incident_id, "noted", text, principal)

    def record_call(self, incident_id: str, call: AgentCall, principal: str) -> None:
        """Record a call of an agent: in the journal of its incident, else in the audit chain."""
        now, text = self._context.now(), f"{call.agent} called {call.tool}"
        if not incident_id:
            self._context.audit.append(principal, "agents.called", call.tool, {"agent": call.agent})
            return
        incident = self._store.get(incident_id)
        facts = {"agent": call.agent, "tool": call.tool, "arguments": call.arguments}
        message = f"{text} with {call.arguments}." if call.arguments else f"{text}."
        entry = NewEntry(f"agent.{new_id('entry', now)}", message, principal, facts)
        self._store.note(incident, now, entry)

    def set_severity(
        self, incident_id: str, severity: IncidentSeverity, principal: str, reason: str = ""
    ) -> Incident:
        """Set the severity; only alerts that fire afterwards raise it again.

        A higher severity starts the ladder again.
        """
        now = self._context.now()

        def change(fresh: Incident) -> Incident:
            _check_open(fresh)
            if severity < fresh.severity:
                fresh = fresh.updated(called=(), held_back=(), passed_over=())
            return fresh.updated(
                severity=severity,
                native_severity=native_label(fresh.system, severity),
                severity_set_at=now,
            )

        text = f"Severity set to {severity} by {principal}" + (f": {reason}" if reason else "")
        after = self._change(incident_id, change, ("severity_set", sentence(text)), principal)
        for message in broadcast(
            after, Kind.ALERT, f"{after.id}: {sentence(text)}", f"set.{now.isoformat()}"
        ):
            self._store.send(message, now)
        return after

    def take_over(self, incident_id: str, principal: str) -> Incident:
        """Let a person work on it instead of trimtab, which only watches from now on.

        A plan that waits is dropped. The person is responsible and has acknowledged it.

        Raises:
            NotPossibleNow: It is over, or an act of a plan runs.
        """
        now = self._context.now()
        until = now + timedelta(minutes=self._context.settings.acknowledge_minutes)

        def take(fresh: Incident) -> Incident:
            _check_open(fresh)
            if fresh.state in _ACTING:
                raise NotPossibleNow(
                    f"An act of the plan of {incident_id} runs.",
                    hint="Wait until it has ended; it is recorded and can be undone.",
                )
            after = fresh if fresh.state is State.ESCALATED else _handed_to_people(fresh, now)
            return after.updated(
                taken_over_by=principal,
                assigned_to=principal,
                acknowledged=Acknowledgement(principal, now, until),
            )

        text = f"Taken over by {principal}; trimtab only watches."
        return self._change(incident_id, take, ("taken_over", text), principal)

    def hand_back(self, incident_id: str, principal: str) -> Incident:
        """Let trimtab diagnose and plan again; its plans ask for approval.

        Raises:
            NotPossibleNow: No one has taken it over.
        """
        now = self._context.now()

        def give(fresh: Incident) -> Incident:
            if not fresh.episode.taken_over_by or fresh.state is not State.ESCALATED:
                raise NotPossibleNow(f"No one has taken {incident_id} over.")
            return moved(fresh, State.TRIAGED, now, taken_over_by="", watch=None)

        text = f"Handed back by {principal}; trimtab diagnoses again."
        return self._change(incident_id, give, ("handed_back", text), principal)

    def resolve(self, incident_id: str, principal: str, cause: str, resolution: str) -> Incident:
        """Resolve an incident with the cause that a person has found.

        Args:
            incident_id: The incident.
            principal: Who resolves it.
            cause: What the cause was.
            resolution: What ended it.

        Raises:
            StillFiring: An alert of it fires.
            NotPossibleNow: It is over, or an act of a plan runs.
        """
        incident = self._store.get(incident_id)
        _check_open(incident)
        alerts = [each.alert for each in incident.alerts]
        # Asked before anything changes, so that a refusal leaves the incident as it is.
        if any(self._context.firing(each) for each in alerts if each.source != DECLARED):
            raise StillFiring(f"An alert of {incident_id} still fires.")
        for alert in alerts:
            if alert.source == DECLARED:
                self._intake.end_declared(alert.fingerprint)
        self._incidents.check_quiet(incident)
        if incident.state not in {State.ESCALATED, State.NOT_VERIFIED}:
            self.take_over(incident_id, principal)
        return self._incidents.close(incident_id, principal, resolution, cause=cause)

    def add_follow_up(
        self, incident_id: str, text: str, principal: str, owner: str = ""
    ) -> Incident:
        """Add something to do afterwards, also to a resolved incident."""
        now = self._context.now()

        def add(fresh: Incident) -> Incident:
            if len(fresh.follow_ups) >= _MAX_FOLLOW_UPS:
                raise NotPossibleNow(f"{incident_id} has {_MAX_FOLLOW_UPS} follow-ups already.")
            number = f"F{len(fresh.follow_ups) + 1}"
            added = FollowUp(number, text, principal, now, owner)
            return replace(fresh, follow_ups=(*fresh.follow_ups, added))

        what = f"Follow-up by {principal}: {text}" + (f" (owner: {owner})" if owner else "")
        return self._change(incident_id, add, ("follow_up", sentence(what)), principal)

    def finish_follow_up(self, incident_id: str, number: str, principal: str) -> Incident:
        """Mark a follow-up as done.

        Raises:
            FollowUpUnknown: The incident has none of that number.
        """
        now = self._context.now()

        def finish(fresh: Incident) -> Incident:
            if number not in {each.id for each in fresh.follow_ups}:
                raise FollowUpUnknown(f"{incident_id} has no follow-up {number[:20]!r}.")
            changed = tuple(
                replace(each, done_by=principal, done_at=now) if each.id == number else each
                for each in fresh.follow_ups
            )
            return replace(fresh, follow_ups=changed)

        text = f"Follow-up {number} done by {principal}."
        return self._change(incident_id, finish, ("follow_up_done", text), principal)

    def _noted(self, incident_id: str, what: str, text: str, principal: str) -> Incident:
        return self._change(incident_id, lambda fresh: fresh, (what, text), principal)

    def _change(
        self,
        incident_id: str,
        change: Callable[[Incident], Incident],
        line: tuple[str, str],
        principal: str,
    ) -> Incident:
        """Change the incident in one transaction, with a journal entry, and audit it.

        Args:
            incident_id: The incident.
            change: Returns the new incident, or raises.
            line: The kind of the change, and the sentence of the journal.
            principal: Who does it.
        """
        now, (what, text) = self._context.now(), line
        entry = NewEntry(f"person.{what}.{new_id('entry', now)}", text, principal, {"person": what})
        after = self._store.change(incident_id, change, now, [entry])
        facts = {"opening": after.episode.number}
        self._context.audit.append(principal, f"incidents.{what}", incident_id, facts)
        if after.active:
            self._incidents.wake(after)
        return after


def _handed_to_people(incident: Incident, now: datetime) -> Incident:
    """Return the incident in the state in which people work on it, without a plan."""
    return moved(
        incident,
        State.ESCALATED,
        now,
        watch=None,
        plan=None,
        escalated_at=incident.episode.escalated_at or now,
    )


def _check_open(incident: Incident) -> None:
    if incident.state in _OVER:
        raise NotPossibleNow(f"{incident.id} is over: it is {incident.state}.")
