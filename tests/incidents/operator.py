"""Builds the operator around the tank."""

from dataclasses import dataclass, replace
from pathlib import Path

from tests.databases import open_at
from tests.incidents.world import PAGE, World, catalog
from trimtab.incidents import Incidents, Proofs
from trimtab.incidents.context import IncidentContext
from trimtab.incidents.ladders import load_ladders
from trimtab.incidents.model import IncidentAlert
from trimtab.incidents.store import IncidentStore
from trimtab.infra.audit import Audit
from trimtab.infra.notify import Outbox
from trimtab.infra.settings.sections.incidents import IncidentSettings
from trimtab.kernel.ids import content_id
from trimtab.kernel.operable import Realism
from trimtab.runbooks import Library
from trimtab.runbooks.page import parse_page
from trimtab.testing.clock import FakeClock
from trimtab.testing.jobs import FakeJobs


@dataclass
class Operator:
    """Everything a test wants to look at."""

    world: World
    clock: FakeClock
    jobs: FakeJobs
    context: IncidentContext
    incidents: Incidents
    outbox: Outbox
    audit: Audit

    def fire(self, **labels):
        """Let the tank's alert fire."""
        return self.incidents.alert_fired(alert(self.clock.now(), **labels))

    def prove(self, *cause_ids):
        """Let the drills of these causes have passed."""
        for cause_id in cause_ids:
            book, cause = self.context.library.cause(cause_id)
            self.context.proofs.add(book, cause, self.clock.now(), realism=Realism.REAL)

    def texts(self, incident_id):
        """Return the journal's texts."""
        return [entry.text for entry in self.incidents.timeline(incident_id)]

    def effects(self):
        """Return what really happened to the tank, in order."""
        return [what for _, what in self.world.get("effects")]


def alert(at, **labels):
    given = {"component": "tank", **labels}
    fingerprint = content_id("alert", "TankLow", *(f"{k}={v}" for k, v in sorted(given.items())))
    return IncidentAlert(
        fingerprint, "TankLow", given, {"summary": "Level: 1 (threshold: 5)"}, 1.0, at
    )


def make_context(folder: Path, world, clock, page=PAGE, **settings):
    """Return the stages' context on a database in the folder, with its outbox and audit chain."""
    database = open_at(folder / "state.db", ("state", "incidents", "notify"))
    outbox = Outbox(database)
    store = IncidentStore(database, outbox)
    audit = Audit(database, clock)
    context = IncidentContext(
        store=store,
        library=Library([parse_page(page, "tank.md")]),
        catalog=catalog(world),
        monitor=world,
        audit=audit,
        clock=clock,
        settings=replace(IncidentSettings(), **settings),
        ladders=load_ladders(),
        proofs=Proofs(store, "test-build"),
    )
    return context, outbox, audit


def make_operator(folder: Path, page=PAGE, **settings):
    """Return an operator with fake time and fake jobs."""
    world, clock = World(folder / "world.json"), FakeClock()
    jobs = FakeJobs(clock)
    context, outbox, audit = make_context(folder, world, clock, page, **settings)
    return Operator(world, clock, jobs, context, Incidents(context, jobs), outbox, audit)


def until(operator, incident, state):
    """Run the jobs until the incident is in that state; return it."""
    operator.jobs.run(until=lambda: operator.incidents.get(incident.id).state is state)
    return operator.incidents.get(incident.id)


def change(operator, name, **changes):
    """Replace fields of an action of the catalog."""
    actions = operator.context.catalog.actions
    actions[name] = replace(actions[name], **changes)
