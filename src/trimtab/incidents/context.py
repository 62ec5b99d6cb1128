"""Shared dependencies of the incident stages."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from trimtab.incidents.ladders import Ladder, Ladders
from trimtab.incidents.model import Incident, IncidentAlert, Plan
from trimtab.incidents.ports import (
    AlertMonitor,
    Consult,
    History,
    Impact,
    NobodyOnCall,
    NoOutsideAlerts,
    OnCallPeople,
    OutsideAlerts,
    Ranking,
    ServiceProbe,
)
from trimtab.incidents.proofs import Proofs
from trimtab.incidents.rca import Graph
from trimtab.incidents.store import IncidentStore
from trimtab.infra.audit import Audit
from trimtab.infra.notify import Reach
from trimtab.infra.settings.sections.incidents import IncidentSettings
from trimtab.kernel.clock import Clock
from trimtab.kernel.operable import Catalog
from trimtab.runbooks import Cause, Library, Procedure, Runbook


@dataclass(frozen=True, slots=True)
class IncidentContext:
    """Dependencies of all incident stages."""

    store: IncidentStore
    library: Library
    catalog: Catalog
    monitor: AlertMonitor
    audit: Audit
    clock: Clock
    settings: IncidentSettings
    ladders: Ladders
    proofs: Proofs
    consult: Consult | None = None
    impact: Impact | None = None
    probe: ServiceProbe | None = None
    reach: Reach = field(default_factory=Reach)
    """Configured channels that deliver messages to people; none by default."""
    outside: OutsideAlerts = field(default_factory=NoOutsideAlerts)
    on_call: OnCallPeople = field(default_factory=NobodyOnCall)
    history: History | None = None
    ranking: Ranking | None = None
    """Ranks what has moved since an incident began; used when no cause is supported."""
    dependencies: Callable[[], Graph] = dict
    """Returns what each component and node depends on, as far as it is known without a server."""

    def now(self) -> datetime:
        """Return the current time of the service's clock."""
        return self.clock.now()

    def runbooks_of(self, incident: Incident) -> tuple[Runbook, ...]:
        """Return the runbooks of the incident's alerts, in the order of the alerts.

        Each runbook is returned once. If an alert has several runbooks, the one that its rule names
        comes first: its ladder and severity apply.
        """
        found: dict[str, Runbook] = {}
        for attached in incident.alerts:
            named = attached.alert.annotations.get("runbook_url", "").removeprefix("runbook:")
            books = self.library.for_alert(attached.alert.name)
            for book in sorted(books, key=lambda book: book.id != named):
                found.setdefault(book.id, book)
        return tuple(found.values())

    def cause_of(self, plan: Plan) -> Cause | None:
        """Return the runbook's cause that the plan repairs; None for a proposed plan."""
        return None if plan.proposed_by else self.library.cause(plan.cause_id)[1]

    def procedures_of(self, incident: Incident) -> tuple[Procedure, ...]:
        """Return the procedures for the incident's alerts, without duplicates."""
        found: dict[str, Procedure] = {}
        for attached in incident.alerts:
            for page in self.library.procedures_for(
                attached.alert.name, attached.alert.annotations.get("runbook_url", "")
            ):
                found.setdefault(page.id, page)
        return tuple(found.values())

    def ladder_of(self, incident: Incident) -> Ladder:
        """Return the incident's escalation ladder."""
        return self.ladders[incident.ladder]

    def firing(self, alert: IncidentAlert) -> bool:
        """Return whether an alert fires now: by the rules, or as its sender has said."""
        if alert.source:
            return self.outside.firing(alert.fingerprint)
        return self.monitor.firing(alert.fingerprint)

    def quiet(self, incident: Incident) -> bool:
        """Return whether no alert of the incident fires."""
        if any(self.firing(each.alert) for each in incident.alerts):
            return False
        return not self.outside.firing_in(incident.id)

    def sampled_since(self, incident: Incident, at: datetime) -> bool:
        """Return whether it is known since then how the incident's alerts are.

        Alerts of trimtab's own rules need fresh samples. Those from outside need the word of their
        sender: an alert that is no longer repeated may fire or not.
        """
        if self.outside.unknown_in(incident.id):
            return False
        own = any(not each.alert.source for each in incident.alerts)
        return self.monitor.sampled_since(at) if own else True

    def seen_quiet(self, incident: Incident) -> bool:
        """Return whether no alert fires and fresh samples still arrive."""
        return self.quiet(incident) and self.sampled_since(incident, incident.episode.opened_at)

    def silenced(self, incident: Incident) -> bool:
        """Return whether every firing alert of the incident is silenced."""
        rules = [
            each.alert.labels for each in incident.alerts if each.firing and not each.alert.source
        ]
        return self.outside.silenced(incident.id, rules)
