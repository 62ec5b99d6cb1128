"""What every stage stands on."""

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
    """The operator's surroundings, the same for all stages."""

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
    """Which configured channels pass messages on to people; none by default."""

    def now(self) -> datetime:
        """Return the present instant."""
        return self.clock.now()

    def runbooks_of(self, incident: Incident) -> tuple[Runbook, ...]:
        """Return the runbooks of all alerts of the incident, each once, the opening alert's first.

        Of several runbooks for one alert that which its rule names comes first: its ladder and severity count.
        """
        found: dict[str, Runbook] = {}
        for attached in incident.alerts:
            named = attached.alert.annotations.get("runbook_url", "").removeprefix("runbook:")
            books = self.library.for_alert(attached.alert.name)
            for book in sorted(books, key=lambda book: book.id != named):
                found.setdefault(book.id, book)
        return tuple(found.values())

    def procedures_of(self, incident: Incident) -> tuple[Procedure, ...]:
        """Return the procedures that the incident's alerts name or that name them, each once."""
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
        """Return whether none of the incident's alerts fires."""
        return not any(self.monitor.firing(one.alert.fingerprint) for one in incident.alerts)

    def seen_quiet(self, incident: Incident) -> bool:
        """Return whether none of the alerts fires according to samples that still arrive."""
        return self.quiet(incident) and self.monitor.sampled_since(incident.episode.opened_at)
