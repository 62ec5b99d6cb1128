"""The operator on the shipped rules and page, with a real server and a clock of the test.

The clock advances only with a look at the server at every fifteen seconds of it, so a slow machine makes a drill slow, not wrong.
"""

import time

from prometheus_client import CollectorRegistry

from trimtab.drills.run import DrilledService
from trimtab.incidents import EmbeddedMonitor, Incidents, Proofs, deliver
from trimtab.incidents.context import IncidentContext
from trimtab.incidents.ladders import load_ladders
from trimtab.incidents.store import IncidentStore
from trimtab.infra.audit import Audit
from trimtab.infra.notify import Outbox
from trimtab.infra.settings.sections.incidents import IncidentSettings
from trimtab.infra.settings.sections.monitor import MonitorSettings
from trimtab.infra.shipped import shipped
from trimtab.infra.storage import SqliteDatabase
from trimtab.infra.telemetry import SignalCollector
from trimtab.monitoring.engine import RuleEngine
from trimtab.monitoring.files import load_rules
from trimtab.monitoring.monitor import Monitor
from trimtab.monitoring.scrape import Scrape
from trimtab.monitoring.series import SeriesStore
from trimtab.runbooks import Library
from trimtab.testing.clock import FakeClock
from trimtab.testing.jobs import FakeJobs

STEP_SECONDS = 15.0
PAUSE_SECONDS = 0.05
"""Real time that the server gets for each step."""


class LookingClock(FakeClock):
    """Looks at the server after every fifteen seconds of its time."""

    def __init__(self):
        super().__init__()
        self.look = lambda: None
        self._next_look = STEP_SECONDS
        self.rate = STEP_SECONDS / PAUSE_SECONDS

    def advance(self, seconds):
        while seconds > 0:
            step = min(seconds, self._next_look - self.monotonic())
            super().advance(step)
            seconds -= step
            if self.monotonic() >= self._next_look:
                self._next_look += STEP_SECONDS
                time.sleep(PAUSE_SECONDS)
                self.look()


def drilled(world, pages, folder):
    """Return the service under drill, and its database."""
    clock, samples, registry = world.clock, SeriesStore(), CollectorRegistry()
    registry.register(SignalCollector(world.catalog.signals.values()))
    engine = RuleEngine(load_rules([shipped("rules") / "postgresql.yml"]), samples)
    monitor = EmbeddedMonitor(engine, samples, clock, STEP_SECONDS)
    database = SqliteDatabase(folder / "state.db", ("state", "incidents", "notify"))
    store = IncidentStore(database, Outbox(database))
    context = IncidentContext(
        store=store,
        library=Library(pages, ("postgresql",)),
        catalog=world.catalog,
        monitor=monitor,
        audit=Audit(database, clock),
        clock=clock,
        settings=IncidentSettings(),
        ladders=load_ladders(),
        proofs=Proofs(store, "test-build"),
    )
    jobs = FakeJobs(clock)
    incidents = Incidents(context, jobs)
    rules = Monitor(
        Scrape(registry, samples),
        engine,
        lambda transition: deliver(transition, incidents),
        clock,
        MonitorSettings(),
    )

    def look():
        world.state.refresh()
        rules.look()

    def wait(seconds):
        begun = clock.monotonic()
        jobs.run(until=lambda: clock.monotonic() - begun >= seconds)
        if clock.monotonic() == begun:
            clock.advance(seconds)

    clock.look = look
    look()
    service = DrilledService(
        context.library, world.catalog, incidents, monitor, context.proofs, clock, wait
    )
    return service, database
