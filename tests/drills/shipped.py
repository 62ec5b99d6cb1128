"""The operator on the shipped rules and pages of one domain, on a clock that looks at what is drilled."""

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
from trimtab.infra.telemetry import SignalCollector
from trimtab.monitoring.engine import RuleEngine
from trimtab.monitoring.files import load_rules
from trimtab.monitoring.monitor import Monitor
from trimtab.monitoring.scrape import Scrape
from trimtab.monitoring.series import SeriesStore
from trimtab.runbooks import Library
from trimtab.testing.jobs import FakeJobs

STEP_SECONDS = 15.0
STORES = ("state", "incidents", "notify")


def drilled_service(domain, catalog, clock, refresh, pages, database):
    """Return the service under drill.

    Args:
        domain: Names the shipped rules and the runbooks.
        catalog: Its signals, actions and faults.
        clock: Its attribute ``look`` is set: it is called at each step of the clock.
        refresh: Reads anew what the signals say.
        pages: The folder of the runbooks.
        database: Has `STORES`.
    """
    samples, registry = SeriesStore(), CollectorRegistry()
    registry.register(SignalCollector(catalog.signals.values()))
    engine = RuleEngine(load_rules([shipped("rules") / f"{domain}.yml"]), samples)
    monitor = EmbeddedMonitor(engine, samples, clock, STEP_SECONDS)
    store = IncidentStore(database, Outbox(database))
    context = IncidentContext(
        store=store,
        library=Library(pages, (domain,)),
        catalog=catalog,
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
        refresh()
        rules.look()

    def wait(seconds):
        begun = clock.monotonic()
        jobs.run(until=lambda: clock.monotonic() - begun >= seconds)
        if clock.monotonic() == begun:
            clock.advance(seconds)

    clock.look = look
    look()
    return DrilledService(context.library, catalog, incidents, monitor, context.proofs, clock, wait)
