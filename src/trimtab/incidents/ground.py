"""What every stage stands on."""

from dataclasses import dataclass
from datetime import datetime

from trimtab.incidents.ladders import Ladder, Ladders
from trimtab.incidents.model import Incident
from trimtab.incidents.ports import AuditTrail, Consult, Monitor
from trimtab.incidents.proofs import Proofs
from trimtab.incidents.store import IncidentStore
from trimtab.infra.settings.sections.incidents import IncidentSettings
from trimtab.kernel.clock import Clock
from trimtab.kernel.operable import Catalog
from trimtab.runbooks import Library, Runbook


@dataclass(frozen=True, slots=True)
class Ground:
    """The operator's surroundings, the same for all stages."""

    store: IncidentStore
    library: Library
    catalog: Catalog
    monitor: Monitor
    audit: AuditTrail
    clock: Clock
    settings: IncidentSettings
    ladders: Ladders
    proofs: Proofs
    consult: Consult | None = None

    def now(self) -> datetime:
        """Return the present instant."""
        return self.clock.now()

    def runbooks_of(self, incident: Incident) -> tuple[Runbook, ...]:
        """Return the runbooks of all alerts of the incident, each once, the opening alert's first."""
        found: dict[str, Runbook] = {}
        for attached in incident.alerts:
            for book in self.library.for_alert(attached.alert.name):
                found.setdefault(book.id, book)
        return tuple(found.values())

    def ladder_of(self, incident: Incident) -> Ladder:
        """Return the incident's escalation ladder."""
        return self.ladders[incident.ladder]

    def quiet(self, incident: Incident) -> bool:
        """Return whether none of the incident's alerts fires."""
        return not any(self.monitor.firing(one.alert.fingerprint) for one in incident.alerts)
