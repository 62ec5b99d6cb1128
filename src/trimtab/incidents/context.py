"""Shared dependencies of the incident stages."""

from dataclasses import dataclass, field
from datetime import datetime

from trimtab.incidents.ladders import Ladder, Ladders
from trimtab.incidents.model import Incident
from trimtab.incidents.ports import AlertMonitor, Consult, Impact, ServiceProbe
from trimtab.incidents.proofs import Proofs
from trimtab.incidents.store import IncidentStore
from trimtab.infra.audit import Audit
from trimtab.infra.notify import Reach
from trimtab.infra.settings.sections.incidents import IncidentSettings
from trimtab.kernel.clock import Clock
from trimtab.kernel.operable import Catalog
from trimtab.runbooks import Library, Procedure, Runbook


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

    def quiet(self, incident: Incident) -> bool:
        """Return whether no alert of the incident fires."""
        return not any(self.monitor.firing(each.alert.fingerprint) for each in incident.alerts)

    def seen_quiet(self, incident: Incident) -> bool:
        """Return whether no alert fires and fresh samples still arrive."""
        return self.quiet(incident) and self.monitor.sampled_since(incident.episode.opened_at)
